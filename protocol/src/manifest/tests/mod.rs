//! Manifests that are taken, and ones that are refused with a reason.

mod members;
mod options;

use super::*;
use crate::native::Version;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The example of the documentation of v0.8.2.
const SEED: &str = r#"{ "options": [ { "name": "greeting", "type": "string", "default": "World", "description": "What name should I call you?" } ], "rpcmethods": [ { "name": "hello", "usage": "[name]", "description": "Returns a personalized greeting for {greeting} (set via options)." }, { "name": "gettime", "usage": "", "description": "Returns the current time in {timezone}", "long_description": "Returns the current time in the timezone that is given as the only parameter.\nThis description may be quite long and is allowed to span multiple lines." } ], "subscriptions": [ "connect", "disconnect" ], "hooks": [ "openchannel", "htlc_accepted" ], "dynamic": true }"#;

/// What a plugin of every feature answered to lightningd v26.06.6, which took it.
const RECORDED: &str = r#"{"options":[{"name":"rec-string","type":"string","description":"A string option","default":"a default"},{"name":"rec-string-unset","type":"string","description":"A string option"},{"name":"rec-int","type":"int","description":"A int option","default":7},{"name":"rec-bool","type":"bool","description":"A bool option","default":true},{"name":"rec-flag","type":"flag","description":"A flag option"},{"name":"rec-string-multi","type":"string","description":"A string option","multi":true},{"name":"rec-int-multi","type":"int","description":"A int option","multi":true},{"name":"rec-string-dynamic","type":"string","description":"A string option","default":"one","dynamic":true},{"name":"rec-int-dynamic","type":"int","description":"A int option","default":1,"dynamic":true},{"name":"rec-concealed","type":"string-conceal","description":"A string-conceal option"},{"name":"rec-deprecated","type":"string","description":"A string option","deprecated":true}],"rpcmethods":[{"name":"rec-echo","usage":"[a] [b]","description":"The rec-echo method","long_description":"Only here to be recorded.","category":"testing"},{"name":"rec-deprecated","usage":"","description":"The rec-deprecated method","long_description":"Only here to be recorded.","deprecated":true}],"dynamic":false,"nonnumericids":true,"subscriptions":["balance_snapshot","block_added","rec_event","not_a_topic"],"hooks":[{"name":"commitment_revocation","before":[]},{"name":"custommsg","before":[]},{"name":"htlc_accepted","before":["keysend"]},{"name":"openchannel2","before":["funder"]},{"name":"rpc_command","before":[]}],"notifications":[{"method":"rec_event"}],"custommessages":[43691,43693],"cancheck":true,"featurebits":{"node":"0200000000000000000000000000000000000000000000000000","init":"","invoice":"","channel":""}}"#;

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn parse(value: Value) -> Result<Manifest, ManifestError> {
    Manifest::parse(&value.to_string())
}

#[track_caller]
fn refused(value: Value, member: &str, allowed: &str) {
    let error = parse(value.clone()).expect_err(&value.to_string());
    assert_eq!(error.member, member, "{error}");
    assert!(error.allowed.contains(allowed), "{error}");
}

#[test]
fn the_example_of_the_seed() {
    let manifest = Manifest::parse(SEED).unwrap();
    assert_eq!(manifest.options.len(), 1);
    assert_eq!(manifest.options[0].name, "greeting");
    assert_eq!(manifest.options[0].option_type, OptionType::String);
    assert_eq!(
        manifest.options[0].default,
        Some(OptionValue::String("World".into()))
    );
    let [hello, gettime] = manifest.rpcmethods.as_slice() else {
        panic!("two methods")
    };
    assert_eq!(hello.usage, "[name]");
    assert_eq!(hello.long_description, hello.description);
    assert!(gettime.long_description.contains("\nThis description"));
    assert_eq!(manifest.subscriptions, ["connect", "disconnect"]);
    assert_eq!(
        manifest.hooks,
        ["openchannel", "htlc_accepted"].map(HookRegistration::named)
    );
    assert!(manifest.dynamic);
    assert!(manifest.unknown.is_empty());
    assert_eq!(
        Manifest::parse_for(
            SEED,
            &Lightningd {
                version: Version::parse("v0.8.2"),
                ..Default::default()
            }
        ),
        Ok(manifest)
    );
}

#[test]
fn a_recorded_manifest_survives_reading_and_writing() {
    let manifest = Manifest::parse(RECORDED).unwrap();
    assert!(manifest.unknown.is_empty());
    assert_eq!(
        manifest.featurebits.set_bits().collect::<Vec<_>>(),
        [("node", 201)]
    );
    assert_eq!(manifest.custommessages, [43691, 43693]);
    assert!(manifest.cancheck);
    let mut expected: Value = serde_json::from_str(RECORDED).unwrap();
    expected["featurebits"] =
        json!({"node": "0200000000000000000000000000000000000000000000000000"});
    for (at, before) in [(0, false), (1, false), (2, true), (3, true), (4, false)] {
        if !before {
            expected["hooks"][at]
                .as_object_mut()
                .unwrap()
                .remove("before");
        }
    }
    assert_eq!(value(&manifest.to_json()), expected);
    assert_eq!(Manifest::parse(&manifest.to_json()), Ok(manifest.clone()));
}

#[test]
fn nothing_is_required() {
    let manifest = parse(json!({})).unwrap();
    assert_eq!(manifest, Manifest::default());
    assert_eq!(
        manifest.to_json(),
        r#"{"dynamic":false,"nonnumericids":true,"options":[],"rpcmethods":[]}"#
    );
}

#[test]
fn what_is_no_manifest() {
    for text in [
        "",
        "not json",
        "[]",
        "null",
        "\"x\"",
        "{\"options\":[]",
        &"[".repeat(1000),
    ] {
        let error = Manifest::parse(text).unwrap_err();
        assert_eq!(error.member, "manifest", "{error}");
    }
    let error = Manifest::parse(&" ".repeat(bounds::MANIFEST_BYTES + 1)).unwrap_err();
    assert_eq!(error.got, "1048577 bytes");
}

#[test]
fn unknown_members_are_named_and_ignored() {
    let manifest = parse(json!({
        "colour": 1,
        "options": [{"name": "a", "type": "int", "description": "", "unit": "sat"}],
        "rpcmethods": [{"name": "b", "usage": "", "x": 1}],
        "hooks": [{"name": "custommsg", "y": 1}],
        "notifications": [{"method": "c", "z": 1}],
        "featurebits": {"globalinit": "01"},
        "capabilities": [{"grant": "kv", "reason": "to keep state", "w": 1}],
    }))
    .unwrap();
    assert_eq!(
        manifest.unknown,
        [
            "colour",
            "options[0].unit",
            "rpcmethods[0].x",
            "hooks[0].y",
            "featurebits.globalinit",
            "notifications[0].z",
            "capabilities[0].w"
        ]
    );
    let many: Map<String, Value> = (0..1000).map(|n| (format!("k{n}\n"), json!(0))).collect();
    let manifest = parse(Value::Object(many)).unwrap();
    assert_eq!(manifest.unknown.len(), bounds::UNKNOWN);
    assert!(manifest.unknown.iter().all(|name| !name.contains('\n')));
}

#[test]
fn disable_is_all_that_is_read() {
    let manifest = parse(json!({"disable": "no backend", "options": "nonsense"})).unwrap();
    assert_eq!(manifest.disable.as_deref(), Some("no backend"));
    assert_eq!(manifest.to_json(), r#"{"disable":"no backend"}"#);
    assert_eq!(
        parse(json!({"disable": null})).unwrap().disable.as_deref(),
        Some("null")
    );
    let long = parse(json!({"disable": "ü".repeat(5000)}))
        .unwrap()
        .disable
        .unwrap();
    assert!(long.len() <= bounds::REASON_BYTES);
}

#[test]
fn lightningd_gets_no_capabilities_and_no_deprecated_defaults() {
    let manifest = parse(json!({
        "options": [
            {"name": "old", "type": "int", "description": "", "default": 1, "deprecated": true},
            {"name": "new", "type": "int", "description": "", "default": 2},
        ],
        "capabilities": [{"grant": "rpc: method=listpeers", "reason": "to see who is there"}],
    }))
    .unwrap();
    assert_eq!(value(&manifest.to_json())["options"][0]["default"], 1);
    assert_eq!(
        value(&manifest.to_json())["capabilities"][0]["grant"],
        "rpc: method=listpeers"
    );
    let sent = value(&manifest.to_lightningd());
    assert_eq!(sent["options"][0].get("default"), None);
    assert_eq!(sent["options"][1]["default"], 2);
    assert_eq!(sent.get("capabilities"), None);
}

/// JSON that is a manifest in most places and nonsense in some.
fn almost_a_manifest() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[a-z_-]{1,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "int",
            "flag",
            "custommsg",
            "rpc_command",
            "v25.09",
            "0200",
            "connect"
        ])
        .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "options",
        "rpcmethods",
        "subscriptions",
        "hooks",
        "dynamic",
        "featurebits",
        "features",
        "notifications",
        "custommessages",
        "cancheck",
        "capabilities",
        "name",
        "type",
        "description",
        "default",
        "multi",
        "deprecated",
        "usage",
        "before",
        "after",
        "filters",
        "method",
        "grant",
        "reason",
        "init",
        "node",
        "invoice",
    ]);
    leaf.prop_recursive(4, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|members| Value::Object(
                members
                    .into_iter()
                    .map(|(n, v)| (n.to_owned(), v))
                    .collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn reading_never_panics_and_what_is_written_reads_the_same(value in almost_a_manifest()) {
        if let Ok(manifest) = parse(value) {
            let again = Manifest::parse(&manifest.to_json()).unwrap();
            prop_assert_eq!(again.to_json(), manifest.to_json());
        }
    }

    #[test]
    fn reading_any_text_never_panics(text in ".{0,200}") {
        if let Err(error) = Manifest::parse(&text) {
            prop_assert!(!error.to_string().chars().any(char::is_control));
        }
    }
}
