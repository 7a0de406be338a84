//! The guest against forwards as lightningd shows them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use cln_guest::harness::Harness;
use cln_guest::prelude::*;

const ALICE: &str = "03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337";
const BOB: &str = "0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79";
const CAROL: &str = "02b6132569f0b018e764bddc811d262d287a0ce8d95f4c2a2c20e30574e87c79f1";
const PASS: &str = r#"{"result":"continue"}"#;
const TEMPORARY: &str = r#"{"failure_message":"10070000","result":"fail"}"#;

/// A forward from Alice through 104x1x0.
fn forward(incoming: u64, outgoing: u64) -> Value {
    json!({
        "peer_id": ALICE,
        "onion": {
            "payload": "00", "type": "tlv", "short_channel_id": "104x1x0",
            "forward_msat": outgoing, "outgoing_cltv_value": 120, "next_onion": "00"
        },
        "htlc": {
            "short_channel_id": "103x1x0", "id": 0, "amount_msat": incoming,
            "cltv_expiry": 126, "cltv_expiry_relative": 16, "payment_hash": "11".repeat(32)
        },
        "forward_to": "cc".repeat(32)
    })
}

fn through(scid: &str) -> Value {
    let mut payload = forward(1000, 1000);
    payload["onion"]["short_channel_id"] = json!(scid);
    payload
        .as_object_mut()
        .expect("an object")
        .remove("forward_to");
    payload
}

fn answer(harness: &mut Harness, payload: Value) -> String {
    let answer = harness.hook::<HtlcAccepted>(payload);
    answer.expect("an answer").to_string()
}

/// A node with these channels: scid and peer. `None` makes the call fail.
type Node = Rc<RefCell<Option<Vec<(&'static str, &'static str)>>>>;

fn with_node(mut harness: Harness, channels: &[(&'static str, &'static str)]) -> (Harness, Node) {
    let node: Node = Rc::new(RefCell::new(Some(channels.to_vec())));
    let asked = Rc::clone(&node);
    harness.on_rpc("listpeerchannels", move |_| match &*asked.borrow() {
        None => Err(CallError::Timeout),
        Some(channels) => Ok(
            json!({"channels": channels.iter().map(|(scid, peer)| json!({
            "peer_id": peer, "short_channel_id": scid, "state": "CHANNELD_NORMAL",
            "channel_id": if *scid == "104x1x0" { "cc".repeat(32) } else { "dd".repeat(32) },
            "alias": {"local": "1x2x3", "remote": "4x5x6"}
        })).collect::<Vec<_>>()}),
        ),
    });
    harness.init().expect("good options");
    (harness, node)
}

fn denying(peer: &str) -> Harness {
    Harness::new(forward_guard::guest()).option("forward-guard-deny-peer", json!([peer]))
}

#[test]
fn without_limits_everything_passes_and_nothing_is_asked() {
    let mut harness = Harness::new(forward_guard::guest());
    harness.init().unwrap();
    assert_eq!(answer(&mut harness, forward(1000, 1000)), PASS);
    assert!(harness.rpc_calls().is_empty());
    let status = harness.call("forward-guard-status", json!([])).unwrap();
    assert_eq!(status["forwards"]["passed"], 1);
    assert_eq!(
        status["limits"],
        json!({"min_msat": 0, "min_fee_base_msat": 0, "min_fee_ppm": 0})
    );
}

#[test]
fn amounts_and_fees_are_limited() {
    let mut harness = Harness::new(forward_guard::guest())
        .option("forward-guard-min-msat", json!(1000))
        .option("forward-guard-max-msat", json!(2_000_000))
        .option("forward-guard-min-fee-base", json!(10))
        .option("forward-guard-min-fee-ppm", json!(100));
    harness.init().unwrap();
    for (incoming, outgoing, expected) in [
        (1010, 1000, PASS.to_owned()),
        // amount_below_minimum and fee_insufficient carry the incoming amount.
        (2000, 999, fails(&format!("100b{:016x}0000", 2000))),
        (1009, 1000, fails(&format!("100c{:016x}0000", 1009))),
        (2_000_210, 2_000_000, PASS.to_owned()),
        (
            2_000_209,
            2_000_000,
            fails(&format!("100c{:016x}0000", 2_000_209)),
        ),
        (2_001_000, 2_000_001, TEMPORARY.to_owned()),
        // Less comes in than goes on.
        (1000, 1001, fails(&format!("100c{:016x}0000", 1000))),
    ] {
        let given = answer(&mut harness, forward(incoming, outgoing));
        assert_eq!(given, expected, "{incoming} {outgoing}");
    }
    let status = harness.call("forward-guard-status", json!([])).unwrap();
    assert_eq!(
        status["forwards"],
        json!({"passed": 2, "below_minimum": 1, "above_maximum": 1, "fee_too_small": 3,
               "denied_peer": 0, "unknown_peer_refused": 0, "unknown_peer_passed": 0})
    );

    harness
        .setconfig("forward-guard-max-msat", json!("0"))
        .unwrap();
    let large = forward(u64::MAX, 2_000_000_000_000);
    assert_eq!(answer(&mut harness, large), PASS);
}

fn fails(message: &str) -> String {
    json!({"result": "fail", "failure_message": message}).to_string()
}

#[test]
fn payments_to_this_node_and_unreadable_onions_pass() {
    let mut harness = Harness::new(forward_guard::guest())
        .option("forward-guard-min-msat", json!(1_000_000))
        .option("forward-guard-deny-peer", json!([ALICE]));
    harness.init().unwrap();
    let mut ours = through("104x1x0");
    ours["onion"]
        .as_object_mut()
        .unwrap()
        .remove("short_channel_id");
    let mut unreadable = forward(1000, 1000);
    for member in ["type", "forward_msat", "short_channel_id"] {
        unreadable["onion"].as_object_mut().unwrap().remove(member);
    }
    for payload in [ours, unreadable] {
        assert_eq!(answer(&mut harness, payload), PASS);
    }
}

#[test]
fn a_denied_peer_gets_and_sends_nothing() {
    let channels = [("104x1x0", BOB), ("105x1x0", CAROL)];
    let (mut harness, _) = with_node(denying(BOB), &channels);
    // By its channel id, its short channel id, and as the node of a blinded path.
    assert_eq!(answer(&mut harness, forward(1000, 1000)), TEMPORARY);
    assert_eq!(answer(&mut harness, through("104x1x0")), TEMPORARY);
    assert_eq!(answer(&mut harness, through("105x1x0")), PASS);
    let mut blinded = through("105x1x0");
    blinded["onion"]
        .as_object_mut()
        .unwrap()
        .remove("short_channel_id");
    blinded["onion"]["next_node_id"] = json!(BOB);
    assert_eq!(answer(&mut harness, blinded), TEMPORARY);
    // One question for all of them, for no more than is looked at.
    let calls = harness.rpc_calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        calls[0].filter,
        Some(json!({"channels": [{"peer_id": true, "channel_id": true,
                                  "short_channel_id": true, "alias": {"local": true}}]}))
    );

    harness
        .setconfig("forward-guard-deny-peer", json!([CAROL, ALICE]))
        .unwrap();
    assert_eq!(answer(&mut harness, through("104x1x0")), TEMPORARY);
    harness
        .setconfig("forward-guard-deny-peer", json!([CAROL]))
        .unwrap();
    assert_eq!(answer(&mut harness, through("104x1x0")), PASS);
    // Alice's peer id is absent while she is not connected; 103x1x0 is nobody's.
    let mut gone = through("104x1x0");
    gone.as_object_mut().unwrap().remove("peer_id");
    assert_eq!(answer(&mut harness, gone), PASS);
    let mut carols = through("104x1x0");
    carols.as_object_mut().unwrap().remove("peer_id");
    carols["htlc"]["short_channel_id"] = json!("105x1x0");
    assert_eq!(answer(&mut harness, carols), TEMPORARY);
    let status = harness.call("forward-guard-status", json!([])).unwrap();
    assert_eq!(status["forwards"]["denied_peer"], 5);
    assert_eq!(status["denied_peers"], json!([CAROL]));
}

#[test]
fn the_node_is_asked_again_for_new_channels_but_not_too_often() {
    let (mut harness, node) = with_node(denying(BOB), &[("104x1x0", ALICE)]);
    // 200x1x0 is nobody's, and asking for it again and again costs one call.
    for _ in 0..5 {
        assert_eq!(answer(&mut harness, through("200x1x0")), PASS);
    }
    assert_eq!(harness.rpc_calls().len(), 1);

    // A new channel, too soon after the last call: nobody can say whose it is.
    *node.borrow_mut() = Some(vec![("104x1x0", ALICE), ("200x1x0", BOB)]);
    harness.notify(
        "channel_state_changed",
        json!({"peer_id": BOB, "channel_id": "dd".repeat(32), "short_channel_id": "200x1x0",
               "timestamp": "2026-01-01T00:00:00.000Z", "old_state": "CHANNELD_AWAITING_LOCKIN",
               "new_state": "CHANNELD_NORMAL", "cause": "user"}),
    );
    assert_eq!(answer(&mut harness, through("200x1x0")), TEMPORARY);
    // What was known stays known.
    assert_eq!(answer(&mut harness, through("104x1x0")), PASS);
    assert!(harness.rpc_calls().is_empty());
    harness
        .setconfig("forward-guard-on-rpc-failure", json!("open"))
        .unwrap();
    assert_eq!(answer(&mut harness, through("200x1x0")), PASS);

    harness.advance(Duration::from_secs(10));
    assert_eq!(answer(&mut harness, through("200x1x0")), TEMPORARY);
    assert_eq!(harness.rpc_calls().len(), 1);
    let status = harness.call("forward-guard-status", json!([])).unwrap();
    let forwards = &status["forwards"];
    assert_eq!(forwards["unknown_peer_refused"], 1);
    assert_eq!(forwards["unknown_peer_passed"], 1);
    assert_eq!(forwards["denied_peer"], 1);
}

#[test]
fn when_the_node_cannot_be_asked_the_option_decides() {
    let (mut harness, node) = with_node(denying(BOB), &[("104x1x0", CAROL)]);
    *node.borrow_mut() = None;
    assert_eq!(answer(&mut harness, through("104x1x0")), TEMPORARY);
    harness
        .setconfig("forward-guard-on-rpc-failure", json!("open"))
        .unwrap();
    assert_eq!(answer(&mut harness, through("104x1x0")), PASS);
    // The failed call is not repeated at once either.
    assert_eq!(harness.rpc_calls().len(), 1);
    harness.advance(Duration::from_secs(10));
    *node.borrow_mut() = Some(vec![("104x1x0", BOB)]);
    assert_eq!(answer(&mut harness, through("104x1x0")), TEMPORARY);
    let status = harness.call("forward-guard-status", json!([])).unwrap();
    assert_eq!(
        (&status["rpc_calls"], &status["rpc_failures"]),
        (&json!(2), &json!(1))
    );
}

#[test]
fn an_alias_is_a_name_of_the_channel() {
    let (mut harness, _) = with_node(denying(BOB), &[("104x1x0", BOB)]);
    assert_eq!(answer(&mut harness, through("1x2x3")), TEMPORARY);
}

#[test]
fn bad_options_are_refused() {
    for (option, value) in [
        ("forward-guard-min-msat", json!(-1)),
        ("forward-guard-max-msat", json!(-1)),
        ("forward-guard-min-fee-base", json!(-1)),
        ("forward-guard-min-fee-ppm", json!(-1)),
        ("forward-guard-refresh", json!(0)),
        ("forward-guard-on-rpc-failure", json!("ajar")),
        ("forward-guard-deny-peer", json!([ALICE, "not a key"])),
    ] {
        let mut strict = Harness::new(forward_guard::guest()).option(option, value.clone());
        let reason = strict.init().unwrap_err();
        assert!(reason.contains(option), "{reason}");
        let mut running = Harness::new(forward_guard::guest());
        running.init().unwrap();
        assert_eq!(running.setconfig(option, value).unwrap_err().code, -32602);
    }
}

#[test]
fn a_notification_of_connect_makes_it_ask_again() {
    let (mut harness, node) = with_node(denying(BOB), &[]);
    assert_eq!(answer(&mut harness, through("104x1x0")), PASS);
    *node.borrow_mut() = Some(vec![("104x1x0", BOB)]);
    let address = json!({"type": "ipv4", "address": "127.0.0.1", "port": 9735});
    harness.notify(
        "connect",
        json!({"id": BOB, "direction": "in", "address": address}),
    );
    assert_eq!(answer(&mut harness, through("104x1x0")), TEMPORARY);
    assert_eq!(harness.rpc_calls().len(), 1);
    harness.advance(Duration::from_secs(10));
    assert_eq!(answer(&mut harness, through("104x1x0")), TEMPORARY);
    let status = harness.call("forward-guard-status", json!([])).unwrap();
    assert_eq!(status["forwards"]["denied_peer"], 1);
}
