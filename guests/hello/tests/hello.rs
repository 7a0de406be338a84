//! The guest against what the documentation says of it.

use cln_guest::harness::Harness;
use cln_guest::prelude::*;
use std::time::{Duration, UNIX_EPOCH};

const PEER: &str = "03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337";

fn started() -> Harness {
    let mut harness = Harness::new(hello::guest());
    harness.init().expect("nothing to refuse");
    harness
}

#[test]
fn the_manifest_is_that_of_the_documentation() {
    let mut manifest = Harness::new(hello::guest()).getmanifest();
    let members = manifest.as_object_mut().expect("an object");
    // What lightningd has learnt to ask for since.
    assert_eq!(members.remove("cancheck"), Some(json!(true)));
    assert_eq!(members.remove("nonnumericids"), Some(json!(true)));
    assert_eq!(
        manifest,
        json!({
            "options": [{
                "name": "greeting",
                "type": "string",
                "default": "World",
                "description": "What name should I call you?"
            }],
            "rpcmethods": [{
                "name": "hello",
                "usage": "[name]",
                "description": "Returns a personalized greeting for {greeting} (set via options)."
            }, {
                "name": "gettime",
                "usage": "",
                "description": "Returns the current time in {timezone}",
                "long_description": "Returns the current time in the timezone that is given as the only parameter.\nThis description may be quite long and is allowed to span multiple lines."
            }],
            "subscriptions": ["connect", "disconnect"],
            "hooks": [{"name": "openchannel"}, {"name": "htlc_accepted"}],
            "dynamic": true
        })
    );
}

#[test]
fn it_greets_whom_it_is_told_to() {
    let mut harness = started();
    for (params, greeting) in [
        (json!([]), "Hello World"),
        (json!({}), "Hello World"),
        (json!(["Ada"]), "Hello Ada"),
        (json!({"name": "Bob"}), "Hello Bob"),
        (json!([42]), "Hello 42"),
    ] {
        assert_eq!(harness.call("hello", params), Ok(json!(greeting)));
    }
    let error = harness.call("hello", json!(["a", "b"])).unwrap_err();
    assert_eq!(
        error,
        RpcError::invalid_params("too many parameters: got 2, expected 1")
    );

    let mut other = Harness::new(hello::guest()).option("greeting", json!("Moon"));
    other.init().expect("nothing to refuse");
    assert_eq!(other.call("hello", json!([])), Ok(json!("Hello Moon")));
}

#[test]
fn it_knows_what_time_it_is_elsewhere() {
    let mut harness = started();
    harness.set_time(UNIX_EPOCH + Duration::from_millis(1_782_907_200_999));
    for (params, time) in [
        (json!([]), "2026-07-01T12:00:00+00:00[UTC]"),
        (
            json!(["Europe/Berlin"]),
            "2026-07-01T14:00:00+02:00[Europe/Berlin]",
        ),
        (
            json!({"timezone": "America/St_Johns"}),
            "2026-07-01T09:30:00-02:30[America/St_Johns]",
        ),
    ] {
        assert_eq!(harness.call("gettime", params), Ok(json!(time)));
    }
    let nowhere = json!({"timezone": "Nowhere/Land"});
    let error = harness.call("gettime", nowhere.clone()).unwrap_err();
    assert_eq!(error.code, RpcError::INVALID_PARAMS);
    assert!(error.message.starts_with("timezone: "), "{error}");
    assert_eq!(harness.check("gettime", nowhere), Err(error));
    assert_eq!(harness.check("gettime", json!(["UTC"])), Ok(()));
}

#[test]
fn it_sees_peers_come_and_go() {
    let mut harness = started();
    let address = json!({"type": "ipv4", "address": "127.0.0.1", "port": 9735});
    harness.notify(
        "connect",
        json!({"id": PEER, "direction": "in", "address": address}),
    );
    harness.notify("disconnect", json!({"id": PEER}));
    let lines = harness.log_lines();
    let lines: Vec<_> = lines
        .iter()
        .map(|line| (line.level, line.message.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            (LogLevel::Info, format!("{PEER} is connected").as_str()),
            (LogLevel::Info, format!("{PEER} is gone").as_str())
        ]
    );
}

#[test]
fn it_lets_everything_pass() {
    let mut harness = started();
    let offer = json!({
        "id": PEER,
        "funding_msat": 1_000_000_000,
        "push_msat": 0,
        "dust_limit_msat": 546_000,
        "max_htlc_value_in_flight_msat": u64::MAX,
        "channel_reserve_msat": 10_000_000,
        "htlc_minimum_msat": 0,
        "feerate_per_kw": 1250,
        "to_self_delay": 6,
        "max_accepted_htlcs": 483,
        "channel_flags": 1
    });
    let htlc = json!({
        "onion": {"payload": "0101", "next_onion": "00"},
        "htlc": {
            "short_channel_id": "103x2x1",
            "id": 0,
            "amount_msat": 43,
            "cltv_expiry": 500_028,
            "cltv_expiry_relative": 10,
            "payment_hash": "00".repeat(32)
        }
    });
    let passes = Ok(json!({"result": "continue"}));
    assert_eq!(
        harness.hook::<OpenChannel>(json!({"openchannel": offer})),
        passes
    );
    assert_eq!(harness.hook::<HtlcAccepted>(htlc), passes);
}
