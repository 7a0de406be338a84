//! The laboratory, and the plugin that behaves well on real nodes: what the simulator passes,
//! lightningd passes.

mod misbehaviour;
mod scripted;

use cln_wasm_tests::lab::Lab;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// An executable that runs the scripted plugin with a script of its own.
fn wrapped(folder: &tempfile::TempDir, name: &str, script: &Value) -> PathBuf {
    let path = folder.path().join(name);
    let script = script.to_string().replace('\'', "'\\''");
    let plugin = scripted::path();
    let text = format!("#!/bin/sh\nSCRIPT='{script}' exec {}\n", plugin.display());
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn topics(seen: &Value) -> Vec<String> {
    let name = |entry: &Value| match entry {
        Value::String(request) => request.clone(),
        other => other["topic"].as_str().unwrap_or_default().to_owned(),
    };
    seen.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn a_plugin_that_behaves_well_lives_on_a_real_network() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = wrapped(&folder, "plugin.sh", &json!({"say": true}));
    let arg = format!("--plugin={}", plugin.display());
    let Some(lab) = Lab::start(&[&[arg.as_str(), "--s-int=5"][..], &[arg.as_str()]]) else {
        return;
    };
    lab.open_line();
    assert!(lab.pay(0, 1, 10_000).unwrap()["payment_preimage"].is_string());
    lab.custommsg(0, 1, "8001ff").unwrap();
    lab.wait_log(1, "asked custommsg");
    let options = lab.rpc(0, "options", json!({})).unwrap();
    assert_eq!(options, json!({"s-string": "a default", "s-int": 5}));
    let error = lab.rpc(0, "fail", json!([1])).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (7, "as asked"));
    let seen = topics(&lab.rpc(1, "seen", json!({})).unwrap());
    for expected in [
        "peer_connected",
        "openchannel",
        "connect",
        "block_added",
        "htlc_accepted",
        "invoice_payment",
        "coin_movement",
    ] {
        assert!(
            seen.iter().any(|s| s == expected),
            "{expected} is not in {seen:?}"
        );
    }
    lab.restart(1, None);
    lab.assert_healthy();
    assert_eq!(lab.stop_node(0), Some(0));
    lab.assert_healthy();
}

#[test]
fn a_held_payment_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = wrapped(
        &folder,
        "plugin.sh",
        &json!({"say": true, "hold": ["htlc_accepted"]}),
    );
    let arg = format!("--plugin={}", plugin.display());
    let Some(lab) = Lab::start(&[vec![], vec![arg]]) else {
        return;
    };
    lab.open_line();
    let mut payment = lab.start_pay(0, 1, 5000);
    lab.wait_log(1, "asked htlc_accepted");
    assert_eq!(lab.rpc(1, "echo", json!([1])).unwrap(), json!([1]));
    assert!(payment.is_pending());
    lab.rpc(1, "release", json!([])).unwrap();
    assert_eq!(payment.wait().unwrap()["status"], "complete");
    lab.assert_healthy();
}

/// Each misbehaviour again, with a real lightningd: it says and does what the simulator does.
#[test]
fn real_nodes_agree_about_misbehaviour() {
    let Some(lab) = Lab::start(&[[""; 0]]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let start = |plugin: &Path| lab.rpc(0, "plugin", json!(["start", plugin]));
    let plugin = wrapped(&folder, "scripted.py", &json!({}));
    for (text, reason) in misbehaviour::texts() {
        start(&plugin).unwrap();
        let written = lab.rpc(0, "write-text", json!([text]));
        match reason {
            Some(reason) => {
                // The answer to the call may have been read before the text behind it killed the plugin.
                let again = lab.rpc(0, "echo", json!([]));
                assert!(again.is_err(), "{text}: {written:?} {again:?}");
                let log = lab.logs(0);
                let killed = log.lines().rfind(|l| l.contains("Killing plugin"));
                assert!(killed.unwrap().contains(reason), "{text}: {killed:?}");
            }
            None => {
                assert!(written.is_ok(), "{text}: {written:?}");
                lab.rpc(0, "plugin", json!(["stop", plugin])).unwrap();
            }
        }
    }
    for (manifest, words) in misbehaviour::manifests() {
        let script = json!({"quiet": true, "manifest": manifest});
        let plugin = wrapped(&folder, "scripted.py", &script);
        let refused = start(&plugin).unwrap_err();
        assert!(refused.message.contains(words), "{manifest}: {refused}");
    }
    lab.assert_healthy();
}

/// What the simulator says of a real node's death is what happens.
#[test]
fn real_nodes_agree_with_the_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let bad = [
        (
            "duplicate-option.sh",
            json!({"quiet": true, "manifest": {"options":
            [{"name": "alias", "type": "string", "description": ""}]}}),
        ),
        (
            "native-method.sh",
            json!({"quiet": true, "manifest": {"rpcmethods":
            [{"name": "getinfo", "usage": ""}]}}),
        ),
        (
            "unicode-usage.sh",
            json!({"quiet": true, "manifest": {"rpcmethods":
            [{"name": "m", "usage": "\u{fc}"}]}}),
        ),
    ];
    for (name, script) in bad {
        let verdict = scripted::builder(script.clone()).start().err().unwrap();
        assert!(!verdict.verdict().unwrap().is_killed(), "{name}");
        let arg = format!("--plugin={}", wrapped(&folder, name, &script).display());
        match Lab::start_with(&[[arg]], true) {
            None => return,
            Some(started) => {
                let why = started.err().expect(name).message;
                assert!(why.contains("exited with"), "{name}: {why}");
            }
        }
    }
    let answer = json!({"answers": {"custommsg": {"result": {"result": "banana"}}}});
    let arg = format!(
        "--plugin={}",
        wrapped(&folder, "banana.sh", &answer).display()
    );
    let Some(lab) = Lab::start(&[vec![], vec![arg]]) else {
        return;
    };
    lab.connect(0, 1).unwrap();
    lab.custommsg(0, 1, "8001ff").unwrap();
    lab.wait_log(1, "returned an invalid response to the custommsg hook");
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lab.assert_healthy()));
    assert!(end.is_err());
}
