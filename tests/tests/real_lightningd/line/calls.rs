//! `custommsg-echo` between peers, and `rpc-guard` on the first node.

use cln_wasm_tests::lab::Lab;
use serde_json::json;

pub fn echoes(lab: &Lab) {
    for (from, to) in [(0, 1), (1, 0), (1, 2)] {
        let peer = lab.node(to).id;
        let ping = json!({"peer_id": peer, "payload": "are you there? \u{1f600}"});
        let pong = lab.rpc(from, "custommsg-echo-ping", ping).unwrap();
        assert_eq!(pong["peer_id"], peer);
        assert_eq!(pong["payload"], "are you there? \u{1f600}");
        lab.wait_log(
            to,
            &format!("custommsg-echo: {} was answered", lab.node(from).id),
        );
    }
    // No peer of the first node.
    let stranger = json!({"peer_id": lab.node(2).id});
    assert_eq!(
        lab.rpc(0, "custommsg-echo-ping", stranger)
            .unwrap_err()
            .code,
        900
    );
    // A message of another type is none of the guest's.
    lab.custommsg(0, 1, "8001ff").unwrap();
    lab.rpc(0, "custommsg-echo-ping", json!([lab.node(1).id]))
        .unwrap();
}

pub fn guarded(lab: &Lab) {
    let withdraw = json!({"destination": "all", "satoshi": "all"});
    let denied = lab.rpc(0, "withdraw", withdraw.clone()).unwrap_err();
    assert_eq!(
        (denied.code, denied.message.as_str()),
        (-1, "ask the treasurer")
    );
    // The others have no such rule: lightningd itself refuses what is no address.
    let refused = lab.rpc(1, "withdraw", withdraw).unwrap_err();
    assert!(refused.message.contains("destination address"), "{refused}");

    for (node, seconds) in [(0, 3600), (1, 604_800)] {
        let invoice = lab.invoice(node, 1000);
        let decoded = lab
            .rpc(node, "decode", json!({"string": invoice["bolt11"]}))
            .unwrap();
        assert_eq!(decoded["expiry"], seconds, "{decoded}");
    }
    let greeting = lab
        .rpc(0, "listconfigs", json!({"config": "greeting"}))
        .unwrap();
    assert_eq!(greeting, json!({"configs": {}}));

    let rules = lab.rpc(0, "rpc-guard-list", json!({})).unwrap();
    let matched: Vec<u64> = rules["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["matched"].as_u64().unwrap())
        .collect();
    assert_eq!(matched, [1, 1, 1], "{rules}");

    // A bad rule is refused, and those before it stay.
    let set = |rules| {
        lab.rpc(
            1,
            "setconfig",
            json!({"config": "rpc-guard-rule", "val": rules}),
        )
    };
    set(json!([
        "deny signmessage: not today",
        "answer feerates: []"
    ]))
    .unwrap();
    let bad = set(json!(["deny signmessage", "forbid withdraw"])).unwrap_err();
    assert!(bad.message.contains("forbid withdraw"), "{bad}");
    still_guarded(lab);
}

/// The rules that were set while the second node ran.
pub fn still_guarded(lab: &Lab) {
    let sign = || lab.rpc(1, "signmessage", json!({"message": "hello"}));
    let denied = sign().unwrap_err();
    assert_eq!((denied.code, denied.message.as_str()), (-1, "not today"));
    let answered = lab.rpc(1, "feerates", json!({"style": "perkb"})).unwrap();
    assert_eq!(answered, json!([]));
}

/// Takes them away again.
pub fn no_longer_guarded(lab: &Lab) {
    lab.rpc(
        1,
        "setconfig",
        json!({"config": "rpc-guard-rule", "val": []}),
    )
    .unwrap();
    let signed = lab
        .rpc(1, "signmessage", json!({"message": "hello"}))
        .unwrap();
    assert!(signed["zbase"].is_string(), "{signed}");
}
