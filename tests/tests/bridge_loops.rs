//! Guests that set each other off: through lines of the log, through notifications, through RPC calls.

use cln_wasm_tests::bridge::{Folder, bridge, manifest, methods};
use cln_wasm_tests::simulator::{Builder, Node};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

/// Says over RPC, where no line is written, that all notifications before it were handled.
fn marking(mut script: Value) -> Value {
    script["rpc"] = json!(["mark"]);
    script["notifications"]["block_added"] = json!({"rpc": ["mark", {}]});
    script
}

/// The method behind it.
fn with_mark(builder: Builder) -> (Builder, mpsc::Receiver<()>) {
    let (mark, marks) = mpsc::channel();
    let mark = Mutex::new(mark);
    let builder = builder.native("mark", move |_| {
        mark.lock().unwrap().send(()).unwrap();
        Ok(json!({}))
    });
    (builder, marks)
}

/// Lets all that guests set off come to its end: whatever goes round is handled in each of these rounds.
fn settle(node: &Node, guests: usize, marks: &mpsc::Receiver<()>) {
    for height in 0..40 {
        node.notify("block_added", json!({"height": height}))
            .unwrap();
        for _ in 0..guests {
            marks.recv().unwrap();
        }
    }
}

fn lines_of(node: &Node, guests: &[&str]) -> usize {
    let by = |text: &str| guests.iter().any(|g| text.starts_with(&format!("{g}: ")));
    node.logs().iter().filter(|l| by(&l.text)).count()
}

fn line(n: usize) -> Value {
    json!({"level": "info", "time": "1", "timestamp": "", "source": "lightningd", "log": format!("line {n}")})
}

#[test]
fn guests_that_write_a_line_for_each_line_come_to_rest() {
    for topic in ["log", "warning"] {
        let level = if topic == "log" { "info" } else { "unusual" };
        let script = || {
            marking(json!({
            "manifest": manifest(json!({"subscriptions": [topic, "block_added"]})),
            "notifications": {topic: {"log": [level, "I heard a line"]}}}))
        };
        let folder = Folder::new()
            .scripted("a", script())
            .scripted("b", script())
            .scripted("c", script());
        let (builder, marks) = with_mark(bridge(&folder));
        let node = builder.start().unwrap();
        for n in 0..10 {
            node.notify(topic, line(n)).unwrap();
        }
        settle(&node, 3, &marks);
        let before = lines_of(&node, &["a", "b", "c"]);
        assert!(before >= 30, "each hears each of the ten: {before}");
        // A line leads at most to two more of the others, and each of those to one: 15 for
        // each that came from outside. What goes round ends at the guests' log rates, which
        // is a thousand each.
        assert!(before <= 450, "{topic} goes round: {before}");
        settle(&node, 3, &marks);
        assert_eq!(
            lines_of(&node, &["a", "b", "c"]),
            before,
            "{topic} goes round"
        );
        node.shutdown().unwrap();
    }
}

#[test]
fn a_guest_still_hears_the_lines_of_others() {
    let a = json!({"manifest": manifest(json!({"subscriptions": ["warning"], "rpcmethods": methods(&["a-seen", "a-say"])})),
        "methods": {"a-seen": "seen", "a-say": [{"log": ["unusual", "of a"]}, {"answer": {}}]}});
    let b = json!({"manifest": manifest(json!({"rpcmethods": methods(&["b-say"])})),
        "methods": {"b-say": [{"log": ["broken", "of b"]}, {"answer": {}}]}});
    let folder = Folder::new().scripted("a", a).scripted("b", b);
    let node = bridge(&folder).start().unwrap();
    node.call("a-say", json!([])).unwrap();
    node.call("b-say", json!([])).unwrap();
    node.notify("warning", line(1)).unwrap();
    let seen = loop {
        let seen = node.call("a-seen", json!([])).unwrap().to_string();
        if seen.contains("line 1") {
            break seen;
        }
    };
    assert!(seen.contains("b: of b"), "{seen}");
    assert!(!seen.contains("a: of a"), "its own");
    let of_b = node.wait_log(|l| l.text == "b: of b").unwrap();
    assert_eq!(of_b.level, "unusual", "a guest cannot say broken");
    node.shutdown().unwrap();
}

#[test]
fn notifications_that_answer_each_other_end_at_the_chains_depth() {
    let script = |hears: &str, sends: &str, own: &str| {
        json!({"manifest": manifest(json!({"subscriptions": [hears], "notifications": [{"method": sends}], "rpcmethods": methods(&[own])})),
            "notifications": {hears: {"notify": [sends, {"x": 1}]}},
            "methods": {own: [{"notify": [sends, {"x": 1}]}, "seen"]}})
    };
    let folder = Folder::new()
        .scripted("a", script("b_news", "a_news", "a-tell"))
        .scripted("b", script("a_news", "b_news", "b-tell"));
    let node = bridge(&folder).start().unwrap();
    node.call("a-tell", json!([])).unwrap();
    node.wait_log(|l| l.level == "unusual" && l.text.contains("limits.chain_depth"))
        .unwrap();
    // The chain has ended: of its 16, each guest heard 8.
    let seen = node.call("b-tell", json!([])).unwrap();
    let heard: Vec<_> = seen
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["topic"] == "a_news")
        .collect();
    assert_eq!(heard.len(), 8, "{seen}");
    assert!(heard.iter().all(|e| e["origin"] == "a"));
    node.shutdown().unwrap();
}

#[test]
fn methods_that_call_each_other_end_at_the_chains_depth() {
    let script = |own: &str, other: &str, ping: &str| {
        json!({"manifest": manifest(json!({"rpcmethods": methods(&[own, ping])})), "rpc": [other],
            "methods": {own: [{"rpc": [other, {}]}, "last"], ping: {"answer": "pong"}},
            "policy": "[limits]\nchain_depth = 5\n"})
    };
    let folder = Folder::new()
        .scripted("a", script("a-turn", "b-turn", "a-ping"))
        .scripted("b", script("b-turn", "a-turn", "b-ping"));
    let node = bridge(&folder).start().unwrap();
    let mut answer = node.call("a-turn", json!({})).unwrap();
    let mut depth = 0;
    while let Some(inner) = answer.get("result").cloned() {
        answer = inner;
        depth += 1;
    }
    assert_eq!(depth, 5);
    assert!(
        answer["failure"]
            .as_str()
            .unwrap()
            .contains("limits.chain_depth"),
        "{answer}"
    );
    assert_eq!(node.call("a-ping", json!([])).unwrap(), json!("pong"));
    node.shutdown().unwrap();
}

#[test]
fn hooks_that_call_in_the_background_end_at_the_chains_depth() {
    // Each asks the node about every command, and does not say because of which.
    let script = |own: &str| {
        json!({"manifest": manifest(json!({"hooks": ["rpc_command"], "rpcmethods": methods(&[own])})), "rpc": ["listpeers"],
            "hooks": {"rpc_command": [{"rpc": ["listpeers", {}, "background"]}, {"answer": {"result": "continue"}}]},
            "methods": {own: {"answer": "pong"}}})
    };
    let folder = Folder::new()
        .scripted("a", script("a-ping"))
        .scripted("b", script("b-ping"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let node = bridge(&folder)
        .native("getinfo", |_| Ok(json!("info")))
        .native("listpeers", move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(json!("peers"))
        })
        .start()
        .unwrap();
    assert_eq!(node.call("getinfo", json!({})).unwrap(), json!("info"));
    node.wait_log(|l| l.level == "unusual" && l.text.contains("limits.chain_depth"))
        .unwrap();
    let asked = asked.load(Ordering::Relaxed);
    // One chain of 16 from each of the two.
    assert!((16..=32).contains(&asked), "{asked} calls for one command");
    assert_eq!(node.call("a-ping", json!([])).unwrap(), json!("pong"));
    node.shutdown().unwrap();
}
