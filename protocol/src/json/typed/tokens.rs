//! The tokens of a text, one after another.

use std::str::FromStr;

use serde::de::{Error, Expected, Unexpected, Visitor};

use super::Misread;
use crate::json::escapes::unescape;
use crate::json::{however_deep, plain, string, value, white_space};

/// serde_json refuses what is nested deeper than this. What is skipped may be deeper.
const DEEPEST: usize = 127;
/// Where reading a text has got to.
#[derive(Debug)]
pub struct Reader<'de> {
    text: &'de str,
    pub(super) at: usize,
    depth: usize,
}

/// A string of the text.
pub(super) enum Text<'de> {
    Plain(&'de str),
    Escaped(String),
}

pub(super) enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl<'de> Reader<'de> {
    pub(super) fn over(text: &'de str) -> Self {
        Reader {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// What the next token begins with.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Misread> {
        match self.text.as_bytes().get(self.at) {
            Some(&byte @ b'!'..) => Ok(byte),
            _ => self.peek_beyond_space(),
        }
    }

    #[inline(never)]
    fn peek_beyond_space(&mut self) -> Result<u8, Misread> {
        self.at = white_space(self.text.as_bytes(), self.at);
        self.text
            .as_bytes()
            .get(self.at)
            .copied()
            .ok_or(Misread::NO_JSON)
    }

    /// Passes over one byte, if the next token is that.
    pub(super) fn pass(&mut self, byte: u8) -> Result<(), Misread> {
        if self.peek()? != byte {
            return Err(Misread::NO_JSON);
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn literal(&mut self, word: &str) -> Result<(), Misread> {
        let rest = self
            .text
            .as_bytes()
            .get(self.at..)
            .ok_or(Misread::NO_JSON)?;
        if !rest.starts_with(word.as_bytes()) {
            return Err(Misread::NO_JSON);
        }
        self.at += word.len();
        Ok(())
    }

    /// The next value, as it is written.
    #[inline(never)]
    pub(super) fn raw(&mut self) -> Result<&'de str, Misread> {
        self.peek()?;
        let end = match value(self.text.as_bytes(), self.at, self.depth) {
            Some(end) => end,
            // What is nothing but skipped may be nested deeper than what is walked by recursion.
            None => however_deep::end(self.text.as_bytes(), self.at).or(Err(Misread::NO_JSON))?,
        };
        let raw = self.text.get(self.at..end).ok_or(Misread::NO_JSON)?;
        self.at = end;
        Ok(raw)
    }

    /// The name of the next member, if there is one, and the colon after it.
    #[inline(never)]
    pub(super) fn name(&mut self, first: &mut bool) -> Result<Option<Text<'de>>, Misread> {
        if !self.another(first, b'}')? {
            return Ok(None);
        }
        let name = self.text_of_string()?;
        self.pass(b':')?;
        Ok(Some(name))
    }

    /// The string that is next.
    #[inline(never)]
    pub(super) fn string(&mut self) -> Result<Text<'de>, Misread> {
        self.text_of_string()
    }

    #[inline]
    fn text_of_string(&mut self) -> Result<Text<'de>, Misread> {
        if self.peek()? != b'"' {
            return Err(Misread::NO_JSON);
        }
        let (start, bytes) = (self.at, self.text.as_bytes());
        let after = start + 1;
        let length = plain(bytes.get(after..).ok_or(Misread::NO_JSON)?);
        if bytes.get(after + length) == Some(&b'"') {
            self.at = after + length + 1;
            let plain = self
                .text
                .get(after..after + length)
                .ok_or(Misread::NO_JSON)?;
            return Ok(Text::Plain(plain));
        }
        self.escaped(start)
    }

    #[cold]
    #[inline(never)]
    fn escaped(&mut self, start: usize) -> Result<Text<'de>, Misread> {
        self.at = string(self.text.as_bytes(), start).ok_or(Misread::NO_JSON)?;
        let between = start + 1..self.at - 1;
        let written = self.text.get(between).ok_or(Misread::NO_JSON)?;
        match unescape(written) {
            Ok(decoded) => Ok(Text::Escaped(decoded)),
            Err(half) => Err(Misread::custom(half)),
        }
    }

    #[inline(never)]
    pub(super) fn number(&mut self) -> Result<Number, Misread> {
        let first = self.peek()?;
        if let Some((number, end)) = short(self.text.as_bytes(), self.at) {
            self.at = end;
            return Ok(Number::Unsigned(number));
        }
        let written = self.written_number()?;
        self.at += written.len();
        // No integer is written with a point or an exponent, and minus zero is none.
        if first == b'-' {
            if let Ok(number @ ..0) = written.parse() {
                return Ok(Number::Signed(number));
            }
        } else if let Ok(number) = written.parse() {
            return Ok(Number::Unsigned(number));
        }
        let float = written.parse::<serde_json::Number>().ok();
        match float.and_then(|float| float.as_f64()) {
            Some(float) => Ok(Number::Float(float)),
            None => Err(Misread::because("number out of range")),
        }
    }

    /// The number that is next, as it is written. It is not passed over.
    fn written_number(&self) -> Result<&'de str, Misread> {
        let end = crate::json::number(self.text.as_bytes(), self.at).ok_or(Misread::NO_JSON)?;
        self.text.get(self.at..end).ok_or(Misread::NO_JSON)
    }

    /// `true`, or else it must be `false`.
    pub(super) fn boolean(&mut self) -> Result<bool, Misread> {
        let yes = self.peek()? == b't';
        self.literal(if yes { "true" } else { "false" })?;
        Ok(yes)
    }

    /// An integer of more than 64 bits.
    pub(super) fn wide<T: FromStr>(&mut self) -> Result<T, Misread> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return Err(Misread::because("invalid number"));
        }
        let written = self.written_number()?;
        let integer = written.find(['.', 'e', 'E']).unwrap_or(written.len());
        let written = written.get(..integer).unwrap_or(written);
        self.at += integer;
        let out_of_range = |_| Misread::because("number out of range");
        written.parse().map_err(out_of_range)
    }

    pub(super) fn enter(&mut self) -> Result<(), Misread> {
        self.at += 1;
        self.depth += 1;
        match self.depth <= DEEPEST {
            true => Ok(()),
            false => Err(Misread::because("recursion limit exceeded")),
        }
    }

    /// What was expected cannot be read: it is something else, unless there is another reason.
    #[cold]
    #[inline(never)]
    pub(super) fn instead(&mut self, misread: Misread, expected: &dyn Expected) -> Misread {
        match misread.is_reasoned() {
            true => misread,
            false => self.mistyped(expected),
        }
    }

    /// What there is, is not what is expected.
    #[cold]
    #[inline(never)]
    pub(super) fn mistyped(&mut self, expected: &dyn Expected) -> Misread {
        self.found_instead_of(expected)
            .unwrap_or_else(|misread| misread)
    }

    fn found_instead_of(&mut self, expected: &dyn Expected) -> Result<Misread, Misread> {
        let text;
        let found = match self.peek()? {
            b'"' => {
                text = self.string()?;
                Unexpected::Str(text.as_str())
            }
            b'[' => Unexpected::Seq,
            b'{' => Unexpected::Map,
            b'n' => {
                self.literal("null")?;
                Unexpected::Unit
            }
            b't' | b'f' => Unexpected::Bool(self.boolean()?),
            _ => match self.number()? {
                Number::Unsigned(number) => Unexpected::Unsigned(number),
                Number::Signed(number) => Unexpected::Signed(number),
                Number::Float(number) => Unexpected::Float(number),
            },
        };
        Ok(Misread::invalid_type(found, expected))
    }

    pub(super) fn leave(&mut self, end: u8) -> Result<(), Misread> {
        self.depth -= 1;
        let next = self.peek()?;
        if next != end {
            // Who was reading has enough.
            return Err(Misread::because(match (next, end) {
                (b',', b'}') => "trailing comma",
                _ => "trailing characters",
            }));
        }
        self.at += 1;
        Ok(())
    }

    /// Whether there is another one before `end`.
    #[inline]
    pub(super) fn another(&mut self, first: &mut bool, end: u8) -> Result<bool, Misread> {
        let next = self.peek()?;
        if next == end {
            return Ok(false);
        }
        if !std::mem::take(first) {
            if next != b',' {
                return Err(Misread::NO_JSON);
            }
            self.at += 1;
        }
        Ok(true)
    }
}

/// The number that begins at `at` and where it ends, where it is written with up to nineteen
/// digits and nothing else.
fn short(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let digits = bytes.get(at..)?;
    let (mut number, mut count) = (0u64, 0);
    while let Some(digit @ b'0'..=b'9') = digits.get(count) {
        number = number
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit - b'0'));
        count += 1;
    }
    let more = matches!(digits.get(count), Some(b'.' | b'e' | b'E'));
    let zeros = count > 1 && digits.first() == Some(&b'0');
    ((1..20).contains(&count) && !more && !zeros).then_some((number, at + count))
}

impl<'de> Text<'de> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Text::Plain(plain) => plain,
            Text::Escaped(decoded) => decoded,
        }
    }

    pub(super) fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self {
            Text::Plain(plain) => visitor.visit_borrowed_str(plain),
            Text::Escaped(decoded) => visitor.visit_str(&decoded),
        }
    }
}
