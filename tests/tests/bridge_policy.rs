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
        let value = whole.pointer(pointer).unwrap();
        if let Some(text) = value.as_str() {
            let left = without.to_string();
            assert!(!left.contains(text), "{hook}: it is elsewhere, too: {left}");
        }
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

/// The first recorded HTLC of a last hop, which brings an invoice's secret.
fn paid() -> Value {
    let text = include_str!("../../protocol/tests/fixtures/htlc_accepted.jsonl");
    let mut recorded = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    recorded
        .find(|payload| payload.pointer("/onion/payment_secret").is_some())
        .expect("one was recorded")
}

#[test]
fn a_payload_that_was_not_shown_whole_is_put_back_whole() {
    let whole = paid();
    let secret = whole["onion"]["payment_secret"].as_str().unwrap();
    let hook = json!(["htlc_accepted"]);
    // What this guest was shown as the onion's payload, without the length, is what it answers.
    let script = json!({"manifest": manifest(json!({"hooks": hook, "rpcmethods": methods(&["s-seen"])})),
        "watch-hooks": true, "methods": {"s-seen": "seen"}});
    let policy = "[grant]\nmethods = [\"s-seen\"]\nhooks = [\"htlc_accepted\"]";
    let folder = Folder::new().guest("s", &scripted(&script), policy);
    let node = bridge(&folder).start().unwrap();
    node.hook("htlc_accepted", whole.to_string()).unwrap();
    let seen = node.call("s-seen", json!([])).unwrap();
    let init = seen
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e.get("init").is_some())
        .unwrap();
    assert_eq!(
        init["init"]["withheld"],
        json!({"hooks": {"htlc_accepted": ["shared_secret", "payment_secret", "preimage"]}})
    );
    let shown = seen
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["hook"] == "htlc_accepted")
        .unwrap();
    assert!(!shown.to_string().contains(secret), "{shown}");
    let shown = shown["payload"]["onion"]["payload"]
        .as_str()
        .unwrap()
        .to_owned();
    node.shutdown().unwrap();

    let answer = json!({"answer": {"result": "continue", "payload": &shown[2..]}});
    let script =
        json!({"manifest": manifest(json!({"hooks": hook})), "hooks": {"htlc_accepted": answer}});
    let folder = Folder::new().guest(
        "s",
        &scripted(&script),
        "[grant]\nhooks = [\"htlc_accepted\"]",
    );
    let node = bridge(&folder).start().unwrap();
    let answered = node
        .hook("htlc_accepted", whole.to_string())
        .unwrap()
        .result;
    let original = whole["onion"]["payload"].as_str().unwrap();
    assert!(
        original.ends_with(answered["payload"].as_str().unwrap()),
        "{answered}"
    );
    assert!(answered["payload"].as_str().unwrap().contains(secret));
    node.shutdown().unwrap();
}

#[test]
fn the_preimage_of_a_keysend_is_a_secret() {
    let text = include_str!("../../protocol/tests/fixtures/htlc_accepted.jsonl");
    let recorded = text
        .lines()
        .find(|line| line.contains("ff0000000146c6616c20"))
        .unwrap();
    let whole: Value = serde_json::from_str(recorded).unwrap();
    let payload = whole["onion"]["payload"].as_str().unwrap();
    let (_, preimage) = payload.split_once("ff0000000146c6616c20").unwrap();
    let preimage = &preimage[..64];
    for (grants, shows) in [
        ("", false),
        ("secrets = [\"payment_secret\"]", false),
        ("secrets = [\"preimage\"]", true),
    ] {
        let script = json!({"manifest": manifest(json!({"hooks": ["htlc_accepted"], "rpcmethods": methods(&["s-seen"])})),
            "watch-hooks": true, "methods": {"s-seen": "seen"}});
        let policy = format!(
            "[grant]\nmethods = [\"s-seen\"]\nhooks = {{ htlc_accepted = {{ {grants} }} }}"
        );
        let folder = Folder::new().guest("s", &scripted(&script), &policy);
        let node = bridge(&folder).start().unwrap();
        node.hook("htlc_accepted", recorded).unwrap();
        let seen = node.call("s-seen", json!([])).unwrap().to_string();
        assert_eq!(seen.contains(preimage), shows, "{grants}");
        node.shutdown().unwrap();
    }
}

#[test]
fn a_guest_that_may_see_all_is_told_of_nothing() {
    let script = json!({"manifest": manifest(json!({"hooks": ["htlc_accepted"], "subscriptions": ["forward_event"],
        "rpcmethods": methods(&["s-seen"])})), "methods": {"s-seen": "seen"}});
    let folder = Folder::new().scripted("s", script);
    let node = bridge(&folder).start().unwrap();
    let seen = node.call("s-seen", json!([])).unwrap();
    assert!(seen[0]["init"].get("withheld").is_none(), "{seen}");
    node.shutdown().unwrap();
}

/// What a request and a grant each alone, and both, lead to when the guest waits and calls.
#[test]
fn a_capability_takes_a_request_and_a_grant() {
    let asks = json!([{"grant": "timer", "reason": "to wait"}, {"grant": "rpc: getinfo", "reason": "to look"}]);
    let grants = "timer = true\nrpc = [\"getinfo\"]";
    for (asked, granted) in [(true, true), (true, false), (false, true), (false, false)] {
        let asks = if asked { asks.clone() } else { json!([]) };
        let script = json!({
            "manifest": manifest(json!({"rpcmethods": methods(&["c-sleep", "c-call"]), "capabilities": asks})),
            "methods": {"c-sleep": [{"sleep": 1}, "last"], "c-call": [{"rpc": ["getinfo", {}]}, "last"]},
        });
        let grants = if granted { grants } else { "" };
        let policy = format!("[grant]\nmethods = [\"c-sleep\", \"c-call\"]\n{grants}");
        let folder = Folder::new().guest("c", &scripted(&script), &policy);
        let node = bridge(&folder)
            .native("getinfo", |_| Ok(json!({"alias": "x"})))
            .start()
            .unwrap();
        let slept = node.call("c-sleep", json!([])).unwrap();
        let called = node.call("c-call", json!([])).unwrap();
        let line = "c: asks for \"timer\" (\"to wait";
        let told = node.logs().iter().any(|l| l.text.starts_with(line));
        assert_eq!(told, asked && !granted);
        if asked && granted {
            assert_eq!(slept, Value::Null);
            assert_eq!(called["result"]["alias"], "x");
        } else {
            assert_eq!(slept["failure"], "denied", "{slept}");
            for text in [
                slept["text"].as_str().unwrap(),
                called["failure"].as_str().unwrap(),
            ] {
                assert_eq!(text.contains("is not granted"), !granted, "{text}");
                assert_eq!(text.contains("does not ask for it"), !asked, "{text}");
            }
            node.wait_log(|l| l.text.starts_with("c: denied: "))
                .unwrap();
        }
        node.shutdown().unwrap();
    }
}

#[test]
fn a_request_that_nobody_knows_leaves_the_guest_out() {
    let asks = json!([{"grant": "everything", "reason": "why not"}]);
    let script = json!({"manifest": manifest(json!({"capabilities": asks}))});
    let folder = Folder::new().scripted("g", script);
    let node = bridge(&folder).start().unwrap();
    let line = node
        .wait_log(|l| l.text.starts_with("g: left out: "))
        .unwrap();
    assert!(
        line.text
            .contains("capabilities[0].grant is \"everything\""),
        "{line:?}"
    );
    assert!(
        line.text.contains("Valid are: \"kv\", \"timer\""),
        "{line:?}"
    );
    node.shutdown().unwrap();
}

#[test]
fn no_more_timers_than_the_limit() {
    let script = json!({"manifest": manifest(json!({"rpcmethods": methods(&["t-one", "t-two", "t-short"])})),
        "methods": {"t-one": [{"log": ["info", "first"]}, {"sleep": 3_600_000}], "t-two": [{"log": ["info", "second"]}, {"sleep": 3_600_000}],
            "t-short": [{"sleep": 1}, "last"]},
        "policy": "[limits]\ntimers = 2"});
    let folder = Folder::new().scripted("t", script);
    let node = bridge(&folder).start().unwrap();
    let _first = node.start_call("t-one", json!([])).unwrap();
    let _second = node.start_call("t-two", json!([])).unwrap();
    for word in ["t: first", "t: second"] {
        node.wait_log(|l| l.text == word).unwrap();
    }
    let refused = node.call("t-short", json!([])).unwrap();
    assert_eq!(refused["failure"], "limit", "{refused}");
    assert!(refused["text"].as_str().unwrap().contains("limits.timers"));
    node.shutdown().unwrap();
}

/// What the caller's command becomes when a guest answers `rpc_command` like this.
fn commanded(answer: Value, asks: Value, grants: &str) -> (Value, bool) {
    let script = json!({"manifest": manifest(json!({"hooks": ["rpc_command"], "capabilities": asks})),
        "hooks": {"rpc_command": {"answer": answer}}});
    let folder = Folder::new().guest("r", &scripted(&script), &format!("[grant]\n{grants}"));
    let node = bridge(&folder).start().unwrap();
    let payload = json!({"rpc_command": {"id": "cli:x#1", "method": "listpeers", "params": {}}});
    let result = node
        .hook("rpc_command", payload.to_string())
        .unwrap()
        .result;
    let denied = node
        .logs()
        .iter()
        .any(|l| l.text.starts_with("r: denied: "));
    node.shutdown().unwrap();
    (result, denied)
}

#[test]
fn a_command_is_replaced_with_a_grant_only_and_by_what_the_guest_may_call() {
    let replace = |method: &str| json!({"replace": {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}});
    let result = json!({"return": {"result": {"peers": []}}});
    let refuse = json!({"return": {"error": {"code": -1, "message": "no"}}});
    let reason = |grant: &str| json!({"grant": grant, "reason": "for a test"});
    let asks = json!([
        reason("hooks: rpc_command may=replace,return.result"),
        reason("rpc: method^")
    ]);
    let go_on = json!({"result": "continue"});
    let all =
        "hooks = { rpc_command = { may = [\"replace\", \"return.result\"] } }\nrpc = [\"getinfo\"]";

    let (answered, denied) = commanded(replace("getinfo"), asks.clone(), all);
    assert_eq!(answered["replace"]["method"], "getinfo");
    assert!(!denied);
    let (answered, _) = commanded(result.clone(), asks.clone(), all);
    assert_eq!(answered, result);

    // The command is not one of its own.
    assert_eq!(
        commanded(replace("stop"), asks.clone(), all),
        (go_on.clone(), true)
    );
    // Refusing is what the hook is for.
    let hook = "hooks = [\"rpc_command\"]\nrpc = [\"getinfo\"]";
    assert_eq!(commanded(refuse.clone(), json!([]), hook), (refuse, false));
    for answer in [replace("getinfo"), result] {
        assert_eq!(
            commanded(answer.clone(), asks.clone(), hook),
            (go_on.clone(), true)
        );
        assert_eq!(commanded(answer, json!([]), all), (go_on.clone(), true));
    }
}
