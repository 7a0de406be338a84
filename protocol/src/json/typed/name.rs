//! The names of members.

use serde::de::{Deserializer, Error, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::variant::Plain;
use super::{Misread, Reader, Text};

/// The name of a member.
pub(super) struct Key<'de>(pub Text<'de>);

impl<'de> Key<'de> {
    /// The name as a number: what is between its quotes, unescaped.
    fn number<T>(
        self,
        read: impl FnOnce(&mut Reader<'de>) -> Result<T, Misread>,
    ) -> Result<T, Misread> {
        let number = match self.0 {
            Text::Plain(text) if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => text,
            _ => return Err(Misread::because(NO_NUMBER)),
        };
        let mut reader = Reader::over(number);
        let value = read(&mut reader).map_err(|misread| misread.or(NO_NUMBER))?;
        match reader.at == number.len() {
            true => Ok(value),
            false => Err(Misread::because(NO_NUMBER)),
        }
    }
}

/// serde_json's words.
const NO_NUMBER: &str = "invalid value: expected key to be a number in quotes";

macro_rules! numbers {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
                self.number(|reader| reader.$method(visitor))
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        self.0.visit(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.0.as_str() {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(Misread::invalid_type(Unexpected::Str(other), &visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        visitor.visit_enum(Plain(self))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.0 {
            Text::Plain(plain) => visitor.visit_borrowed_bytes(plain.as_bytes()),
            Text::Escaped(decoded) => visitor.visit_bytes(decoded.as_bytes()),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        self.deserialize_bytes(visitor)
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }
    forward_to_deserialize_any! {
        char str string identifier ignored_any unit seq map
        unit_struct tuple tuple_struct struct
    }
}

impl<'de> IntoDeserializer<'de, Misread> for Key<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
