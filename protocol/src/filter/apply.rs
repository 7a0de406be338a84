//! A result, reduced to what a filter wants of it.

use super::{WARNING, Wanted};
use crate::json::{DEEPEST, Malformed, name_and_colon, push_string, value, white_space};

pub(super) fn apply(wanted: &Wanted, result: &str) -> Result<String, Malformed> {
    let mut walk = Walk {
        text: result,
        at: 0,
        out: String::with_capacity(result.len()),
        path: String::new(),
        misfit: None,
        warned: false,
    };
    walk.pass_space();
    let kept = walk.value(wanted, 0)?;
    walk.pass_space();
    if walk.at != result.len() {
        return Err(walk.malformed());
    }
    let Walk {
        mut out,
        misfit,
        warned,
        ..
    } = walk;
    if !kept {
        // Only an object can hold the warning, and an object is what lightningd's own results are.
        out.push_str("{}");
    }
    if let Some(misfit) = misfit
        && !warned
        && out.pop() == Some('}')
    {
        if !out.ends_with('{') {
            out.push(',');
        }
        push_string(&mut out, WARNING);
        out.push(':');
        push_string(&mut out, &misfit);
        out.push('}');
    }
    Ok(out)
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    out: String,
    /// To the value that is next, as in `.peers[].id`.
    path: String,
    /// The first place where the result has another shape than the filter.
    misfit: Option<String>,
    /// The result says already that a filter did not fit.
    warned: bool,
}

impl<'a> Walk<'a> {
    /// Copies what is wanted of the value that is next, or passes over one of another shape. Was
    /// there anything to copy?
    fn value(&mut self, wanted: &Wanted, depth: usize) -> Result<bool, Malformed> {
        match (wanted, self.peek()) {
            (Wanted::Array(element), Some(b'[')) => {
                self.array(element, depth)?;
                return Ok(true);
            }
            (Wanted::Object(members), Some(b'{')) => {
                self.object(members, depth)?;
                return Ok(true);
            }
            (Wanted::Array(_), Some(b'{')) => self.misfit("an object"),
            (Wanted::Object(_), Some(b'[')) => self.misfit("an array"),
            // A plain value has no members to leave out.
            _ => {
                let value = self.pass_value(depth)?;
                self.out.push_str(value);
                return Ok(true);
            }
        }
        self.pass_value(depth)?;
        Ok(false)
    }

    fn array(&mut self, wanted: &Wanted, depth: usize) -> Result<(), Malformed> {
        self.enter('[', depth)?;
        let above = self.path.len();
        self.path.push_str("[]");
        let (mut first, mut empty) = (true, true);
        while self.another(&mut first, b']')? {
            let before = self.separate(empty);
            match self.value(wanted, depth + 1)? {
                true => empty = false,
                false => self.out.truncate(before),
            }
        }
        self.path.truncate(above);
        self.out.push(']');
        Ok(())
    }

    fn object(&mut self, wanted: &[(String, Wanted)], depth: usize) -> Result<(), Malformed> {
        self.enter('{', depth)?;
        let (mut first, mut empty) = (true, true);
        while self.another(&mut first, b'}')? {
            let (name, end) = name_and_colon(self.text, self.at)?;
            self.at = end;
            let Some(text) = name.text() else {
                self.pass_value(depth + 1)?;
                continue;
            };
            let found = wanted.binary_search_by(|(known, _)| known.as_str().cmp(&text));
            let warning = depth == 0 && text == WARNING;
            let wanted = match found.ok().and_then(|nth| wanted.get(nth)) {
                Some((_, wanted)) => wanted,
                None if warning => &Wanted::All,
                None => {
                    self.pass_value(depth + 1)?;
                    continue;
                }
            };
            self.warned |= warning;
            let before = self.separate(empty);
            self.out.push_str(name.key);
            self.out.push(':');
            let above = self.path.len();
            self.path.push('.');
            self.path.push_str(&text);
            match self.value(wanted, depth + 1)? {
                true => empty = false,
                false => self.out.truncate(before),
            }
            self.path.truncate(above);
        }
        self.out.push('}');
        Ok(())
    }

    fn enter(&mut self, bracket: char, depth: usize) -> Result<(), Malformed> {
        if depth >= DEEPEST {
            return Err(self.malformed());
        }
        self.at += 1;
        self.out.push(bracket);
        Ok(())
    }

    /// Goes to the next element or member; behind `end` where there is none.
    fn another(&mut self, first: &mut bool, end: u8) -> Result<bool, Malformed> {
        self.pass_space();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            if self.peek() != Some(b',') {
                return Err(self.malformed());
            }
            self.at += 1;
            self.pass_space();
        }
        Ok(true)
    }

    /// Ends what was copied before, if anything. Where it ended.
    fn separate(&mut self, empty: bool) -> usize {
        let before = self.out.len();
        if !empty {
            self.out.push(',');
        }
        before
    }

    fn pass_value(&mut self, depth: usize) -> Result<&'a str, Malformed> {
        let from = self.at;
        let end = value(self.text.as_bytes(), from, depth);
        let found = end.and_then(|end| Some((end, self.text.get(from..end)?)));
        let (end, value) = found.ok_or(Malformed(from))?;
        self.at = end;
        Ok(value)
    }

    fn pass_space(&mut self) {
        self.at = white_space(self.text.as_bytes(), self.at);
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn malformed(&self) -> Malformed {
        Malformed(self.at)
    }

    #[cold]
    fn misfit(&mut self, what: &str) {
        let path = &self.path;
        self.misfit
            .get_or_insert_with(|| format!("{path} is {what}"));
    }
}
