//! The guest against made-up notifications and those of a real node.

use std::collections::BTreeMap;

use cln_guest::harness::Harness;
use cln_guest::prelude::*;
use cln_guest::serde_json;

const RECORDING: &str =
    include_str!("../../../tests/recordings/real-lightningd-v26.06.6/payments.jsonl");
const PEER: &str = "03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337";

fn started() -> Harness {
    let mut harness = Harness::new(event_log::guest());
    harness.init().expect("nothing to refuse");
    harness
}

fn disconnects(harness: &mut Harness, count: usize) {
    for _ in 0..count {
        harness.notify("disconnect", json!({"id": PEER}));
    }
}

fn numbers(answer: &Value) -> Vec<u64> {
    let events = answer["events"].as_array().into_iter().flatten();
    events
        .filter_map(|event| event["number"].as_u64())
        .collect()
}

#[test]
fn it_shows_what_came() {
    let mut harness = started();
    disconnects(&mut harness, 1);
    let news = json!({"anything": [1, "two"]});
    harness.notify_from(Some("news.py"), "news", news.clone());
    assert_eq!(
        harness.call("event-log", json!([])),
        Ok(json!({
            "events": [
                {
                    "number": 1,
                    "received_at": 1_767_225_600,
                    "topic": "disconnect",
                    "params": {"disconnect": {"id": PEER}}
                },
                {
                    "number": 2,
                    "received_at": 1_767_225_600,
                    "topic": "news",
                    "origin": "news.py",
                    "params": news
                }
            ],
            "complete": true,
            "seen": 2,
            "kept": 2,
            "counters": {"disconnect": 1, "news": 1}
        }))
    );
    // It asks the operator before it writes to the log.
    assert_eq!(harness.log_lines(), []);
}

#[test]
fn the_caller_says_which_and_how_many() {
    let mut harness = started();
    disconnects(&mut harness, 150);
    harness.notify_from(None, "news", json!([]));
    for (params, first, count) in [
        (json!([]), 52, 100),
        (json!(["disconnect", 2]), 149, 2),
        (json!({"limit": 3}), 149, 3),
        (json!({"topic": "news"}), 151, 1),
    ] {
        let answer = harness.call("event-log", params).expect("an answer");
        let numbers = numbers(&answer);
        assert_eq!((numbers[0], numbers.len()), (first, count));
    }
    let none = harness
        .call("event-log", json!({"limit": 0}))
        .expect("an answer");
    assert_eq!((&none["events"], &none["seen"]), (&json!([]), &json!(151)));
    let error = harness.call("event-log", json!(["x", "many"])).unwrap_err();
    assert_eq!(error.code, RpcError::INVALID_PARAMS);
}

#[test]
fn it_keeps_as_many_as_it_is_told() {
    let mut harness = Harness::new(event_log::guest()).option("event-log-keep", json!(3));
    harness.init().expect("nothing to refuse");
    disconnects(&mut harness, 5);
    let kept = harness.call("event-log", json!([])).expect("an answer");
    assert_eq!(numbers(&kept), [3, 4, 5]);
    harness
        .setconfig("event-log-keep", json!(1))
        .expect("a good value");
    let kept = harness.call("event-log", json!([])).expect("an answer");
    assert_eq!((numbers(&kept), &kept["seen"]), (vec![5], &json!(5)));
    let error = harness
        .check_setconfig("event-log-keep", json!(-1))
        .unwrap_err();
    assert!(
        error.message.contains("must be from 0 to 1000000"),
        "{error}"
    );

    let mut greedy = Harness::new(event_log::guest()).option("event-log-keep", json!(-5));
    assert!(greedy.init().unwrap_err().contains("event-log-keep"));
}

#[test]
fn it_writes_each_to_the_log_but_what_is_about_the_log() {
    let mut harness = started();
    for level in ["unusual", "broken", "warn", "error", "Info", "off", ""] {
        let error = harness
            .check_setconfig("event-log-level", json!(level))
            .unwrap_err();
        assert!(
            error.message.contains("none, trace, debug or info"),
            "{error}"
        );
    }
    for (level, written) in [
        ("trace", LogLevel::Trace),
        ("debug", LogLevel::Debug),
        ("info", LogLevel::Info),
    ] {
        harness
            .setconfig("event-log-level", json!(level))
            .expect("a good value");
        disconnects(&mut harness, 1);
        harness.notify_from(Some("news.py"), "news", json!([7]));
        harness.notify("warning", json!({"level": "warn", "log": "something"}));
        harness.notify("log", json!({"level": "info", "log": "something"}));
        let lines = harness.log_lines();
        let lines: Vec<_> = lines
            .iter()
            .map(|line| (line.level, line.message.as_str()))
            .collect();
        let disconnect = format!(r#"disconnect: {{"disconnect":{{"id":"{PEER}"}}}}"#);
        let news = "news from news.py: [7]";
        assert_eq!(lines, [(written, disconnect.as_str()), (written, news)]);
    }
    harness
        .setconfig("event-log-level", json!("none"))
        .expect("a good value");
    disconnects(&mut harness, 1);
    assert_eq!(harness.log_lines(), []);
    let counters = harness
        .call("event-log", json!({"limit": 0}))
        .expect("an answer")["counters"]
        .take();
    assert_eq!(
        counters,
        json!({"disconnect": 4, "news": 3, "warning": 3, "log": 3})
    );
}

#[test]
fn an_answer_is_never_too_long() {
    let mut harness = started();
    let big = "x".repeat(1 << 20);
    for number in 0..4 {
        harness.notify_from(None, "big", json!({"number": number, "text": big}));
    }
    let answer = harness.call("event-log", json!([])).expect("an answer");
    assert_eq!(
        (numbers(&answer), &answer["complete"]),
        (vec![4], &json!(false))
    );
    assert_eq!(answer["kept"], 4);
}

#[test]
fn the_payments_of_a_real_node() {
    let mut harness = started();
    let mut sent: BTreeMap<String, u64> = BTreeMap::new();
    let mut last = Value::Null;
    for line in RECORDING.lines() {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        let message = &line["msg"];
        let topic = message["method"].as_str().unwrap_or_default();
        if line["dir"] != "in" || message.get("id").is_some() || topic == "log" {
            continue;
        }
        *sent.entry(topic.to_owned()).or_default() += 1;
        last = message["params"].clone();
        harness.notify_from(None, topic, last.clone());
    }
    assert!(sent["forward_event"] > 0, "{sent:?}");
    let answer = harness
        .call("event-log", json!({"limit": 1}))
        .expect("an answer");
    assert_eq!(answer["counters"], json!(sent));
    assert_eq!(answer["seen"], json!(sent.values().sum::<u64>()));
    assert_eq!(answer["events"][0]["params"], last);
}
