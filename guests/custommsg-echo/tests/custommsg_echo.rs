//! The guest against peers of all kinds.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use cln_guest::harness::Harness;
use cln_guest::prelude::*;

const PEER: &str = "03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337";
const OTHER: &str = "02864ef025fde8fb587d989186ce6a4a186895ee44a926bfc370e2c366597a3f8f";

type Outbox = Rc<RefCell<Vec<(String, String)>>>;

/// A guest whose messages go into a box: receiver and hex.
fn started() -> (Harness, Outbox) {
    let mut harness = Harness::new(custommsg_echo::guest());
    harness.init().expect("nothing to refuse");
    let outbox = Outbox::default();
    let sent = Rc::clone(&outbox);
    harness.on_rpc("sendcustommsg", move |params| {
        let text = |member: &str| params[member].as_str().unwrap_or_default().to_owned();
        sent.borrow_mut().push((text("node_id"), text("msg")));
        Ok(json!({"status": "Message sent to connectd for delivery"}))
    });
    (harness, outbox)
}

fn receive(harness: &mut Harness, peer: &str, message: &str) {
    let payload = json!({"peer_id": peer, "payload": message});
    let answer = harness.hook::<hooks::Custommsg>(payload);
    assert_eq!(answer, Ok(json!({"result": "continue"})));
}

fn echo_of(request: &str) -> String {
    request.replacen("a455", "a457", 1)
}

#[test]
fn it_asks_for_two_types_of_message() {
    let manifest = Harness::new(custommsg_echo::guest()).getmanifest();
    assert_eq!(
        manifest["hooks"],
        json!([{"name": "custommsg", "filters": [0xa455, 0xa457]}])
    );
}

#[test]
fn a_request_is_echoed() {
    let (mut harness, outbox) = started();
    receive(&mut harness, PEER, "a4550000000000000001aabb");
    let echo = (PEER.to_owned(), "a4570000000000000001aabb".to_owned());
    assert_eq!(outbox.take(), [echo]);
    // An echo is not: two nodes would send it to each other for ever.
    receive(&mut harness, PEER, "a4570000000000000001aabb");
    for strange in ["a457", "", "a45", "a457zz"] {
        receive(&mut harness, PEER, strange);
    }
    assert_eq!(outbox.take(), []);
}

#[test]
fn a_peer_that_is_gone_costs_a_line() {
    let mut harness = Harness::new(custommsg_echo::guest());
    harness.init().expect("nothing to refuse");
    harness.on_rpc("sendcustommsg", |_| {
        Err(CallError::Rpc(RpcError::new(-1, "No such peer")))
    });
    for _ in 0..40 {
        harness.log_lines();
        receive(&mut harness, PEER, "a455");
        let lines = harness.log_lines();
        assert!(
            lines[0]
                .message
                .ends_with("could not be answered: No such peer (code -1)"),
            "{lines:?}"
        );
    }
}

#[test]
fn a_ping_tells_how_long_it_took() {
    let (mut harness, outbox) = started();
    let ping = harness.start_call("custommsg-echo-ping", json!([PEER, "hällo"]));
    let sent = outbox.take();
    assert_eq!(sent.len(), 1);
    let (peer, request) = &sent[0];
    assert_eq!(peer, PEER);
    assert!(
        request.starts_with("a455") && request.ends_with("68c3a46c6c6f"),
        "{request}"
    );
    assert!(!ping.is_finished());

    // Neither another peer nor another request settles it.
    receive(&mut harness, OTHER, &echo_of(request));
    receive(&mut harness, PEER, "a457000000000000000068c3a46c6c6f");
    assert!(!ping.is_finished());

    harness.set_time(UNIX_EPOCH + Duration::from_micros(1_767_225_600_001_500));
    receive(&mut harness, PEER, &echo_of(request));
    let pong = json!({"peer_id": PEER, "payload": "hällo", "round_trip_us": 1_500});
    assert_eq!(ping.finish(), Ok(pong));
}

#[test]
fn pings_do_not_mix() {
    let (mut harness, outbox) = started();
    let first = harness.start_call("custommsg-echo-ping", json!([PEER]));
    let second = harness.start_call("custommsg-echo-ping", json!({"peer_id": PEER}));
    let sent = outbox.take();
    assert_ne!(sent[0].1, sent[1].1);
    receive(&mut harness, PEER, &echo_of(&sent[1].1));
    assert!(!first.is_finished());
    assert!(second.finish().is_ok());
    receive(&mut harness, PEER, &echo_of(&sent[0].1));
    assert!(first.finish().is_ok());
}

#[test]
fn a_peer_that_does_not_answer_is_given_up() {
    let (mut harness, outbox) = started();
    harness
        .setconfig("custommsg-echo-timeout", json!(3))
        .expect("a good value");
    let ping = harness.start_call("custommsg-echo-ping", json!([PEER]));
    harness.advance(Duration::from_millis(2_999));
    assert!(!ping.is_finished());
    harness.advance(Duration::from_millis(1));
    let error = ping.finish().unwrap_err();
    assert_eq!(
        (error.code, error.message),
        (901, format!("no echo from {PEER} in 3 s"))
    );
    // What comes late finds nobody.
    harness.log_lines();
    receive(&mut harness, PEER, &echo_of(&outbox.take()[0].1));
    let lines = harness.log_lines();
    assert!(
        lines[0].message.ends_with("an echo that nobody waits for"),
        "{lines:?}"
    );
    assert!(
        harness
            .check_setconfig("custommsg-echo-timeout", json!(0))
            .is_err()
    );
}

#[test]
fn a_wrong_echo_is_an_error() {
    let (mut harness, outbox) = started();
    let ping = harness.start_call("custommsg-echo-ping", json!([PEER, "yes"]));
    let echo = echo_of(&outbox.take()[0].1);
    receive(&mut harness, PEER, &format!("{echo}00"));
    assert_eq!(ping.finish().unwrap_err().code, 901);
}

#[test]
fn what_cannot_be_sent_is_an_error() {
    let mut harness = Harness::new(custommsg_echo::guest());
    harness.init().expect("nothing to refuse");
    harness.on_rpc("sendcustommsg", |_| {
        Err(CallError::Rpc(RpcError::new(-1, "No such peer")))
    });
    let error = harness
        .call("custommsg-echo-ping", json!([PEER]))
        .unwrap_err();
    let message = format!("not sent to {PEER}: No such peer (code -1)");
    assert_eq!((error.code, error.message), (900, message));

    let long = json!([PEER, "x".repeat(65_526)]);
    let error = harness
        .call("custommsg-echo-ping", long.clone())
        .unwrap_err();
    assert_eq!(error.code, RpcError::INVALID_PARAMS);
    assert_eq!(harness.check("custommsg-echo-ping", long), Err(error));
    for params in [json!([]), json!(["02"]), json!([PEER, "a", 1])] {
        let error = harness.call("custommsg-echo-ping", params).unwrap_err();
        assert_eq!(error.code, RpcError::INVALID_PARAMS);
    }
}
