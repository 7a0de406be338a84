//! Methods, hooks, feature bits and the small members.

use super::{parse, refused, value};
use crate::manifest::*;
use crate::native::Version;
use serde_json::json;

#[test]
fn an_empty_long_description_is_the_description() {
    let method = json!({"name": "x", "usage": "", "description": "short", "long_description": ""});
    let manifest = parse(json!({"rpcmethods": [method]})).unwrap();
    assert_eq!(manifest.rpcmethods[0].long_description, "short");
    assert_eq!(
        Manifest::parse(&manifest.to_json()).unwrap().rpcmethods,
        manifest.rpcmethods
    );
}

#[test]
fn rpcmethods_are_refused() {
    let method = |name: &str| json!({"name": name, "usage": ""});
    refused(json!({"rpcmethods": 1}), "rpcmethods", "array");
    refused(
        json!({"rpcmethods": [{"usage": ""}]}),
        "rpcmethods[0].name",
        "name",
    );
    refused(
        json!({"rpcmethods": [{"name": "x"}]}),
        "rpcmethods[0].usage",
        "string",
    );
    refused(
        json!({"rpcmethods": [{"name": "x", "usage": 1}]}),
        "rpcmethods[0].usage",
        "string",
    );
    refused(
        json!({"rpcmethods": [{"name": "x", "usage": "\u{1}"}]}),
        "rpcmethods[0].usage",
        "control",
    );
    for name in ["", "a b", "a\"b", "a\nb", "ü", "a\\b", &"a".repeat(65)] {
        refused(
            json!({"rpcmethods": [method(name)]}),
            "rpcmethods[0].name",
            "printable ASCII",
        );
    }
    refused(
        json!({"rpcmethods": [method("help")]}),
        "rpcmethods[0].name",
        "lightningd",
    );
    refused(
        json!({"rpcmethods": [method("pay")]}),
        "rpcmethods[0].name",
        "pay does not have",
    );
    // Of v25.12.1 and v25.05.1.
    for (name, owner) in [("decodepay", "lightningd"), ("commando-rune", "commando")] {
        refused(
            json!({"rpcmethods": [method(name)]}),
            "rpcmethods[0].name",
            &format!("{owner} does not have already, here or in an earlier release"),
        );
    }
    refused(
        json!({"rpcmethods": [method("x"), method("x")]}),
        "rpcmethods[1].name",
        "once",
    );
    // No description: required before v24.08, so written all the same.
    let manifest = parse(json!({"rpcmethods": [method("x")]})).unwrap();
    assert_eq!(
        value(&manifest.to_json())["rpcmethods"],
        json!([{"name": "x", "usage": "", "description": ""}])
    );
}

#[test]
fn a_bitcoin_backend_takes_the_methods_of_a_disabled_bcli() {
    let text = json!({"rpcmethods": [{"name": "getchaininfo", "usage": ""}]}).to_string();
    let without = Lightningd {
        disabled_plugins: vec!["bcli".into()],
        ..Lightningd::default()
    };
    assert!(Manifest::parse(&text).is_err());
    assert!(Manifest::parse_for(&text, &without).is_ok());
}

#[test]
fn hooks_in_both_forms() {
    let manifest = parse(json!({"hooks": [
        "peer_connected",
        {"name": "htlc_accepted", "before": ["keysend", "/opt/plugins/a"], "after": ["b"]},
        {"name": "rpc_command", "filters": ["pay", "xpay"]},
        {"name": "custommsg", "filters": [43690, 18446744073709551615u64]},
        {"name": "openchannel", "before": []},
    ]}))
    .unwrap();
    assert_eq!(manifest.hooks[1].before, ["keysend", "/opt/plugins/a"]);
    assert_eq!(manifest.hooks[1].after, ["b"]);
    assert_eq!(
        manifest.hooks[2].filters,
        Some(HookFilters::Methods(vec!["pay".into(), "xpay".into()]))
    );
    assert_eq!(
        manifest.hooks[3].filters,
        Some(HookFilters::MessageTypes(vec![43690, u64::MAX]))
    );
    assert_eq!(
        Manifest::parse(&manifest.to_json()).unwrap().hooks,
        manifest.hooks
    );
    let none = parse(json!({"hooks": [{"name": "rpc_command", "filters": []}]})).unwrap();
    assert_eq!(
        value(&none.to_json())["hooks"][0]["filters"],
        json!([]),
        "an empty list is not no list"
    );
}

#[test]
fn hooks_are_refused() {
    refused(json!({"hooks": {}}), "hooks", "array");
    refused(
        json!({"hooks": ["nonsense"]}),
        "hooks[0]",
        "commitment_revocation, custommsg, db_write, htlc_accepted",
    );
    refused(
        json!({"hooks": [{"name": "nonsense"}]}),
        "hooks[0].name",
        "rpc_command",
    );
    refused(json!({"hooks": [{}]}), "hooks[0].name", "name");
    refused(json!({"hooks": [7]}), "hooks[0]", "name");
    refused(
        json!({"hooks": ["custommsg", {"name": "custommsg"}]}),
        "hooks[1].name",
        "once",
    );
    refused(
        json!({"hooks": [{"name": "custommsg", "before": "x"}]}),
        "hooks[0].before",
        "array",
    );
    refused(
        json!({"hooks": [{"name": "custommsg", "after": [1]}]}),
        "hooks[0].after[0]",
        "string",
    );
    refused(
        json!({"hooks": [{"name": "custommsg", "after": [""]}]}),
        "hooks[0].after[0]",
        "file name",
    );
    refused(
        json!({"hooks": [{"name": "custommsg", "before": ["x"], "after": ["x"]}]}),
        "hooks[0]",
        "order",
    );
    refused(
        json!({"hooks": [{"name": "openchannel", "filters": []}]}),
        "hooks[0].filters",
        "rpc_command and custommsg only",
    );
    refused(
        json!({"hooks": [{"name": "rpc_command", "filters": [1]}]}),
        "hooks[0].filters[0]",
        "string",
    );
    refused(
        json!({"hooks": [{"name": "rpc_command", "filters": null}]}),
        "hooks[0].filters",
        "array",
    );
    refused(
        json!({"hooks": [{"name": "custommsg", "filters": ["1"]}]}),
        "hooks[0].filters[0]",
        "unsigned",
    );
    refused(
        json!({"hooks": [{"name": "custommsg", "filters": [-1]}]}),
        "hooks[0].filters[0]",
        "unsigned",
    );
    let old = Lightningd {
        version: Version::parse("v23.05"),
        ..Default::default()
    };
    let error = Manifest::parse_for(r#"{"hooks": ["recover"]}"#, &old).unwrap_err();
    assert!(
        !error.allowed.contains("recover"),
        "that release has no such hook: {error}"
    );
}

#[test]
fn featurebits_under_both_names() {
    for name in ["features", "featurebits"] {
        let manifest =
            parse(json!({name: {"node": "0200000000000000000000000000000000000000000000000000"}}))
                .unwrap();
        assert_eq!(
            manifest.featurebits.set_bits().collect::<Vec<_>>(),
            [("node", 201)]
        );
        assert!(value(&manifest.to_json()).get("featurebits").is_some());
    }
    let both = parse(json!({"features": {"init": "zz"}, "featurebits": {"init": ""}})).unwrap();
    assert_eq!(both.unknown, ["features"]);
    refused(json!({"featurebits": "01"}), "featurebits", "object");
    refused(
        json!({"featurebits": {"init": "0"}}),
        "featurebits.init",
        "hex",
    );
    refused(
        json!({"featurebits": {"init": 1}}),
        "featurebits.init",
        "hex",
    );
    refused(
        json!({"featurebits": {"init": "01"}}),
        "featurebits.init",
        "does not set itself",
    );
    refused(
        json!({"featurebits": {"node": "02"}}),
        "featurebits.node",
        "twins",
    );
    refused(
        json!({"featurebits": {"invoice": "80".repeat(640)}}),
        "featurebits.invoice",
        "below 5115",
    );
    refused(
        json!({"featurebits": {"node": "00".repeat(8193)}}),
        "featurebits.node",
        "below 65536",
    );
    refused(
        json!({"dynamic": true, "featurebits": {"node": "00"}}),
        "featurebits",
        "none where",
    );
    assert!(parse(json!({"dynamic": true, "featurebits": {"node": ""}})).is_ok());
}

#[test]
fn the_small_members() {
    refused(json!({"subscriptions": "x"}), "subscriptions", "array");
    refused(json!({"subscriptions": [1]}), "subscriptions[0]", "string");
    refused(
        json!({"subscriptions": ["a b"]}),
        "subscriptions[0]",
        "printable",
    );
    let manifest =
        parse(json!({"subscriptions": ["*", "connect", "connect", "some_plugins_own"]})).unwrap();
    assert_eq!(manifest.subscriptions, ["*", "connect", "some_plugins_own"]);
    refused(
        json!({"notifications": ["x"]}),
        "notifications[0]",
        "object",
    );
    refused(
        json!({"notifications": [{}]}),
        "notifications[0].method",
        "name",
    );
    refused(
        json!({"notifications": [{"method": "connect"}]}),
        "notifications[0].method",
        "lightningd does not send",
    );
    refused(
        json!({"notifications": [{"method": "log"}]}),
        "notifications[0].method",
        "lightningd does not send",
    );
    refused(
        json!({"notifications": [{"method": "progress"}]}),
        "notifications[0].method",
        "other than",
    );
    refused(
        json!({"custommessages": [65536]}),
        "custommessages[0]",
        "65535",
    );
    refused(
        json!({"custommessages": ["1"]}),
        "custommessages[0]",
        "65535",
    );
    refused(json!({"nonnumericids": false}), "nonnumericids", "true");
    refused(
        json!({"nonnumericids": "true"}),
        "nonnumericids",
        "true or false",
    );
    refused(json!({"cancheck": 1}), "cancheck", "true or false");
    refused(json!({"dynamic": "yes"}), "dynamic", "true or false");
    refused(
        json!({"capabilities": [{"grant": "kv"}]}),
        "capabilities[0].reason",
        "what for",
    );
    refused(
        json!({"capabilities": [{"grant": " ", "reason": "x"}]}),
        "capabilities[0].grant",
        "grant",
    );
    refused(
        json!({"capabilities": [{"grant": "kv", "reason": ""}]}),
        "capabilities[0].reason",
        "what for",
    );
}
