//! The plugin documentation's example through the bridge: every call it describes.

mod framing;

use cln_wasm_tests::bridge::{Folder, add_bridge, bridge, built_guest, manifest, methods, payload};
use cln_wasm_tests::simulator::{CallOptions, Node, OptionType, Simulator};
use serde_json::{Value, json};

const HELLO_POLICY: &str = r#"
[grant]
options = ["greeting"]
methods = ["hello", "gettime"]
subscriptions = ["connect", "disconnect"]
hooks = ["openchannel", "htlc_accepted"]
"#;

fn hello_folder() -> Folder {
    Folder::new().guest("hello", &built_guest("hello", "guests/hello"), HELLO_POLICY)
}

fn hello() -> (Folder, Node) {
    let folder = hello_folder();
    let node = bridge(&folder).start().unwrap();
    (folder, node)
}

/// A guest with a few methods that say what they were told.
fn teller() -> Folder {
    Folder::new().scripted(
        "teller",
        json!({
            "manifest": manifest(json!({
                "rpcmethods": methods(&["t-echo", "t-call", "t-seen", "t-raw", "t-error", "t-held", "t-release", "t-slow"]),
                "options": [
                    {"name": "t-string", "type": "string", "description": "", "default": "a default"},
                    {"name": "t-int", "type": "int", "description": "", "default": 7, "dynamic": true},
                    {"name": "t-bool", "type": "bool", "description": "", "default": false},
                    {"name": "t-flag", "type": "flag", "description": ""},
                    {"name": "t-many", "type": "string", "description": "", "multi": true, "dynamic": true},
                    {"name": "t-unset", "type": "string", "description": ""}],
                "cancheck": true})),
            "methods": {
                "t-echo": "echo", "t-call": "call", "t-seen": "seen",
                "t-raw": {"text": "{\"format-hint\": \"simple\",\"u\":\"\\u00e9\\/\\ud83d\\ude00\",  \"n\":1.0e+2,\"big\":123456789012345678901234567890}"},
                "t-error": {"error": {"code": 7, "message": "as asked", "data": {"x": [1]}}},
                "t-held": [{"hold": true}, "last"],
                "t-release": [{"release": true}, "last"],
                "t-slow": [{"message": "half way"}, {"progress": [1, 2]}, {"sleep": 1}, {"message": "nearly"}, {"answer": "done"}]},
            "checks": {"t-echo": {"by": "/verdict", "moves": {"no": {"error": {"code": -32602, "message": "not so"}}}}},
            "setconfigs": {"*": {"answer": {}}},
        }),
    )
}

/// Also where the kernel gives them to everybody: docs/performance.md, "Huge pages".
#[test]
#[cfg(target_os = "linux")]
fn the_bridge_takes_no_huge_pages() {
    let (_folder, node) = hello();
    let path = format!("/proc/{}/status", node.pid(0).unwrap());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find(|line| line.starts_with("THP_enabled:"));
    // A kernel without them has no such line.
    assert!(line.is_none_or(|line| line.ends_with('0')), "{line:?}");
}

#[test]
fn the_manifest_is_the_documents_example() {
    let (_folder, node) = hello();
    let manifest = node.manifest();
    let option = manifest.option("greeting").unwrap();
    assert_eq!(
        (option.kind, option.default.as_deref()),
        (OptionType::String, Some("World"))
    );
    assert!(!option.multi && !option.dynamic && option.deprecated.is_none());
    assert_eq!(manifest.options.len(), 1);
    let methods: Vec<_> = manifest
        .methods
        .iter()
        .map(|m| (m.name.as_str(), m.usage.as_str()))
        .collect();
    // The last is the bridge's own.
    assert_eq!(
        methods,
        [
            ("hello", "[name]"),
            ("gettime", ""),
            ("wasm-list", "[name]")
        ]
    );
    let hooks: Vec<_> = manifest.hooks.iter().map(|h| h.name.as_str()).collect();
    assert_eq!(hooks, ["htlc_accepted", "openchannel"]);
    // What the bridge needs for itself is all that it adds.
    assert_eq!(
        manifest.subscriptions,
        ["connect", "deprecated_oneshot", "disconnect", "shutdown"]
    );
    assert!(manifest.dynamic && manifest.can_check);
    assert!(
        manifest.notifications.is_empty()
            && manifest.featurebits.is_empty()
            && manifest.custommessages.is_empty()
    );
    let text = node.transcript();
    for line in [
        "Returns a personalized greeting for {greeting} (set via options).",
        "Returns the current time in the timezone that is given as the only parameter.\\nThis description may be quite long and is allowed to span multiple lines.",
        "What name should I call you?",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    node.shutdown().unwrap();
}

#[test]
fn greets_and_tells_the_time() {
    let folder = hello_folder();
    let node = bridge(&folder)
        .option("greeting", json!("Ada"))
        .start()
        .unwrap();
    assert_eq!(node.call("hello", json!([])).unwrap(), json!("Hello Ada"));
    assert_eq!(node.call("hello", json!({})).unwrap(), json!("Hello Ada"));
    assert_eq!(
        node.call("hello", json!(["you"])).unwrap(),
        json!("Hello you")
    );
    assert_eq!(
        node.call("hello", json!({"name": "you"})).unwrap(),
        json!("Hello you")
    );
    assert_eq!(
        node.call("hello", json!([1, 2, 3])).unwrap_err().code(),
        Some(-32602)
    );
    for params in [
        json!([]),
        json!(["Europe/Berlin"]),
        json!({"timezone": "Asia/Tokyo"}),
    ] {
        let time = node.call("gettime", params).unwrap();
        let time = time.as_str().unwrap().to_owned();
        assert!(time.starts_with("20") && time.contains('T'), "{time}");
    }
    assert_eq!(
        node.call("gettime", json!(["Nowhere"])).unwrap_err().code(),
        Some(-32602)
    );
    node.shutdown().unwrap();
}

#[test]
fn the_documents_events_and_hooks_pass() {
    let (_folder, node) = hello();
    let id = "02f6725f9c1c40333b67faea92fd211c183050f28df32cac3f9d69685fe9665432";
    assert_eq!(node.notify("connect", json!({"id": id, "direction": "in", "address": {"type": "ipv4", "address": "1.2.3.4", "port": 9735}})).unwrap(), 1);
    node.wait_log(|l| l.text.contains(&format!("hello: {id} is connected")))
        .unwrap();
    assert_eq!(node.notify("disconnect", json!({"id": id})).unwrap(), 1);
    node.wait_log(|l| l.text.contains(&format!("hello: {id} is gone")))
        .unwrap();
    for hook in ["openchannel", "htlc_accepted"] {
        let ended = node.hook(hook, payload(hook)).unwrap();
        assert_eq!(ended.result, json!({"result": "continue"}), "{hook}");
    }
    node.shutdown().unwrap();
}

#[test]
fn an_old_lightningds_shapes_are_upgraded() {
    let folder = hello_folder();
    let node = bridge(&folder).version("v0.8.2").start().unwrap();
    let id = "02f6725f9c1c40333b67faea92fd211c183050f28df32cac3f9d69685fe9665432";
    node.notify_bare("connect", json!({"id": id, "address": "1.2.3.4"}))
        .unwrap();
    node.wait_log(|l| l.text.contains(&format!("hello: {id} is connected")))
        .unwrap();
    node.notify_bare("disconnect", json!({"id": id})).unwrap();
    node.wait_log(|l| l.text.contains(&format!("hello: {id} is gone")))
        .unwrap();
    let old = json!({"openchannel": {"id": "03864ef025fde8fb587d989186ce6a4a186895ee44a926bfc370e2c366597a3f8f",
        "funding_satoshis": "100000000msat", "push_msat": "0msat", "dust_limit_satoshis": "546000msat",
        "max_htlc_value_in_flight_msat": "18446744073709551615msat", "channel_reserve_satoshis": "1000000msat",
        "htlc_minimum_msat": "0msat", "feerate_per_kw": 7500, "to_self_delay": 5, "max_accepted_htlcs": 483,
        "channel_flags": 1}});
    let ended = node.hook("openchannel", old).unwrap();
    assert_eq!(
        ended.result,
        json!({"result": "continue"}),
        "{}",
        node.transcript()
    );
    node.wait_log(|l| l.text.contains("opens a channel of 100000000"))
        .unwrap();
    node.shutdown().unwrap();
}

#[test]
fn help_asks_for_the_manifest_and_touches_no_file() {
    let folder = hello_folder();
    let manifest = bridge(&folder).help().unwrap();
    assert!(manifest.method("hello").is_some());
}

#[test]
fn options_reach_the_guest_typed() {
    let folder = teller();
    let node = bridge(&folder)
        .option("t-int", json!(42))
        .option("t-bool", json!(true))
        .option("t-flag", json!(true))
        .option("t-many", json!(["x", "y"]))
        .start()
        .unwrap();
    let seen = node.call("t-seen", json!([])).unwrap();
    let init = &seen[0]["init"];
    assert_eq!(
        init["options"],
        json!({"t-string": "a default", "t-int": 42, "t-bool": true, "t-flag": true, "t-many": ["x", "y"]})
    );
    assert_eq!(init["configuration"]["network"], "regtest");
    assert_eq!(init["configuration"]["startup"], true);
    assert_eq!(
        init["configuration"]["lightning-dir"],
        node.directory().to_str().unwrap()
    );
    node.shutdown().unwrap();
}

#[test]
fn an_old_lightningds_strings_reach_the_guest_typed() {
    let folder = teller();
    let node = add_bridge(Simulator::builder(), &folder)
        .version("v0.8.2")
        .start_silent()
        .unwrap();
    let manifest = node.expect_answer(0, "1");
    node.send_bytes("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"getmanifest\",\"params\":{}}\n\n");
    manifest.wait().unwrap();
    let init = node.expect_answer(0, "2");
    let params = json!({"options": {"t-int": "42", "t-bool": "true", "t-string": "x"},
        "configuration": {"lightning-dir": node.directory(), "rpc-file": "lightning-rpc", "startup": true}});
    node.send_bytes(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"init\",\"params\":{params}}}\n\n"
    ));
    init.wait().unwrap();
    let seen = node.expect_answer(0, "3");
    node.send_bytes("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"t-seen\",\"params\":[]}\n\n");
    let seen: Value = seen.wait().unwrap().root().to_value().unwrap();
    let options = &seen["result"][0]["init"]["options"];
    assert_eq!(options["t-int"], 42);
    assert_eq!(options["t-bool"], true);
    assert_eq!(options["t-string"], "x");
}

#[test]
fn results_and_errors_are_passed_on_verbatim() {
    let folder = teller();
    let node = bridge(&folder).start().unwrap();
    assert_eq!(
        node.call_raw("t-raw", json!([])).unwrap(),
        "{\"format-hint\": \"simple\",\"u\":\"\\u00e9\\/\\ud83d\\ude00\",  \"n\":1.0e+2,\"big\":123456789012345678901234567890}"
    );
    let params = "{\"b\":1.50, \"a\":\"\\u00e9\",\"a\":2}";
    assert_eq!(node.call_raw("t-echo", params).unwrap(), params);
    let error = node.call("t-error", json!([])).unwrap_err();
    let error = error.rpc().unwrap();
    assert_eq!((error.code, error.message.as_str()), (7, "as asked"));
    assert_eq!(error.data, Some(json!({"x": [1]})));
    node.shutdown().unwrap();
}

#[test]
fn the_filter_and_the_view_of_deprecated_apis_reach_the_guest() {
    let folder = teller();
    let node = bridge(&folder).start().unwrap();
    let call = |options: CallOptions| {
        node.start_call_with("t-call", json!([1]), options)
            .unwrap()
            .wait()
            .unwrap()
    };
    let plain = call(CallOptions::default());
    assert_eq!(
        plain,
        json!({"params": [1], "filter": null, "deprecated_ok": false})
    );
    let filter = json!({"filter": true, "deprecated_ok": true});
    let filtered = call(CallOptions {
        filter: Some(filter.clone()),
        ..Default::default()
    });
    assert_eq!(
        filtered,
        json!({"filter": filter, "deprecated_ok": false}),
        "the guest gets it, and the caller what it leaves"
    );
    let allowed = CallOptions {
        deprecated_ok: Some(true),
        ..Default::default()
    };
    assert_eq!(call(allowed)["deprecated_ok"], true);
    assert_eq!(
        call(CallOptions::default())["deprecated_ok"],
        false,
        "it was for one request only"
    );
    node.shutdown().unwrap();
}

#[test]
fn the_bridge_applies_a_filter_to_what_the_guest_answered() {
    let folder = teller();
    let node = bridge(&folder).start().unwrap();
    let call = |method: &str, params: Value, filter: Value| {
        let options = CallOptions {
            filter: Some(filter),
            ..Default::default()
        };
        node.start_call_with(method, params, options)
            .unwrap()
            .wait()
    };
    // Every byte of what is kept stays: the number is larger than any that is computed with.
    let kept = call("t-raw", json!([]), json!({"big": true, "u": true})).unwrap();
    assert_eq!(kept["u"], "é/😀");
    assert_eq!(kept.as_object().unwrap().len(), 2);
    assert!(
        node.transcript()
            .contains(r#"{"u":"\u00e9\/\ud83d\ude00","big":123456789012345678901234567890}"#),
        "{kept}"
    );
    let misfit = call("t-raw", json!([]), json!({"u": true, "n": [true]})).unwrap();
    assert_eq!(misfit["n"], json!(100.0), "a plain value has no members");

    let calls = || {
        let list = node.call("wasm-list", json!(["teller"])).unwrap();
        list["guests"][0]["counters"]["calls"].as_u64().unwrap()
    };
    let before = calls();
    let refused = call("t-echo", json!([1]), json!({"a": false})).unwrap_err();
    let refused = refused.rpc().unwrap();
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (-32602, "filter: value must be true: invalid token 'false'")
    );
    assert_eq!(calls(), before, "the guest was not asked");

    let list = call("wasm-list", json!([]), json!({"guests": [{"state": true}]})).unwrap();
    assert_eq!(list, json!({"guests": [{"state": "ready"}]}));
    node.shutdown().unwrap();
}

#[test]
fn a_bad_value_never_reaches_a_dynamic_option() {
    let folder = teller();
    let node = bridge(&folder).start().unwrap();
    node.setconfig("t-int", Some(json!("13"))).unwrap();
    for bad in ["banana", "", "1.5", "0x1g", "99999999999999999999999"] {
        let refused = node.setconfig("t-int", Some(json!(bad))).unwrap_err();
        assert!(refused.code().is_some(), "{bad}: {refused}");
    }
    node.setconfig("t-many", Some(json!(["p", "q"]))).unwrap();
    let seen = node.call("t-seen", json!([])).unwrap();
    let changes: Vec<_> = seen
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e.get("setconfig").is_some())
        .collect();
    assert_eq!(
        changes,
        [
            &json!({"setconfig": "t-int", "value": 13, "check_only": false}),
            &json!({"setconfig": "t-many", "value": ["p", "q"], "check_only": false})
        ]
    );
    node.shutdown().unwrap();
}

#[test]
fn check_is_the_guests_to_answer() {
    let folder = teller();
    let node = bridge(&folder).start().unwrap();
    assert_eq!(
        node.check("t-echo", json!({"verdict": "yes"})).unwrap(),
        json!({"command_to_check": "t-echo"})
    );
    assert_eq!(
        node.check("t-echo", json!({"verdict": "no"}))
            .unwrap_err()
            .code(),
        Some(-32602)
    );
    assert_eq!(
        node.check("setconfig", json!({"config": "t-int", "val": "5"}))
            .unwrap()["command_to_check"],
        "setconfig"
    );
    assert!(
        node.check("setconfig", json!({"config": "t-int", "val": "x"}))
            .unwrap_err()
            .code()
            .is_some()
    );
    let seen = node.call("t-seen", json!([])).unwrap();
    let seen: Vec<_> = seen.as_array().unwrap().iter().skip(1).collect();
    assert_eq!(
        seen,
        [
            &json!({"check": "t-echo", "params": {"verdict": "yes"}}),
            &json!({"check": "t-echo", "params": {"verdict": "no"}}),
            &json!({"setconfig": "t-int", "value": 5, "check_only": true})
        ]
    );
    node.shutdown().unwrap();
}

#[test]
fn a_long_call_sends_word_and_holds_up_no_other() {
    let folder = teller();
    let node = bridge(&folder).start().unwrap();
    let mut slow = node.start_call("t-slow", json!([])).unwrap();
    let mut notes = Vec::new();
    while let Some((method, params)) = slow.next_note().unwrap() {
        let what = if method == "message" {
            params["message"].clone()
        } else {
            json!([params["num"], params["total"]])
        };
        notes.push((method, what));
    }
    assert_eq!(
        notes,
        [
            ("message".to_owned(), json!("half way")),
            ("progress".to_owned(), json!([1, 2])),
            ("message".to_owned(), json!("nearly"))
        ]
    );
    assert_eq!(slow.wait().unwrap(), json!("done"));
    let mut held = node.start_call("t-held", json!([])).unwrap();
    assert_eq!(node.call("t-echo", json!([2])).unwrap(), json!([2]));
    assert!(!held.is_done());
    assert_eq!(
        node.call("t-release", json!([null, "freed"])).unwrap(),
        json!(1)
    );
    assert_eq!(held.wait().unwrap(), json!("freed"));
    node.shutdown().unwrap();
}
