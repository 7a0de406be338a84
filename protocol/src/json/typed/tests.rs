use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json;

use super::agreement::assert_agrees;
use super::*;
use crate::hooks::HtlcAcceptedPayload;

/// One of everything.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct All {
    a: Option<u64>,
    b: String,
    #[serde(default)]
    c: Vec<i8>,
    #[serde(default)]
    d: Option<Kind>,
    #[serde(default)]
    e: BTreeMap<String, f64>,
    #[serde(default)]
    f: (),
    #[serde(default)]
    g: Option<(bool, char)>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Plain,
    Tuple(u8, u8),
    Named { x: u8 },
    New(String),
}

fn same<'a, T: Deserialize<'a> + Debug>(text: &'a str) {
    assert_agrees(text, from_str::<T>(text));
}

fn same_as_all(text: &str) {
    same::<Value>(text);
    same::<All>(text);
    same::<IgnoredAny>(text);
    same::<&RawValue>(text);
    same::<json::RawValue>(text);
    same::<json::RawStr>(text);
    same::<Vec<json::RawStr>>(text);
    same::<Box<RawValue>>(text);
    same::<BTreeMap<String, &RawValue>>(text);
    same::<BTreeMap<i32, Value>>(text);
    same::<Vec<Kind>>(text);
    same::<Option<f32>>(text);
    same::<i64>(text);
    same::<u8>(text);
    same::<i128>(text);
    same::<&str>(text);
    same::<String>(text);
    same::<HtlcAcceptedPayload>(text);
}

#[test]
fn numbers() {
    for text in [
        "0",
        "-0",
        "7",
        "-7",
        "007",
        "1.",
        ".5",
        "1.5",
        "-1.5e3",
        "1e999",
        "-",
        "+1",
        "1e",
        "1E+2",
        "255",
        "256",
        "-128",
        "-129",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        " 7 ",
        "7 7",
        "170141183460469231731687303715884105728",
        "0.1",
        "123456789.123456789",
        "3.4028236e38",
    ] {
        same_as_all(text);
        same_as_all(&format!("{{\"a\":{text},\"b\":\"\"}}"));
        same_as_all(&format!("[{text}]"));
    }
}

#[test]
fn everything_else() {
    for text in [
        "",
        " ",
        "null",
        "nul",
        "nullx",
        "true",
        "false",
        "truefalse",
        "\"\"",
        "\"a",
        "\"\\u00e9\"",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\u{1}\"",
        "\"é\" ",
        "{}",
        "{} x",
        "[",
        "[1,]",
        "[,]",
        "{\"a\":1,}",
        "{\"b\":\"x\",\"b\":\"y\"}",
        "{\"b\":\"x\"",
        "{\"b\":\"x\\n\",\"d\":\"plain\"}",
        "{\"b\":\"x\",\"d\":{\"tuple\":[1,2]}}",
        "{\"b\":\"x\",\"d\":{\"named\":{\"x\":1}}}",
        "{\"b\":\"x\",\"d\":{\"new\":\"y\"}}",
        "{\"b\":\"x\",\"d\":\"other\"}",
        "{\"b\":\"x\",\"d\":{\"plain\":null}}",
        "[\"plain\",\"pl\\u0061in\"]",
        "{\"b\":\"x\",\"g\":[true,\"é\"]}",
        "{\"b\":\"x\",\"g\":[true]}",
        "{\"b\":\"x\",\"g\":[true,\"e\",1]}",
        "{\"b\":\"x\",\"c\":[1,-2,3]}",
        "{\"b\":\"x\",\"c\":[300]}",
        "{\"b\":\"x\",\"e\":{\"p\":1,\"q\":1.5}}",
        "{\"b\":\"x\",\"f\":null}",
        "{\"b\":\"x\",\"f\":1}",
        "[1,\"x\"]",
        "[null,\"x\",[],null,{},null,null]",
        "{\"7\":1,\"-8\":2}",
        "{\"7x\":1}",
        "{\"\\u0037\":1}",
        "{\"a\":\"1\",\"b\":\"x\"}",
        "{\"b\":7}",
        "{\"other\":[{\"deep\":\"er\"}],\"b\":\"x\"}",
        "{7:1}",
        "{\"$serde_json::private::RawValue\":\"1\"}",
        "{ \"a\" : 1 , \"b\" : \"x\" }\n",
    ] {
        same_as_all(text);
    }
}

#[test]
fn depth() {
    for depth in [1, 100, 125, 126, 127, 128, 129, 200, 2_000] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        same_as_all(&text);
        let text = format!("{}1{}", "{\"b\":".repeat(depth), "}".repeat(depth));
        same_as_all(&text);
    }
}

/// Where serde_json takes its fields in their order, too.
#[test]
fn a_struct_is_no_array() {
    #[derive(Debug, serde::Deserialize)]
    struct Pair {
        one: u8,
        two: u8,
    }
    let pair = serde_json::from_str::<Pair>("[1,2]").unwrap();
    assert_eq!((pair.one, pair.two), (1, 2));
    let error = from_str::<Pair>("[1,2]").unwrap_err();
    assert_eq!(
        error.reason(),
        "invalid type: sequence, expected struct Pair"
    );
    same::<Vec<Pair>>("[[1,2]]");
}

#[test]
fn it_says_where() {
    let error = |text| from_str::<BTreeMap<String, u8>>(text).unwrap_err();
    for (text, what) in [
        (
            "{\"a\": 1,\n \"b\": \"x\"}",
            "invalid type: string \"x\", expected u8 at line 2 column 9",
        ),
        (
            "{\"a\": 256}",
            "invalid value: integer `256`, expected u8 at line 1 column 9",
        ),
        (
            "{\"a\": 1.50}",
            "invalid type: floating point `1.5`, expected u8 at line 1 column 10",
        ),
        (
            "7",
            "invalid type: integer `7`, expected a map at line 1 column 1",
        ),
    ] {
        let theirs = serde_json::from_str::<BTreeMap<String, u8>>(text).unwrap_err();
        assert_eq!(theirs.to_string(), what, "serde_json");
        assert_eq!(error(text).to_string(), what);
    }
    for text in ["{\"a\":", "{\n\"a\": 1 2}"] {
        let theirs = serde_json::from_str::<BTreeMap<String, u8>>(text).unwrap_err();
        assert_eq!(error(text).to_string(), theirs.to_string());
    }
}

fn texts() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "(plain|tuple|new|[0-9]{0,4})".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-h]|tuple|new|named|é|\\PC{0,3}", inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    (value, any::<bool>()).prop_map(|(value, pretty)| match pretty {
        true => serde_json::to_string_pretty(&value).unwrap(),
        false => value.to_string(),
    })
}

proptest! {
    #[test]
    fn it_reads_what_serde_json_reads(text in texts(), cut: prop::sample::Index, put in "[\\[\\]{}\",:\\\\ a1é.e-]?") {
        same_as_all(&text);
        // Something is amiss.
        let (at, _) = text.char_indices().nth(cut.index(text.chars().count())).unwrap();
        let (before, after) = text.split_at(at);
        same_as_all(&format!("{before}{put}{after}"));
        let after = after.get(after.chars().next().unwrap().len_utf8()..).unwrap();
        same_as_all(&format!("{before}{put}{after}"));
        same_as_all(before);
    }
}
