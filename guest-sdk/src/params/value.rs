//! One parameter of a method.

use serde::de::{Deserializer, Visitor};

use super::{Wrong, quickly};

/// One parameter. As lenient as lightningd, which looks at the text of a token
/// only: a number may be quoted, and a string that looks like a number or a
/// boolean may come without quotes, because that is what `lightning-cli` sends.
pub(super) struct Value<'a> {
    pub text: &'a str,
    pub quick: bool,
}

impl<'a> Value<'a> {
    /// The text between the quotes, if it needs no unescaping.
    fn unquoted(&self) -> Option<&'a str> {
        let inner = self.text.strip_prefix('"')?.strip_suffix('"')?;
        (!inner.contains('\\')).then_some(inner)
    }

    fn json(&self) -> serde_json::Deserializer<serde_json::de::StrRead<'a>> {
        serde_json::Deserializer::from_str(self.text)
    }

    fn is_word(&self) -> bool {
        self.text
            .starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | 't' | 'f'))
    }
}

/// serde_json's reason, without the position that means nothing in one parameter.
fn reason(error: &serde_json::Error) -> Wrong {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    Wrong(text.get(..end).unwrap_or(&text).to_owned())
}

macro_rules! maybe_quoted {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            let text = self.unquoted().unwrap_or(self.text);
            serde_json::Deserializer::from_str(text)
                .$method(visitor)
                .map_err(|error| reason(&error))
        }
    )*};
}

macro_rules! maybe_a_word {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            if self.is_word() {
                return visitor.visit_borrowed_str(self.text);
            }
            if self.quick {
                return quickly(self.text, |reader| reader.$method(visitor));
            }
            self.json().$method(visitor).map_err(|error| reason(&error))
        }
    )*};
}

macro_rules! as_json {
    ($($method:ident($($name:ident: $kind:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $kind,)* visitor: V) -> Result<V::Value, Wrong> {
            if self.quick {
                return quickly(self.text, |reader| reader.$method($($name,)* visitor));
            }
            self.json().$method($($name,)* visitor).map_err(|error| reason(&error))
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
        if self.text == "null" {
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
            if self.quick {
                return quickly(self.text, |reader| {
                    reader.deserialize_newtype_struct(name, visitor)
                });
            }
            return self
                .json()
                .deserialize_newtype_struct(name, visitor)
                .map_err(|error| reason(&error));
        }
        visitor.visit_newtype_struct(self)
    }
}
