//! lightningd's tokenizer (`external/jsmn` as lightningd builds it).
//!
//! It is lenient in some places (a trailing comma, a raw newline in a string) and unforgiving in others
//! (a NUL byte stops it for good). A stricter parser would pass plugins that lightningd kills, and kill
//! plugins that it accepts, so this one makes the same decisions.

use super::json::{Doc, Kind};

/// A value, or a key, and where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: Option<usize>,
    pub(crate) size: usize,
    pub(crate) parent: Option<usize>,
}

/// What one look at the buffer gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A whole first element; its end in the buffer.
    Complete(usize),
    /// More bytes are needed.
    Incomplete,
    /// The tokenizer stands before a NUL byte and will never move on.
    Stuck,
    /// Not JSON as lightningd sees it.
    Invalid,
}

enum Stop {
    Invalid,
    OutOfTokens,
    EndOfInput,
    Nul,
}

/// The tokenizer: it keeps its place between reads, and its number of tokens between messages, because
/// how far it looks past the first message depends on both.
#[derive(Debug)]
pub(crate) struct Tokenizer {
    pos: usize,
    tokens: Vec<Token>,
    container: Option<usize>,
    room: usize,
}

/// lightningd calls itself for each level of JSON (`validate_jsmn_datum`) until its stack ends and it dies, after some
/// 100,000. Nothing that is nearly as deep may reach it: this simulator refuses it as it does what is no JSON.
const DEEPEST: usize = 1000;

impl Tokenizer {
    pub(crate) fn new() -> Self {
        Self {
            pos: 0,
            tokens: Vec::new(),
            container: None,
            room: 10,
        }
    }

    fn restart(&mut self) {
        self.pos = 0;
        self.tokens.clear();
        self.container = None;
    }

    /// Looks at the whole of `input`, which begins where the last complete message ended.
    pub(crate) fn step(&mut self, input: &[u8]) -> Step {
        loop {
            let stop = self.run(input);
            if matches!(stop, Stop::Invalid) {
                return Step::Invalid;
            }
            if let Some(end) = self.tokens.first().and_then(|root| root.end) {
                return match self.check_tree(input) {
                    true => Step::Complete(end),
                    false => Step::Invalid,
                };
            }
            match stop {
                Stop::OutOfTokens => self.room *= 2,
                Stop::Nul => return Step::Stuck,
                Stop::EndOfInput | Stop::Invalid => return Step::Incomplete,
            }
        }
    }

    /// Takes the complete message out, given the bytes up to its end, and starts anew behind it.
    pub(crate) fn take(&mut self, text: &[u8]) -> Option<Doc> {
        let count = self.next_after(0);
        let mut tokens = std::mem::take(&mut self.tokens);
        tokens.truncate(count);
        self.restart();
        self.room = count + 1;
        let text = std::str::from_utf8(text).ok()?;
        Some(Doc::new(text.to_owned(), tokens))
    }

    fn run(&mut self, input: &[u8]) -> Stop {
        while let Some(&byte) = input.get(self.pos) {
            let outcome = match byte {
                0 => return Stop::Nul,
                b'{' => self.open(Kind::Object),
                b'[' => self.open(Kind::Array),
                b'}' => self.close(Kind::Object),
                b']' => self.close(Kind::Array),
                b'"' => self.string(input),
                b' ' | b'\t' | b'\r' | b'\n' => Ok(()),
                b':' => {
                    self.container = self.tokens.len().checked_sub(1);
                    Ok(())
                }
                b',' => {
                    self.comma();
                    Ok(())
                }
                b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => self.primitive(input),
                _ => Err(Stop::Invalid),
            };
            if let Err(stop) = outcome {
                return stop;
            }
            self.pos += 1;
        }
        Stop::EndOfInput
    }

    fn push(&mut self, kind: Kind, start: usize, end: Option<usize>) -> Result<(), Stop> {
        if self.tokens.len() + 1 >= self.room {
            return Err(Stop::OutOfTokens);
        }
        let parent = self.container;
        self.tokens.push(Token {
            kind,
            start,
            end,
            size: 0,
            parent,
        });
        if let Some(parent) = parent.and_then(|p| self.tokens.get_mut(p)) {
            parent.size += 1;
        }
        Ok(())
    }

    fn open(&mut self, kind: Kind) -> Result<(), Stop> {
        self.push(kind, self.pos, None)?;
        self.container = Some(self.tokens.len() - 1);
        Ok(())
    }

    fn close(&mut self, kind: Kind) -> Result<(), Stop> {
        let mut at = self.tokens.len().checked_sub(1).ok_or(Stop::Invalid)?;
        loop {
            let container = self.container;
            let token = self.tokens.get_mut(at).ok_or(Stop::Invalid)?;
            if token.end.is_none() {
                if token.kind != kind {
                    return Err(Stop::Invalid);
                }
                token.end = Some(self.pos + 1);
                self.container = token.parent;
                return Ok(());
            }
            match token.parent {
                Some(parent) => at = parent,
                None if token.kind != kind || container.is_none() => return Err(Stop::Invalid),
                None => return Ok(()),
            }
        }
    }

    fn comma(&mut self) {
        if let Some(token) = self.container.and_then(|c| self.tokens.get(c))
            && !matches!(token.kind, Kind::Object | Kind::Array)
        {
            self.container = token.parent;
        }
    }

    fn string(&mut self, input: &[u8]) -> Result<(), Stop> {
        let start = self.pos + 1;
        let mut at = start;
        loop {
            match input.get(at) {
                None => return Err(Stop::EndOfInput),
                Some(0) => return Err(Stop::Nul),
                Some(b'"') => break,
                Some(b'\\') => match input.get(at + 1) {
                    None => return Err(Stop::EndOfInput),
                    Some(b'"' | b'/' | b'\\' | b'b' | b'f' | b'r' | b'n' | b't') => at += 2,
                    Some(b'u') => {
                        at += 2;
                        for _ in 0..4 {
                            match input.get(at) {
                                None => return Err(Stop::EndOfInput),
                                Some(0) => return Err(Stop::Nul),
                                Some(digit) if digit.is_ascii_hexdigit() => at += 1,
                                Some(_) => return Err(Stop::Invalid),
                            }
                        }
                    }
                    Some(_) => return Err(Stop::Invalid),
                },
                Some(_) => at += 1,
            }
        }
        self.push(Kind::String, start, Some(at))?;
        self.pos = at;
        Ok(())
    }

    fn primitive(&mut self, input: &[u8]) -> Result<(), Stop> {
        if let Some(token) = self.container.and_then(|c| self.tokens.get(c))
            && (token.kind == Kind::Object || (token.kind == Kind::String && token.size != 0))
        {
            return Err(Stop::Invalid);
        }
        let mut at = self.pos;
        loop {
            match input.get(at) {
                None => return Err(Stop::EndOfInput),
                Some(0) => return Err(Stop::Nul),
                Some(b'\t' | b'\r' | b'\n' | b' ' | b',' | b']' | b'}') => break,
                Some(32..127) => at += 1,
                Some(_) => return Err(Stop::Invalid),
            }
        }
        self.push(Kind::Primitive, self.pos, Some(at))?;
        self.pos = at - 1;
        Ok(())
    }

    fn next_after(&self, at: usize) -> usize {
        next_after(&self.tokens, at)
    }

    /// The tokenizer alone would take `{"a" "b"}`: keys must be strings with exactly one value, and
    /// strings must be UTF-8 (`validate_jsmn_parse_output`).
    fn check_tree(&self, input: &[u8]) -> bool {
        let end = self.next_after(0);
        let mut at = 0;
        while at < end {
            match self.check_value(input, at, end, 0) {
                Some(next) => at = next,
                None => return false,
            }
        }
        true
    }

    fn check_value(&self, input: &[u8], at: usize, end: usize, depth: usize) -> Option<usize> {
        if depth > DEEPEST {
            return None;
        }
        let token = (at < end).then(|| self.tokens.get(at))??;
        match token.kind {
            Kind::String | Kind::Primitive => {
                let text = input.get(token.start..token.end?)?;
                (token.size == 0 && std::str::from_utf8(text).is_ok()).then_some(at + 1)
            }
            Kind::Array => (0..token.size)
                .try_fold(at + 1, |at, _| self.check_value(input, at, end, depth + 1)),
            Kind::Object => (0..token.size).try_fold(at + 1, |at, _| {
                let key = (at < end).then(|| self.tokens.get(at))??;
                let text = input.get(key.start..key.end?)?;
                let whole =
                    key.kind == Kind::String && key.size == 1 && std::str::from_utf8(text).is_ok();
                whole.then(|| self.check_value(input, at + 1, end, depth + 1))?
            }),
        }
    }
}

/// The token behind the one at `at` and all that is inside it.
pub(crate) fn next_after(tokens: &[Token], at: usize) -> usize {
    let mut left = 1usize;
    let mut at = at;
    while left > 0 {
        let Some(token) = tokens.get(at) else { break };
        left = left - 1 + token.size;
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> Step {
        Tokenizer::new().step(text.as_bytes())
    }

    #[test]
    fn lenient_where_lightningd_is() {
        for text in [
            r#"{"a":1,}"#,
            "{\"a\":\"raw\nnewline\"}",
            r#"{"a":"\ud800"}"#,
            r#"{"a":[1,2,],"b":nothing}"#,
            r#"{"a":1 "b":2}"#,
        ] {
            let expected = match text {
                // A missing comma leaves the key with two values.
                r#"{"a":1 "b":2}"# => Step::Invalid,
                _ => Step::Complete(text.len()),
            };
            assert_eq!(step(text), expected, "{text}");
        }
    }

    #[test]
    fn strict_where_lightningd_is() {
        for text in [
            "hello}",
            r#"{1:2}"#,
            r#"{"a"}"#,
            r#"{"a":'b'}"#,
            r#"{"a":"\x"}"#,
            "null}",
            "{]",
        ] {
            assert_eq!(step(text), Step::Invalid, "{text}");
        }
        assert_eq!(Tokenizer::new().step(b"{\"a\":\"\xff\"}"), Step::Invalid);
    }

    #[test]
    fn a_nul_byte_stops_it_for_good() {
        assert_eq!(step("\0{\"a\":1}"), Step::Stuck);
        assert_eq!(step("{\"a\":\"b\0\"}"), Step::Stuck);
        assert_eq!(step("{\"a\":1\0}"), Step::Stuck);
        assert_eq!(step("{\"a\":1}\0"), Step::Complete(7));
    }

    #[test]
    fn goes_on_where_it_stopped() {
        let text = br#"  {"a":[1,{"b":"cd"}],"e":{"f":[]}}"#;
        let mut tokenizer = Tokenizer::new();
        for end in 0..text.len() {
            assert_eq!(tokenizer.step(&text[..end]), Step::Incomplete, "{end}");
        }
        assert_eq!(tokenizer.step(text), Step::Complete(text.len()));
        let doc = tokenizer.take(text).unwrap();
        assert_eq!(doc.get("e").unwrap().full(), r#"{"f":[]}"#);
    }
}
