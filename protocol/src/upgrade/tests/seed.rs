//! The messages in the documentation of v0.8.2, as they stand there; only a trailing
//! comma in `rpc_command`, which is not JSON, is gone.

pub(super) const CHANNEL_OPENED: &str = r#"{ "channel_opened": { "id": "03864ef025fde8fb587d989186ce6a4a186895ee44a926bfc370e2c366597a3f8f", "funding_satoshis": "100000000msat", "funding_txid": "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", "funding_locked": false } }"#;

pub(super) const CONNECT: &str = r#"{ "id": "02f6725f9c1c40333b67faea92fd211c183050f28df32cac3f9d69685fe9665432", "address": "1.2.3.4" }"#;

pub(super) const DISCONNECT: &str =
    r#"{ "id": "02f6725f9c1c40333b67faea92fd211c183050f28df32cac3f9d69685fe9665432" }"#;

pub(super) const INVOICE_PAYMENT: &str = r#"{ "invoice_payment": { "label": "unique-label-for-invoice", "preimage": "0000000000000000000000000000000000000000000000000000000000000000", "msat": "10000msat" } }"#;

pub(super) const WARNING: &str = r#"{ "warning": { "level": "warn", "time": "1559743608.565342521", "source": "lightningd(17652): 0821f80652fb840239df8dc99205792bba2e559a05469915804c08420230e23c7c chan #7854:", "log": "Peer permanent failure in CHANNELD_NORMAL: lightning_channeld: sent ERROR bad reestablish dataloss msg" } }"#;

pub(super) const FORWARD_SETTLED: &str = r#"{ "forward_event": { "payment_hash": "f5a6a059a25d1e329d9b094aeeec8c2191ca037d3f5b0662e21ae850debe8ea2", "in_channel": "103x2x1", "out_channel": "103x1x1", "in_msatoshi": 100001001, "in_msat": "100001001msat", "out_msatoshi": 100000000, "out_msat": "100000000msat", "fee": 1001, "fee_msat": "1001msat", "status": "settled", "received_time": 1560696342.368, "resolved_time": 1560696342.556 } }"#;

pub(super) const FORWARD_LOCAL_FAILED: &str = r#"{ "forward_event": { "payment_hash": "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "in_channel": "103x2x1", "out_channel": "110x1x0", "in_msatoshi": 100001001, "in_msat": "100001001msat", "out_msatoshi": 100000000, "out_msat": "100000000msat", "fee": 1001, "fee_msat": "1001msat", "status": "local_failed", "failcode": 16392, "failreason": "WIRE_PERMANENT_CHANNEL_FAILURE", "received_time": 1560696343.052 } }"#;

pub(super) const SENDPAY_SUCCESS: &str = r#"{ "sendpay_success": { "id": 1, "payment_hash": "5c85bf402b87d4860f4a728e2e58a2418bda92cd7aea0ce494f11670cfbfb206", "destination": "035d2b1192dfba134e10e540875d366ebc8bc353d5aa766b80c090b39c3a5d885d", "msatoshi": 100000000, "amount_msat": "100000000msat", "msatoshi_sent": 100001001, "amount_sent_msat": "100001001msat", "created_at": 1561390572, "status": "complete", "payment_preimage": "9540d98095fd7f37687ebb7759e733934234d4f934e34433d4998a37de3733ee" } }"#;

pub(super) const SENDPAY_FAILURE: &str = r#"{ "sendpay_failure": { "code": 204, "message": "failed: WIRE_UNKNOWN_NEXT_PEER (reply from remote)", "data": { "id": 2, "payment_hash": "9036e3bdbd2515f1e653cb9f22f8e4c49b73aa2c36e937c926f43e33b8db8851", "destination": "035d2b1192dfba134e10e540875d366ebc8bc353d5aa766b80c090b39c3a5d885d", "msatoshi": 100000000, "amount_msat": "100000000msat", "msatoshi_sent": 100001001, "amount_sent_msat": "100001001msat", "created_at": 1561395134, "status": "failed", "erring_index": 1, "failcode": 16394, "failcodename": "WIRE_UNKNOWN_NEXT_PEER", "erring_node": "022d223620a359a47ff7f7ac447c85c46c923da53389221a0054c11c1e3ca31d59", "erring_channel": "103x2x1", "erring_direction": 0 } } }"#;

pub(super) const PEER_CONNECTED: &str = r#"{ "peer": { "id": "03864ef025fde8fb587d989186ce6a4a186895ee44a926bfc370e2c366597a3f8f", "addr": "34.239.230.56:9735", "features": "" } }"#;

pub(super) const DB_WRITE: &str =
    r#"{ "data_version": 42, "writes": [ "PRAGMA foreign_keys = ON" ] }"#;

pub(super) const INVOICE_PAYMENT_HOOK: &str = r#"{ "payment": { "label": "unique-label-for-invoice", "preimage": "0000000000000000000000000000000000000000000000000000000000000000", "msat": "10000msat" } }"#;

pub(super) const OPENCHANNEL: &str = r#"{ "openchannel": { "id": "03864ef025fde8fb587d989186ce6a4a186895ee44a926bfc370e2c366597a3f8f", "funding_satoshis": "100000000msat", "push_msat": "0msat", "dust_limit_satoshis": "546000msat", "max_htlc_value_in_flight_msat": "18446744073709551615msat", "channel_reserve_satoshis": "1000000msat", "htlc_minimum_msat": "0msat", "feerate_per_kw": 7500, "to_self_delay": 5, "max_accepted_htlcs": 483, "channel_flags": 1 } }"#;

pub(super) const HTLC_ACCEPTED: &str = r#"{ "onion": { "payload": "", "type": "legacy", "short_channel_id": "1x2x3", "forward_amount": "42msat", "outgoing_cltv_value": 500014 }, "next_onion": "[1365bytes of serialized onion]", "shared_secret": "0000000000000000000000000000000000000000000000000000000000000000", "htlc": { "amount": "43msat", "cltv_expiry": 500028, "cltv_expiry_relative": 10, "payment_hash": "0000000000000000000000000000000000000000000000000000000000000000" } }"#;

pub(super) const RPC_COMMAND: &str = r#"{ "rpc_command": { "id": 3, "method": "method_name", "params": { "param_1": [], "param_2": {}, "param_n": "" } } }"#;

pub(super) const CUSTOMMSG: &str = r#"{ "peer_id": "02df5ffe895c778e10f7742a6c5b8a0cefbe9465df58b92fadeb883752c8107c8f", "message": "1337ffffffff" }"#;
