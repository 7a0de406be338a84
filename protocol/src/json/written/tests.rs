use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

fn same<T: Serialize + ?Sized>(value: &T) {
    let theirs = serde_json::to_string(value).map_err(|error| error.to_string());
    let ours = to_string(value).map_err(|error| error.to_string());
    assert_eq!(ours, theirs);
}

#[derive(serde::Serialize)]
struct Unit;

#[derive(serde::Serialize)]
struct New(u8);

#[derive(serde::Serialize)]
struct Pair(u8, &'static str);

#[derive(serde::Serialize)]
struct Named<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    none: Option<u8>,
    some: Option<u8>,
    raw: &'a RawValue,
    #[serde(flatten)]
    rest: BTreeMap<&'a str, Kind>,
}

#[derive(serde::Serialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Unit,
    New(u8),
    Tuple(u8, u8),
    Named { x: u8 },
}

#[test]
fn every_kind_of_value() {
    same(&Unit);
    same(&New(7));
    same(&Pair(7, "x"));
    same(&());
    same(&[(); 0]);
    same(&(1, 'é', '"', b"bytes", -1i8, 5u16, true));
    same(&serde_json::value::to_raw_value(&[1, 2]).unwrap());
    let raw = RawValue::from_string(" { \"a\" : 1 } ".to_owned()).unwrap();
    for rest in [
        Kind::Unit,
        Kind::New(1),
        Kind::Tuple(1, 2),
        Kind::Named { x: 1 },
    ] {
        same(&rest);
        same(&Named {
            text: "a\"b",
            none: None,
            some: Some(1),
            raw: &raw,
            rest: BTreeMap::from([("k", rest), ("é\n", Kind::Unit)]),
        });
    }
    same(&json!({"a": [], "b": {}, "c": [[{}]], "d": null}));
}

#[test]
fn numbers() {
    for number in [0, 1, 9, 10, 99, 100, u64::MAX] {
        same(&number);
    }
    for number in [i64::MIN, -10, -1, 0, i64::MAX] {
        same(&number);
    }
    same(&i128::MIN);
    same(&u128::MAX);
    for number in [0.0, -0.0, 1.0, 1.5, 1e300, 5e-324, f64::NAN, f64::INFINITY] {
        same(&number);
        same(&(number as f32));
    }
}

/// What `Number` of serde_json does with the feature `arbitrary_precision`.
struct Precise(&'static str);

impl Serialize for Precise {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut number = serializer.serialize_struct(NUMBER, 1)?;
        number.serialize_field(NUMBER, self.0)?;
        number.end()
    }
}

#[test]
fn numbers_of_any_precision() {
    for text in ["0", "-1.50", "1e400", "123456789012345678901234567890"] {
        let written = to_string(&BTreeMap::from([("n", [Precise(text), Precise("7")])])).unwrap();
        assert_eq!(written, format!(r#"{{"n":[{text},7]}}"#));
    }
    for text in ["", "-", "01", "1 ", "1,2", "true", "\"1\"", "1]"] {
        let refused = to_string(&[Precise(text)]).unwrap_err();
        assert!(refused.to_string().contains("invalid number"), "{text}");
    }
    // A struct of one's own may have a member of that name.
    #[derive(serde::Serialize)]
    struct Own {
        #[serde(rename = "$serde_json::private::Number")]
        number: &'static str,
    }
    assert_eq!(
        to_string(&Own { number: "7" }).unwrap(),
        r#"{"$serde_json::private::Number":"7"}"#
    );
}

#[test]
fn names_of_members() {
    same(&BTreeMap::from([(1u8, 1), (2, 2)]));
    same(&BTreeMap::from([(-1i64, 1)]));
    same(&BTreeMap::from([(u128::MAX, i128::MIN)]));
    same(&BTreeMap::from([(true, 1)]));
    same(&BTreeMap::from([('"', 1)]));
    same(&BTreeMap::from([("", 1)]));
    same(&BTreeMap::from([(Some("x"), 1)]));
    same(&BTreeMap::from([(None::<&str>, 1)]));
    same(&BTreeMap::from([((), 1)]));
    same(&BTreeMap::from([((1, 2), 1)]));
    same(&BTreeMap::from([(vec![1], 1)]));
    for kind in [
        Kind::Unit,
        Kind::New(1),
        Kind::Tuple(1, 2),
        Kind::Named { x: 1 },
    ] {
        same(&BTreeMap::from([(kind, 1)]));
    }
    struct Float(f64);
    impl Serialize for Float {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(&self.0, &1)?;
            map.serialize_entry(&(self.0 as f32), &1)?;
            map.end()
        }
    }
    for number in [1.5, 1.0, f64::NAN, f64::INFINITY] {
        same(&Float(number));
    }
}

#[test]
fn every_character_at_every_place() {
    for length in 0..36 {
        for place in 0..length {
            for special in (0..0x22u8).chain([b'\\', 0x7f]) {
                let mut text = vec![b'x'; length];
                text[place] = special;
                same(std::str::from_utf8(&text).unwrap());
            }
        }
    }
}

#[test]
fn a_long_string_has_room_of_its_own_size() {
    let text = to_string(&json!({"long": "x".repeat(1_000_000)})).unwrap();
    assert!(text.capacity() < 1_001_000, "{}", text.capacity());
}

proptest! {
    #[test]
    fn strings(text: String, more in "[\\x00-\\x7f]{0,40}") {
        same(&text);
        same(&more);
        same(&(text, more));
    }

    #[test]
    fn what_is_read_is_written(text in "[\\[\\]{}\",:\\\\ a1é.e-]{0,12}", float: f64, int: i64) {
        same(&json!({ &text: [float, int, { "x": text }] }));
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            same(&value);
        }
    }
}
