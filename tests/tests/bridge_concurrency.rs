//! Many things at once: held HTLCs, floods of notifications, and a guest's own calls that come back to it.

use cln_wasm_tests::bridge::{Folder, bridge, manifest, methods, payload};
use cln_wasm_tests::simulator::{Failure, LogLine, Node, RawCall};
use serde_json::{Value, json};
use std::fmt::Write;

fn htlc(number: usize) -> Value {
    let mut shown: Value = serde_json::from_str(&payload("htlc_accepted")).unwrap();
    shown["htlc"]["id"] = json!(number);
    // The preimage of 32 zero bytes.
    shown["htlc"]["payment_hash"] =
        json!("66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
    shown
}

#[test]
fn a_thousand_htlcs_are_held_and_settled_in_reverse() {
    const HELD: usize = 1000;
    let script = json!({
        "manifest": manifest(json!({"hooks": ["htlc_accepted"], "rpcmethods": methods(&["h-settle", "h-counts", "h-ping"])})),
        "hooks": {"htlc_accepted": [{"hold": "/htlc/id"}, "last"]},
        "methods": {"h-settle": [{"release": true}, "last"], "h-counts": "counts", "h-ping": "echo"},
        "policy": "[limits.deadline]\nhtlc_accepted = \"none\""});
    let folder = Folder::new().scripted("h", script);
    let node = bridge(&folder).start().unwrap();
    let mut held: Vec<_> = (0..HELD)
        .map(|n| node.start_hook("htlc_accepted", htlc(n)).unwrap())
        .collect();
    // Calls come to a guest in the order in which lightningd sent them.
    assert_eq!(node.call("h-counts", json!([])).unwrap()["held"], HELD);
    let settle = json!({"result": "resolve", "payment_key": "00".repeat(32)});
    let fail = json!({"result": "fail", "failure_message": "400f"});
    for n in (0..HELD).rev() {
        let answer = if n % 3 == 0 { &fail } else { &settle };
        assert_eq!(node.call("h-settle", json!([n, answer])).unwrap(), json!(1));
        if n % 100 == 0 {
            assert_eq!(node.call("h-ping", json!([n])).unwrap(), json!([n]));
            assert_eq!(node.call("h-counts", json!([])).unwrap()["held"], n);
        }
        let run = held.pop().unwrap();
        assert_eq!(&run.wait().unwrap().result, answer, "{n}");
    }
    node.shutdown().unwrap();
}

/// What the node gets for HTLCs that come in one piece, one for each of `what`: the guest
/// does that with it, its own answer being [`own`].
fn at_once(node: &Node, what: &[&str]) -> Vec<Value> {
    let mut piece = String::new();
    let mut answers = Vec::new();
    for (n, what) in what.iter().enumerate() {
        let mut shown = htlc(n);
        shown["htlc"]["do"] = json!(what);
        shown["htlc"]["own"] = own(n)["failure_message"].clone();
        answers.push(node.expect_answer(0, &format!("\"h{n}\"")));
        let id = format!("h{n}");
        let request =
            json!({"jsonrpc": "2.0", "id": id, "method": "htlc_accepted", "params": shown});
        writeln!(piece, "{request}\n").unwrap();
    }
    node.send_bytes(piece);
    let result = |answer: RawCall| {
        let answer = answer.wait().unwrap();
        serde_json::from_str(answer.get("result").unwrap().full()).unwrap()
    };
    answers.into_iter().map(result).collect()
}

/// Fails the HTLC for its own reason: an amount that nobody else names.
fn own(n: usize) -> Value {
    json!({"result": "fail", "failure_message": format!("400f{n:016x}0000006e")})
}

/// A guest that takes hooks which wait behind another.
fn taking() -> Value {
    json!({
        "manifest": manifest(json!({"hooks": ["htlc_accepted"], "rpcmethods": methods(&["h-counts", "h-release"])})),
        "take-hooks": true,
        "hooks": {"htlc_accepted": {"by": "/htlc/do", "moves": {
            "answer": {"answer": {"result": "fail"}, "with": {"failure_message": "/htlc/own"}},
            "continue": {"answer": {"result": "continue"}},
            "hold": [{"hold": "/htlc/id"}, "last"],
            "decline": {"error": "not this one"},
            "nonsense": {"text": "{]"},
            "trap": "trap"}}},
        "methods": {"h-counts": "counts", "h-release": [{"release": true}, "last"]},
        "policy": "[limits.deadline]\nhtlc_accepted = \"none\"\n[on-fault.restart]\npause = \"1 ms\""})
}

#[test]
fn hooks_that_wait_are_taken_in_one_call_and_each_has_its_own_answer() {
    let folder = Folder::new().scripted("h", taking());
    let node = bridge(&folder).start().unwrap();
    let refused = json!({"result": "fail", "failure_message": "2002"});
    let what = [
        "answer", "continue", "answer", "decline", "nonsense", "answer", "answer",
    ];
    let answers = at_once(&node, &what);
    for (n, (what, answer)) in what.iter().zip(&answers).enumerate() {
        match *what {
            "answer" => assert_eq!(answer, &own(n)),
            "continue" => assert_eq!(answer, &json!({"result": "continue"})),
            _ => assert_eq!(answer, &refused, "{what}"),
        }
    }
    let counts = node.call("h-counts", json!([])).unwrap();
    assert!(counts["taken"].as_u64().unwrap() > 0, "{counts}");
    for why in ["has no answer: \"not this one\"", "is not JSON"] {
        let told =
            |line: &LogLine| line.text.contains("hook htlc_accepted") && line.text.contains(why);
        assert_eq!(node.logs().into_iter().filter(told).count(), 1, "{why}");
    }
    node.shutdown().unwrap();
}

#[test]
fn one_that_is_held_keeps_none_waiting_that_came_with_it() {
    let folder = Folder::new().scripted("h", taking());
    let node = bridge(&folder).start().unwrap();
    let held = node.start_hook("htlc_accepted", {
        let mut shown = htlc(1000);
        shown["htlc"]["do"] = json!("hold");
        shown
    });
    for round in 0..3 {
        let answers = at_once(&node, &["answer"; 5]);
        assert_eq!(answers, (0..5).map(own).collect::<Vec<_>>(), "{round}");
    }
    assert_eq!(node.call("h-counts", json!([])).unwrap()["held"], 1);
    let last = json!({"result": "continue"});
    assert_eq!(
        node.call("h-release", json!([1000, last])).unwrap(),
        json!(1)
    );
    assert_eq!(held.unwrap().wait().unwrap().result, last);
    node.shutdown().unwrap();
}

#[test]
fn a_trap_in_one_that_was_taken_is_its_own() {
    let folder = Folder::new().scripted("h", taking());
    let node = bridge(&folder).start().unwrap();
    let answers = at_once(&node, &["answer", "answer", "trap", "answer", "answer"]);
    assert_eq!(answers[..2], [own(0), own(1)], "answered before it");
    let refused = json!({"result": "fail", "failure_message": "2002"});
    for answer in &answers[2..] {
        assert_eq!(answer, &refused);
    }
    node.wait_log(|line| line.text.contains("in hook htlc_accepted; it starts again"))
        .unwrap();
    let told = |what: &str| {
        let what = format!("hook htlc_accepted: {what}");
        let logs = node.logs();
        logs.iter().filter(|line| line.text.contains(&what)).count()
    };
    assert_eq!((told("trapped"), told("was stopped")), (1, 2));
    // The next life has nothing of it.
    while node.call("h-counts", json!([])).is_err() {}
    assert_eq!(
        at_once(&node, &["answer"; 3]),
        (0..3).map(own).collect::<Vec<_>>()
    );
    node.shutdown().unwrap();
}

#[test]
fn ten_thousand_notifications_come_in_order_and_none_is_lost() {
    const SENT: usize = 10_000;
    let script = |own: &str| {
        json!({
        "manifest": manifest(json!({"subscriptions": ["block_added", "connect"], "rpcmethods": methods(&[own])})),
        "methods": {own: "seen"},
        "policy": "[limits]\nqueue_length = 20000\nanswer_bytes = \"16 MiB\""})
    };
    let folder = Folder::new()
        .scripted("a", script("a-seen"))
        .scripted("b", script("b-seen"));
    let node = bridge(&folder).start().unwrap();
    for n in 0..SENT {
        let topic = if n % 7 == 0 { "connect" } else { "block_added" };
        assert_eq!(node.notify(topic, json!({"height": n})).unwrap(), 1);
    }
    for own in ["a-seen", "b-seen"] {
        let mut seen = node.call(own, json!([])).unwrap();
        // The last ones may still be on their way.
        while seen.as_array().unwrap().len() < SENT + 1 {
            assert!(!node.logs().iter().any(|l| l.text.contains("dropped")));
            seen = node.call(own, json!([])).unwrap();
        }
        for (n, entry) in seen.as_array().unwrap().iter().skip(1).enumerate() {
            let topic = if n % 7 == 0 { "connect" } else { "block_added" };
            assert_eq!(
                entry,
                &json!({"topic": topic, "params": {topic: {"height": n}}, "origin": null})
            );
        }
    }
    node.shutdown().unwrap();
}

#[test]
fn what_a_full_queue_drops_is_the_oldest_and_is_said() {
    let script = json!({
        "manifest": manifest(json!({"subscriptions": ["block_added"], "rpcmethods": methods(&["a-seen", "a-release"])})),
        "notifications": {"block_added": {"nth": [[{"log": ["info", "holds"]}, {"hold": true}], []]}},
        "methods": {"a-seen": "seen", "a-release": [{"release": true}, "last"]},
        "policy": "[limits]\nqueue_length = 10\n[limits.deadline]\nnotification = \"none\""});
    let folder = Folder::new().scripted("a", script);
    let node = bridge(&folder).start().unwrap();
    node.notify("block_added", json!({"height": 0})).unwrap();
    node.wait_log(|l| l.text == "a: holds").unwrap();
    for n in 1..=30 {
        node.notify("block_added", json!({"height": n})).unwrap();
    }
    node.wait_log(|l| {
        l.level == "unusual" && l.text.starts_with("a: ") && l.text.contains("16 in all")
    })
    .unwrap();
    node.call("a-release", json!([])).unwrap();
    let heights = loop {
        let seen = node.call("a-seen", json!([])).unwrap();
        let heights: Vec<_> = seen
            .as_array()
            .unwrap()
            .iter()
            .skip(1)
            .map(|e| e["params"]["block_added"]["height"].as_u64().unwrap())
            .collect();
        if heights.last() == Some(&30) {
            break heights;
        }
    };
    let expected: Vec<u64> = std::iter::once(0).chain(21..=30).collect();
    assert_eq!(heights, expected);
    node.shutdown().unwrap();
}

#[test]
fn a_hook_asks_the_node_first() {
    let script = json!({
        "manifest": manifest(json!({"hooks": ["openchannel"]})), "rpc": ["getinfo"],
        "hooks": {"openchannel": [{"rpc": ["getinfo", {}]}, {"log": ["info", "asked"]}, {"answer": {"result": "continue", "mindepth": 2}}]}});
    let folder = Folder::new().scripted("a", script);
    let node = bridge(&folder)
        .native("getinfo", |_| Ok(json!({"id": "02"})))
        .start()
        .unwrap();
    let runs: Vec<_> = (0..50)
        .map(|_| {
            node.start_hook("openchannel", payload("openchannel"))
                .unwrap()
        })
        .collect();
    for run in runs {
        assert_eq!(
            run.wait().unwrap().result,
            json!({"result": "continue", "mindepth": 2})
        );
    }
    assert!(
        node.connections() < 50,
        "{} connections for 50 calls",
        node.connections()
    );
    node.shutdown().unwrap();
}

#[test]
fn what_was_not_granted_does_not_reach_the_socket() {
    let script = json!({
        "manifest": manifest(json!({"rpcmethods": methods(&["a-stop", "a-info"])})), "rpc": ["getinfo"],
        "methods": {"a-stop": [{"rpc": ["stop", {}]}, "last"], "a-info": [{"rpc": ["getinfo", {}]}, "last"]}});
    let folder = Folder::new().scripted("a", script);
    let node = bridge(&folder)
        .native("getinfo", |_| Ok(json!({"id": "02"})))
        .native("stop", |_| panic!("not granted"))
        .start()
        .unwrap();
    assert_eq!(
        node.call("a-info", json!([])).unwrap(),
        json!({"result": {"id": "02"}})
    );
    let refused = node.call("a-stop", json!([])).unwrap();
    assert!(
        refused["failure"].as_str().unwrap().contains("Denied"),
        "{refused}"
    );
    node.shutdown().unwrap();
}

/// A guest that asks the node in every `rpc_command`.
fn asking(own: &str) -> Value {
    json!({
        "manifest": manifest(json!({"hooks": ["rpc_command"], "rpcmethods": methods(&[own])})), "rpc": ["getinfo", "listpeers"],
        "hooks": {"rpc_command": [{"rpc": ["listpeers", {}]}, {"answer": {"result": "continue"}}]},
        "methods": {own: [{"rpc": ["getinfo", {}]}, "last"]}})
}

#[test]
fn a_guests_own_call_that_comes_back_as_rpc_command_is_no_deadlock() {
    let folder = Folder::new().scripted("a", asking("a-info"));
    let node = bridge(&folder)
        .native("getinfo", |_| Ok(json!("info")))
        .native("listpeers", |_| Ok(json!("peers")))
        .start()
        .unwrap();
    assert_eq!(node.call("getinfo", json!({})).unwrap(), json!("info"));
    assert_eq!(
        node.call("a-info", json!({})).unwrap(),
        json!({"result": "info"})
    );
    node.shutdown().unwrap();
}

#[test]
fn two_guests_that_ask_each_other_are_no_deadlock() {
    let folder = Folder::new()
        .scripted("a", asking("a-info"))
        .scripted("b", asking("b-info"));
    let node = bridge(&folder)
        .native("getinfo", |_| Ok(json!("info")))
        .native("listpeers", |_| Ok(json!("peers")))
        .start()
        .unwrap();
    let calls: Vec<_> = (0..20)
        .map(|n| {
            node.start_call(if n % 2 == 0 { "a-info" } else { "b-info" }, json!({}))
                .unwrap()
        })
        .collect();
    for call in calls {
        assert_eq!(call.wait().unwrap(), json!({"result": "info"}));
    }
    assert_eq!(node.call("getinfo", json!({})).unwrap(), json!("info"));
    node.shutdown().unwrap();
}

#[test]
fn a_guest_calls_another_guests_method() {
    let a = json!({"manifest": manifest(json!({"rpcmethods": methods(&["a-outer"])})), "rpc": ["b-inner"],
        "methods": {"a-outer": [{"rpc": ["b-inner", [5]]}, "last"]}});
    let b = json!({"manifest": manifest(json!({"rpcmethods": methods(&["b-inner"])})), "methods": {"b-inner": "echo"}});
    let folder = Folder::new().scripted("a", a).scripted("b", b);
    let node = bridge(&folder).start().unwrap();
    assert_eq!(
        node.call("a-outer", json!([])).unwrap(),
        json!({"result": [5]})
    );
    node.shutdown().unwrap();
}

#[test]
fn a_hook_that_comes_before_init_is_answered_waits_for_the_guest() {
    let script = json!({
        "manifest": manifest(json!({"hooks": ["peer_connected"]})), "rpc": ["getinfo"],
        "init": [{"rpc": ["getinfo", {}]}, {"log": ["info", "ready"]}],
        "hooks": {"peer_connected": [{"log": ["info", "asked"]}, {"answer": {"result": "disconnect"}}]}});
    let folder = Folder::new().scripted("a", script);
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let node = bridge(&folder)
        .native("getinfo", move |_| {
            wait.lock().unwrap().recv().unwrap();
            Ok(json!({}))
        })
        .without_waiting_for_init()
        .start()
        .unwrap();
    let mut run = node
        .start_hook("peer_connected", payload("peer_connected"))
        .unwrap();
    assert!(!run.is_done());
    go.send(()).unwrap();
    node.wait_init().unwrap();
    let ended = run.wait().unwrap();
    assert_eq!(ended.result["result"], "disconnect");
    let lines: Vec<_> = node
        .logs()
        .into_iter()
        .filter(|l| l.text.starts_with("a: "))
        .map(|l| l.text)
        .collect();
    let at = |text: &str| lines.iter().position(|l| l == text).unwrap();
    assert!(at("a: ready") < at("a: asked"), "{lines:?}");
    node.shutdown().unwrap();
}

#[test]
fn an_init_whose_call_goes_through_another_guests_hook_is_no_deadlock() {
    // Each waits in init for a call that lightningd first shows to the other.
    let script = || {
        json!({
        "manifest": manifest(json!({"hooks": ["rpc_command"]})), "rpc": ["getinfo"],
        "init": [{"rpc": ["getinfo", {}]}, {"log": ["info", "ready"]}]})
    };
    let folder = Folder::new()
        .scripted("a", script())
        .scripted("b", script());
    let node = bridge(&folder)
        .native("getinfo", |_| Ok(json!({})))
        .start()
        .unwrap();
    for name in ["a", "b"] {
        node.wait_log(|l| l.text == format!("{name}: ready"))
            .unwrap();
    }
    node.shutdown().unwrap();
}

#[test]
fn a_guests_own_notification_reaches_the_others_with_its_name() {
    let a = json!({"manifest": manifest(json!({"rpcmethods": methods(&["a-tell"]), "notifications": [{"method": "a_news"}]})),
        "methods": {"a-tell": [{"notify": ["a_news", {"x": 1}]}, {"notify": ["not_mine", {}]}, "last"]}});
    let b = json!({"manifest": manifest(json!({"rpcmethods": methods(&["b-seen"]), "subscriptions": ["a_news"]})),
        "notifications": {"a_news": {"log": ["info", "heard"]}}, "methods": {"b-seen": "seen"}});
    let folder = Folder::new().scripted("a", a).scripted("b", b);
    let node = bridge(&folder).start().unwrap();
    let undeclared = node.call("a-tell", json!([])).unwrap();
    assert!(
        undeclared.as_str().unwrap().contains("Denied"),
        "{undeclared}"
    );
    node.wait_log(|l| l.text == "b: heard").unwrap();
    let seen = node.call("b-seen", json!([])).unwrap();
    assert_eq!(
        seen[1],
        json!({"topic": "a_news", "params": {"x": 1}, "origin": "a"})
    );
    node.shutdown().unwrap();
}

#[test]
fn a_guest_in_an_endless_loop_holds_up_no_other() {
    let bad = json!({"manifest": manifest(json!({"rpcmethods": methods(&["a-loop"])})), "methods": {"a-loop": "loop"},
        "policy": "[limits]\ncpu_per_call_ms = 600000\n[limits.deadline]\nmethod = \"none\""});
    let good = json!({"manifest": manifest(json!({"rpcmethods": methods(&["b-ping"])})), "methods": {"b-ping": "echo"}});
    let folder = Folder::new().scripted("a", bad).scripted("b", good);
    let node = bridge(&folder).start().unwrap();
    let mut burning = node.start_call("a-loop", json!([])).unwrap();
    for n in 0..200 {
        assert_eq!(node.call("b-ping", json!([n])).unwrap(), json!([n]));
    }
    assert!(!burning.is_done());
    node.shutdown().unwrap();
}

#[test]
fn a_guest_that_logs_at_each_log_line_goes_on_answering() {
    let script = json!({
        "manifest": manifest(json!({"subscriptions": ["log"], "rpcmethods": methods(&["a-ping"])})),
        "notifications": {"log": {"log": ["info", "I heard a line"]}}, "methods": {"a-ping": "echo"}});
    let folder = Folder::new().scripted("a", script);
    let node = bridge(&folder).start().unwrap();
    let ask = |n: usize| -> Result<Value, Failure> { node.call("a-ping", json!([n])) };
    for n in 0..500 {
        node.notify(
            "log",
            json!({"level": "info", "time": "1", "source": "lightningd", "log": "x"}),
        )
        .unwrap();
        assert_eq!(ask(n).unwrap(), json!([n]));
    }
    node.shutdown().unwrap();
}
