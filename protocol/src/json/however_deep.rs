//! Where a value ends, or why it does not, without recursion.

use super::{DEEPEST, string, value, white_space};

/// What is wrong with a text, and where, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flaw {
    pub reason: &'static str,
    pub at: usize,
}

/// Where the value that begins at `at` ends, however deep it is nested.
#[cold]
#[inline(never)]
pub(super) fn end(bytes: &[u8], at: usize) -> Result<usize, Flaw> {
    let mut walk = Walk {
        bytes,
        at,
        open: Vec::new(),
    };
    loop {
        if !walk.opened()? {
            walk.scalar()?;
        }
        if walk.closed()? {
            return Ok(walk.at);
        }
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What ends the objects and arrays that are open.
    open: Vec<u8>,
}

impl Walk<'_> {
    fn flaw<T>(&self, reason: &'static str) -> Result<T, Flaw> {
        let at = self.at;
        Err(Flaw { reason, at })
    }

    /// The byte that the next token begins with; what is missing if there is none.
    fn next(&mut self, missing: &'static str) -> Result<u8, Flaw> {
        self.at = white_space(self.bytes, self.at);
        match self.bytes.get(self.at) {
            Some(byte) => Ok(*byte),
            None => self.flaw(missing),
        }
    }

    /// Goes into an object or array that begins here, unless it is empty. Whether a value is to
    /// be read now.
    fn opened(&mut self) -> Result<bool, Flaw> {
        while let open @ (b'{' | b'[') = self.next("EOF while parsing a value")? {
            // Both are two from the bracket that they begin with.
            self.open.push(open + 2);
            self.at += 1;
            if self.next(self.unended())? == open + 2 {
                return Ok(true);
            }
            if open == b'{' {
                self.name()?;
            }
        }
        Ok(false)
    }

    fn unended(&self) -> &'static str {
        match self.open.last() {
            Some(b'}') => "EOF while parsing an object",
            _ => "EOF while parsing a list",
        }
    }

    fn name(&mut self) -> Result<(), Flaw> {
        match self.next(self.unended())? {
            b'"' => self.scalar()?,
            b'}' => return self.flaw("trailing comma"),
            _ => return self.flaw("key must be a string"),
        }
        match self.next(self.unended())? {
            b':' => self.at += 1,
            _ => return self.flaw("expected `:`"),
        }
        Ok(())
    }

    fn scalar(&mut self) -> Result<(), Flaw> {
        let (end, reason) = match self.next("EOF while parsing a value")? {
            b'"' => (string(self.bytes, self.at), "invalid string"),
            b']' => (None, "trailing comma"),
            b'-' | b'0'..=b'9' => (value(self.bytes, self.at, DEEPEST), "invalid number"),
            _ => (value(self.bytes, self.at, DEEPEST), "expected value"),
        };
        match end {
            Some(end) => self.at = end,
            None => return self.flaw(reason),
        }
        Ok(())
    }

    /// Goes on behind a value to the next one. Whether there is none.
    fn closed(&mut self) -> Result<bool, Flaw> {
        while let Some(end) = self.open.last().copied() {
            match self.next(self.unended())? {
                b',' => {
                    self.at += 1;
                    if end == b'}' {
                        self.name()?;
                    }
                    return Ok(false);
                }
                byte if byte == end => {
                    self.at += 1;
                    self.open.pop();
                }
                _ if end == b'}' => return self.flaw("expected `,` or `}`"),
                _ => return self.flaw("expected `,` or `]`"),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn ends(text: &str) -> Result<usize, (&'static str, usize)> {
        end(text.as_bytes(), 0).map_err(|flaw| (flaw.reason, flaw.at))
    }

    #[test]
    fn a_value_ends_where_it_ends() {
        for text in [
            "1",
            "{}",
            "[ ]",
            r#"{"a":[1,{"b":"]"}],"c":{}}"#,
            "[[],[[]]]",
            "null",
        ] {
            assert_eq!(ends(text), Ok(text.len()), "{text}");
            assert_eq!(ends(&format!(" {text} ,")), Ok(text.len() + 1), "{text}");
        }
        let deep = format!("{}1{}", "[{\"a\":".repeat(50_000), "}]".repeat(50_000));
        assert_eq!(ends(&deep), Ok(deep.len()));
    }

    #[test]
    fn what_is_no_value_has_a_flaw_and_a_place() {
        for (text, reason, at) in [
            ("", "EOF while parsing a value", 0),
            (" ", "EOF while parsing a value", 1),
            ("[", "EOF while parsing a list", 1),
            ("[1", "EOF while parsing a list", 2),
            ("[1,", "EOF while parsing a value", 3),
            ("{\"a\":1", "EOF while parsing an object", 6),
            ("{\"a\"", "EOF while parsing an object", 4),
            ("[1,]", "trailing comma", 3),
            ("{\"a\":1,}", "trailing comma", 7),
            ("{1:2}", "key must be a string", 1),
            ("{\"a\" 1}", "expected `:`", 5),
            ("{\"a\":1 \"b\"", "expected `,` or `}`", 7),
            ("[1}", "expected `,` or `]`", 2),
            ("[nul]", "expected value", 1),
            ("[-]", "invalid number", 1),
            ("[\"\\x\"]", "invalid string", 1),
            ("[\"", "invalid string", 1),
            ("}", "expected value", 0),
        ] {
            assert_eq!(ends(text), Err((reason, at)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_takes_what_serde_json_takes(text in "[\\[\\]{}\",:\\\\ a1é.e\\-]{0,12}|[\\[\\]{}1,]{0,24}") {
            let taken = ends(&text).is_ok_and(|end| text[end..].trim_ascii().is_empty());
            prop_assert_eq!(taken, serde_json::from_str::<IgnoredAny>(&text).is_ok());
        }
    }
}
