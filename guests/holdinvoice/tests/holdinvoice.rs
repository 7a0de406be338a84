//! The guest against payments as lightningd shows them.

use std::time::Duration;

use cln_guest::harness::{Harness, Open};
use cln_guest::prelude::*;
use sha2::Digest;

const PEER: &str = "03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337";
const HEIGHT: u32 = 110;
const REFUSED: &str = "400f";
type Hook = Open<Result<Value, String>>;

fn preimage(n: u32) -> String {
    Preimage::from_bytes(std::array::from_fn(|i| n.to_be_bytes()[i % 4])).to_hex()
}

fn hash(n: u32) -> String {
    let preimage: Preimage = preimage(n).parse().expect("hex");
    Sha256::from_bytes(sha2::Sha256::digest(preimage.as_bytes()).into()).to_hex()
}

fn htlc(n: u32, part: u64, total: u64, blocks: u32) -> Value {
    json!({
        "peer_id": PEER,
        "onion": {
            "payload": "00", "type": "tlv", "forward_msat": part, "total_msat": total,
            "outgoing_cltv_value": HEIGHT + blocks, "payment_secret": "22".repeat(32),
            "next_onion": "00"
        },
        "htlc": {
            "short_channel_id": "103x1x0", "id": 0, "amount_msat": part,
            "cltv_expiry": HEIGHT + blocks, "cltv_expiry_relative": blocks, "payment_hash": hash(n)
        }
    })
}

fn started() -> Harness {
    let mut harness = Harness::new(holdinvoice::guest());
    harness.init().expect("good options");
    harness
}

fn register(harness: &mut Harness, n: u32, msat: u64) {
    harness
        .call("holdinvoice", json!([hash(n), msat, "for a chair"]))
        .expect("registers");
}

fn pay(harness: &mut Harness, payload: Value) -> Hook {
    harness.start_hook::<HtlcAccepted>(payload)
}

fn state(harness: &mut Harness, n: u32) -> String {
    let looked = harness.call("holdinvoicelookup", json!([hash(n)]));
    looked.expect("is registered")["holdinvoices"][0]["state"]
        .as_str()
        .expect("a string")
        .to_owned()
}

fn failure(answer: Hook) -> String {
    let answer = answer.finish().expect("an answer");
    assert_eq!(answer["result"], "fail", "{answer}");
    let message = answer["failure_message"].as_str().expect("hex");
    message[..4].to_owned()
}

fn resolved(n: u32) -> Value {
    json!({"result": "resolve", "payment_key": preimage(n)})
}

#[test]
fn a_payment_is_held_until_it_is_settled() {
    let mut harness = started();
    register(&mut harness, 1, 50_000);
    assert_eq!(state(&mut harness, 1), "open");
    let early = harness
        .call("holdinvoicesettle", json!([preimage(1)]))
        .unwrap_err();
    assert_eq!(early.code, 906);

    let answer = pay(&mut harness, htlc(1, 50_000, 50_000, 20));
    assert!(!answer.is_finished());
    let looked = harness.call("holdinvoicelookup", json!({})).unwrap();
    assert_eq!(
        looked,
        json!({"holdinvoices": [{
            "payment_hash": hash(1), "amount_msat": 50_000, "label": "for a chair",
            "state": "accepted", "held_msat": 50_000, "htlcs": 1, "cltv_expiry": HEIGHT + 20
        }]})
    );
    let sent = harness.notifications();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].topic, "holdinvoice_accepted");
    assert_eq!(
        sent[0].params,
        json!({"payment_hash": hash(1), "amount_msat": 50_000, "htlcs": 1,
               "cltv_expiry": HEIGHT + 20, "label": "for a chair"})
    );

    let wrong = harness
        .call("holdinvoicesettle", json!([preimage(2)]))
        .unwrap_err();
    assert_eq!(wrong.code, 905);
    assert!(!answer.is_finished());
    assert_eq!(
        harness.call("holdinvoicesettle", json!([preimage(1)])),
        Ok(json!({"payment_hash": hash(1), "state": "settled", "htlcs": 1}))
    );
    assert_eq!(answer.finish(), Ok(resolved(1)));

    // Nobody pays twice, and what is paid stays paid.
    let mut another = htlc(1, 50_000, 50_000, 20);
    another["htlc"]["id"] = json!(1);
    let again = pay(&mut harness, another);
    assert_eq!(failure(again), REFUSED);
    let late = harness
        .call("holdinvoicecancel", json!([hash(1)]))
        .unwrap_err();
    assert_eq!(late.code, 906);
}

#[test]
fn a_cancelled_payment_goes_back() {
    let mut harness = started();
    register(&mut harness, 1, 1000);
    let answer = pay(&mut harness, htlc(1, 1000, 1000, 20));
    assert_eq!(
        harness.call("holdinvoicecancel", json!({"payment_hash": hash(1)})),
        Ok(json!({"payment_hash": hash(1), "state": "cancelled", "htlcs": 1}))
    );
    let answer = answer.finish().unwrap();
    // The code, the amount of the HTLC, the height.
    let expected = format!("400f{:016x}{HEIGHT:08x}", 1000);
    assert_eq!(
        answer,
        json!({"result": "fail", "failure_message": expected})
    );
    let late = pay(&mut harness, htlc(1, 1000, 1000, 20));
    assert_eq!(failure(late), REFUSED);
    let settled = harness.call("holdinvoicesettle", json!([preimage(1)]));
    assert_eq!(settled.unwrap_err().code, 906);
}

#[test]
fn what_is_not_registered_or_not_for_us_passes() {
    let mut harness = started();
    register(&mut harness, 1, 1000);
    let mut forward = htlc(1, 1000, 1000, 20);
    forward["onion"]["short_channel_id"] = json!("104x1x0");
    let mut blinded = htlc(1, 1000, 1000, 20);
    blinded["onion"]["next_node_id"] = json!(PEER);
    let mut unreadable = htlc(1, 1000, 1000, 20);
    for member in [
        "type",
        "forward_msat",
        "total_msat",
        "outgoing_cltv_value",
        "payment_secret",
    ] {
        unreadable["onion"].as_object_mut().unwrap().remove(member);
    }
    for payload in [htlc(2, 1000, 1000, 20), forward, blinded, unreadable] {
        let answer = pay(&mut harness, payload).finish();
        assert_eq!(answer, Ok(json!({"result": "continue"})));
    }
}

#[test]
fn parts_are_held_until_they_make_the_whole() {
    let mut harness = started();
    register(&mut harness, 1, 90_000);
    let first = pay(&mut harness, htlc(1, 40_000, 100_000, 20));
    let second = pay(&mut harness, htlc(1, 40_000, 100_000, 30));
    assert_eq!(state(&mut harness, 1), "open");
    assert!(harness.notifications().is_empty());
    let early = harness.call("holdinvoicesettle", json!([preimage(1)]));
    assert_eq!(early.unwrap_err().code, 906);

    // All parts must agree on the sum.
    let liar = pay(&mut harness, htlc(1, 90_000, 90_000, 20));
    assert_eq!(failure(liar), REFUSED);
    let third = pay(&mut harness, htlc(1, 20_000, 100_000, 25));
    assert_eq!(state(&mut harness, 1), "accepted");
    assert_eq!(
        harness.notifications()[0].params["cltv_expiry"],
        HEIGHT + 20
    );

    let ended = harness
        .call("holdinvoicesettle", json!([preimage(1)]))
        .unwrap();
    assert_eq!(ended["htlcs"], 3);
    for part in [first, second, third] {
        assert_eq!(part.finish(), Ok(resolved(1)));
    }
}

#[test]
fn parts_that_stay_alone_go_back_and_may_come_again() {
    let mut harness = started();
    register(&mut harness, 1, 1000);
    register(&mut harness, 2, 1000);
    let whole = pay(&mut harness, htlc(2, 1000, 1000, 20));
    let part = pay(&mut harness, htlc(1, 500, 1000, 20));
    harness.advance(Duration::from_secs(59));
    assert!(!part.is_finished());
    harness.advance(Duration::from_secs(1));
    assert_eq!(
        part.finish(),
        Ok(json!({"result": "fail", "failure_message": "0017"}))
    );
    assert!(!whole.is_finished());

    let again = pay(&mut harness, htlc(1, 1000, 1000, 20));
    assert_eq!(state(&mut harness, 1), "accepted");
    harness.advance(Duration::from_secs(600));
    assert!(!again.is_finished());
}

#[test]
fn a_payment_that_is_not_what_was_agreed_is_refused() {
    let mut harness = started();
    let terms = json!({"payment_hash": hash(1), "amount_msat": "2sat", "cltv": 18,
                       "payment_secret": "22".repeat(32)});
    harness.call("holdinvoice", terms).unwrap();
    let mut stranger = htlc(1, 2000, 2000, 18);
    stranger["onion"]["payment_secret"] = json!("33".repeat(32));
    let mut without = htlc(1, 2000, 2000, 18);
    without["onion"]
        .as_object_mut()
        .unwrap()
        .remove("payment_secret");
    for wrong in [
        stranger,
        without,
        htlc(1, 1999, 1999, 18),
        htlc(1, 4001, 4001, 18),
        htlc(1, 2000, 2000, 17),
    ] {
        assert_eq!(failure(pay(&mut harness, wrong)), REFUSED);
    }
    let mut short = htlc(1, 2000, 2000, 18);
    short["htlc"]["amount_msat"] = json!(1999);
    assert_eq!(failure(pay(&mut harness, short)), "0013");
    let mut soon = htlc(1, 2000, 2000, 18);
    soon["onion"]["outgoing_cltv_value"] = json!(HEIGHT + 19);
    assert_eq!(failure(pay(&mut harness, soon)), "0012");
    assert_eq!(state(&mut harness, 1), "open");

    let answer = pay(&mut harness, htlc(1, 2000, 2000, 18));
    harness
        .call("holdinvoicesettle", json!([preimage(1)]))
        .unwrap();
    assert_eq!(answer.finish(), Ok(resolved(1)));
}

#[test]
fn a_payment_is_cancelled_before_it_expires() {
    let mut harness = started();
    register(&mut harness, 1, 1000);
    register(&mut harness, 2, 1000);
    register(&mut harness, 3, 1000);
    let near = pay(&mut harness, htlc(1, 1000, 1000, 20));
    let far = pay(&mut harness, htlc(2, 1000, 1000, 21));
    // Too late already when it comes.
    let late = pay(&mut harness, htlc(3, 1000, 1000, 6));
    assert_eq!(failure(late), REFUSED);
    let block = |height: u32| json!({"hash": "00".repeat(32), "height": height});

    harness.notify("block_added", block(HEIGHT + 13));
    assert!(!near.is_finished());
    harness.notify("block_added", block(HEIGHT + 14));
    assert_eq!(failure(near), REFUSED);
    assert_eq!(state(&mut harness, 1), "cancelled");
    assert!(!far.is_finished());

    harness
        .setconfig("holdinvoice-cancel-before-htlc-expiry", json!("7"))
        .unwrap();
    harness.notify("block_added", block(HEIGHT + 14));
    assert_eq!(failure(far), REFUSED);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut harness = started();
    register(&mut harness, 1, 1000);
    // The hash of a payment can be registered once.
    let twice = harness
        .call("holdinvoice", json!([hash(1), 1]))
        .unwrap_err();
    assert_eq!(twice.code, 901);
    for bad in [
        json!(["ab", 1]),
        json!([hash(2), 0]),
        json!([hash(2), 1, "x", 6]),
    ] {
        let error = harness.check("holdinvoice", bad.clone()).unwrap_err();
        assert_eq!(error.code, -32602, "{bad}");
        assert_eq!(harness.call("holdinvoice", bad).unwrap_err().code, -32602);
    }
    let unknown = harness
        .call("holdinvoicecancel", json!([hash(9)]))
        .unwrap_err();
    assert_eq!(unknown.code, 905);
    for (option, value) in [
        ("holdinvoice-cancel-before-htlc-expiry", 0),
        ("holdinvoice-mpp-timeout", 59),
    ] {
        assert!(harness.setconfig(option, json!(value)).is_err());
        let mut strict = Harness::new(holdinvoice::guest()).option(option, json!(value));
        assert!(strict.init().unwrap_err().contains(option));
    }
}

#[test]
fn a_thousand_are_held_and_settled_in_another_order() {
    let mut harness = started();
    const MANY: u32 = 1000;
    let mut open: Vec<(u32, Hook)> = (0..MANY)
        .map(|n| {
            register(&mut harness, n, 1000);
            (n, pay(&mut harness, htlc(n, 1000, 1000, 20)))
        })
        .collect();
    let looked = harness.call("holdinvoicelookup", json!([])).unwrap();
    let accepted = looked["holdinvoices"].as_array().unwrap();
    assert_eq!(accepted.len(), 1000);
    assert!(accepted.iter().all(|one| one["state"] == "accepted"));

    // 389 has no divisor in common with 1000: every one, in an order far from theirs.
    for n in (0..MANY).map(|i| i * 389 % MANY) {
        harness
            .call("holdinvoicesettle", json!([preimage(n)]))
            .unwrap();
    }
    for (n, answer) in open.drain(..) {
        assert_eq!(answer.finish(), Ok(resolved(n)), "{n}");
    }
}

#[test]
fn a_thousand_parts_of_one_payment_are_settled_together() {
    let mut harness = started();
    register(&mut harness, 1, 1_000_000);
    let parts: Vec<Hook> = (0..1000)
        .map(|_| pay(&mut harness, htlc(1, 1000, 1_000_000, 20)))
        .collect();
    assert_eq!(state(&mut harness, 1), "accepted");
    let ended = harness
        .call("holdinvoicesettle", json!([preimage(1)]))
        .unwrap();
    assert_eq!(ended["htlcs"], 1000);
    for part in parts {
        assert_eq!(part.finish(), Ok(resolved(1)));
    }
}

/// The same guest after a restart of whatever it runs in.
fn restarted(harness: &Harness) -> Harness {
    let mut again = Harness::new(holdinvoice::guest()).with_store(harness.store());
    again.init().expect("what was kept");
    again
}

#[test]
fn what_is_registered_outlives_a_restart() {
    let mut harness = started();
    for n in 1..=3 {
        register(&mut harness, n, 50_000);
    }
    harness
        .call("holdinvoicecancel", json!([hash(2)]))
        .expect("cancels");
    let lost = pay(&mut harness, htlc(1, 50_000, 50_000, 20));
    assert_eq!(state(&mut harness, 1), "accepted");

    let mut harness = restarted(&harness);
    drop(lost);
    assert_eq!(state(&mut harness, 1), "open");
    assert_eq!(state(&mut harness, 2), "cancelled");
    let known = harness
        .call("holdinvoice", json!([hash(3), 1]))
        .unwrap_err();
    assert_eq!(known.code, 901);
    let refused = pay(&mut harness, htlc(2, 50_000, 50_000, 20));
    assert_eq!(failure(refused), REFUSED);

    // lightningd shows what was held again.
    let held = pay(&mut harness, htlc(1, 50_000, 50_000, 20));
    assert!(!held.is_finished());
    assert_eq!(harness.notifications().len(), 1);
    harness
        .call("holdinvoicesettle", json!([preimage(1)]))
        .expect("settles");
    assert_eq!(held.finish(), Ok(resolved(1)));

    // Settled, and lightningd stopped before it knew: the same HTLC once more.
    let mut harness = restarted(&harness);
    assert_eq!(state(&mut harness, 1), "settled");
    let again = pay(&mut harness, htlc(1, 50_000, 50_000, 20));
    assert_eq!(again.finish(), Ok(resolved(1)));
    let mut another = htlc(1, 50_000, 50_000, 20);
    another["htlc"]["id"] = json!(1);
    assert_eq!(failure(pay(&mut harness, another)), REFUSED);
}

#[test]
fn what_cannot_be_kept_is_not_done() {
    let mut harness = started();
    register(&mut harness, 1, 50_000);
    let held = pay(&mut harness, htlc(1, 50_000, 50_000, 20));
    let full = KvError::Unavailable("the disk is full".to_owned());
    harness.store().set_fault(Some(full));
    let error = harness
        .call("holdinvoicesettle", json!([preimage(1)]))
        .unwrap_err();
    assert!(error.message.contains("was not settled"), "{error}");
    assert!(!held.is_finished());
    assert_eq!(state(&mut harness, 1), "accepted");
    let error = harness
        .call("holdinvoice", json!([hash(2), 1]))
        .unwrap_err();
    assert!(error.message.contains("the disk is full"), "{error}");
    let unknown = harness.call("holdinvoicelookup", json!([hash(2)]));
    assert_eq!(unknown.unwrap_err().code, 905);

    harness.store().set_fault(None);
    harness
        .call("holdinvoicesettle", json!([preimage(1)]))
        .expect("settles");
    assert_eq!(held.finish(), Ok(resolved(1)));
}

#[test]
fn without_its_store_it_does_not_start() {
    let mut harness = Harness::new(holdinvoice::guest());
    let denied = KvError::Denied("key-value store is not granted".to_owned());
    harness.store().set_fault(Some(denied));
    let why = harness.init().unwrap_err();
    assert!(why.contains("key-value store is not granted"), "{why}");

    let harness = started();
    harness.store().put(&format!("invoice/{}", hash(1)), "{}");
    let mut again = Harness::new(holdinvoice::guest()).with_store(harness.store());
    let why = again.init().unwrap_err();
    assert!(why.contains("is not as expected"), "{why}");
}
