//! JSON text into a type, as serde_json would read it, with strings passed over many bytes at a
//! time.
//!
//! It takes the usual texts. Whatever else there is, errors among it, is left to serde_json,
//! which reads the text from its beginning: both agree because only one of them has a say.

mod name;
mod unread;

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use super::{string, value, white_space};
use name::{Key, Variant, left};
pub use unread::Unread;

/// Reads one value of type `T`, as `serde_json::from_str` does.
///
/// Errors: those of serde_json.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    match quickly(text) {
        Some(read) => Ok(read),
        None => slowly(text),
    }
}

fn quickly<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    read(text, |reader| T::deserialize(reader))
}

/// Reads all of `text`, as `with` wants it. None where serde_json must have a look: it may read
/// it all the same.
pub fn read<'de, T>(
    text: &'de str,
    with: impl FnOnce(&mut Reader<'de>) -> Result<T, Unread>,
) -> Option<T> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let read = with(&mut reader).ok()?;
    (white_space(text.as_bytes(), reader.at) == text.len()).then_some(read)
}

#[cold]
#[inline(never)]
fn slowly<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
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

enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl<'de> Reader<'de> {
    /// What the next token begins with.
    #[inline]
    fn peek(&mut self) -> Result<u8, Unread> {
        match self.text.as_bytes().get(self.at) {
            Some(&byte @ b'!'..) => Ok(byte),
            _ => self.peek_beyond_space(),
        }
    }

    #[inline(never)]
    fn peek_beyond_space(&mut self) -> Result<u8, Unread> {
        self.at = white_space(self.text.as_bytes(), self.at);
        self.text.as_bytes().get(self.at).copied().ok_or(Unread)
    }

    /// Passes over one byte, if the next token is that.
    fn pass(&mut self, byte: u8) -> Result<(), Unread> {
        if self.peek()? != byte {
            return Err(Unread);
        }
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Result<(), Unread> {
        let rest = self.text.as_bytes().get(self.at..).ok_or(Unread)?;
        if !rest.starts_with(word.as_bytes()) {
            return Err(Unread);
        }
        self.at += word.len();
        Ok(())
    }

    /// The next value, as it is written.
    #[inline(never)]
    fn raw(&mut self) -> Result<&'de str, Unread> {
        self.peek()?;
        let end = value(self.text.as_bytes(), self.at, self.depth).ok_or(Unread)?;
        let raw = self.text.get(self.at..end).ok_or(Unread)?;
        self.at = end;
        Ok(raw)
    }

    /// The name of the next member, if there is one, and the colon after it.
    #[inline(never)]
    fn name(&mut self, first: &mut bool) -> Result<Option<Text<'de>>, Unread> {
        if !self.another(first, b'}')? {
            return Ok(None);
        }
        let name = self.text_of_string()?;
        self.pass(b':')?;
        Ok(Some(name))
    }

    /// The string that is next.
    #[inline(never)]
    fn string(&mut self) -> Result<Text<'de>, Unread> {
        self.text_of_string()
    }

    #[inline]
    fn text_of_string(&mut self) -> Result<Text<'de>, Unread> {
        if self.peek()? != b'"' {
            return Err(Unread);
        }
        let (start, bytes) = (self.at, self.text.as_bytes());
        let after = start + 1;
        let length = super::plain(bytes.get(after..).ok_or(Unread)?);
        if bytes.get(after + length) == Some(&b'"') {
            self.at = after + length + 1;
            let plain = self.text.get(after..after + length).ok_or(Unread)?;
            return Ok(Text::Plain(plain));
        }
        self.escaped(start)
    }

    #[cold]
    #[inline(never)]
    fn escaped(&mut self, start: usize) -> Result<Text<'de>, Unread> {
        self.at = string(self.text.as_bytes(), start).ok_or(Unread)?;
        let written = self.text.get(start..self.at).ok_or(Unread)?;
        let decoded = serde_json::from_str(written).map_err(|_| Unread)?;
        Ok(Text::Escaped(decoded))
    }

    #[inline(never)]
    fn number(&mut self) -> Result<Number, Unread> {
        let first = self.peek()?;
        if let Some((number, end)) = short(self.text.as_bytes(), self.at) {
            self.at = end;
            return Ok(Number::Unsigned(number));
        }
        let end = super::number(self.text.as_bytes(), self.at).ok_or(Unread)?;
        let written = self.text.get(self.at..end).ok_or(Unread)?;
        self.at = end;
        // No integer is written with a point or an exponent, and minus zero is none.
        if first == b'-' {
            if let Ok(number @ ..0) = written.parse() {
                return Ok(Number::Signed(number));
            }
        } else if let Ok(number) = written.parse() {
            return Ok(Number::Unsigned(number));
        }
        let float = serde_json::from_str(written).map_err(|_| Unread)?;
        Ok(Number::Float(float))
    }

    fn enter(&mut self) -> Result<(), Unread> {
        self.at += 1;
        self.depth += 1;
        match self.depth < DEEPEST {
            true => Ok(()),
            false => Err(Unread),
        }
    }

    fn leave(&mut self, end: u8) -> Result<(), Unread> {
        self.depth -= 1;
        self.pass(end)
    }

    /// Whether there is another one before `end`.
    #[inline]
    fn another(&mut self, first: &mut bool, end: u8) -> Result<bool, Unread> {
        let next = self.peek()?;
        if next == end {
            return Ok(false);
        }
        if !std::mem::take(first) {
            if next != b',' {
                return Err(Unread);
            }
            self.at += 1;
        }
        Ok(true)
    }

    fn visit_map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unread> {
        self.enter()?;
        let read = visitor.visit_map(Members {
            reader: self,
            first: true,
        })?;
        self.leave(b'}')?;
        Ok(read)
    }

    fn visit_seq<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unread> {
        self.enter()?;
        let read = visitor.visit_seq(Elements {
            reader: self,
            first: true,
        })?;
        self.leave(b']')?;
        Ok(read)
    }

    fn visit_number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unread> {
        match self.number()? {
            Number::Unsigned(number) => visitor.visit_u64(number),
            Number::Signed(number) => visitor.visit_i64(number),
            Number::Float(number) => visitor.visit_f64(number),
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
    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self {
            Text::Plain(plain) => visitor.visit_borrowed_str(plain),
            Text::Escaped(decoded) => visitor.visit_str(&decoded),
        }
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
                self.visit_number(visitor)
            }
        )*
    };
}

macro_rules! strings {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
                self.string()?.visit(visitor)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.peek()? {
            b'"' => self.string()?.visit(visitor),
            b'{' => self.visit_map(visitor),
            b'[' => self.visit_seq(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            _ => self.visit_number(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let yes = self.peek()? == b't';
        self.literal(if yes { "true" } else { "false" })?;
        visitor.visit_bool(yes)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        self.peek()?;
        self.literal("null")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
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
    ) -> Result<V::Value, Unread> {
        if name == RAW_VALUE {
            let raw = BorrowedStrDeserializer::new(self.raw()?);
            let only = std::iter::once((name, Raw(raw)));
            return visitor.visit_map(MapDeserializer::new(only));
        }
        if name.starts_with("$serde_json::") {
            return Err(Unread);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.peek()? {
            b'[' => self.visit_seq(visitor),
            _ => Err(Unread),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.peek()? {
            b'{' => self.visit_map(visitor),
            _ => Err(Unread),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        // One that is written as an array is left.
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        // A variant with something in it is left.
        visitor.visit_enum(Variant(self.string()?))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        self.raw()?;
        visitor.visit_unit()
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }
    strings! { deserialize_char deserialize_str deserialize_string deserialize_identifier }
    left! { deserialize_i128 deserialize_u128 deserialize_bytes deserialize_byte_buf }
}

struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    first: bool,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Unread;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unread> {
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
    type Error = Unread;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unread> {
        let name = self.reader.name(&mut self.first)?;
        name.map(|name| seed.deserialize(Key(name))).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Unread> {
        seed.deserialize(&mut *self.reader)
    }
}

/// The text of a value, as serde_json hands it over.
struct Raw<'de>(BorrowedStrDeserializer<'de, Unread>);

impl<'de> IntoDeserializer<'de, Unread> for Raw<'de> {
    type Deserializer = BorrowedStrDeserializer<'de, Unread>;

    fn into_deserializer(self) -> Self::Deserializer {
        self.0
    }
}

#[cfg(test)]
mod tests;
