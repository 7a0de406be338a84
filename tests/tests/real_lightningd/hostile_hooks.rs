//! Every fault in every hook that a small network calls: the node lives, says nothing of BROKEN, and goes on as if
//! the guest were not there, as its policy says.

use crate::support::{bridged, with_solo_path};
use cln_wasm_tests::bridge::{Folder, manifest, methods};
use cln_wasm_tests::hostile::assemble;
use cln_wasm_tests::lab::{Lab, NodeSetup};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const POLICY: &str = "[limits]\ncpu_per_call_ms = 50\nanswer_bytes = \"64 KiB\"\nmemory_bytes = \"16 MiB\"\n\
    [limits.deadline]\nhook = \"300 ms\"\n[on-fault]\ndefault = \"open\"\n\
    [on-fault.restart]\ntimes = 1000000\npause = \"1 ms\"\nlongest_pause = \"1 ms\"\n";

/// The hooks, all in one guest. Commands of the test's own are left alone, but for one.
const HOOKS: [&str; 9] = [
    "peer_connected",
    "custommsg",
    "openchannel",
    "openchannel2",
    "htlc_accepted",
    "invoice_payment",
    "commitment_revocation",
    "onion_message_recv",
    "onion_message_recv_secret",
];

fn faults() -> Vec<(&'static str, Value)> {
    vec![
        ("trap", json!("trap")),
        ("loop", json!("loop")),
        ("never", json!("never")),
        ("error", json!({"error": {"message": "I cannot"}})),
        (
            "garbage",
            json!({"text": "{\"result\": \"continue\"} and more"}),
        ),
        ("wrong type", json!({"text": "[\"continue\"]"})),
        (
            "wrong word",
            json!({"answer": {"result": {"deep": ["banana"]}}}),
        ),
        ("too large", json!({"huge": 1 << 20})),
        ("invalid utf-8", json!("invalid-utf8")),
    ]
}

fn guest(fault: &Value) -> Folder {
    let mut hooks: Vec<Value> = HOOKS.iter().map(|hook| json!(hook)).collect();
    hooks.push(json!({"name": "rpc_command", "filters": ["makesecret"]}));
    let script = json!({
        "manifest": manifest(json!({"hooks": hooks, "rpcmethods": methods(&["hostile-ping"])})),
        "hooks": {"*": fault}, "methods": {"hostile-ping": {"answer": "pong"}},
        "policy": POLICY,
    });
    Folder::new().scripted("hostile", script)
}

#[test]
fn every_fault_in_every_hook_of_a_network() {
    let all = faults();
    let folders: Vec<Folder> = all.iter().map(|(_, fault)| guest(fault)).collect();
    let mut nodes = vec![NodeSetup::new()];
    nodes.extend(folders.iter().map(|folder| bridged(folder.path())));
    let Some(lab) = Lab::start_nodes(&nodes) else {
        return;
    };
    for (before, (fault, _)) in all.iter().enumerate() {
        let node = before + 1;
        lab.fund_wallet(0, 2_000_000);
        lab.connect(0, node)
            .unwrap_or_else(|e| panic!("{fault}: connect: {e}"));
        // Until the hook has ended, the node drops what the peer sends.
        let connected = || {
            let peers = lab.rpc(node, "listpeers", json!({})).unwrap();
            peers["peers"][0]["connected"] == true
        };
        while !connected() {}
        // Types that nobody must understand.
        lab.custommsg(0, node, "8001ff")
            .unwrap_or_else(|e| panic!("{fault}: custommsg: {e}"));
        lab.open_channel(0, node, 1_000_000)
            .unwrap_or_else(|e| panic!("{fault}: open_channel: {e}"));
        let paid = lab
            .send_direct(0, node, 5000)
            .unwrap_or_else(|e| panic!("{fault}: pay: {e}"));
        assert_eq!(paid["status"], "complete", "{fault}");
        // An offer's invoice is asked for by an onion message, and is paid to a blinded path.
        let offer = json!({"amount": "7000msat", "description": fault});
        let offer = lab
            .rpc(node, "offer", offer)
            .unwrap_or_else(|e| panic!("{fault}: offer: {e}"));
        let fetched = lab.rpc(0, "fetchinvoice", json!({"offer": offer["bolt12"]}));
        // An onion message counts as taken by any answer that is an object.
        assert!(
            fetched.is_ok() || *fault == "wrong word",
            "{fault}: {fetched:?}"
        );
        let secret = lab.rpc(node, "makesecret", json!({"string": "mine"}));
        assert!(secret.is_ok(), "{fault}: {secret:?}");
        // `onion_message_recv_secret` begins alike. Of a taken message nothing is said, nor of what nobody reads.
        let of_messages = (*fault != "wrong word").then_some("onion_message_recv");
        let of_all = [
            "peer_connected",
            "custommsg",
            "openchannel",
            "htlc_accepted",
            "invoice_payment",
            "rpc_command",
        ];
        for hook in of_all.into_iter().chain(of_messages) {
            // lightningd takes any object for a continue here, and the guest's author is told so.
            let taken = *fault == "wrong word" && hook == "custommsg";
            let kind = if taken { "" } else { "hook " };
            lab.wait_log(node, &format!("hostile: {kind}{hook}"));
        }
    }
    lab.assert_healthy();
    for node in 0..nodes.len() {
        assert_eq!(lab.stop_node(node), Some(0));
    }
    lab.assert_healthy();
}

/// lightningd checks JSON with a function that calls itself for each level, until its stack ends.
#[test]
fn a_result_of_a_million_levels() {
    let text = r#"
        (memory (export "memory") 40)
        (func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
          (memory.fill (i32.const 200000) (i32.const 91) (i32.const 1000000))
          (memory.fill (i32.const 1200000) (i32.const 93) (i32.const 1000000))
          (i32.store (i32.const 128) (i32.const 0))
          (i32.store (i32.const 136) (i32.const 200000))
          (i32.store (i32.const 140) (i32.const 2000000))
          (i32.const 128))"#;
    let wanted = manifest(json!({"rpcmethods": methods(&["deep"])}));
    let module = assemble::module(text, "deep", &BTreeMap::new(), &wanted, false).unwrap();
    let folder = Folder::new().guest("deep", &module, "[grant]\nmethods = [\"deep\"]\n");
    let Some(lab) = Lab::start_nodes(&[bridged(folder.path())]) else {
        return;
    };
    let refused = lab.rpc(0, "deep", json!({})).unwrap_err();
    assert!(refused.message.contains("levels"), "{refused}");
    lab.assert_healthy();
    assert_eq!(lab.stop_node(0), Some(0));
}

/// lightningd asks before each commit, hundreds of times: it starts, works and stops all the same.
#[test]
fn every_fault_in_db_write_of_a_node() {
    let folder = Folder::new();
    let quick = |(_, fault): &(&str, Value)| !["never", "loop"].iter().any(|slow| fault == slow);
    let all: Vec<_> = faults().into_iter().filter(quick).collect();
    let nodes = all.iter().enumerate().map(|(number, (_, fault))| {
        let script = json!({"manifest": manifest(json!({"hooks": ["db_write"]})), "hooks": {"db_write": fault},
            "policy": POLICY.replace("default = \"open\"", "db_write = \"open\"")});
        with_solo_path().plugin(&folder.solo(&format!("w{number}"), script))
    });
    let nodes: Vec<NodeSetup> = nodes.collect();
    let Some(lab) = Lab::start_nodes(&nodes) else {
        return;
    };
    for (node, (fault, _)) in all.iter().enumerate() {
        let invoice = lab.invoice(node, 1000);
        assert!(invoice["bolt11"].is_string(), "{fault}: {invoice}");
        let lead = format!("w{node}: hook db_write: ");
        assert!(lab.logs(node).contains(&lead), "{fault}");
    }
    lab.assert_healthy();
    for node in 0..nodes.len() {
        assert_eq!(lab.stop_node(node), Some(0));
    }
    lab.assert_healthy();
}
