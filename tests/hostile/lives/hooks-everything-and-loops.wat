;; It subscribes to everything, hooks all that it can, and loops in each.
;;! "expect": ["ms of CPU", "it starts again"], "policy": {"limits.deadline": {"hook": "300 ms"}}, "manifest": {"subscriptions": ["*", "log"], "hooks": ["peer_connected", "htlc_accepted", "openchannel", "openchannel2", "openchannel2_changed", "openchannel2_sign", "rbf_channel", "invoice_payment", "commitment_revocation", "onion_message_recv", "onion_message_recv_secret", "recover", {"name": "rpc_command", "filters": ["%NAME%-do"]}]}
(func (export "cln:guest/plugin@0.1.0#notification") (param i32 i32 i32 i32 i32 i32 i32) (loop (br 0)))
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32) (loop (br 0)) (unreachable))
