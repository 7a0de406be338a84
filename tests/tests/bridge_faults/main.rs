//! Whatever a guest does, lightningd gets an answer that it accepts, the guest beside it goes on, and the operator
//! reads why.

use cln_wasm_tests::bridge::{Folder, bridge, manifest, methods, payload};
use cln_wasm_tests::simulator::{LogLine, Node};
use serde_json::{Map, Value, json};
use std::cell::Cell;

mod left_out;
mod matrix;

const LIMITS: &str = "[limits]\ncpu_per_call_ms = 50\nanswer_bytes = \"64 KiB\"\nmemory_bytes = \"16 MiB\"\n\
    [limits.deadline]\nhook = \"1 s\"\nmethod = \"3 s\"\ngetmanifest = \"10 s\"\ninit = \"10 s\"\n";
const AGAIN: &str =
    "[on-fault.restart]\ntimes = 1000000\npause = \"1 ms\"\nlongest_pause = \"1 ms\"\n";

/// What can go wrong, as a script says it, and whether it ends the instance.
fn faults() -> Vec<(&'static str, Value, bool)> {
    vec![
        ("trap", json!("trap"), true),
        ("loop", json!("loop"), true),
        ("never", json!("never"), false),
        ("error", json!({"error": {"message": "I cannot"}}), false),
        (
            "garbage",
            json!({"text": "{\"result\": \"continue\"} and more"}),
            false,
        ),
        ("empty", json!({"text": ""}), false),
        ("wrong type", json!({"text": "[\"continue\"]"}), false),
        (
            "wrong word",
            json!({"answer": {"result": {"deep": ["banana"]}}}),
            false,
        ),
        ("huge", json!({"huge": 1 << 20}), true),
        ("invalid utf-8", json!("invalid-utf8"), true),
        ("overflow", json!("overflow"), true),
        ("hog", json!("hog"), true),
    ]
}

/// Waits until a line has come this often in all.
fn wait_lines(node: &Node, times: usize, wanted: impl Fn(&LogLine) -> bool) {
    let seen = Cell::new(0);
    node.wait_log(|line| {
        if wanted(line) {
            seen.set(seen.get() + 1);
        }
        seen.get() >= times
    })
    .unwrap();
}

#[test]
fn a_method_that_fails_is_an_error_with_the_guests_name() {
    let moves: Map<_, _> = faults()
        .into_iter()
        .map(|(name, fault, _)| (name.to_owned(), fault))
        .collect();
    let bad = json!({"manifest": manifest(json!({"rpcmethods": methods(&["a-do"])})), "init": {"log": ["info", "up"]},
        "methods": {"a-do": {"by": "/case", "moves": moves}}, "policy": format!("{LIMITS}{AGAIN}")});
    let folder = Folder::new().scripted("a", bad);
    let node = bridge(&folder).start().unwrap();
    let mut ups = 1;
    for (case, _, ends) in faults() {
        wait_lines(&node, ups, |l| l.text == "a: up");
        let result = node.call("a-do", json!({"case": case}));
        match case {
            // A method may answer any JSON.
            "wrong type" | "wrong word" => drop(result.unwrap()),
            "error" => assert_eq!(result.unwrap_err().rpc().unwrap().message, "I cannot"),
            _ => {
                let error = result.unwrap_err();
                let error = error.rpc().unwrap_or_else(|| panic!("{case}: {error}"));
                match case {
                    "trap" | "overflow" | "hog" | "huge" | "invalid utf-8" => {
                        assert_eq!(error.code, -4, "{case}: {error}");
                    }
                    // On a busy machine the deadline may come before the CPU is used up.
                    "loop" => assert!(matches!(error.code, -4 | -3), "{error}"),
                    _ => assert_eq!(error.code, -3, "{case}: {error}"),
                }
                assert!(error.message.contains("Guest a"), "{error}");
            }
        }
        ups += usize::from(ends);
    }
    node.shutdown().unwrap();
}

#[test]
fn a_trap_ends_the_guests_other_calls_with_their_fallback_and_init_comes_again() {
    let bad = json!({
        "manifest": manifest(json!({"hooks": ["htlc_accepted", "peer_connected"], "rpcmethods": methods(&["a-held", "a-trap", "a-seen"]),
            "options": [{"name": "a-option", "type": "int", "description": "", "dynamic": true, "default": 1}]})),
        "hooks": {"htlc_accepted": [{"log": ["info", "holds"]}, {"hold": true}, {"answer": {"result": "continue"}}], "peer_connected": [{"hold": true}, "last"]},
        "methods": {"a-held": [{"hold": true}, "last"], "a-trap": "trap", "a-seen": "seen"},
        "setconfigs": {"*": {"answer": {}}},
        "policy": "[limits.deadline]\nhtlc_accepted = \"none\"\npeer_connected = \"none\"\nmethod = \"none\"\n[on-fault.restart]\npause = \"1 ms\""});
    let good = json!({"manifest": manifest(json!({"hooks": ["peer_connected"], "rpcmethods": methods(&["b-ping"])})),
        "methods": {"b-ping": {"answer": "pong"}}});
    let folder = Folder::new().scripted("a", bad).scripted("b", good);
    let node = bridge(&folder)
        .option("a-option", json!(5))
        .start()
        .unwrap();
    node.setconfig("a-option", Some(json!("6"))).unwrap();
    let htlc = node
        .start_hook("htlc_accepted", payload("htlc_accepted"))
        .unwrap();
    let peer = node
        .start_hook("peer_connected", payload("peer_connected"))
        .unwrap();
    let held = node.start_call("a-held", json!([])).unwrap();
    node.wait_log(|l| l.text == "a: holds").unwrap();
    let trapped = node.call("a-trap", json!([])).unwrap_err();
    assert_eq!(trapped.code(), Some(-4), "{trapped}");
    assert_eq!(held.wait().unwrap_err().code(), Some(-4));
    assert_eq!(
        htlc.wait().unwrap().result,
        json!({"result": "fail", "failure_message": "2002"})
    );
    assert_eq!(peer.wait().unwrap().result, json!({"result": "continue"}));
    assert_eq!(node.call("b-ping", json!([])).unwrap(), json!("pong"));
    node.wait_log(|l| {
        l.text.starts_with("a: ")
            && l.text.contains("unreachable")
            && l.text.contains("starts again")
    })
    .unwrap();
    // The next instance has been told what the last one was, the changed option included.
    let seen = loop {
        match node.call("a-seen", json!([])) {
            Ok(seen) => break seen,
            Err(e) => assert_eq!(e.code(), Some(-4), "{e}"),
        }
    };
    assert_eq!(seen.as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(seen[0]["init"]["options"], json!({"a-option": 6}));
    node.shutdown().unwrap();
}

#[test]
fn a_trap_is_put_down_to_the_call_that_caused_it() {
    let bad = json!({"manifest": manifest(json!({"rpcmethods": methods(&["a-held", "a-trap"])})),
        "methods": {"a-held": [{"log": ["info", "holds"]}, {"hold": true}, "last"], "a-trap": "trap"}});
    let folder = Folder::new().scripted("a", bad);
    let node = bridge(&folder).start().unwrap();
    let held = node.start_call("a-held", json!([])).unwrap();
    node.wait_log(|l| l.text == "a: holds").unwrap();
    let trapped = node.call("a-trap", json!([])).unwrap_err();
    assert!(
        trapped
            .rpc()
            .unwrap()
            .message
            .starts_with("Guest a trapped"),
        "{trapped}"
    );
    let held = held.wait().unwrap_err();
    assert!(
        held.rpc()
            .unwrap()
            .message
            .starts_with("Guest a was stopped"),
        "{held}"
    );
    let line = node
        .wait_log(|l| l.text.starts_with("a: ") && l.text.contains("starts again"))
        .unwrap();
    assert!(line.text.contains("in method a-trap"), "{}", line.text);
    node.shutdown().unwrap();
}

#[test]
fn a_trap_is_put_down_to_the_call_that_went_on_and_not_to_the_last_one() {
    let bad = json!({"manifest": manifest(json!({"rpcmethods": methods(&["a-slow", "a-held"])})),
        "methods": {
            "a-held": [{"log": ["info", "holds"]}, {"hold": true}, "last"],
            "a-slow": [{"log": ["info", "sleeps"]}, {"sleep": 300}, "trap"]}});
    let folder = Folder::new().scripted("a", bad);
    let node = bridge(&folder).start().unwrap();
    let slow = node.start_call("a-slow", json!([])).unwrap();
    node.wait_log(|l| l.text == "a: sleeps").unwrap();
    let held = node.start_call("a-held", json!([])).unwrap();
    node.wait_log(|l| l.text == "a: holds").unwrap();
    let message = |e: cln_wasm_tests::simulator::Failure| e.rpc().unwrap().message.clone();
    let (slow, held) = (
        message(slow.wait().unwrap_err()),
        message(held.wait().unwrap_err()),
    );
    assert!(slow.starts_with("Guest a trapped"), "{slow}");
    assert!(held.starts_with("Guest a was stopped"), "{held}");
    let line = node
        .wait_log(|l| l.text.starts_with("a: ") && l.text.contains("starts again"))
        .unwrap();
    assert!(line.text.contains("in method a-slow"), "{}", line.text);
    node.shutdown().unwrap();
}

/// Each stretch is short, and all of them together are too long.
#[test]
fn cpu_counts_over_the_pauses_of_a_call() {
    let stretch = json!([{"sleep": 1}, {"burn": 5}]);
    let steps: Vec<Value> = std::iter::repeat_n(stretch, 100).collect();
    let bad = json!({"manifest": manifest(json!({"rpcmethods": methods(&["a-burns"])})),
        "methods": {"a-burns": [steps, {"answer": "done"}]}, "policy": LIMITS});
    let folder = Folder::new().scripted("a", bad);
    let node = bridge(&folder).start().unwrap();
    let error = node.call("a-burns", json!([])).unwrap_err();
    let message = &error.rpc().unwrap().message;
    assert!(message.contains("limits.cpu_per_call_ms"), "{message}");
    node.shutdown().unwrap();
}

#[test]
fn a_fault_in_any_other_export_is_survived() {
    let moves: Map<_, _> = faults()
        .into_iter()
        .map(|(name, fault, _)| (name.to_owned(), fault))
        .collect();
    let pick = |pointer: &str| json!({"by": pointer, "moves": moves});
    let bad = json!({
        "manifest": manifest(json!({"rpcmethods": methods(&["a-ping"]), "subscriptions": ["block_added"], "cancheck": true,
            "options": [{"name": "a-option", "type": "string", "description": "", "dynamic": true}]})),
        "init": {"log": ["info", "up"]}, "methods": {"a-ping": {"answer": "pong"}},
        "notifications": {"block_added": [{"log": ["info", "told"]}, pick("/block_added/hash")]},
        "checks": {"*": pick("/case")}, "setconfigs": {"*": pick("")},
        "policy": format!("{LIMITS}notification = \"1 s\"\ncheck = \"1 s\"\n{AGAIN}")});
    let good = json!({"manifest": manifest(json!({"rpcmethods": methods(&["b-ping"]), "subscriptions": ["block_added"]})),
        "methods": {"b-ping": {"answer": "pong"}}, "notifications": {"*": {"log": ["info", "told"]}}});
    let folder = Folder::new().scripted("a", bad).scripted("b", good);
    let node = bridge(&folder).start().unwrap();
    let (mut ups, mut told) = (1, 0);
    for (case, _, ends) in faults() {
        // No text crosses the border here.
        let ends = ends && !matches!(case, "huge" | "invalid utf-8");
        let up = |ups: usize| wait_lines(&node, ups, |l| l.text == "a: up");
        up(ups);
        told += 1;
        node.notify("block_added", json!({"hash": case, "height": 1}))
            .unwrap();
        for name in ["a", "b"] {
            wait_lines(&node, told, |l| l.text == format!("{name}: told"));
        }
        ups += usize::from(ends);
        up(ups);
        // Whatever comes of these, it is an answer.
        let checked = node.check("a-ping", json!({"case": case}));
        assert_eq!(
            checked.is_err(),
            ends || matches!(case, "never" | "error"),
            "check {case}: {checked:?}"
        );
        ups += usize::from(ends);
        up(ups);
        let set = node.setconfig("a-option", Some(json!(case)));
        assert_eq!(
            set.is_err(),
            ends || matches!(case, "never" | "error"),
            "setconfig {case}: {set:?}"
        );
        ups += usize::from(ends);
        assert_eq!(node.call("b-ping", json!([])).unwrap(), json!("pong"));
    }
    node.shutdown().unwrap();
}

#[test]
fn a_background_task_that_traps_starts_the_guest_again() {
    let bad = json!({"manifest": manifest(json!({"rpcmethods": methods(&["a-ping"])})), "methods": {"a-ping": {"answer": "pong"}},
        "init": {"log": ["info", "up"]}, "run": [{"sleep": 1}, "trap"], "policy": "[on-fault.restart]\ntimes = 3\npause = \"1 ms\""});
    let folder = Folder::new().scripted("a", bad);
    let node = bridge(&folder).start().unwrap();
    wait_lines(&node, 4, |l| l.text == "a: up");
    node.wait_log(|l| l.text.starts_with("a: ") && l.text.contains("quarantine"))
        .unwrap();
    node.shutdown().unwrap();
}

#[test]
fn a_guest_that_goes_on_failing_is_quarantined() {
    let bad = json!({"manifest": manifest(json!({"hooks": ["openchannel", "peer_connected"], "rpcmethods": methods(&["a-trap", "a-ping"])})),
        "init": {"log": ["info", "up"]}, "methods": {"a-trap": "trap", "a-ping": {"answer": "pong"}},
        "policy": "[on-fault.restart]\ntimes = 2\nwithin = \"1 h\"\npause = \"1 ms\""});
    let good = json!({"manifest": manifest(json!({"rpcmethods": methods(&["b-ping"]), "hooks": ["openchannel"]})), "methods": {"b-ping": {"answer": "pong"}}});
    let folder = Folder::new().scripted("a", bad).scripted("b", good);
    let node = bridge(&folder).start().unwrap();
    for ups in 1..=3 {
        wait_lines(&node, ups, |l| l.text == "a: up");
        assert_eq!(node.call("a-trap", json!([])).unwrap_err().code(), Some(-4));
    }
    node.wait_log(|l| {
        l.level == "unusual" && l.text.starts_with("a: ") && l.text.contains("quarantine")
    })
    .unwrap();
    let error = node.call("a-ping", json!([])).unwrap_err();
    assert_eq!(error.code(), Some(-4));
    assert!(
        error.rpc().unwrap().message.contains("quarantine"),
        "{error}"
    );
    assert_eq!(
        node.hook("openchannel", payload("openchannel"))
            .unwrap()
            .result["result"],
        "reject",
        "its stance is closed"
    );
    assert_eq!(
        node.hook("peer_connected", payload("peer_connected"))
            .unwrap()
            .result,
        json!({"result": "continue"})
    );
    assert_eq!(node.call("b-ping", json!([])).unwrap(), json!("pong"));
    node.shutdown().unwrap();
}

#[test]
fn a_guest_that_traps_at_every_init_takes_nobody_along() {
    let bad = json!({"manifest": manifest(json!({"rpcmethods": methods(&["a-ping"])})), "init": "trap",
        "policy": "[on-fault.restart]\ntimes = 3\npause = \"1 ms\""});
    let good = json!({"manifest": manifest(json!({"rpcmethods": methods(&["b-ping"])})), "methods": {"b-ping": {"answer": "pong"}}});
    let folder = Folder::new().scripted("a", bad).scripted("b", good);
    let node = bridge(&folder).start().unwrap();
    assert_eq!(node.call("b-ping", json!([])).unwrap(), json!("pong"));
    node.wait_log(|l| l.text.starts_with("a: ") && l.text.contains("quarantine"))
        .unwrap();
    assert_eq!(node.call("a-ping", json!([])).unwrap_err().code(), Some(-4));
    node.shutdown().unwrap();
}
