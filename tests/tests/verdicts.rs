//! The simulator with a plugin that misbehaves: the verdict is the one that a real lightningd v26.06
//! was seen to reach.

mod misbehaviour;
mod scripted;

use cln_wasm_tests::simulator::{Failure, Node, Simulator, Verdict};
use scripted::{builder, start, well_behaved};
use serde_json::{Value, json};
use std::time::Duration;

/// Lets the plugin write `text` and gives the verdict.
fn after_writing(text: &str) -> Verdict {
    let node = well_behaved();
    // The answer to this call may or may not arrive.
    let _call = node.start_call("write-text", json!([text])).unwrap();
    node.wait_verdict().unwrap()
}

/// Lets the plugin write `text`; it lives, and nothing is held against it.
fn survives(text: &str) -> Node {
    let node = well_behaved();
    node.call("write-text", json!([text])).unwrap();
    assert_eq!(node.call("echo", json!([1])).unwrap(), json!([1]));
    assert_eq!(node.take_verdicts(), []);
    node
}

#[test]
fn what_kills_and_what_passes() {
    for (text, reason) in misbehaviour::texts() {
        match reason {
            Some(reason) => {
                let verdict = after_writing(&text);
                assert!(verdict.is_killed(), "{text}: {verdict}");
                assert!(verdict.reason().contains(reason), "{text}: {verdict}");
            }
            None => drop(survives(&text)),
        }
    }
}

#[test]
fn answers_that_nobody_waits_for_are_counted() {
    for text in [
        r#"{"jsonrpc":"2.0","id":"nobody#1","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"getinfo","params":{}}"#,
    ] {
        assert_eq!(survives(text).stray_answers(0).len(), 1, "{text}");
    }
    let node = well_behaved();
    assert_eq!(node.call("twice", json!([])).unwrap(), json!(1));
    node.call("echo", json!([])).unwrap();
    assert_eq!(node.stray_answers(0).len(), 1);
}

#[test]
fn an_unquoted_id_is_no_answer() {
    let script = json!({"raw": {"echo": "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"},
        "manifest": {"hooks": []}});
    let node = start(script);
    let call = node.start_call("echo", json!([])).unwrap();
    node.call("release", json!([])).unwrap();
    assert_eq!(node.stray_answers(0).len(), 1);
    drop(call);
}

#[test]
fn a_nul_byte_hangs_the_stream() {
    let node = well_behaved();
    let call = node.start_call("write-hex", json!(["00"])).unwrap();
    let verdict = node.wait_verdict().unwrap();
    assert!(matches!(verdict, Verdict::StreamHangs { .. }), "{verdict}");
    // The answer behind it is never read.
    assert!(matches!(call.wait(), Err(Failure::Verdict { .. })));
}

#[test]
fn invalid_utf8_kills() {
    let node = well_behaved();
    let text = hex_of(b"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":\"\xff\"}");
    let _call = node.start_call("write-hex", json!([text])).unwrap();
    assert!(node.wait_verdict().unwrap().is_killed());
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn garbage_without_a_brace_is_found_at_the_end() {
    let node = well_behaved();
    node.start_call("write-text", json!(["a stray line\n"]))
        .unwrap();
    // Whatever the plugin says next has a brace in it.
    assert!(node.wait_verdict().unwrap().is_killed());

    let script = json!({"raw": {"silent": "a stray line\n"}, "manifest": {"hooks": []}});
    let node = start(script);
    let _call = node.start_call("silent", json!([])).unwrap();
    let failure = node.shutdown().unwrap_err();
    assert!(
        failure
            .to_string()
            .contains("left on its stdout: a stray line"),
        "{failure}"
    );
}

#[test]
fn answers_of_methods_pass_whatever_they_are() {
    for (raw, odd) in [
        (r#"{"jsonrpc":"2.0","id":ID}"#, true),
        (
            r#"{"jsonrpc":"2.0","id":ID,"result":1,"error":{"code":1,"message":"x"}}"#,
            true,
        ),
        (r#"{"jsonrpc":"2.0","id":ID,"error":"just text"}"#, true),
        (r#"{"jsonrpc":"1.5","result":1,"id":ID}"#, false),
    ] {
        let node = start(json!({"raw": {"echo": raw}, "manifest": {"hooks": []}}));
        let answer = node.call("echo", json!([]));
        assert_eq!(matches!(answer, Err(Failure::Odd(_))), odd, "{raw}");
        node.shutdown().unwrap();
    }
}

#[test]
fn exits_at_every_stage() {
    let node = start(json!({"manifest": {"hooks": []}}));
    assert_eq!(node.call("leave", json!([])).unwrap_err().code(), Some(-4));
    let verdict = node.wait_verdict().unwrap();
    assert_eq!(verdict.reason(), "exited during normal operation");
    let early = scripted::add(Simulator::builder(), json!({}));
    let failure = early
        .env("PYTHONHOME", "/nonexistent")
        .start()
        .err()
        .unwrap();
    let verdict = failure.verdict().unwrap();
    assert_eq!(verdict.reason(), "exited before replying to getmanifest");
}

#[test]
fn late_at_getmanifest_or_init_the_node_does_not_start() {
    // A shell starts at once, so that the limit is about nothing but the silence.
    let manifest =
        r#"{"jsonrpc":"2.0","id":"cln:getmanifest#20","result":{"options":[],"rpcmethods":[]}}"#;
    for (script, stage) in [
        (
            "cat >/dev/null".to_owned(),
            "before replying to getmanifest",
        ),
        (
            format!("echo '{manifest}'; cat >/dev/null"),
            "before replying to init",
        ),
    ] {
        let late = Simulator::builder()
            .plugin("/bin/sh")
            .arg("-c")
            .arg(script)
            .startup_limit(Duration::from_secs(5));
        let failure = late.start().err().unwrap();
        let verdict = failure.verdict().unwrap();
        assert!(
            matches!(verdict, Verdict::NodeWillNotStart { .. }),
            "{verdict}"
        );
        assert!(verdict.reason().contains(stage), "{verdict}");
    }
}

#[test]
fn disabled_by_itself() {
    let node = start(json!({"raw": {"getmanifest":
        "{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{\"disable\":\"not today\"}}"}}));
    assert_eq!(node.disabled(0).as_deref(), Some("not today"));
    node.shutdown().unwrap();
    let node = start(json!({"answers": {"init": {"result": {"disable": "nor now"}}}}));
    assert_eq!(node.disabled(0).as_deref(), Some("nor now"));
    assert_eq!(
        node.call("echo", json!([])).unwrap_err().code(),
        Some(-32601)
    );
    node.shutdown().unwrap();
    // An error to init counts as success.
    start(json!({"answers": {"init": {"error": {"code": 1, "message": "no"}}}}))
        .shutdown()
        .unwrap();
}

fn verdict_on(manifest: Value) -> Verdict {
    let failure = builder(json!({"quiet": true, "manifest": manifest}))
        .start()
        .err();
    failure.unwrap().verdict().unwrap().clone()
}

#[test]
fn manifests_that_kill_the_plugin() {
    for (manifest, words) in misbehaviour::manifests() {
        let verdict = verdict_on(manifest.clone());
        assert!(verdict.is_killed(), "{manifest}: {verdict}");
        assert!(verdict.reason().contains(words), "{manifest}: {verdict}");
    }
}

#[test]
fn manifests_that_stop_the_node() {
    for name in ["alias", "funder-policy", "dev-save-plugin-io"] {
        let verdict = verdict_on(misbehaviour::option(json!({"name": name})));
        assert!(
            matches!(verdict, Verdict::NodeWillNotStart { .. }),
            "{verdict}"
        );
        assert!(verdict.reason().contains("already taken"), "{verdict}");
    }
    for manifest in [
        json!({"rpcmethods": [{"name": "getinfo", "usage": ""}]}),
        json!({"rpcmethods": [{"name": "m", "usage": "\u{fc}"}]}),
        misbehaviour::option(json!({"name": ""})),
    ] {
        let verdict = verdict_on(manifest.clone());
        assert!(verdict.is_node_abort(), "{manifest}: {verdict}");
    }
}

#[test]
fn a_taken_option_only_kills_when_the_node_runs() {
    let taken = json!({"quiet": true, "manifest": misbehaviour::option(json!({"name": "s-int"}))});
    let mut node = builder(json!({})).start().unwrap();
    let wrapper = scripted::wrapped(node.directory(), "second.sh", &taken);
    let failure = node.plugin_start(&wrapper, &[]).unwrap_err();
    let verdict = failure.verdict().unwrap();
    assert!(
        verdict.is_killed() && verdict.reason().contains("already registered"),
        "{verdict}"
    );
    node.take_verdicts();
    node.shutdown().unwrap();
}

/// Payloads of the right shape for each hook.
fn payload(hook: &str) -> Value {
    match hook {
        "peer_connected" => json!({"peer": {"id": "02"}}),
        "custommsg" => json!({"peer_id": "02", "payload": "8001ff"}),
        "rpc_command" => json!({"rpc_command": {"method": "getinfo", "params": {}}}),
        "openchannel2_changed" | "openchannel2_sign" => json!({hook: {"psbt": ""}}),
        "htlc_accepted" => {
            json!({"onion": {"payload": "00"}, "htlc": {"payment_hash": "00".repeat(32)}})
        }
        _ => json!({hook: {}}),
    }
}

#[test]
fn hook_answers_that_take_the_node_down() {
    let error = json!({"error": {"code": 1, "message": "no"}});
    let result = |answer: Value| json!({"result": answer});
    for (hook, answer) in [
        ("custommsg", error.clone()),
        ("custommsg", result(json!({"result": "banana"}))),
        ("custommsg", result(json!({}))),
        ("htlc_accepted", error.clone()),
        ("htlc_accepted", result(json!({"result": "fail"}))),
        (
            "htlc_accepted",
            result(json!({"result": "continue", "payload": "zz"})),
        ),
        ("peer_connected", result(json!({"result": "reject"}))),
        ("invoice_payment", result(json!({"failure_message": "2"}))),
        (
            "openchannel",
            result(json!({"result": "continue", "close_to": "bc1q"})),
        ),
        ("openchannel2", error.clone()),
        (
            "openchannel2_changed",
            result(json!({"result": "continue"})),
        ),
        ("openchannel2_sign", result(json!({"result": "continue"}))),
        (
            "rbf_channel",
            result(json!({"result": "continue", "psbt": "x"})),
        ),
        ("recover", result(json!({"result": "stop"}))),
        ("commitment_revocation", error.clone()),
        ("onion_message_recv", error.clone()),
        ("rpc_command", error.clone()),
    ] {
        let mut answers = serde_json::Map::new();
        answers.insert(hook.to_owned(), answer.clone());
        let node = start(json!({"answers": answers}));
        let failure = node.hook(hook, payload(hook)).unwrap_err();
        let verdict = failure.verdict().unwrap();
        assert!(verdict.is_node_abort(), "{hook} {answer}: {verdict}");
        assert_eq!(node.wait_verdict().unwrap(), *verdict);
        // The node is dead: nothing more can be asked of it.
        assert!(node.call("echo", json!([])).is_err());
    }
}

#[test]
fn db_write_must_be_answered_with_continue() {
    for answer in [
        json!({"result": {"result": "fail"}}),
        json!({"error": {"code": 1, "message": "x"}}),
    ] {
        let script = json!({"answers": {"db_write": answer}, "manifest": {"hooks": ["db_write"]}});
        let failure = builder(script).start().err().unwrap();
        assert!(failure.verdict().unwrap().is_node_abort());
    }
    // To die in a db_write takes the node along too.
    let script = json!({"raw": {"db_write": "}"}, "manifest": {"hooks": ["db_write"]}});
    let failure = builder(script).start().err().unwrap();
    assert!(failure.verdict().unwrap().is_node_abort());
}

#[test]
fn an_int_option_set_to_text_takes_the_node_down() {
    let node = start(json!({"accept_any": true}));
    assert!(node.setconfig("s-int", Some(json!("many"))).is_err());
    let verdict = node.wait_verdict().unwrap();
    assert!(
        verdict.is_node_abort() && verdict.reason().contains("Bad literal"),
        "{verdict}"
    );
}

#[test]
fn shutdown_has_a_limit() {
    let limit = Duration::from_millis(500);
    let stubborn = builder(json!({"ignore_shutdown": true})).shutdown_limit(limit);
    let failure = stubborn.start().unwrap().shutdown().unwrap_err();
    assert!(
        failure.to_string().contains("failed to self-terminate"),
        "{failure}"
    );
    let lingering = json!({"linger": true, "manifest": {"subscriptions": []}});
    let node = builder(lingering).deadline(limit * 4).start().unwrap();
    assert!(node.shutdown().is_err());
}

#[test]
#[should_panic(expected = "lightningd kills scripted.py: Failed to parse")]
fn a_verdict_that_nobody_takes_fails_the_test() {
    let node = well_behaved();
    // The call fails, which this test looks away from.
    let _ = node.call("write-text", json!(["}"]));
    drop(node);
}
