//! Values that stay text.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Unexpected, Visitor};
use serde::ser::{self, Serialize, Serializer};
use serde_json::Value;

use super::Error;

/// How serde_json asks for the text of a value, and says that it writes one.
pub(super) const TOKEN: &str = "$serde_json::private::RawValue";

/// A JSON value as it is written.
///
/// [`from_str`](super::from_str) takes it out of a text, and [`to_string`](super::to_string) puts
/// it into one, byte for byte. Other readers and writers go by way of a [`Value`], in which a
/// fraction is an `f64`.
///
/// serde_json's type of this name has the same text. Its feature `raw_value` brings that crate's
/// reader, beside this one, into each guest that reads a `Value`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawValue(Box<str>);

impl RawValue {
    /// Takes `text`, without white space around it, if it is one JSON value.
    ///
    /// Errors: as [`from_str`](super::from_str).
    pub fn from_string(text: String) -> Result<Self, Error> {
        let RawStr(value) = super::from_str(&text)?;
        if value.len() < text.len() {
            return Ok(RawStr(value).to_owned());
        }
        Ok(RawValue(text.into()))
    }

    /// `value` as [`to_string`](super::to_string) writes it.
    ///
    /// Errors: as that.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        super::to_string(value).map(|text| RawValue(text.into()))
    }

    /// The text.
    pub fn get(&self) -> &str {
        &self.0
    }

    /// The text, without copying it.
    pub fn into_string(self) -> String {
        self.0.into_string()
    }
}

/// A JSON value as it is written, in the text that is read.
///
/// [`from_str`](super::from_str) alone reads it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RawStr<'a>(&'a str);

impl<'a> RawStr<'a> {
    /// The text.
    pub fn get(self) -> &'a str {
        self.0
    }

    /// A copy of it.
    pub fn to_owned(self) -> RawValue {
        RawValue(self.0.into())
    }
}

impl fmt::Debug for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        RawStr(&self.0).fmt(f)
    }
}

impl fmt::Debug for RawStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawValue")
            .field(&format_args!("{}", self.0))
            .finish()
    }
}

impl fmt::Display for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RawStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = RawValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(ANY)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawValue, A::Error> {
                map.next_key::<Token>()?;
                Ok(RawValue(map.next_value()?))
            }

            // Another reader, which hands over the value itself.
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                value: D,
            ) -> Result<RawValue, D::Error> {
                let value = Value::deserialize(value)?;
                let text = super::to_string(&value).map_err(de::Error::custom)?;
                Ok(RawValue(text.into()))
            }
        }

        deserializer.deserialize_newtype_struct(TOKEN, Text)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawStr<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = RawStr<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(ANY)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawStr<'de>, A::Error> {
                map.next_key::<Token>()?;
                Ok(RawStr(map.next_value()?))
            }
        }

        deserializer.deserialize_newtype_struct(TOKEN, Text)
    }
}

const ANY: &str = "any JSON value";

/// The name under which a text is handed over.
struct Token;

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Token;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(ANY)
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Token, E> {
                match name {
                    TOKEN => Ok(Token),
                    name => Err(E::invalid_value(Unexpected::Str(name), &self)),
                }
            }
        }

        deserializer.deserialize_identifier(Name)
    }
}

impl Serialize for RawValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TOKEN, &Written(&self.0))
    }
}

/// The text for our writer, which says that it is no JSON for people; the value for others.
struct Written<'a>(&'a str);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_str(self.0);
        }
        let value: Value = super::from_str(self.0).map_err(ser::Error::custom)?;
        value.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::{from_str, to_string};

    const WRITTEN: &str = r#"{"b": [1.50, "\u0062"], "a":1e400}"#;

    #[test]
    fn the_text_is_kept_byte_for_byte() {
        let text = format!("[1, {WRITTEN} ]");
        let (_, borrowed): (u8, RawStr) = from_str(&text).unwrap();
        let (_, owned): (u8, RawValue) = from_str(&text).unwrap();
        assert_eq!((borrowed.get(), owned.get()), (WRITTEN, WRITTEN));
        assert_eq!(borrowed.to_owned(), owned);
        assert_eq!(
            to_string(&Some(&owned)).unwrap(),
            WRITTEN,
            "and written so again"
        );
        assert_eq!(format!("{owned:?}"), format!("RawValue({WRITTEN})"));
    }

    #[test]
    fn one_value_is_taken_without_white_space_around_it() {
        for (text, value) in [("1", "1"), (" [ 1 ] ", "[ 1 ]"), ("\"\\n\"", "\"\\n\"")] {
            assert_eq!(RawValue::from_string(text.to_owned()).unwrap().get(), value);
        }
        for text in ["", " ", "1 2", "{", "nul", "[1,]"] {
            assert!(RawValue::from_string(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn another_reader_and_writer_go_by_way_of_a_value() {
        let value = json!({"a": [1, 2.5, "x"]});
        let raw: RawValue = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(raw.get(), r#"{"a":[1,2.5,"x"]}"#);
        let spaced: RawValue = serde_json::from_str(r#" { "a" : [1, 2.5, "x"] } "#).unwrap();
        assert_eq!(from_str::<Value>(spaced.get()).unwrap(), value);
        assert_eq!(json!({ "in": spaced }), json!({ "in": value }));
        assert_eq!(serde_json::to_string(&spaced).unwrap(), value.to_string());
        let huge = RawValue::from_string("1e400".to_owned()).unwrap();
        assert!(serde_json::to_string(&huge).is_err(), "no f64");
    }

    #[test]
    fn what_only_looks_like_a_text_that_is_handed_over_is_an_object() {
        let text = format!("{{\"{TOKEN}\":\"1\"}}");
        assert_eq!(from_str::<RawValue>(&text).unwrap().get(), text);
        let content = serde::de::value::MapDeserializer::<_, serde_json::Error>::new(
            [("a", "1")].into_iter(),
        );
        assert!(RawStr::deserialize(content).is_err());
    }
}
