//! Payments from the first node to the third, which the second forwards under `forward-guard`.

use cln_wasm_tests::lab::Lab;
use cln_wasm_tests::simulator::RpcError;
use serde_json::{Value, json};

/// How many forwards the guard counts.
fn counters(lab: &Lab) -> Value {
    let status = lab.rpc(1, "forward-guard-status", json!({})).unwrap();
    status["forwards"].clone()
}

fn limit(lab: &Lab, option: &str, value: &Value) {
    let set = json!({"config": option, "val": value});
    lab.rpc(1, "setconfig", set).unwrap();
}

/// Starts a payment of `msat` along the line, by hand: no retry hides how it ends. The fee is 1 sat.
pub fn start_by_hand(lab: &Lab, to: usize, msat: u64, hash: &str, secret: &str) {
    let channel = |from: usize| {
        let listed = lab.rpc(
            from,
            "listpeerchannels",
            json!({"id": lab.node(from + 1).id}),
        );
        listed.unwrap()["channels"][0]["short_channel_id"].clone()
    };
    let hops = (1..=to).map(|hop| {
        let (fee, blocks) = if hop == to { (0, 40) } else { (1000, 80) };
        json!({"id": lab.node(hop).id, "channel": channel(hop - 1), "amount_msat": msat + fee, "delay": blocks})
    });
    let route: Vec<Value> = hops.collect();
    let send = json!({"route": route, "payment_hash": hash, "payment_secret": secret});
    lab.rpc(0, "sendpay", send).unwrap();
}

/// Pays an invoice of the third node by hand, once.
pub fn pay_by_hand(lab: &Lab, msat: u64) -> Result<Value, RpcError> {
    let invoice = lab.invoice(2, msat);
    let text = |member: &str| invoice[member].as_str().unwrap();
    start_by_hand(lab, 2, msat, text("payment_hash"), text("payment_secret"));
    let wait = json!({"payment_hash": text("payment_hash"), "timeout": 50});
    lab.rpc(0, "waitsendpay", wait)
}

pub fn pass_under_the_guard(lab: &Lab) {
    let paid = lab.pay(0, 2, 10_000).unwrap();
    assert_eq!(paid["status"], "complete");
    assert_eq!(counters(lab)["passed"], 1);
    let hash = paid["payment_hash"].as_str().unwrap();
    lab.wait_log(1, &format!("hello: HTLC {hash} of "));
    let forwards = lab
        .rpc(1, "listforwards", json!({"status": "settled"}))
        .unwrap();
    assert_eq!(forwards["forwards"][0]["out_msat"], 10_000, "{forwards}");
}

pub fn are_refused_by_the_guard(lab: &Lab) {
    let negative = json!({"config": "forward-guard-max-msat", "val": -1});
    let refused = lab.rpc(1, "setconfig", negative).unwrap_err();
    assert!(
        refused.message.contains("must not be negative"),
        "{refused}"
    );

    let peer = json!([lab.node(2).id]);
    for (option, value, free, counter, failure) in [
        (
            "forward-guard-max-msat",
            json!(5000),
            json!(0),
            "above_maximum",
            "WIRE_TEMPORARY_CHANNEL_FAILURE",
        ),
        (
            "forward-guard-min-msat",
            json!(50_000),
            json!(0),
            "below_minimum",
            "WIRE_AMOUNT_BELOW_MINIMUM",
        ),
        (
            "forward-guard-min-fee-base",
            json!(1_000_000),
            json!(0),
            "fee_too_small",
            "WIRE_FEE_INSUFFICIENT",
        ),
        (
            "forward-guard-deny-peer",
            peer,
            json!([]),
            "denied_peer",
            "WIRE_TEMPORARY_CHANNEL_FAILURE",
        ),
    ] {
        limit(lab, option, &value);
        let failed = pay_by_hand(lab, 10_000).unwrap_err();
        let data = failed.data.unwrap_or_default();
        assert_eq!(
            data["failcodename"], failure,
            "{option}: {} {data}",
            failed.message
        );
        assert_eq!(data["erring_node"], lab.node(1).id, "{option}: {data}");
        assert_eq!(counters(lab)[counter], 1, "{option}");
        limit(lab, option, &free);
    }
    assert_eq!(pay_by_hand(lab, 20_000).unwrap()["status"], "complete");
    // With `pay` the payer is told too. xpay then takes the channel for a small one, for an hour.
    limit(lab, "forward-guard-max-msat", &json!(5000));
    assert!(lab.pay(0, 2, 10_000).is_err());
    limit(lab, "forward-guard-max-msat", &json!(0));
    // lightningd lists no forward that a plugin refused.
    let forwards = lab.rpc(1, "listforwards", json!({})).unwrap();
    let settled = counters(lab)["passed"].as_u64().unwrap();
    assert_eq!(
        forwards["forwards"].as_array().unwrap().len() as u64,
        settled,
        "{forwards}"
    );
}
