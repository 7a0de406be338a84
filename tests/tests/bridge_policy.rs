//! What the operator did not grant a guest does not get, and what it may say is bounded.

use cln_wasm_tests::bridge::{Folder, bridge, manifest, methods, payload, scripted};
use cln_wasm_tests::simulator::Node;
use serde_json::{Value, json};

/// A guest on one hook, with this policy for it; what it was shown of the hook's recorded payload.
fn shown(hook: &str, policy: &str) -> Value {
    let script = json!({"manifest": manifest(json!({"hooks": [hook], "rpcmethods": methods(&["s-seen"])})),
        "watch-hooks": true, "methods": {"s-seen": "seen"}});
    let policy = format!("[grant]\nmethods = [\"s-seen\"]\n{policy}");
    let folder = Folder::new().guest("s", &scripted(&script), &policy);
    let node = bridge(&folder).start().unwrap();
    node.hook(hook, payload(hook)).unwrap();
    let seen = node.call("s-seen", json!([])).unwrap();
    let mine = seen
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["hook"] == hook)
        .unwrap();
    let shown = mine["payload"].clone();
    node.shutdown().unwrap();
    shown
}

#[test]
fn secrets_need_a_grant_of_their_own() {
    for (hook, pointer, secret) in [
        ("htlc_accepted", "/onion/shared_secret", "shared_secret"),
        ("invoice_payment", "/payment/preimage", "preimage"),
        ("rpc_command", "/rpc_command/params", "params"),
        ("recover", "/codex32", "codex32"),
    ] {
        let whole: Value = serde_json::from_str(&payload(hook)).unwrap();
        assert!(whole.pointer(pointer).is_some(), "{hook}");
        let without = shown(hook, &format!("hooks = [\"{hook}\"]"));
        assert!(without.pointer(pointer).is_none(), "{hook}: {without}");
        let with = shown(
            hook,
            &format!("[grant.hooks]\n{hook} = {{ secrets = [\"{secret}\"] }}"),
        );
        assert_eq!(with.pointer(pointer), whole.pointer(pointer), "{hook}");
    }
}

#[test]
fn secrets_of_notifications_need_one_too() {
    let topics = [
        (
            "invoice_payment",
            "preimage",
            json!({"label": "x", "preimage": "00", "msat": 1}),
        ),
        (
            "invoice_creation",
            "preimage",
            json!({"label": "x", "preimage": "00", "msat": 1}),
        ),
        (
            "forward_event",
            "preimage",
            json!({"status": "settled", "preimage": "00"}),
        ),
        (
            "sendpay_success",
            "payment_preimage",
            json!({"status": "complete", "payment_preimage": "00"}),
        ),
    ];
    let names: Vec<_> = topics.iter().map(|(topic, ..)| *topic).collect();
    for (subscriptions, granted) in [(json!(names), names.clone()), (json!(["*"]), vec!["*"])] {
        let script = json!({"manifest": manifest(json!({"subscriptions": subscriptions, "rpcmethods": methods(&["s-seen"])})),
            "notifications": {"sendpay_success": {"log": ["info", "heard all"]}}, "methods": {"s-seen": "seen"}});
        let policy = format!(
            "[grant]\nmethods = [\"s-seen\"]\nsubscriptions = {}",
            json!(granted)
        );
        let folder = Folder::new().guest("s", &scripted(&script), &policy);
        let node = bridge(&folder).start().unwrap();
        for (topic, _, params) in &topics {
            node.notify(topic, params).unwrap();
        }
        node.wait_log(|l| l.text == "s: heard all").unwrap();
        let seen = node.call("s-seen", json!([])).unwrap();
        for (topic, secret, _) in &topics {
            let told = seen
                .as_array()
                .unwrap()
                .iter()
                .find(|e| e["topic"] == *topic)
                .unwrap();
            assert!(told["params"][topic].get(secret).is_none(), "{told}");
        }
        node.shutdown().unwrap();
    }
}

fn logger(steps: Value, policy: &str) -> (Folder, Node) {
    let script = json!({"manifest": manifest(json!({"rpcmethods": methods(&["l-log"])})),
        "methods": {"l-log": steps}, "policy": policy});
    let folder = Folder::new().scripted("l", script);
    let node = bridge(&folder).start().unwrap();
    (folder, node)
}

#[test]
fn a_line_is_the_guests_own_and_never_broken() {
    let steps = json!([{"log": ["broken", "the node \u{1b}[31mis\u{0} on\r\nfire\u{202e}"]}, {"answer": {}}]);
    let (_folder, node) = logger(steps, "");
    node.call("l-log", json!([])).unwrap();
    let line = node
        .wait_log(|l| l.text.contains("fire") || l.text.contains("the node"))
        .unwrap();
    assert_eq!(line.level, "unusual");
    assert!(line.text.starts_with("l: "), "{line:?}");
    for line in node.logs().iter().filter(|l| l.source == "plugin-cln-wasm") {
        assert!(
            !line.text.chars().any(|c| c.is_control() || c == '\u{202e}'),
            "{line:?}"
        );
        assert!(
            line.text.starts_with("l: ") || !line.text.contains("fire"),
            "{line:?}"
        );
    }
    assert!(!node.logs().iter().any(|l| l.level == "broken"));
    node.shutdown().unwrap();
}

#[test]
fn a_flood_of_lines_is_cut() {
    let many: Vec<Value> = (0..200)
        .map(|n| json!({"log": ["info", format!("line {n} {}", "x".repeat(60))]}))
        .collect();
    let mut steps = many;
    steps.push(json!({"answer": "done"}));
    let (_folder, node) = logger(json!(steps), "[limits]\nlog_bytes_per_second = 1000");
    assert_eq!(node.call("l-log", json!([])).unwrap(), json!("done"));
    let lines = node
        .logs()
        .iter()
        .filter(|l| l.text.starts_with("l: line"))
        .count();
    assert!((1..200).contains(&lines), "{lines} lines");
    node.shutdown().unwrap();
}

#[test]
fn sigterm_ends_it_cleanly() {
    let script = json!({"manifest": manifest(json!({"hooks": ["htlc_accepted"]})), "hooks": {"*": "never"},
        "run": "never", "policy": "[limits.deadline]\nhtlc_accepted = \"none\""});
    let folder = Folder::new().scripted("t", script);
    let node = bridge(&folder).start().unwrap();
    let _held = node
        .start_hook("htlc_accepted", payload("htlc_accepted"))
        .unwrap();
    let exit = node.terminate_plugin(0).unwrap();
    assert!(exit.status.is_some_and(|s| s.success()), "{exit:?}");
}
