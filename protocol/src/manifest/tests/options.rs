//! Options: what is taken, and what is refused.

use super::{parse, refused};
use crate::manifest::*;
use serde_json::{Value, json};

fn with_option(members: Value) -> Value {
    let mut option = json!({"name": "x", "type": "string", "description": "d"});
    for (name, value) in members.as_object().unwrap() {
        option[name] = value.clone();
    }
    json!({"options": [option]})
}

#[test]
fn options_are_refused() {
    refused(json!({"options": {}}), "options", "array");
    refused(json!({"options": [1]}), "options[0]", "object");
    for (member, allowed) in [
        ("name", "name"),
        ("type", "string, string-conceal, int, bool, flag"),
        ("description", "string"),
    ] {
        let mut value = with_option(json!({}));
        value["options"][0].as_object_mut().unwrap().remove(member);
        refused(value, &format!("options[0].{member}"), allowed);
    }
    for name in [
        "",
        "Upper",
        "with space",
        "a=b",
        "a|b",
        "ü",
        "a\u{0}",
        &"a".repeat(65),
    ] {
        refused(
            with_option(json!({"name": name})),
            "options[0].name",
            "lower-case",
        );
    }
    refused(
        with_option(json!({"name": 7})),
        "options[0].name",
        "lower-case",
    );
    refused(
        with_option(json!({"name": "alias"})),
        "options[0].name",
        "lightningd",
    );
    refused(
        with_option(json!({"name": "clnrest-port"})),
        "options[0].name",
        "clnrest",
    );
    // Of v25.09.3 and v23.08.1.
    refused(
        with_option(json!({"name": "experimental-offers"})),
        "options[0].name",
        "lightningd does not have already, here or in an earlier release",
    );
    refused(
        with_option(json!({"name": "rest-port"})),
        "options[0].name",
        "clnrest",
    );
    refused(
        with_option(json!({"type": "number"})),
        "options[0].type",
        "string-conceal",
    );
    refused(
        with_option(json!({"type": "bool", "multi": true})),
        "options[0].multi",
        "string and int",
    );
    refused(
        with_option(json!({"type": "flag", "multi": true})),
        "options[0].multi",
        "string and int",
    );
    refused(
        with_option(json!({"multi": "true"})),
        "options[0].multi",
        "true or false",
    );
    refused(
        with_option(json!({"dynamic": 1})),
        "options[0].dynamic",
        "true or false",
    );
    refused(
        with_option(json!({"description": "\u{1b}[2J"})),
        "options[0].description",
        "control",
    );
    let twice = with_option(json!({}))["options"][0].clone();
    refused(
        json!({"options": [twice, twice]}),
        "options[1].name",
        "once",
    );
    let many: Vec<_> = (0..=bounds::OPTIONS).map(|_| json!(0)).collect();
    refused(json!({"options": many}), "options", "at most 128");
}

#[test]
fn defaults_of_today_and_of_the_seed() {
    let default = |members: Value| {
        parse(with_option(members)).unwrap().options[0]
            .default
            .clone()
    };
    assert_eq!(
        default(json!({"type": "int", "default": "7"})),
        Some(OptionValue::Int(7))
    );
    assert_eq!(
        default(json!({"type": "int", "default": -7})),
        Some(OptionValue::Int(-7))
    );
    assert_eq!(
        default(json!({"type": "bool", "default": "true"})),
        Some(OptionValue::Bool(true))
    );
    assert_eq!(
        default(json!({"type": "bool", "default": false})),
        Some(OptionValue::Bool(false))
    );
    assert_eq!(
        default(json!({"default": 5})),
        Some(OptionValue::String("5".into()))
    );
    assert_eq!(default(json!({"default": null})), None);
    assert_eq!(default(json!({"type": "flag", "default": false})), None);
    assert_eq!(default(json!({"type": "flag", "default": null})), None);
    assert_eq!(
        default(json!({"type": "int", "multi": true, "default": [7]})),
        Some(OptionValue::Int(7))
    );
    for (option_type, bad) in [
        ("int", json!("seven")),
        ("int", json!("0x10")),
        ("int", json!(1.5)),
        ("bool", json!("maybe")),
        ("bool", json!(1)),
        ("flag", json!(true)),
        ("string", json!(["a"])),
        ("string", json!("\u{0}")),
    ] {
        let value = with_option(json!({"type": option_type, "default": bad}));
        let error = parse(value).unwrap_err();
        assert_eq!(error.member, "options[0].default", "{error}");
    }
    refused(
        with_option(json!({"multi": true, "default": ["a", "b"]})),
        "options[0].default",
        "single",
    );
}

#[test]
fn deprecated_is_a_bool_or_releases() {
    let deprecated = |value: Value| {
        parse(with_option(json!({"deprecated": value}))).map(|m| m.options[0].deprecated.clone())
    };
    assert_eq!(deprecated(json!(false)), Ok(Deprecated::No));
    assert_eq!(deprecated(json!(true)), Ok(Deprecated::Yes));
    assert_eq!(
        deprecated(json!(["v25.09"])),
        Ok(Deprecated::Since("v25.09".into()))
    );
    assert_eq!(
        deprecated(json!(["v25.09", "v26.03.1"])),
        Ok(Deprecated::Range("v25.09".into(), "v26.03.1".into()))
    );
    for bad in [
        json!("v25.09"),
        json!([]),
        json!(["25.09"]),
        json!(["v25"]),
        json!(["v25.13"]),
        json!(["v25.00"]),
        json!(["v100.01"]),
        json!(["v25.09.10"]),
        json!(["v25.09.1.1"]),
        json!(["v+5.09"]),
        json!([1]),
        json!(["v25.09", "v25.12", "v26.03"]),
        json!(null),
    ] {
        assert!(deprecated(bad.clone()).is_err(), "{bad}");
    }
    // lightningd would abort over this one.
    refused(
        json!({"rpcmethods": [{"name": "x", "usage": "", "deprecated": ["v26.03", "v25.09"]}]}),
        "rpcmethods[0].deprecated",
        "not before the start",
    );
}
