//! The topics of lightningd.

use super::*;
use crate::primitives::Amount;
use crate::topics::{self, *};

/// The payload of a message of v0.8.2, from a node that says its version and from one
/// that does not.
fn payload<T: Topic>(params: &str) -> T::Payload
where
    T::Payload: PartialEq + std::fmt::Debug,
{
    let [unknown, seed, last] = old().map(|version| {
        let upgraded = notification(version, T::NAME, params);
        topics::payload::<T>(upgraded.as_deref().unwrap_or(params)).expect(T::NAME)
    });
    assert_eq!(unknown, seed);
    assert_eq!(unknown, last);
    assert_eq!(
        notification(today(), T::NAME, params),
        None,
        "not looked at"
    );
    unknown
}

#[test]
fn channel_opened() {
    let opened = payload::<ChannelOpened>(seed::CHANNEL_OPENED);
    assert_eq!(opened.funding_msat, Amount::from_msat(100_000_000));
    assert!(!opened.channel_ready);
    assert!(opened.id.to_string().starts_with("03864ef0"));
    is_json(
        notification(
            None,
            "channel_opened",
            r#"{"channel_opened":{"amount":"5msat","funding_locked":true}}"#,
        ),
        json!({"channel_opened": {"funding_msat": 5, "channel_ready": true}}),
    );
}

#[test]
fn connect_and_disconnect() {
    let connect = payload::<Connect>(seed::CONNECT);
    assert_eq!(connect.direction, None);
    assert_eq!(connect.address.address_type, "ipv4");
    assert_eq!(connect.address.address.as_deref(), Some("1.2.3.4"));
    assert_eq!(connect.address.port, None, "none was said");
    let disconnect = payload::<Disconnect>(seed::DISCONNECT);
    assert_eq!(disconnect.id, connect.id);
    // v23.08 to v25.02: both forms in one.
    is_json(
        notification(
            None,
            "disconnect",
            r#"{"id":"02aa","disconnect":{"id":"02aa"}}"#,
        ),
        json!({"disconnect": {"id": "02aa"}}),
    );
}

#[test]
fn addresses_that_were_one_text() {
    for (text, expected) in [
        (
            "1.2.3.4:9735",
            json!({"type": "ipv4", "address": "1.2.3.4", "port": 9735}),
        ),
        ("::1", json!({"type": "ipv6", "address": "::1"})),
        (
            "[::1]:9735",
            json!({"type": "ipv6", "address": "::1", "port": 9735}),
        ),
        (
            "aaaaaaaaaaaaaaaa.onion:9735",
            json!({"type": "torv2", "address": "aaaaaaaaaaaaaaaa.onion", "port": 9735}),
        ),
        (
            "bbb.onion",
            json!({"type": "torv3", "address": "bbb.onion"}),
        ),
        (
            "/run/socket",
            json!({"type": "local socket", "socket": "/run/socket"}),
        ),
        (
            "a.example:1",
            json!({"type": "unresolved", "name": "a.example", "port": 1}),
        ),
    ] {
        is_json(
            notification(
                None,
                "connect",
                &json!({"id": "02", "address": text}).to_string(),
            ),
            json!({"connect": {"id": "02", "address": expected}}),
        );
    }
}

#[test]
fn invoice_payment() {
    let paid = payload::<InvoicePayment>(seed::INVOICE_PAYMENT);
    assert_eq!(paid.msat, Amount::from_msat(10_000));
    assert_eq!(paid.label, "unique-label-for-invoice");
    assert_eq!(paid.outpoint, None);
    // A label is not an amount, whatever it looks like.
    is_json(
        notification(
            None,
            "invoice_payment",
            r#"{"invoice_payment":{"label":"7msat","msat":"7msat"}}"#,
        ),
        json!({"invoice_payment": {"label": "7msat", "msat": 7}}),
    );
}

#[test]
fn warning() {
    let warning = payload::<Warning>(seed::WARNING);
    assert_eq!(warning.level, WarningLevel::Warn);
    assert_eq!(warning.timestamp, None);
    assert_eq!(
        notification(None, "warning", seed::WARNING),
        None,
        "has today's shape"
    );
}

#[test]
fn forward_events() {
    let settled = payload::<ForwardEvent>(seed::FORWARD_SETTLED);
    assert_eq!(settled.status, ForwardStatus::Settled);
    assert_eq!(settled.in_msat, Amount::from_msat(100_001_001));
    assert_eq!(settled.out_msat, Some(Amount::from_msat(100_000_000)));
    assert_eq!(settled.fee_msat, Some(Amount::from_msat(1001)));
    assert_eq!(settled.received_time, 1560696342.368);
    assert_eq!(settled.resolved_time, Some(1560696342.556));
    let failed = payload::<ForwardEvent>(seed::FORWARD_LOCAL_FAILED);
    assert_eq!(failed.status, ForwardStatus::LocalFailed);
    assert_eq!(failed.failcode, Some(16392));
    assert_eq!(failed.out_msat, Some(Amount::from_msat(100_000_000)));
    assert_eq!(failed.resolved_time, None);
    let text = notification(None, "forward_event", seed::FORWARD_SETTLED).expect("an upgrade");
    for gone in ["msatoshi", "\"fee\"", "msat\\\""] {
        assert!(!text.contains(gone), "{text}");
    }
}

/// Failed before the next hop was known: the documentation says that these are 0.
#[test]
fn zeros_that_mean_unknown_are_left_out() {
    for out_channel in [json!("0x0x0"), json!(0), json!("0")] {
        let params = json!({"forward_event": {
            "payment_hash": "ff".repeat(32), "in_channel": "103x2x1", "out_channel": out_channel,
            "in_msatoshi": 5, "in_msat": "5msat", "out_msatoshi": 0, "out_msat": "0msat", "fee": 0, "fee_msat": "0msat",
            "status": "local_failed", "failcode": 16392, "failreason": "WIRE_PERMANENT_CHANNEL_FAILURE",
            "received_time": 1560696343.052,
        }});
        let event = payload::<ForwardEvent>(&params.to_string());
        assert_eq!(
            (event.out_channel, event.out_msat, event.fee_msat),
            (None, None, None)
        );
        assert_eq!(event.in_msat, Amount::from_msat(5));
    }
    // A settled forward without a fee keeps its zero.
    is_json(
        notification(
            None,
            "forward_event",
            r#"{"forward_event":{"status":"settled","out_channel":"1x1x1","out_msat":"5msat","fee":0}}"#,
        ),
        json!({"forward_event": {"status": "settled", "out_channel": "1x1x1", "out_msat": 5, "fee_msat": 0}}),
    );
}

#[test]
fn sendpays() {
    let success = payload::<SendpaySuccess>(seed::SENDPAY_SUCCESS);
    assert_eq!(success.amount_msat, Some(Amount::from_msat(100_000_000)));
    assert_eq!(success.amount_sent_msat, Amount::from_msat(100_001_001));
    assert_eq!(success.status, PaymentStatus::Complete);
    assert_eq!((success.id, success.created_index), (Some(1), None));
    let failure = payload::<SendpayFailure>(seed::SENDPAY_FAILURE);
    assert_eq!(failure.code, 204);
    assert_eq!(
        failure.data.amount_msat,
        Some(Amount::from_msat(100_000_000))
    );
    assert_eq!(
        failure.data.amount_sent_msat,
        Some(Amount::from_msat(100_001_001))
    );
    assert_eq!(
        failure.data.failcodename.as_deref(),
        Some("WIRE_UNKNOWN_NEXT_PEER")
    );
    assert_eq!(failure.data.erring_direction, Some(0));
    let text = notification(None, "sendpay_failure", seed::SENDPAY_FAILURE).expect("an upgrade");
    assert!(!text.contains("msatoshi"), "{text}");
}

#[test]
fn raw_payloads_go_under_their_name() {
    is_json(
        notification(None, "shutdown", "{}"),
        json!({"shutdown": {}}),
    );
    let expected = json!({"block_added": {"hash": "00", "height": 7}});
    for params in [
        r#"{"hash":"00","height":7}"#,
        r#"{"block":{"hash":"00","height":7}}"#,
        r#"{"block":{"hash":"00","height":7},"block_added":{"hash":"00","height":7}}"#,
    ] {
        is_json(notification(None, "block_added", params), expected.clone());
    }
    assert_eq!(notification(None, "some_plugins_own", "{\"a\":1}"), None);
}

#[test]
fn nulls_of_channel_state_changed_are_left_out_until_they_are_gone() {
    let params = r#"{"channel_state_changed":{"short_channel_id":null,"old_state":"unknown","new_state":"CLOSED","message":null}}"#;
    let expected = json!({"channel_state_changed": {"new_state": "CLOSED"}});
    for version in [
        None,
        Version::parse("v25.02"),
        today(),
        Version::parse("v26.09"),
    ] {
        is_json(
            notification(version, "channel_state_changed", params),
            expected.clone(),
        );
    }
    assert_eq!(
        notification(Version::parse("v26.12"), "channel_state_changed", params),
        None
    );
}

#[test]
fn coin_movements_before_v25_09() {
    let params = r#"{"coin_movement":{"version":2,"node_id":"02","type":"chain_mvt","account_id":"wallet",
        "txid":"bb","utxo_txid":"aa","vout":1,"credit":"7msat","debit":"0msat","output_value":"7msat",
        "timestamp":1,"blockheight":2,"coin_type":"bcrt","tags":["deposit","opener"]}}"#;
    let expected = json!({"coin_movement": {"version": 2, "node_id": "02", "type": "chain_mvt", "account_id": "wallet",
        "spending_txid": "bb", "utxo": "aa:1", "credit_msat": 7, "debit_msat": 0, "output_msat": 7,
        "timestamp": 1, "blockheight": 2, "coin_type": "bcrt", "primary_tag": "deposit", "extra_tags": ["opener"]}});
    for version in [None, Version::parse("v25.05")] {
        is_json(
            notification(version, "coin_movement", params),
            expected.clone(),
        );
    }
    // With deprecated APIs today's lightningd writes both forms.
    let both = r#"{"coin_movement":{"primary_tag":"deposit","extra_tags":[],"tags":["deposit"],"utxo":"aa:1","utxo_txid":"aa","vout":1,"credit_msat":7}}"#;
    assert_eq!(notification(None, "coin_movement", both), None);
}

#[test]
fn balance_snapshots_before_v0_12() {
    is_json(
        notification(
            None,
            "balance_snapshot",
            r#"{"balance_snapshot":{"accounts":[{"account_id":"wallet","balance":"7msat"},7]}}"#,
        ),
        json!({"balance_snapshot": {"accounts": [{"account_id": "wallet", "balance_msat": 7}, 7]}}),
    );
}

#[test]
fn what_is_recorded_of_today_stays() {
    let mut messages = 0;
    for (topic, recorded) in topics::recorded() {
        for params in recorded {
            for version in old() {
                assert_eq!(notification(version, topic, params), None, "{params}");
            }
            messages += 1;
        }
    }
    assert!(messages > 30, "{messages}");
}

#[test]
fn what_was_upgraded_stays() {
    for (topic, params) in [
        ("channel_opened", seed::CHANNEL_OPENED),
        ("connect", seed::CONNECT),
        ("disconnect", seed::DISCONNECT),
        ("invoice_payment", seed::INVOICE_PAYMENT),
        ("forward_event", seed::FORWARD_SETTLED),
        ("forward_event", seed::FORWARD_LOCAL_FAILED),
        ("sendpay_success", seed::SENDPAY_SUCCESS),
        ("sendpay_failure", seed::SENDPAY_FAILURE),
    ] {
        let once = notification(None, topic, params).expect(topic);
        assert_eq!(notification(None, topic, &once), None, "{topic}");
    }
}
