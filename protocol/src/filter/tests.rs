use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

const PEERS: &str =
    r#"{"peers":[{"id":"02aa","num_channels":2,"log":[{"a":1}]},{"id":"03bb"}],"n":1}"#;

fn applied(filter: &str, result: &str) -> String {
    Filter::parse(filter).unwrap().apply(result).unwrap()
}

#[test]
fn keeps_what_is_named_in_the_order_of_the_result() {
    assert_eq!(
        applied(
            r#"{"n":true,"peers":[{"num_channels":true,"id":true}]}"#,
            PEERS
        ),
        r#"{"peers":[{"id":"02aa","num_channels":2},{"id":"03bb"}],"n":1}"#
    );
    assert_eq!(
        applied(r#"{"peers":[{"log":[{"a":true}]}]}"#, PEERS),
        r#"{"peers":[{"log":[{"a":1}]},{}]}"#
    );
}

#[test]
fn true_and_an_empty_object_take_all() {
    assert_eq!(applied("{}", PEERS), PEERS);
    assert_eq!(
        applied(r#"{"peers":true}"#, PEERS),
        r#"{"peers":[{"id":"02aa","num_channels":2,"log":[{"a":1}]},{"id":"03bb"}]}"#
    );
}

#[test]
fn what_is_kept_stays_as_it_was_written() {
    let result =
        "  { \"a\" : 1.50 ,\"\\u0062\":[ {\"c\" : 18446744073709551616, \"d\":0} ,\n7 ] } ";
    assert_eq!(
        applied(r#"{"a":true,"b":[{"c":true}]}"#, result),
        "{\"a\":1.50,\"\\u0062\":[{\"c\":18446744073709551616},7]}"
    );
}

#[test]
fn says_where_the_filter_does_not_fit() {
    assert_eq!(
        applied(r#"{"n":true,"peers":{"id":true}}"#, PEERS),
        r#"{"n":1,"warning_parameter_filter":".peers is an array"}"#
    );
    assert_eq!(
        applied(r#"{"peers":[[true]]}"#, PEERS),
        r#"{"peers":[],"warning_parameter_filter":".peers[] is an object"}"#
    );
    assert_eq!(
        applied(r#"{"a":true}"#, "[1]"),
        r#"{"warning_parameter_filter":" is an array"}"#
    );
    assert_eq!(
        applied(r#"{"a":true}"#, "\"text\""),
        "\"text\"",
        "no members"
    );
}

#[test]
fn a_warning_that_is_there_stays_alone() {
    let warned = r#"{"n":1,"warning_parameter_filter":".peers is an array"}"#;
    assert_eq!(applied(r#"{"n":true,"peers":{"id":true}}"#, warned), warned);
    assert_eq!(
        applied(
            r#"{"n":{"x":true},"o":[true]}"#,
            r#"{"warning_parameter_filter":"w","n":[],"o":{}}"#
        ),
        r#"{"warning_parameter_filter":"w"}"#
    );
}

#[test]
fn refuses_a_filter_that_would_exhaust_the_stack() {
    let deep = format!("{}true{}", "{\"a\":".repeat(100), "}".repeat(100));
    let error = Filter::parse(&deep).unwrap_err();
    assert_eq!(error.to_string(), "filter: nested deeper than 64");
    let deeper = format!("{}true{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    assert!(Filter::parse(&deeper).is_err());
}

#[test]
fn refuses_what_is_no_filter() {
    for (filter, message) in [
        ("[true]", "filter: Expected object: invalid token '[true]'"),
        (
            r#"{"a":false}"#,
            "filter: value must be true: invalid token 'false'",
        ),
        (
            r#"{"a":[]}"#,
            "filter: Arrays can only have one element: invalid token '[]'",
        ),
        (
            r#"{"a":true} x"#,
            "filter: trailing characters: invalid token '{\"a\":true} x'",
        ),
        (
            "{\"a\":",
            "filter: no JSON object at byte 5: invalid token '{\"a\":'",
        ),
    ] {
        let error = Filter::parse(filter).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_result_that_is_no_json_is_said_to_be_none() {
    let filter = Filter::parse(r#"{"a":[{"b":true}]}"#).unwrap();
    for result in [
        "",
        "{",
        "{\"a\"",
        "{\"a\":[",
        "{\"a\":[{\"b\":1]}",
        "{} {}",
        "{\"a\":[],}",
        "{\"b\":tru}",
    ] {
        assert!(filter.apply(result).is_err(), "{result}");
    }
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let result = format!("{{\"a\":{deep}}}");
    assert!(filter.apply(&result).is_err());
}

/// What lightningd's rules leave of a value.
fn expected(filter: &Value, value: &Value) -> Option<Value> {
    match (filter, value) {
        (Value::Object(wanted), _) if wanted.is_empty() => Some(value.clone()),
        (Value::Object(wanted), Value::Object(members)) => {
            let kept = members
                .iter()
                .filter_map(|(name, value)| {
                    Some((name.clone(), expected(wanted.get(name)?, value)?))
                })
                .collect::<Map<_, _>>();
            Some(kept.into())
        }
        (Value::Array(wanted), Value::Array(values)) => {
            let kept = values
                .iter()
                .filter_map(|value| expected(&wanted[0], value));
            Some(kept.collect())
        }
        (Value::Object(_), Value::Array(_)) | (Value::Array(_), Value::Object(_)) => None,
        _ => Some(value.clone()),
    }
}

fn filter() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!(true)), Just(json!({}))];
    leaf.prop_recursive(4, 20, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|element| json!([element])),
            prop::collection::btree_map("[ab\"é]", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
    .prop_map(|filter| match filter {
        Value::Object(_) => filter,
        other => json!({ "a": other }),
    })
}

fn result() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a{}\\[\\],:\"\\\\]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab\"é]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn leaves_what_the_rules_leave(filter in filter(), result in result(), pretty: bool) {
        let text = match pretty {
            true => serde_json::to_string_pretty(&result).unwrap(),
            false => result.to_string(),
        };
        let left = applied(&filter.to_string(), &text);
        let mut left: Value = serde_json::from_str(&left).unwrap();
        let warned = left.as_object_mut().and_then(|left| left.remove(WARNING));
        match expected(&filter, &result) {
            Some(expected) => prop_assert_eq!(left, expected),
            None => {
                prop_assert_eq!(left, json!({}));
                prop_assert!(warned.is_some());
            }
        }
    }

    #[test]
    fn any_text_is_a_filter_or_not_without_panic(
        filter in "[{}\\[\\]\"a:, true\\\\]{0,24}",
        result in "[{}\\[\\]\"a:, 1\\\\]{0,24}",
    ) {
        if let Ok(filter) = Filter::parse(&filter) {
            let _ = filter.apply(&result);
        }
    }
}
