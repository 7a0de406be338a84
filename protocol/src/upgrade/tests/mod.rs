//! Old messages become today's, and today's stay as they are.

mod hooks;
mod notifications;
mod seed;

use super::{custom_notification, hook, notification};
use crate::native::Version;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Versions that are looked at: unknown, that of the documentation, the last one.
fn old() -> [Option<Version>; 3] {
    let versions = [None, Version::parse("v0.8.2"), Version::parse("v25.02.2")];
    assert!(versions.iter().skip(1).all(Option::is_some));
    versions
}

fn today() -> Option<Version> {
    Some(Version::release(26, 6, 6))
}

#[track_caller]
fn is_json(text: Option<String>, expected: Value) {
    let text = text.expect("an upgrade");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value, expected);
}

#[test]
fn what_is_no_object_stays() {
    for params in [
        "",
        "null",
        "[]",
        "7",
        "{",
        "\"{}\"",
        "[{}]",
        "{\"onion\":[],\"htlc\":7}",
        "{\"payment\":null}",
    ] {
        for name in crate::native::hooks(None) {
            assert_eq!(hook(None, name, params), None, "{name} {params}");
        }
    }
    for params in ["", "null", "[]", "7", "{", "\"{}\"", "[{}]"] {
        for topic in crate::native::topics::topics(None) {
            assert_eq!(notification(None, topic, params), None, "{topic} {params}");
        }
    }
}

#[test]
fn custom_notifications_lose_their_wrapping() {
    let old = r#"{"origin":"some-plugin","payload":{"b":1,  "a":[1.50]}}"#;
    let expected = Some((
        r#"{"b":1,  "a":[1.50]}"#.to_owned(),
        Some("some-plugin".to_owned()),
    ));
    for version in [
        None,
        Version::parse("v0.10.1"),
        Version::parse("v25.05.1-9-gabc"),
    ] {
        assert_eq!(
            custom_notification(version, "own_topic", old, None),
            expected,
            "byte for byte"
        );
    }
    assert_eq!(custom_notification(today(), "own_topic", old, None), None);
    assert_eq!(
        custom_notification(None, "own_topic", old, Some("cln-wasm")),
        None
    );
    assert_eq!(custom_notification(None, "connect", old, None), None);
    for params in [
        r#"{"origin":"x","payload":1,"more":2}"#,
        r#"{"origin":7,"payload":1}"#,
        r#"{"payload":1}"#,
        r#"{"text":"hello","n":[1,2,3]}"#,
        "[]",
        "",
    ] {
        assert_eq!(
            custom_notification(None, "own_topic", params, None),
            None,
            "{params}"
        );
    }
}

/// JSON with the members that upgrades look at, in any place.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "7msat",
            "0msat",
            "99999999999999999999msat",
            "0x0x0",
            "1.2.3.4:5",
            "unknown",
            "ü"
        ])
        .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "connect",
        "block_added",
        "block",
        "forward_event",
        "coin_movement",
        "sendpay_failure",
        "data",
        "id",
        "address",
        "in_msatoshi",
        "in_msat",
        "out_msat",
        "fee",
        "out_channel",
        "status",
        "tags",
        "tag",
        "utxo_txid",
        "vout",
        "txid",
        "accounts",
        "balance",
        "amount",
        "funding_satoshis",
        "funding_locked",
        "onion",
        "htlc",
        "per_hop_v0",
        "forward_amount",
        "next_onion",
        "shared_secret",
        "short_channel_id",
        "payment",
        "msat",
        "openchannel",
        "dust_limit_satoshis",
        "rpc_command",
        "method",
        "message",
        "payload",
        "origin",
        "old_state",
    ]);
    leaf.prop_recursive(4, 48, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn an_upgrade_never_panics_and_is_done_once(value in anything()) {
        let params = value.to_string();
        for topic in crate::native::topics::topics(None) {
            if let Some(once) = notification(None, topic, &params) {
                prop_assert_eq!(notification(None, topic, &once), None, "{}", topic);
            }
        }
        for name in crate::native::hooks(None).filter(|name| *name != "rpc_command") {
            if let Some(once) = hook(None, name, &params) {
                prop_assert_eq!(hook(None, name, &once), None, "{}", name);
            }
        }
        // Here each round takes one layer off.
        let _ = hook(None, "rpc_command", &params);
        let _ = custom_notification(None, "own_topic", &params, None);
    }
}
