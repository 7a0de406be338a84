//! The laboratory, and the plugin that behaves well on real nodes: what the simulator passes,
//! lightningd passes.

mod misbehaviour;
mod scripted;

use cln_wasm_tests::lab::Lab;
use scripted::ask;
use serde_json::{Value, json};
use std::path::Path;

fn topics(seen: &Value) -> Vec<String> {
    let name = |entry: &Value| match entry {
        Value::String(request) => request.clone(),
        other => other["topic"].as_str().unwrap_or_default().to_owned(),
    };
    seen.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn a_plugin_that_behaves_well_lives_on_a_real_network() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = scripted::wrapped(folder.path(), "plugin.sh", &json!({"say": true}));
    let arg = format!("--plugin={}", plugin.display());
    let Some(lab) = Lab::start(&[&[arg.as_str(), "--s-int=5"][..], &[arg.as_str()]]) else {
        return;
    };
    lab.open_line();
    assert!(lab.pay(0, 1, 10_000).unwrap()["payment_preimage"].is_string());
    lab.custommsg(0, 1, "8001ff").unwrap();
    lab.wait_log(1, "asked custommsg");
    let options = lab.rpc(0, "options", json!({})).unwrap();
    assert_eq!(options, json!({"s-string": "a default", "s-int": 5}));
    let error = lab.rpc(0, "fail", json!([1])).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (7, "as asked"));
    let seen = topics(&lab.rpc(1, "seen", json!({})).unwrap());
    for expected in [
        "peer_connected",
        "openchannel",
        "connect",
        "block_added",
        "htlc_accepted",
        "invoice_payment",
        "coin_movement",
    ] {
        assert!(
            seen.iter().any(|s| s == expected),
            "{expected} is not in {seen:?}"
        );
    }
    lab.restart(1, None);
    lab.assert_healthy();
    assert_eq!(lab.stop_node(0), Some(0));
    lab.assert_healthy();
}

#[test]
fn a_held_payment_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = scripted::wrapped(
        folder.path(),
        "plugin.sh",
        &json!({"say": true, "hold": ["htlc_accepted"]}),
    );
    let arg = format!("--plugin={}", plugin.display());
    let Some(lab) = Lab::start(&[vec![], vec![arg]]) else {
        return;
    };
    lab.open_line();
    let mut payment = lab.start_pay(0, 1, 5000);
    lab.wait_log(1, "asked htlc_accepted");
    assert_eq!(lab.rpc(1, "echo", json!([1])).unwrap(), json!([1]));
    assert!(payment.is_pending());
    lab.rpc(1, "release", json!([])).unwrap();
    assert_eq!(payment.wait().unwrap()["status"], "complete");
    lab.assert_healthy();
}

/// Each misbehaviour again, with a real lightningd: it says and does what the simulator does.
#[test]
fn real_nodes_agree_about_misbehaviour() {
    let Some(lab) = Lab::start(&[[""; 0]]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let start = |plugin: &Path| lab.rpc(0, "plugin", json!(["start", plugin]));
    let plugin = scripted::wrapped(folder.path(), "scripted.py", &json!({}));
    for (text, reason) in misbehaviour::texts() {
        start(&plugin).unwrap();
        let written = lab.rpc(0, "write-text", json!([text]));
        match reason {
            Some(reason) => {
                // The answer to the call may have been read before the text behind it killed the plugin.
                let again = lab.rpc(0, "echo", json!([]));
                assert!(again.is_err(), "{text}: {written:?} {again:?}");
                let log = lab.logs(0);
                let killed = log.lines().rfind(|l| l.contains("Killing plugin"));
                assert!(killed.unwrap().contains(reason), "{text}: {killed:?}");
            }
            None => {
                assert!(written.is_ok(), "{text}: {written:?}");
                lab.rpc(0, "plugin", json!(["stop", plugin])).unwrap();
            }
        }
    }
    for (manifest, words) in misbehaviour::manifests() {
        let script = json!({"quiet": true, "manifest": manifest});
        let plugin = scripted::wrapped(folder.path(), "scripted.py", &script);
        let refused = start(&plugin).unwrap_err();
        assert!(refused.message.contains(words), "{manifest}: {refused}");
    }
    lab.assert_healthy();
}

/// What the simulator says of a real node's death is what happens.
#[test]
fn real_nodes_agree_with_the_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let bad = [
        (
            "duplicate-option.sh",
            json!({"quiet": true, "manifest": {"options":
            [{"name": "alias", "type": "string", "description": ""}]}}),
        ),
        (
            "native-method.sh",
            json!({"quiet": true, "manifest": {"rpcmethods":
            [{"name": "getinfo", "usage": ""}]}}),
        ),
        (
            "unicode-usage.sh",
            json!({"quiet": true, "manifest": {"rpcmethods":
            [{"name": "m", "usage": "\u{fc}"}]}}),
        ),
    ];
    for (name, script) in bad {
        let verdict = scripted::builder(script.clone()).start().err().unwrap();
        assert!(!verdict.verdict().unwrap().is_killed(), "{name}");
        let arg = format!(
            "--plugin={}",
            scripted::wrapped(folder.path(), name, &script).display()
        );
        match Lab::start_with(&[[arg]], true) {
            None => return,
            Some(started) => {
                let why = started.err().expect(name).message;
                assert!(why.contains("exited with"), "{name}: {why}");
            }
        }
    }
    let answer = json!({"answers": {"custommsg": {"result": {"result": "banana"}}}});
    let arg = format!(
        "--plugin={}",
        scripted::wrapped(folder.path(), "banana.sh", &answer).display()
    );
    let Some(lab) = Lab::start(&[vec![], vec![arg]]) else {
        return;
    };
    lab.connect(0, 1).unwrap();
    lab.custommsg(0, 1, "8001ff").unwrap();
    lab.wait_log(1, "returned an invalid response to the custommsg hook");
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lab.assert_healthy()));
    assert!(end.is_err());
}

/// What a caller gets when `rpc_command` is answered in every way that a node survives, byte for byte.
#[test]
fn real_nodes_agree_about_rpc_command() {
    let Some(lab) = Lab::start(&[[""; 0]]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let replace = |method: &str| json!({"replace": {"jsonrpc": "2.0", "id": "other", "method": method, "params": [1, {"a": "b"}]}});
    for answer in [
        json!({"result": "continue"}),
        json!({"result": "banana"}),
        json!({}),
        json!(null),
        json!({"return": {}}),
        json!({"return": {"result": {"a": [1, "x", null]}}}),
        json!({"return": {"result": "text"}}),
        json!({"return": {"result": 5}}),
        json!({"return": {"error": {"code": -9, "message": "no", "data": [1]}}}),
        json!({"return": {"error": {"code": "x", "message": "no"}}}),
        replace("echo"),
        replace("no-such-method"),
        json!({"replace": {"method": "echo", "params": []}}),
        json!({"replace": {"method": "echo", "params": [], "id": 1}}),
        json!({"replace": [1]}),
    ] {
        let hooks = json!([{"name": "rpc_command", "filters": ["options"]}]);
        let script =
            json!({"answers": {"rpc_command": {"result": answer}}, "manifest": {"hooks": hooks}});
        let plugin = scripted::wrapped(folder.path(), "scripted.py", &script);
        lab.rpc(0, "plugin", json!(["start", plugin])).unwrap();
        let node = scripted::start(script);
        for request in [
            r#"{"jsonrpc":"2.0","id":"a/b","method":"options","params":[]}"#,
            r#"{ "jsonrpc" : "2.0", "id":17, "params":{"x": [ 1 ]}, "method":"echo" }"#,
            r#"{"jsonrpc":"2.0","id":"\u0041","method":"fail","params":{}}"#,
            r#"{"jsonrpc":"2.0","id":"c","method":"check","params":["no-such-method"]}"#,
            r#"{"jsonrpc":"2.0","id":"c","method":"check","params":{"command_to_check":"echo","a":1}}"#,
            r#"{"jsonrpc":"2.0","id":"s","method":"setconfig","params":["s-int","many"]}"#,
            r#"{"jsonrpc":"2.0","id":"s","method":"setconfig","params":["s-string","x"]}"#,
            r#"{"jsonrpc":"2.0","id":"s","method":"setconfig","params":{"config":"s-multi","val":"x"}}"#,
        ] {
            let real = ask(&lab.node(0).rpc, request, 1);
            let simulated = ask(&node.directory().join("lightning-rpc"), request, 1);
            assert_eq!(simulated, real, "{request} with {answer}");
        }
        node.shutdown().unwrap();
        lab.rpc(0, "plugin", json!(["stop", plugin])).unwrap();
    }
}
