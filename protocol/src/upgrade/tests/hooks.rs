//! The payloads of hooks.

use super::*;
use crate::hook::Hook;
use crate::hooks::*;
use crate::primitives::Amount;

/// Payloads that v26.06.6 sent, one a line.
macro_rules! recorded {
    ($($hook:literal),+) => {
        [$(($hook, include_str!(concat!("../../../tests/fixtures/", $hook, ".jsonl")))),+]
    };
}

/// The text that a guest gets of a message of v0.8.2, from a node that says its
/// version and from one that does not.
fn upgraded(name: &str, params: &str) -> String {
    let [unknown, seed, last] =
        old().map(|version| hook(version, name, params).unwrap_or_else(|| params.to_owned()));
    assert_eq!(unknown, seed);
    assert_eq!(unknown, last);
    assert_eq!(hook(today(), name, params), None, "not looked at");
    assert_eq!(hook(None, name, &unknown), None, "upgraded once is enough");
    unknown
}

fn payload<H: Hook>(params: &str) -> H::Payload {
    serde_json::from_str(&upgraded(H::NAME, params)).expect(H::NAME)
}

#[test]
fn what_is_recorded_of_today_stays() {
    let recorded = recorded!(
        "commitment_revocation",
        "custommsg",
        "db_write",
        "htlc_accepted",
        "invoice_payment",
        "onion_message_recv",
        "onion_message_recv_secret",
        "openchannel",
        "openchannel2",
        "openchannel2_changed",
        "openchannel2_sign",
        "peer_connected",
        "rbf_channel",
        "recover",
        "rpc_command"
    );
    assert!(crate::native::hooks(None).eq(recorded.iter().map(|(name, _)| *name)));
    for (name, lines) in recorded {
        assert!(!lines.is_empty(), "{name}");
        for params in lines.lines() {
            for version in old() {
                assert_eq!(hook(version, name, params), None, "{params}");
            }
        }
    }
}

#[test]
fn peer_connected() {
    let peer = payload::<PeerConnected>(seed::PEER_CONNECTED).peer;
    assert_eq!(peer.addr, "34.239.230.56:9735");
    assert_eq!((peer.direction, peer.remote_addr), (None, None));
}

#[test]
fn db_write_is_never_touched() {
    assert_eq!(upgraded("db_write", seed::DB_WRITE), seed::DB_WRITE);
    let write = payload::<DbWrite>(seed::DB_WRITE);
    assert_eq!(write.data_version, 42);
}

#[test]
fn invoice_payment() {
    is_json(
        Some(upgraded("invoice_payment", seed::INVOICE_PAYMENT_HOOK)),
        json!({"payment": {"label": "unique-label-for-invoice", "preimage": "00".repeat(32), "msat": 10000}}),
    );
    let payment = payload::<InvoicePayment>(seed::INVOICE_PAYMENT_HOOK).payment;
    assert_eq!(payment.msat, Amount::from_msat(10_000));
}

#[test]
fn openchannel() {
    is_json(
        Some(upgraded("openchannel", seed::OPENCHANNEL)),
        json!({"openchannel": {
            "id": "03864ef025fde8fb587d989186ce6a4a186895ee44a926bfc370e2c366597a3f8f",
            "funding_msat": 100000000, "push_msat": 0, "dust_limit_msat": 546000,
            "max_htlc_value_in_flight_msat": 18446744073709551615u64, "channel_reserve_msat": 1000000,
            "htlc_minimum_msat": 0, "feerate_per_kw": 7500, "to_self_delay": 5, "max_accepted_htlcs": 483,
            "channel_flags": 1,
        }}),
    );
    let offer = payload::<OpenChannel>(seed::OPENCHANNEL).openchannel;
    assert_eq!(
        offer.max_htlc_value_in_flight_msat,
        Amount::from_msat(u64::MAX)
    );
    assert_eq!(offer.channel_type, None);
}

#[test]
fn openchannel2_and_rbf_channel_before_v0_12() {
    for name in ["openchannel2", "rbf_channel"] {
        let old = json!({name: {"their_funding": "7msat", "dust_limit_satoshis": "8msat", "htlc_minimum_msat": "0msat", "locktime": 9}});
        let new = json!({name: {"their_funding_msat": 7, "dust_limit_msat": 8, "htlc_minimum_msat": 0, "locktime": 9}});
        is_json(Some(upgraded(name, &old.to_string())), new);
    }
}

#[test]
fn htlc_accepted() {
    let called = payload::<HtlcAccepted>(seed::HTLC_ACCEPTED);
    assert_eq!(called.onion.payload, "");
    assert_eq!(called.onion.typ.as_deref(), Some("legacy"));
    assert_eq!(
        called
            .onion
            .short_channel_id
            .map(|scid| scid.to_string())
            .as_deref(),
        Some("1x2x3")
    );
    assert_eq!(called.onion.forward_msat, Some(Amount::from_msat(42)));
    assert_eq!(called.onion.outgoing_cltv_value, Some(500014));
    assert_eq!(called.onion.next_onion, "[1365bytes of serialized onion]");
    assert!(called.onion.shared_secret.is_some());
    assert_eq!(called.htlc.amount_msat, Amount::from_msat(43));
    assert_eq!(
        (called.htlc.cltv_expiry, called.htlc.cltv_expiry_relative),
        (500028, 10)
    );
    assert_eq!(
        (called.htlc.id, called.htlc.short_channel_id, called.peer_id),
        (None, None, None)
    );
}

#[test]
fn htlc_accepted_as_the_code_of_v0_8_2_wrote_it() {
    let params = json!({
        "onion": {"payload": "00", "type": "legacy", "short_channel_id": "0x0x0", "forward_amount": "42msat",
            "per_hop_v0": {"realm": "00", "short_channel_id": "0x0x0", "forward_amount": "42msat", "outgoing_cltv_value": 7},
            "outgoing_cltv_value": 7, "total_msat": "84msat", "next_onion": "0001", "shared_secret": "ab"},
        "htlc": {"amount": "43msat", "cltv_expiry": 8, "cltv_expiry_relative": 1, "payment_hash": "cd"},
    });
    let expected = json!({
        "onion": {"payload": "00", "type": "legacy", "forward_msat": 42, "outgoing_cltv_value": 7, "total_msat": 84,
            "next_onion": "0001", "shared_secret": "ab"},
        "htlc": {"amount_msat": 43, "cltv_expiry": 8, "cltv_expiry_relative": 1, "payment_hash": "cd"},
    });
    is_json(
        Some(upgraded("htlc_accepted", &params.to_string())),
        expected.clone(),
    );
    // v0.7 had these in `per_hop_v0` only.
    let mut v0_7 = params;
    for name in ["short_channel_id", "forward_amount", "outgoing_cltv_value"] {
        v0_7["onion"].as_object_mut().unwrap().remove(name);
    }
    is_json(Some(upgraded("htlc_accepted", &v0_7.to_string())), expected);
}

#[test]
fn rpc_command_in_one_layer_and_in_two() {
    assert_eq!(
        upgraded("rpc_command", seed::RPC_COMMAND),
        seed::RPC_COMMAND
    );
    let request = r#"{"id":3, "method":"pay",  "params":{"rpc_command":1.50}}"#;
    let two = format!(r#"{{"rpc_command":{{"rpc_command":{request}}}}}"#);
    let one = format!(r#"{{"rpc_command":{request}}}"#);
    assert_eq!(
        upgraded("rpc_command", &two),
        one,
        "the request byte for byte"
    );
    // A request may have a member of that name.
    let odd = r#"{"rpc_command":{"id":3,"method":"x","params":[],"rpc_command":{"a":1}}}"#;
    assert_eq!(upgraded("rpc_command", odd), odd);
    let request = payload::<RpcCommand>(seed::RPC_COMMAND).rpc_command;
    assert_eq!(
        (request.id, request.method.as_str()),
        (json!(3), "method_name")
    );
    assert_eq!(payload::<RpcCommand>(&two).rpc_command.method, "pay");
}

#[test]
fn custommsg() {
    is_json(
        Some(upgraded("custommsg", seed::CUSTOMMSG)),
        json!({"peer_id": "02df5ffe895c778e10f7742a6c5b8a0cefbe9465df58b92fadeb883752c8107c8f", "payload": "1337ffffffff"}),
    );
    is_json(
        hook(
            None,
            "custommsg",
            r#"{"peer_id":"02","message":"0406000413370000","payload":"13370000"}"#,
        ),
        json!({"peer_id": "02", "payload": "13370000"}),
    );
    assert_eq!(
        payload::<Custommsg>(seed::CUSTOMMSG).payload,
        "1337ffffffff"
    );
}
