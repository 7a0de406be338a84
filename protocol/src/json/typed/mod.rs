//! JSON text into a type, as serde_json would read it, with strings passed over many bytes at a
//! time.
//!
//! It reads the same texts as the same values, and says of others what serde_json would say. There
//! is one reader, for each of them is compiled once more for every type that is read.

mod misread;
mod name;
mod variant;

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};

use super::escapes::unescape;
use super::{string, value, white_space};
pub use misread::{Found, Misread};
use name::Key;
use variant::{Only, Plain};

/// Reads one value of type `T`, as `serde_json::from_str` does.
///
/// Errors: those of serde_json, all but where it is no JSON as such that do not fit the type.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    read(text, |reader| T::deserialize(reader))
}

/// The same of bytes, which must be UTF-8.
///
/// Errors: those of serde_json.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, serde_json::Error> {
    match str::from_utf8(bytes) {
        Ok(text) => from_str(text),
        Err(error) => Err(Error::custom(error)),
    }
}

/// Reads all of `text`, as `with` wants it.
///
/// Errors: as [`from_str`].
pub fn read<'de, T>(
    text: &'de str,
    with: impl FnOnce(&mut Reader<'de>) -> Result<T, Misread>,
) -> Result<T, serde_json::Error> {
    let mut reader = Reader::over(text);
    match with(&mut reader) {
        Ok(read) if white_space(text.as_bytes(), reader.at) == text.len() => Ok(read),
        Ok(_) => Err(Misread::because("trailing characters").explain(text, reader.at)),
        Err(misread) => Err(misread.explain(text, reader.at)),
    }
}

/// serde_json refuses what is nested deeper than this. What is skipped may be deeper.
const DEEPEST: usize = 127;

/// How serde_json asks for the text of a value.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Where reading a text has got to.
#[derive(Debug)]
pub struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: usize,
}

/// A string of the text.
enum Text<'de> {
    Plain(&'de str),
    Escaped(String),
}

/// What is there instead of what is expected.
enum Either<'de> {
    Text(Text<'de>),
    Other(Unexpected<'de>),
}

enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl<'de> Reader<'de> {
    fn over(text: &'de str) -> Self {
        Reader {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// What the next token begins with.
    #[inline]
    fn peek(&mut self) -> Result<u8, Misread> {
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
    fn pass(&mut self, byte: u8) -> Result<(), Misread> {
        if self.peek()? != byte {
            return Err(Misread::NO_JSON);
        }
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Result<(), Misread> {
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
    fn raw(&mut self) -> Result<&'de str, Misread> {
        self.peek()?;
        let end = match value(self.text.as_bytes(), self.at, self.depth) {
            Some(end) => end,
            None => self.end_however_deep()?,
        };
        let raw = self.text.get(self.at..end).ok_or(Misread::NO_JSON)?;
        self.at = end;
        Ok(raw)
    }

    /// What is nothing but skipped may be nested deeper than what is walked by recursion.
    #[cold]
    #[inline(never)]
    fn end_however_deep(&self) -> Result<usize, Misread> {
        let rest = self.text.get(self.at..).ok_or(Misread::NO_JSON)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => Ok(self.at + values.byte_offset()),
            _ => Err(Misread::NO_JSON),
        }
    }

    /// The name of the next member, if there is one, and the colon after it.
    #[inline(never)]
    fn name(&mut self, first: &mut bool) -> Result<Option<Text<'de>>, Misread> {
        if !self.another(first, b'}')? {
            return Ok(None);
        }
        let name = self.text_of_string()?;
        self.pass(b':')?;
        Ok(Some(name))
    }

    /// The string that is next.
    #[inline(never)]
    fn string(&mut self) -> Result<Text<'de>, Misread> {
        self.text_of_string()
    }

    #[inline]
    fn text_of_string(&mut self) -> Result<Text<'de>, Misread> {
        if self.peek()? != b'"' {
            return Err(Misread::NO_JSON);
        }
        let (start, bytes) = (self.at, self.text.as_bytes());
        let after = start + 1;
        let length = super::plain(bytes.get(after..).ok_or(Misread::NO_JSON)?);
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
    fn number(&mut self) -> Result<Number, Misread> {
        let first = self.peek()?;
        if let Some((number, end)) = short(self.text.as_bytes(), self.at) {
            self.at = end;
            return Ok(Number::Unsigned(number));
        }
        let end = super::number(self.text.as_bytes(), self.at).ok_or(Misread::NO_JSON)?;
        let written = self.text.get(self.at..end).ok_or(Misread::NO_JSON)?;
        self.at = end;
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

    /// An integer of more than 64 bits.
    fn wide<T: std::str::FromStr>(&mut self) -> Result<T, Misread> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return Err(Misread::because("invalid number"));
        }
        let end = super::number(self.text.as_bytes(), self.at).ok_or(Misread::NO_JSON)?;
        let written = self.text.get(self.at..end).ok_or(Misread::NO_JSON)?;
        let integer = written.find(['.', 'e', 'E']).unwrap_or(written.len());
        let written = written.get(..integer).unwrap_or(written);
        self.at += integer;
        let out_of_range = |_| Misread::because("number out of range");
        written.parse().map_err(out_of_range)
    }

    fn enter(&mut self) -> Result<(), Misread> {
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
    fn instead(&mut self, misread: Misread, expected: &dyn serde::de::Expected) -> Misread {
        match misread.is_reasoned() {
            true => misread,
            false => self.mistyped(expected),
        }
    }

    /// What there is, is not what is expected.
    #[cold]
    #[inline(never)]
    fn mistyped(&mut self, expected: &dyn serde::de::Expected) -> Misread {
        let found = match self.peek() {
            Ok(b'"') => self.string().map(Either::Text),
            Ok(b'[') => Ok(Either::Other(Unexpected::Seq)),
            Ok(b'{') => Ok(Either::Other(Unexpected::Map)),
            Ok(b'n') => self
                .literal("null")
                .map(|()| Either::Other(Unexpected::Unit)),
            Ok(first @ (b't' | b'f')) => {
                let yes = first == b't';
                let word = if yes { "true" } else { "false" };
                let read = self.literal(word);
                read.map(|()| Either::Other(Unexpected::Bool(yes)))
            }
            Ok(_) => self.number().map(|number| {
                Either::Other(match number {
                    Number::Unsigned(number) => Unexpected::Unsigned(number),
                    Number::Signed(number) => Unexpected::Signed(number),
                    Number::Float(number) => Unexpected::Float(number),
                })
            }),
            Err(misread) => Err(misread),
        };
        match found {
            Ok(Either::Text(text)) => {
                Misread::invalid_type(Unexpected::Str(text.as_str()), expected)
            }
            Ok(Either::Other(found)) => Misread::invalid_type(found, expected),
            Err(misread) => misread,
        }
    }

    fn leave(&mut self, end: u8) -> Result<(), Misread> {
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
    fn another(&mut self, first: &mut bool, end: u8) -> Result<bool, Misread> {
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

    fn visit_map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Misread> {
        self.enter()?;
        let read = visitor.visit_map(Members {
            reader: self,
            first: true,
        })?;
        self.leave(b'}')?;
        Ok(read)
    }

    fn visit_seq<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Misread> {
        self.enter()?;
        let read = visitor.visit_seq(Elements {
            reader: self,
            first: true,
        })?;
        self.leave(b']')?;
        Ok(read)
    }

    fn visit_number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Misread> {
        match self.number() {
            Ok(Number::Unsigned(number)) => visitor.visit_u64(number),
            Ok(Number::Signed(number)) => visitor.visit_i64(number),
            Ok(Number::Float(number)) => visitor.visit_f64(number),
            Err(misread) => Err(self.instead(misread, &visitor)),
        }
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
    fn as_str(&self) -> &str {
        match self {
            Text::Plain(plain) => plain,
            Text::Escaped(decoded) => decoded,
        }
    }

    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self {
            Text::Plain(plain) => visitor.visit_borrowed_str(plain),
            Text::Escaped(decoded) => visitor.visit_str(&decoded),
        }
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
                self.visit_number(visitor)
            }
        )*
    };
}

macro_rules! strings {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
                match self.string() {
                    Ok(text) => text.visit(visitor),
                    Err(misread) => Err(self.instead(misread, &visitor)),
                }
            }
        )*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.peek()? {
            b'"' => self.string()?.visit(visitor),
            b'{' => self.visit_map(visitor),
            b'[' => self.visit_seq(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            _ => self.visit_number(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        let yes = match self.peek()? {
            b't' => true,
            b'f' => false,
            _ => return Err(self.mistyped(&visitor)),
        };
        self.literal(if yes { "true" } else { "false" })?;
        visitor.visit_bool(yes)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        if self.peek()? != b'n' {
            return Err(self.mistyped(&visitor));
        }
        self.literal("null")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misread> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        if self.peek()? == b'n' {
            self.literal("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misread> {
        if name == RAW_VALUE {
            let raw = BorrowedStrDeserializer::new(self.raw()?);
            let only = std::iter::once((name, Raw(raw)));
            return visitor.visit_map(MapDeserializer::new(only));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.peek()? {
            b'[' => self.visit_seq(visitor),
            _ => Err(self.mistyped(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misread> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Misread> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.peek()? {
            b'{' => self.visit_map(visitor),
            _ => Err(self.mistyped(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        match self.peek()? {
            b'{' => self.visit_map(visitor),
            b'[' => self.visit_seq(visitor),
            _ => Err(self.mistyped(&visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        match self.peek()? {
            b'"' => visitor.visit_enum(Plain(self)),
            b'{' => {
                self.enter()?;
                let read = visitor.visit_enum(Only(self))?;
                if self.peek()? != b'}' {
                    return Err(Misread::because("expected value"));
                }
                self.leave(b'}')?;
                Ok(read)
            }
            _ => Err(Misread::because("expected value")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        self.raw()?;
        visitor.visit_unit()
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }
    strings! { deserialize_char deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_i128(self.wide()?)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_u128(self.wide()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.peek()? {
            b'"' => Key(self.string()?).deserialize_bytes(visitor),
            b'[' => self.visit_seq(visitor),
            _ => Err(self.mistyped(&visitor)),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        self.deserialize_bytes(visitor)
    }
}

struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    first: bool,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Misread;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misread> {
        match self.reader.another(&mut self.first, b']')? {
            true => seed.deserialize(&mut *self.reader).map(Some),
            false => Ok(None),
        }
    }
}

struct Members<'a, 'de> {
    reader: &'a mut Reader<'de>,
    first: bool,
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = Misread;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misread> {
        let name = self.reader.name(&mut self.first)?;
        name.map(|name| seed.deserialize(Key(name))).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Misread> {
        seed.deserialize(&mut *self.reader)
    }
}

/// The text of a value, as serde_json hands it over.
struct Raw<'de>(BorrowedStrDeserializer<'de, Misread>);

impl<'de> IntoDeserializer<'de, Misread> for Raw<'de> {
    type Deserializer = BorrowedStrDeserializer<'de, Misread>;

    fn into_deserializer(self) -> Self::Deserializer {
        self.0
    }
}

#[cfg(test)]
mod tests;
