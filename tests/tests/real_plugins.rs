//! Plugins that come with Core Lightning, where it is installed: the simulator passes what lightningd
//! itself ships.

use cln_wasm_tests::lab::{lightningd_or_skip, skipped};
use cln_wasm_tests::simulator::Simulator;
use serde_json::{Value, json};
use std::path::PathBuf;

fn bundled(name: &str) -> Option<PathBuf> {
    let lightningd = lightningd_or_skip()?;
    let path = lightningd
        .parent()?
        .parent()?
        .join("libexec/c-lightning/plugins")
        .join(name);
    if !path.is_file() {
        skipped(&format!("no {}", path.display()));
        return None;
    }
    Some(path)
}

/// What libplugin asks for when it starts; it ends the plugin over any other answer.
fn configs(params: &Value) -> Value {
    let beg = "i-promise-to-fix-broken-api-user";
    if params["config"] == beg {
        return json!({"configs": {beg: {"values_str": [], "source": "default"}}});
    }
    json!({"configs": {"accept-htlc-tlv-type": {"values_int": []}}})
}

#[test]
fn keysend_starts_and_lets_payments_pass() {
    let Some(keysend) = bundled("keysend") else {
        return;
    };
    let node = Simulator::builder()
        .plugin(keysend)
        .native("getinfo", |_| {
            Ok(json!({"id": "0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79"}))
        })
        .native("listconfigs", |params| Ok(configs(params)))
        .native("listdatastore", |_| Ok(json!({"datastore": []})))
        .native("makesecret", |_| Ok(json!({"secret": "00".repeat(32)})))
        .start()
        .unwrap();
    assert!(node.manifest().hook("htlc_accepted").is_some());
    // A forward is none of its business.
    let payload = json!({"onion": {"payload": "1202030186a004017806080000680000010000", "type": "tlv",
        "short_channel_id": "104x1x0", "forward_msat": 100_000, "outgoing_cltv_value": 120,
        "shared_secret": "00".repeat(32), "next_onion": "00"},
        "htlc": {"amount_msat": 100_101, "cltv_expiry": 126, "cltv_expiry_relative": 20,
            "payment_hash": "00".repeat(32), "short_channel_id": "103x1x0", "id": 0}});
    let ended = node.hook("htlc_accepted", payload).unwrap();
    assert_eq!(ended.result, json!({"result": "continue"}));
    node.shutdown().unwrap();
}

#[test]
fn all_of_them_pass_help() {
    let names = [
        "autoclean",
        "bcli",
        "bookkeeper",
        "chanbackup",
        "cln-xpay",
        "commando",
        "funder",
        "keysend",
        "offers",
        "pay",
        "spenderp",
        "sql",
        "topology",
        "txprepare",
    ];
    for name in names {
        let Some(path) = bundled(name) else {
            return;
        };
        let manifest = Simulator::builder().plugin(path).help().unwrap();
        assert!(!manifest.methods.is_empty(), "{name}");
    }
}

#[test]
fn commando_is_asked_for_its_own_messages_only() {
    let Some(commando) = bundled("commando") else {
        return;
    };
    let node = Simulator::builder()
        .plugin(commando)
        .native("listdatastore", |_| Ok(json!({"datastore": []})))
        .native("listconfigs", |params| Ok(configs(params)))
        .native("makesecret", |_| Ok(json!({"secret": "00".repeat(32)})))
        .start()
        .unwrap();
    let peer = "0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79";
    let message = |payload: &str| json!({"peer_id": peer, "payload": payload});
    // 22859: the beginning of an answer to a command that nobody sent.
    let ours = node
        .hook("custommsg", message("594b000000000000000000"))
        .unwrap();
    assert_eq!(
        ours.answers,
        [("commando".to_owned(), json!({"result": "continue"}))]
    );
    let others = node.hook("custommsg", message("8001ff")).unwrap();
    assert_eq!(others.answers, []);
    node.shutdown().unwrap();
}
