//! Parameters of a method: an array or an object, into the author's type, with
//! lightningd's own words where they do not fit (`common/json_param.c`).

mod value;

use std::collections::BTreeSet;
use std::fmt;

use cln_protocol::json::{self, Misread, RawStr};
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::error::RpcError;
use crate::members;
use value::Value;

/// The parameter names in a method's `usage`, such as `id [label] [force]`, in
/// order. A usage that is not of that form has none.
pub(crate) fn names(usage: &str) -> Vec<String> {
    let mut names = Vec::new();
    for word in usage.split_whitespace() {
        let inner = word
            .strip_prefix('[')
            .and_then(|word| word.strip_suffix(']'))
            .unwrap_or(word);
        let name = inner.split('|').next().unwrap_or(inner);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            return Vec::new();
        }
        names.push(name.to_owned());
    }
    names
}

/// Reads `params` (JSON text) as a `P`. `names` are those of the usage: what the
/// positions of an array mean. Where there are none, the fields of `P` in order
/// say it.
///
/// Errors: −32602, naming the parameter.
pub(crate) fn parse<P: DeserializeOwned>(params: &str, names: &[String]) -> Result<P, RpcError> {
    let params = params.trim_ascii();
    P::deserialize(Params { params, names })
        .map_err(|Wrong(reason)| RpcError::invalid_params(reason))
}

/// Why the parameters were refused.
#[derive(Debug)]
struct Wrong(String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Wrong(message.to_string())
    }

    // In the reader's words: serde's own would bring code for every fraction.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Wrong::custom(Misread::invalid_type(found, expected))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Wrong::custom(Misread::invalid_value(found, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Wrong(format!("missing required parameter: {field}"))
    }
}

impl From<json::Error> for Wrong {
    fn from(error: json::Error) -> Self {
        Wrong(error.to_string())
    }
}

struct Params<'a> {
    params: &'a str,
    names: &'a [String],
}

impl<'a> Params<'a> {
    fn is_array(&self) -> bool {
        self.params.starts_with('[')
    }

    fn array(&self) -> Result<Vec<RawStr<'a>>, Wrong> {
        Ok(json::from_str(self.params)?)
    }

    fn object(&self) -> Result<Vec<(String, RawStr<'a>)>, Wrong> {
        if !self.params.starts_with('{') {
            return Err(Wrong("Expected array or object for params".to_owned()));
        }
        Ok(members::raw(self.params)?)
    }

    /// Each parameter with its name. A null in an array means "not given".
    fn named(&self, fields: &[&str]) -> Result<Vec<(String, RawStr<'a>)>, Wrong> {
        if !self.is_array() {
            return self.object();
        }
        let values = self.array()?;
        let by_usage = self.names.iter().map(String::as_str);
        let by_field = fields.iter().copied();
        let names: Vec<&str> = if self.names.is_empty() {
            by_field.collect()
        } else {
            by_usage.collect()
        };
        if values.len() > names.len() {
            return Err(Wrong(format!(
                "too many parameters: got {}, expected {}",
                values.len(),
                names.len()
            )));
        }
        Ok(names
            .into_iter()
            .zip(values)
            .filter(|(_, value)| value.get() != "null")
            .map(|(name, value)| (name.to_owned(), value))
            .collect())
    }

    /// The same for a struct with these fields.
    fn of_struct(&self, fields: &[&str]) -> Result<Named<'a>, Wrong> {
        let members = self.named(fields)?;
        // Before there are more members than fields, one is unknown or there twice.
        for (at, (name, _)) in members.iter().enumerate() {
            if !fields.contains(&name.as_str()) {
                return Err(unknown(name));
            }
            if members.iter().take(at).any(|(before, _)| before == name) {
                return Err(twice(name));
            }
        }
        Ok(Named::new(members))
    }

    fn nothing(&self) -> Result<(), Wrong> {
        match self.named(&[])?.first() {
            Some((name, _)) => Err(unknown(name)),
            None => Ok(()),
        }
    }
}

fn unknown(name: &str) -> Wrong {
    Wrong(format!(
        "unknown parameter: {name}, this may be caused by a failure to autodetect \
         key=value-style parameters. Please try using the -k flag and explicit key=value pairs \
         of parameters."
    ))
}

fn twice(name: &str) -> Wrong {
    Wrong(format!("duplicate json names: {name}"))
}

impl<'de> Deserializer<'de> for Params<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        Ok(json::read(self.params, |reader| {
            reader.deserialize_any(visitor)
        })?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_map(self.of_struct(fields)?)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let members = self.named(&[])?;
        let mut seen = BTreeSet::new();
        match members.iter().find(|(name, _)| !seen.insert(name)) {
            Some((name, _)) => Err(twice(name)),
            None => visitor.visit_map(Named::new(members)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.nothing()?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.nothing().is_ok() {
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
            return Ok(json::read(self.params, |reader| {
                reader.deserialize_newtype_struct(name, visitor)
            })?);
        }
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf seq tuple tuple_struct enum identifier ignored_any
    }
}

/// Parameters by name, for a visitor of a map.
struct Named<'a> {
    left: std::vec::IntoIter<(String, RawStr<'a>)>,
    current: Option<(String, RawStr<'a>)>,
}

impl<'a> Named<'a> {
    fn new(members: Vec<(String, RawStr<'a>)>) -> Self {
        Named {
            left: members.into_iter(),
            current: None,
        }
    }
}

impl<'de> MapAccess<'de> for Named<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        self.current = self.left.next();
        let Some((name, _)) = &self.current else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, Wrong> = name.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Wrong> {
        let Some((name, value)) = self.current.take() else {
            return Err(Wrong("a value without a name".to_owned()));
        };
        let text = value.get();
        seed.deserialize(Value(text))
            .map_err(|reason| not_valid(&name, reason, text))
    }
}

#[cold]
#[inline(never)]
fn not_valid(name: &str, Wrong(reason): Wrong, text: &str) -> Wrong {
    Wrong(format!("{name}: {reason}: invalid token '{text}'"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Pay {
        bolt11: String,
        amount_msat: Option<u64>,
        #[serde(default)]
        retry: bool,
    }

    fn pay(params: &str) -> Result<Pay, String> {
        parse(params, &names("bolt11 [amount_msat] [retry]")).map_err(|error| {
            assert_eq!(error.code, -32602);
            error.message
        })
    }

    #[test]
    fn names_come_from_the_usage() {
        assert_eq!(names("id [label] [force|old]"), ["id", "label", "force"]);
        assert_eq!(names(""), Vec::<String>::new());
        assert_eq!(names("{id} ..."), Vec::<String>::new());
    }

    #[test]
    fn an_array_and_an_object_say_the_same() {
        let want = Pay {
            bolt11: "ln".to_owned(),
            amount_msat: Some(5),
            retry: true,
        };
        assert_eq!(pay(r#"["ln",5,true]"#).as_ref(), Ok(&want));
        assert_eq!(
            pay(r#"{"retry":true,"amount_msat":5,"bolt11":"ln"}"#).as_ref(),
            Ok(&want)
        );
        assert_eq!(pay(r#" ["ln","5","true"] "#).as_ref(), Ok(&want));
    }

    #[test]
    fn a_null_in_an_array_is_not_given() {
        let got = pay(r#"["ln",null,true]"#).unwrap();
        assert_eq!((got.amount_msat, got.retry), (None, true));
        assert_eq!(
            pay("[null]").unwrap_err(),
            "missing required parameter: bolt11"
        );
    }

    #[test]
    fn a_string_may_come_as_a_number() {
        assert_eq!(pay("[12]").unwrap().bolt11, "12");
        assert_eq!(pay("{\"bolt11\":true}").unwrap().bolt11, "true");
        assert_eq!(pay(r#"["a\"\u00fc"]"#).unwrap().bolt11, "a\"ü");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (params, message) in [
            ("{}", "missing required parameter: bolt11"),
            ("[]", "missing required parameter: bolt11"),
            (
                r#"["ln",5,true,1]"#,
                "too many parameters: got 4, expected 3",
            ),
            (
                r#"{"bolt11":"a","bolt11":"b"}"#,
                "duplicate json names: bolt11",
            ),
            ("7", "Expected array or object for params"),
            (
                r#"["ln","x"]"#,
                "amount_msat: expected value: invalid token '\"x\"'",
            ),
            (
                r#"["ln","5x"]"#,
                "amount_msat: trailing characters: invalid token '\"5x\"'",
            ),
            (
                r#"["ln",1.5]"#,
                "amount_msat: invalid type: floating point `1.5`, expected u64: invalid token '1.5'",
            ),
            (
                r#"{"bolt11":[]}"#,
                "bolt11: invalid type: sequence, expected a string: invalid token '[]'",
            ),
        ] {
            assert_eq!(pay(params).unwrap_err(), message, "{params}");
        }
        let error = pay(r#"{"bolt11":"a","amount":1}"#).unwrap_err();
        assert!(
            error.starts_with("unknown parameter: amount, this may be"),
            "{error}"
        );
    }

    #[test]
    fn without_a_usage_the_fields_say_what_a_position_means() {
        let got: Pay = parse(r#"["ln",5]"#, &[]).unwrap();
        assert_eq!((got.bolt11.as_str(), got.amount_msat), ("ln", Some(5)));
    }

    #[test]
    fn other_types_than_structs() {
        assert!(parse::<()>("[]", &[]).is_ok());
        assert!(parse::<()>("{}", &[]).is_ok());
        assert_eq!(
            parse::<()>("[1]", &[]).unwrap_err().message,
            "too many parameters: got 1, expected 0"
        );
        assert!(
            parse::<()>(r#"{"a":1}"#, &[])
                .unwrap_err()
                .message
                .starts_with("unknown parameter: a,")
        );
        let value: serde_json::Value = parse(r#"[1,{"a":null}]"#, &[]).unwrap();
        assert_eq!(value, serde_json::json!([1, {"a": null}]));
        let raw: json::RawValue = parse(r#"[1, 2]"#, &[]).unwrap();
        assert_eq!(raw.get(), "[1, 2]");
        let list: Vec<u8> = parse("[1,2]", &[]).unwrap();
        assert_eq!(list, [1, 2]);
        let map: std::collections::BTreeMap<String, u8> = parse("[1,2]", &names("a b")).unwrap();
        assert_eq!(map.get("b"), Some(&2));
        let none: Option<Pay> = parse("{}", &[]).unwrap();
        assert!(none.is_none());
    }
}
