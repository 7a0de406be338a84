//! JSON text into a type, as serde_json would read it, with strings passed over many bytes at a
//! time.
//!
//! It reads the same texts as the same values, and says of others what serde_json would say. There
//! is one reader, for each of them is compiled once more for every type that is read.
//!
//! But a struct is read from an object alone. serde_json takes an array of its fields too, which
//! lightningd never sends, and which would be a third of the code of every struct in every guest.

mod misread;
mod name;
mod tokens;
mod variant;

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};

use super::{Error, raw_value, white_space};
pub use misread::Misread;
use name::Key;
pub use tokens::Reader;
use tokens::{Number, Text};
use variant::{Only, Plain};

/// Reads one value of type `T`, as `serde_json::from_str` does.
///
/// Errors: in serde_json's words. Where several things are wrong it may be another of them, and the
/// place may be one token further on.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    read(text, |reader| T::deserialize(reader))
}

/// The same of bytes, which must be UTF-8.
///
/// Errors: as [`from_str`].
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    match str::from_utf8(bytes) {
        Ok(text) => from_str(text),
        Err(error) => Err(de::Error::custom(error)),
    }
}

/// Reads all of `text`, as `with` wants it.
///
/// Errors: as [`from_str`].
pub fn read<'de, T>(
    text: &'de str,
    with: impl FnOnce(&mut Reader<'de>) -> Result<T, Misread>,
) -> Result<T, Error> {
    let mut reader = Reader::over(text);
    match with(&mut reader) {
        Ok(read) if white_space(text.as_bytes(), reader.at) == text.len() => Ok(read),
        Ok(_) => Err(Misread::because("trailing characters").explain(text, reader.at)),
        Err(misread) => Err(misread.explain(text, reader.at)),
    }
}

impl<'de> Reader<'de> {
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
        match self.peek()? {
            b't' | b'f' => visitor.visit_bool(self.boolean()?),
            _ => Err(self.mistyped(&visitor)),
        }
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

    // The name is known where the compiler makes this of it: there one of both ways is left.
    #[inline(always)]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misread> {
        if name == raw_value::TOKEN {
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

    // A compiler takes more than its share of time for a large function.
    #[inline(never)]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        self.deserialize_map(visitor)
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
mod agreement;
#[cfg(test)]
mod tests;
