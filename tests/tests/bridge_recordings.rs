//! Every message that a real lightningd wrote to a plugin, played to a guest that subscribes to and hooks
//! everything: each hook is answered acceptably, each notification arrives, in order and as it was.

use cln_wasm_tests::bridge::{Folder, add_solo, bridge, manifest};
use cln_wasm_tests::recording::{Message, Part, Recording, Stream, scenarios};
use cln_wasm_tests::simulator::{Node, Simulator, hooks, judge_hook};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Waits for the last of the notifications without losing one: its turn comes after all others.
const END: &str = "0000000000000000000000000000000000000000000000000000000000000e0d";

fn script() -> Value {
    let names: Vec<_> = hooks()
        .iter()
        .copied()
        .filter(|h| *h != "db_write")
        .collect();
    let method = |name: &str| json!({"name": name, "usage": "", "description": ""});
    let methods: Vec<_> = [
        "rec-echo",
        "rec-slow",
        "rec-error",
        "rec-emit",
        "rec-log",
        "rec-deprecated",
        "recdyn-echo",
        "recdyn-emit",
        "r-seen",
    ]
    .map(method)
    .to_vec();
    let option = |name: &str, kind: &str| json!({"name": name, "type": kind, "description": "", "dynamic": true});
    json!({
        "manifest": manifest(json!({
            "hooks": names, "rpcmethods": methods, "subscriptions": ["*", "log"],
            "options": [option("rec-string-dynamic", "string"), option("rec-int-dynamic", "int")],
            "notifications": [{"method": "rec_event"}], "cancheck": true})),
        "watch-hooks": true,
        "hooks": {
            "openchannel2_changed": {"answer": {"result": "continue"}, "with": {"psbt": "/openchannel2_changed/psbt"}},
            "openchannel2_sign": {"answer": {"result": "continue"}, "with": {"psbt": "/openchannel2_sign/psbt"}},
            "*": {"answer": {"result": "continue"}}},
        "notifications": {"block_added": {"by": "/block_added/hash", "moves": {END: {"log": ["info", "that was all"]}}}},
        "methods": {"r-seen": "seen", "*": "echo"}, "checks": {"*": {"answer": {}}}, "setconfigs": {"*": {"answer": {}}},
        "policy": "[limits]\nqueue_length = 20000\nanswer_bytes = \"32 MiB\"\nmemory_bytes = \"128 MiB\"\ncpu_per_call_ms = 60000\ncpu_per_minute_ms = 600000"})
}

/// What the guest has seen, each entry as text.
fn seen(node: &Node) -> Vec<Box<RawValue>> {
    node.notify("block_added", json!({"hash": END})).unwrap();
    node.wait_log(|l| l.text.ends_with(": that was all"))
        .unwrap();
    let text = node.call_raw("r-seen", json!([])).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[derive(serde::Deserialize)]
struct Heard<'a> {
    topic: String,
    #[serde(borrow)]
    params: &'a RawValue,
    origin: Option<String>,
}

#[derive(serde::Deserialize)]
struct Asked {
    hook: String,
    payload: Value,
}

fn compare(about: &str, entries: &[Box<RawValue>], notifications: &[Message], asked: &[&Message]) {
    let heard: Vec<Heard<'_>> = entries
        .iter()
        .filter_map(|e| serde_json::from_str(e.get()).ok())
        .collect();
    // What came of the handshake, and the test's own last word.
    let ours = |h: &Heard<'_>| {
        let told = h.params.get();
        told.contains(END)
            || told.contains("that was all")
            || h.topic == "plugin_started" && told.contains("/cln-wasm\"")
    };
    let heard: Vec<_> = heard.iter().filter(|h| !ours(h)).collect();
    let topics: Vec<_> = heard.iter().map(|h| (&h.topic, h.params)).collect();
    assert_eq!(heard.len(), notifications.len(), "{about}: {topics:?}");
    for (heard, sent) in heard.iter().zip(notifications) {
        assert_eq!(heard.topic, sent.method, "{about}");
        assert_eq!(
            heard.params.get(),
            sent.params(),
            "{about}: as it was, byte for byte"
        );
        let origin: Value = serde_json::from_str(&sent.text).unwrap();
        assert_eq!(
            heard.origin.as_deref(),
            origin["origin"].as_str(),
            "{about}"
        );
    }
    let key = |hook: &str, payload: &Value| format!("{hook} {payload}");
    let mut shown: Vec<_> = entries
        .iter()
        .filter_map(|e| serde_json::from_str::<Asked>(e.get()).ok())
        .filter(|a| !(a.hook == "rpc_command" && a.payload["rpc_command"]["method"] == "r-seen"))
        .map(|a| key(&a.hook, &a.payload))
        .collect();
    // Calls of lightningd's own plugins while they start are shown to no guest.
    let starting = |m: &&&Message| {
        let params = m.params();
        let made_in_init = params.contains(":init/#") || params.contains("\"cln:init#");
        m.method == "rpc_command" && made_in_init
    };
    let mut sent: Vec<_> = asked
        .iter()
        .filter(|m| !starting(m))
        .map(|m| key(&m.method, &serde_json::from_str(&m.params()).unwrap()))
        .collect();
    shown.sort();
    sent.sort();
    assert_eq!(shown.len(), sent.len(), "{about}");
    for (shown, sent) in shown.iter().zip(&sent) {
        assert_eq!(shown, sent, "{about}");
    }
}

fn play(name: &str, part: &Part) -> (usize, usize) {
    let about = format!("{name} {} {}", part.node, part.plugin);
    let folder = Folder::new().scripted("r", script());
    let node = bridge(&folder).start().unwrap();
    let report = node.play(part).unwrap_or_else(|e| panic!("{about}: {e}"));
    let asked: Vec<_> = report
        .answers
        .iter()
        .filter(|a| a.effect.is_some())
        .collect();
    for answer in &asked {
        let effect = answer.effect.as_ref().unwrap();
        assert_eq!(
            effect["result"], "continue",
            "{about}: {}",
            answer.message.text
        );
    }
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .filter(|m| m.method != "shutdown")
        .map(|m| &m.method)
        .collect();
    assert!(skipped.is_empty(), "{about}: {skipped:?}");
    let asked: Vec<_> = asked.iter().map(|a| &a.message).collect();
    compare(&about, &seen(&node), &report.notifications, &asked);
    let bad: Vec<_> = node
        .logs()
        .into_iter()
        .filter(|l| matches!(l.level, "unusual" | "broken"))
        .collect();
    assert!(bad.is_empty(), "{about}: {bad:?}");
    node.shutdown().unwrap();
    (report.answers.len(), report.notifications.len())
}

#[test]
fn every_scenario_plays_to_a_guest_that_wants_everything() {
    let (mut requests, mut notifications) = (0, 0);
    for name in scenarios().unwrap() {
        for part in &Recording::load(&name).unwrap().parts {
            if part.messages.iter().any(|m| m.method == "db_write") {
                continue;
            }
            let counts = play(&name, part);
            requests += counts.0;
            notifications += counts.1;
        }
    }
    println!("played {requests} requests and {notifications} notifications");
    assert!(
        requests > 1200 && notifications > 400,
        "{requests} {notifications}"
    );
}

#[test]
fn the_database_writes_play_to_a_guest_alone() {
    let mut writes = 0;
    for name in scenarios().unwrap() {
        for part in Recording::load(&name).unwrap().parts {
            if !part.messages.iter().any(|m| m.method == "db_write") {
                continue;
            }
            let folder = Folder::new();
            let script = json!({"manifest": manifest(json!({"hooks": ["db_write"], "rpcmethods": []})),
                "hooks": {"db_write": [{"log": ["debug", "written"]}, {"answer": {"result": "continue"}}]}});
            let node = add_solo(Simulator::builder(), &folder.solo("writer", script))
                .start()
                .unwrap();
            let before = node
                .logs()
                .iter()
                .filter(|l| l.text == "writer: written")
                .count();
            let report = node.play(&part).unwrap();
            let answered: Vec<_> = report
                .answers
                .iter()
                .filter(|a| a.message.method == "db_write")
                .collect();
            assert!(
                answered
                    .iter()
                    .all(|a| a.effect.as_ref().unwrap()["result"] == "continue")
            );
            let logged = node
                .logs()
                .iter()
                .filter(|l| l.text == "writer: written")
                .count();
            assert_eq!(
                logged - before,
                answered.len(),
                "the log line of a write precedes its answer"
            );
            writes += answered.len();
            node.shutdown().unwrap();
        }
    }
    assert!(writes > 40, "{writes}");
}

#[test]
fn a_whole_stream_plays_as_it_arrived() {
    let stream = Stream::load("l1.recorder").unwrap();
    let folder = Folder::new().scripted("r", script());
    let node = bridge(&folder).start_silent().unwrap();
    let report = node.play_stream(&stream).unwrap();
    assert!(report.answers.len() > 400, "{}", report.answers.len());
    let asked = report.answers.iter().filter(|a| a.effect.is_some());
    let mut count = 0;
    for answer in asked {
        let effect = judge_hook(
            &answer.message.method,
            &answer.message.params(),
            &answer.response,
        )
        .unwrap();
        assert_eq!(effect["result"], "continue", "{}", answer.message.text);
        count += 1;
    }
    assert!(count > 300, "{count}");
}
