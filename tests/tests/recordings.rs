//! Every recorded message is played to a plugin that registers for everything: it is answered once, and
//! acceptably, and no notification is lost or comes out of order.

mod scripted;

use cln_wasm_tests::recording::{Message, Part, Recording, Stream, directory, scenarios};
use cln_wasm_tests::simulator::json::{Doc, Json, Kind};
use cln_wasm_tests::simulator::{hooks, judge_hook, topics};
use scripted::{ask, builder, start};
use serde_json::{Value, json};

/// Registers for all that the recorded plugin did.
fn everything() -> Value {
    let mut all = topics().to_vec();
    all.push("rec_news");
    let methods: Vec<_> = [
        "rec-echo",
        "rec-slow",
        "rec-error",
        "rec-emit",
        "rec-log",
        "rec-deprecated",
        "rec-dyn-echo",
        "seen",
        "echo",
    ]
    .map(|name| json!({"name": name, "usage": ""}))
    .to_vec();
    json!({"subscriptions": all, "rpcmethods": methods, "notifications": [{"method": "rec_news"}]})
}

/// Whether both say the same; numbers as close as a double tells them apart.
fn is_same(a: Json<'_>, b: Json<'_>) -> bool {
    let number = |json: Json<'_>| json.text().parse::<f64>().ok();
    match (a.kind(), b.kind()) {
        (Kind::Object, Kind::Object) => {
            let same = |(key, value): (Json<'_>, Json<'_>)| {
                b.get(key.text()).is_some_and(|other| is_same(value, other))
            };
            a.size() == b.size() && a.members().all(same)
        }
        (Kind::Array, Kind::Array) => {
            a.size() == b.size() && a.elements().zip(b.elements()).all(|(a, b)| is_same(a, b))
        }
        (Kind::Primitive, Kind::Primitive) => {
            a.text() == b.text() || (number(a).is_some() && number(a) == number(b))
        }
        (Kind::String, Kind::String) => a.to_value() == b.to_value(),
        _ => false,
    }
}

fn play(part: &Part, mut manifest: Value) -> (usize, usize) {
    let with_db = part.messages.iter().any(|m| m.method == "db_write");
    if with_db {
        manifest["hooks"] = json!(["db_write"]);
    }
    let node = start(json!({"manifest": manifest}));
    let seen = || Doc::parse(&node.call_raw("seen", json!([])).unwrap()).unwrap();
    let begun = seen().root().size();
    let report = node.play(part).unwrap();
    let seen = seen();
    let heard: Vec<_> = seen
        .root()
        .elements()
        .skip(begun)
        .filter(|entry| entry.kind() == Kind::Object)
        .collect();
    let sent = &report.notifications;
    assert_eq!(heard.len(), sent.len(), "{} {}", part.node, part.plugin);
    for (heard, sent) in heard.iter().zip(sent) {
        assert!(heard.get("topic").unwrap().is_str(&sent.method), "{heard}");
        let params = Doc::parse(&sent.params()).unwrap();
        let same = is_same(heard.get("params").unwrap(), params.root());
        assert!(same, "{heard} is not {params:?}");
    }
    for answer in &report.answers {
        if let Some(effect) = &answer.effect {
            assert_eq!(effect["result"], "continue", "{}", answer.message.text);
        }
    }
    let counts = (report.answers.len(), report.notifications.len());
    let recorded = part
        .messages
        .iter()
        .filter(|m| m.from_lightningd && !m.is_handshake());
    assert_eq!(counts.0 + counts.1 + report.skipped.len(), recorded.count());
    node.shutdown().unwrap();
    counts
}

#[test]
fn every_scenario_plays() {
    let names = scenarios().unwrap();
    assert_eq!(names.len(), 22, "{names:?}");
    let (mut requests, mut notifications) = (0, 0);
    for name in names {
        for part in &Recording::load(&name).unwrap().parts {
            let counts = play(part, everything());
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
fn what_nobody_registered_for_is_left_out() {
    let recording = Recording::load("payments").unwrap();
    let part = recording.part("l2", "recorder").unwrap();
    let narrow = json!({"hooks": ["htlc_accepted"], "subscriptions": ["forward_event"]});
    let node = start(json!({"manifest": narrow}));
    let report = node.play(part).unwrap();
    assert!(
        report
            .answers
            .iter()
            .all(|a| a.message.method == "htlc_accepted")
    );
    assert!(
        report
            .notifications
            .iter()
            .all(|m| m.method == "forward_event")
    );
    assert!(!report.answers.is_empty() && !report.notifications.is_empty());
    assert!(!report.skipped.is_empty());
    node.shutdown().unwrap();
}

#[test]
fn answers_of_the_recorded_plugin_are_acceptable() {
    let mut judged = 0;
    for name in scenarios().unwrap() {
        for part in Recording::load(&name).unwrap().parts {
            let is_hook = |m: &&Message| {
                m.from_lightningd && m.id.is_some() && hooks().contains(&m.method.as_str())
            };
            for request in part.messages.iter().filter(is_hook) {
                let id = request.id.as_ref().unwrap();
                let answers: Vec<_> = part
                    .messages
                    .iter()
                    .filter(|m| !m.from_lightningd && m.id.as_ref() == Some(id))
                    .collect();
                // The recording ends while a last answer may be under way.
                assert!(answers.len() <= 1, "{name}: {id}");
                for answer in answers {
                    let effect = judge_hook(&request.method, &request.params(), &answer.text);
                    assert_eq!(
                        effect.as_ref().map(|e| &e["result"]),
                        Ok(&json!("continue")),
                        "{name}"
                    );
                    judged += 1;
                }
            }
        }
    }
    assert!(judged > 1000, "{judged}");
}

#[test]
fn a_whole_stream_plays_as_it_arrived() {
    let stream = Stream::load("l1.recorder").unwrap();
    assert_eq!(stream.messages.first().unwrap().method, "getmanifest");
    assert_eq!(stream.messages.last().unwrap().method, "shutdown");
    let manifest = json!({"manifest": everything(), "ignore_shutdown": true});
    let node = builder(manifest).start_silent().unwrap();
    let report = node.play_stream(&stream).unwrap();
    assert!(report.answers.len() > 400, "{}", report.answers.len());
    let hooks = report.answers.iter().filter(|a| a.effect.is_some()).count();
    assert!(hooks > 300, "{hooks}");
}

#[test]
fn an_answer_that_lightningd_would_die_of_is_found() {
    let answers = json!({"answers": {"htlc_accepted": {"result": {"result": "fail"}}}});
    let node = start(answers);
    let recording = Recording::load("payments").unwrap();
    let failure = node
        .play(recording.part("l2", "recorder").unwrap())
        .unwrap_err();
    assert!(
        failure.to_string().contains("Missing both failure_onion"),
        "{failure}"
    );
}

/// What lightningd itself answered to a client, byte for byte: requests that it refuses.
#[test]
fn the_socket_refuses_as_the_recorded_one_did() {
    #[derive(serde::Deserialize)]
    struct Line {
        dir: String,
        bytes: String,
    }
    let methods = json!([{"name": "rec-echo", "usage": ""},
        {"name": "rec-deprecated", "usage": "", "deprecated": true}]);
    let node = start(json!({"manifest": {"rpcmethods": methods}}));
    let text = std::fs::read_to_string(directory().join("rpc-socket-client.jsonl")).unwrap();
    let lines: Vec<Line> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let mut compared = 0;
    for pair in lines.windows(2) {
        let own = ["\"code\":-32600", "\"code\":-32601"];
        if pair[0].dir != "out" || !own.iter().any(|code| pair[1].bytes.contains(code)) {
            continue;
        }
        let socket = node.directory().join("lightning-rpc");
        let answer = ask(&socket, &pair[0].bytes, 1);
        assert_eq!(answer, pair[1].bytes);
        compared += 1;
    }
    assert_eq!(compared, 7);
    node.shutdown().unwrap();
}
