//! One parameter of a method.

use cln_protocol::json;
use serde::de::{Deserializer, Visitor};

use super::Wrong;

/// One parameter. As lenient as lightningd, which looks at the text of a token
/// only: a number may be quoted, and a string that looks like a number or a
/// boolean may come without quotes, because that is what `lightning-cli` sends.
pub(super) struct Value<'a>(pub &'a str);

impl<'a> Value<'a> {
    /// The text between the quotes, if it needs no unescaping.
    fn unquoted(&self) -> Option<&'a str> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        (!inner.contains('\\')).then_some(inner)
    }

    fn is_word(&self) -> bool {
        self.0
            .starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | 't' | 'f'))
    }

    /// Read as JSON.
    fn json<T>(
        text: &'a str,
        read: impl FnOnce(&mut json::Reader<'a>) -> Result<T, json::Misread>,
    ) -> Result<T, Wrong> {
        // The position means nothing in one parameter.
        json::read(text, read).map_err(|error| Wrong(error.reason().to_owned()))
    }
}

macro_rules! maybe_quoted {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            let text = self.unquoted().unwrap_or(self.0);
            Value::json(text, |reader| reader.$method(visitor))
        }
    )*};
}

macro_rules! maybe_a_word {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            if self.is_word() {
                return visitor.visit_borrowed_str(self.0);
            }
            Value::json(self.0, |reader| reader.$method(visitor))
        }
    )*};
}

macro_rules! as_json {
    ($($method:ident($($name:ident: $kind:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $kind,)* visitor: V) -> Result<V::Value, Wrong> {
            Value::json(self.0, |reader| reader.$method($($name,)* visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Wrong;

    maybe_quoted! {
        deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    maybe_a_word! { deserialize_str deserialize_string }

    as_json! {
        deserialize_any()
        deserialize_char()
        deserialize_bytes()
        deserialize_byte_buf()
        deserialize_unit()
        deserialize_unit_struct(name: &'static str)
        deserialize_seq()
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_map()
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
        deserialize_identifier()
        deserialize_ignored_any()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.0 == "null" {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if name.starts_with("$serde_json::") {
            return Value::json(self.0, |reader| {
                reader.deserialize_newtype_struct(name, visitor)
            });
        }
        visitor.visit_newtype_struct(self)
    }
}
