//! The bridge stopped and started while the node runs.

use crate::support::{absolute_binary, bridged, children, solo, with_guest, with_solo_path};
use cln_wasm_tests::bridge::{Folder, manifest, methods};
use cln_wasm_tests::lab::Lab;
use serde_json::json;

#[test]
fn the_bridge_is_stopped_and_started() {
    let folder = with_guest(with_guest(Folder::new(), "hello"), "event-log");
    let Some(lab) = Lab::start_nodes(&[bridged(folder.path()).arg("--greeting=Ada")]) else {
        return;
    };
    let bridge = absolute_binary();
    for round in 0..3 {
        let processes = children(&lab, 0, "cln-wasm");
        assert_eq!(processes.len(), 1, "round {round}");
        lab.rpc(0, "plugin", json!(["stop", "cln-wasm"])).unwrap();
        processes[0].wait_gone();
        assert_eq!(lab.rpc(0, "hello", json!([])).unwrap_err().code, -32601);
        let greeting = format!("round {round}");
        let start = json!({"subcommand": "start", "plugin": bridge, "greeting": greeting});
        let list = lab.rpc(0, "plugin", start).unwrap();
        let plugins = list["plugins"].as_array().unwrap();
        let listed = plugins
            .iter()
            .find(|p| p["name"].as_str().unwrap().ends_with("/cln-wasm"));
        assert_eq!(listed.unwrap()["dynamic"], true, "{list}");
        let hello = lab.rpc(0, "hello", json!([])).unwrap();
        assert_eq!(hello, format!("Hello {greeting}"));
    }
    lab.assert_healthy();
}

#[test]
fn one_guest_that_is_not_dynamic_keeps_the_bridge() {
    let still = json!({
        "manifest": manifest(json!({"dynamic": false, "rpcmethods": methods(&["still"])})),
        "methods": {"still": {"answer": "here"}},
    });
    let folder = with_guest(Folder::new(), "hello").scripted("still", still);
    let Some(lab) = Lab::start_nodes(&[bridged(folder.path())]) else {
        return;
    };
    let refused = lab
        .rpc(0, "plugin", json!(["stop", "cln-wasm"]))
        .unwrap_err();
    assert!(
        refused
            .message
            .contains("cannot be managed when lightningd is up"),
        "{refused}"
    );
    assert_eq!(lab.rpc(0, "still", json!([])).unwrap(), "here");
    assert_eq!(lab.rpc(0, "hello", json!([])).unwrap(), "Hello World");
    lab.assert_healthy();
}

#[test]
fn a_solo_guest_is_stopped_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (hello, log) = (solo_of(&folder, "hello"), solo_of(&folder, "event-log"));
    let node = with_solo_path().plugin(&hello).plugin(&log);
    let Some(lab) = Lab::start_nodes(&[node]) else {
        return;
    };
    let stopped = children(&lab, 0, "hello");
    assert_eq!(stopped.len(), 1);
    lab.rpc(0, "plugin", json!(["stop", hello])).unwrap();
    stopped[0].wait_gone();
    assert_eq!(lab.rpc(0, "hello", json!([])).unwrap_err().code, -32601);
    assert!(
        lab.rpc(0, "event-log", json!([])).unwrap()["seen"]
            .as_u64()
            .unwrap()
            > 0
    );
    lab.rpc(0, "plugin", json!(["start", hello])).unwrap();
    assert_eq!(lab.rpc(0, "hello", json!([])).unwrap(), "Hello World");
    lab.assert_healthy();
}

/// A guest whose policy is for the folder, as a plugin of its own.
fn solo_of(folder: &tempfile::TempDir, name: &str) -> std::path::PathBuf {
    let path = solo(folder, name);
    let policy = std::fs::read_to_string(&path).unwrap();
    let text = format!("#!/usr/bin/env cln-wasm\nwasm = \"{name}.wasm\"\n{policy}");
    std::fs::write(&path, text).unwrap();
    path
}
