//! What is written down of a fault, and when a guest that goes on failing is started again or left out.

use cln_wasm_tests::bridge::{Folder, bridge, manifest, methods, payload};
use cln_wasm_tests::simulator::{LogLine, Node};
use serde_json::{Value, json};
use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const AGAIN: &str =
    "[on-fault.restart]\ntimes = 1000\npause = \"1 ms\"\nlongest_pause = \"1 ms\"\n";

/// Waits until a line has come this often in all.
fn wait_lines(node: &Node, times: usize, wanted: impl Fn(&LogLine) -> bool) {
    let seen = Cell::new(0);
    node.wait_log(|line| {
        if wanted(line) {
            seen.set(seen.get() + 1);
        }
        seen.get() >= times
    })
    .unwrap();
}

/// All bundles of a guest, the oldest first.
fn bundles(home: &Path, guest: &str) -> Vec<(PathBuf, Value)> {
    let folder = home.join("regtest/cln-wasm/crashes").join(guest);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        (path, value)
    };
    paths.into_iter().map(read).collect()
}

/// A trap and what surrounds it.
fn trapping(policy: &str) -> Value {
    json!({"manifest": manifest(json!({"rpcmethods": methods(&["a-info", "a-trap"])})), "rpc": ["getinfo"],
        "init": {"log": ["info", "up"]},
        "methods": {"a-info": [{"rpc": ["getinfo", {"secret": "s3cr3t"}]}, "last"], "a-trap": [{"log": ["info", "now"]}, "trap"]},
        "policy": policy})
}

#[test]
fn a_trap_leaves_a_bundle_that_its_log_line_names() {
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::new().scripted("a", trapping(AGAIN));
    let node = bridge(&folder)
        .directory(home.path())
        .native("getinfo", |_| Ok(json!({"id": "02"})))
        .start()
        .unwrap();
    node.call("a-info", json!([])).unwrap();
    let preimage = "ab".repeat(32);
    let params = json!({"label": "l", "preimage": preimage, "x": [preimage]});
    node.call("a-trap", params).unwrap_err();
    let line = node
        .wait_log(|l| l.text.starts_with("a: ") && l.text.contains("starts again"))
        .unwrap();
    node.shutdown().unwrap();

    let found = bundles(home.path(), "a");
    let [(path, bundle)] = found.as_slice() else {
        panic!("{found:?}")
    };
    let named = path
        .strip_prefix(home.path().join("regtest"))
        .unwrap()
        .display()
        .to_string();
    assert!(line.text.ends_with(&format!("[{named}]")), "{}", line.text);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);

    assert_eq!(bundle["guest"], "a");
    assert_eq!(bundle["kind"], "trap");
    assert_eq!(bundle["faults"], 1);
    assert_eq!(bundle["module_sha256"].as_str().unwrap().len(), 64);
    assert!(bundle["lightningd"].is_string());
    let text = bundle["text"].as_str().unwrap();
    assert!(
        text.contains("unreachable") && text.contains("method a-trap"),
        "{text}"
    );
    let frames = bundle["backtrace"].as_array().unwrap();
    assert!(frames.len() > 3, "{frames:?}");
    let names = bundle["backtrace"].to_string();
    assert!(names.contains("scripted::moves"), "demangled: {names}");
    assert!(!names.contains("_ZN"), "{names}");
    assert_eq!(bundle["call"]["kind"], "method");
    assert_eq!(bundle["call"]["name"], "a-trap");
    assert_eq!(bundle["call"]["payload"]["label"], "l");
    assert_eq!(bundle["host_calls"][0]["function"], "rpc.call");
    assert_eq!(bundle["host_calls"][0]["summary"], "getinfo");
    assert_eq!(bundle["host_calls"][0]["outcome"], "ok");
    let lines = bundle["log"].to_string();
    assert!(lines.contains("up") && lines.contains("now"), "{lines}");
    assert!(bundle["memory_bytes"].as_u64().unwrap() >= 65_536);
    assert_eq!(bundle["limits"]["memory_bytes"], 64 << 20);
    let all = bundle.to_string();
    assert!(!all.contains(&preimage) && !all.contains("s3cr3t"), "{all}");
}

#[test]
fn bundles_are_bounded_in_number_and_in_rate() {
    const TRAPS: usize = 20;
    let kept = |limits: &str| {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::new().scripted("a", trapping(&format!("{limits}{AGAIN}")));
        let node = bridge(&folder).directory(home.path()).start().unwrap();
        for ups in 1..=TRAPS {
            wait_lines(&node, ups, |l| l.text == "a: up");
            node.call("a-trap", json!([])).unwrap_err();
        }
        wait_lines(&node, TRAPS, |l| l.text.contains("starts again"));
        node.shutdown().unwrap();
        let found = bundles(home.path(), "a");
        let numbers: Vec<_> = found
            .iter()
            .map(|(_, b)| b["faults"].as_u64().unwrap())
            .collect();
        for (path, _) in found {
            assert!(std::fs::metadata(path).unwrap().len() <= 4_096);
        }
        numbers
    };
    let few = "[limits]\ncrash_bundles = 3\ncrash_bundle_bytes = \"4 KiB\"\ncrash_bundles_per_minute = 600\n";
    assert_eq!(kept(few), [18, 19, 20], "the last ones");
    let slow = "[limits]\ncrash_bundle_bytes = \"4 KiB\"\ncrash_bundles_per_minute = 2\n";
    let numbers = kept(slow);
    // The test may take more than a minute on a busy machine.
    assert!(
        numbers.starts_with(&[1, 2]) && numbers.len() < TRAPS / 2,
        "{numbers:?}"
    );
    assert_eq!(kept("[limits]\ncrash_bundles = 0\n"), [0; 0]);
}

#[test]
fn a_guest_that_cannot_start_leaves_a_bundle_but_not_under_help() {
    let script = || json!({"manifest": "trap"});
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::new().scripted("a", script());
    bridge(&folder).directory(home.path()).help().unwrap();
    assert!(!home.path().join("regtest/cln-wasm").exists());

    let node = bridge(&folder).directory(home.path()).start().unwrap();
    let line = node
        .wait_log(|l| l.level == "unusual" && l.text.starts_with("a: left out: "))
        .unwrap();
    node.shutdown().unwrap();
    let found = bundles(home.path(), "a");
    assert_eq!(found.len(), 1, "{found:?}");
    let (path, bundle) = &found[0];
    assert!(
        line.text
            .contains(path.file_name().unwrap().to_str().unwrap()),
        "{}",
        line.text
    );
    assert_eq!(bundle["call"]["kind"], "getmanifest");
}

#[test]
fn every_kind_of_fault_has_its_bundle_and_its_line() {
    let home = tempfile::tempdir().unwrap();
    let script = json!({
        "manifest": manifest(json!({"hooks": ["openchannel", "peer_connected"], "subscriptions": ["block_added"], "rpcmethods": methods(&["a-garbage", "a-never", "a-loop"])})),
        "hooks": {"openchannel": {"text": "garbage"}, "peer_connected": "never"}, "notifications": {"block_added": "never"},
        "methods": {"a-garbage": {"text": "{"}, "a-never": "never", "a-loop": "loop"},
        "policy": format!("[limits]\ncpu_per_call_ms = 50\n[limits.deadline]\nhook = \"200 ms\"\nmethod = \"3 s\"\nnotification = \"200 ms\"\n{AGAIN}")});
    let folder = Folder::new().scripted("a", script);
    let node = bridge(&folder).directory(home.path()).start().unwrap();
    let line = |wanted: &str| {
        node.wait_log(|l| {
            l.level == "unusual" && l.text.starts_with("a: ") && l.text.contains(wanted)
        })
        .unwrap()
        .text
    };
    node.hook("openchannel", payload("openchannel")).unwrap();
    assert!(line("hook openchannel: answered").contains("[cln-wasm/crashes/a/"));
    node.hook("peer_connected", payload("peer_connected"))
        .unwrap();
    assert!(line("hook peer_connected: did not answer").contains(".json]"));
    assert_eq!(
        node.call("a-garbage", json!([])).unwrap_err().code(),
        Some(-3)
    );
    assert!(line("method a-garbage: answered").contains(".json]"));
    node.notify("block_added", json!({"height": 7})).unwrap();
    assert!(line("notification block_added: not handled").contains(".json]"));
    assert_eq!(
        node.call("a-never", json!([])).unwrap_err().code(),
        Some(-3)
    );
    assert!(line("method a-never: did not answer").contains(".json]"));
    // On a busy machine the deadline may come before the CPU is used up.
    node.call("a-loop", json!([])).unwrap_err();
    line("starts again");
    node.shutdown().unwrap();

    let found = bundles(home.path(), "a");
    let of = |kind: &str, name: &str| {
        let is = |b: &&Value| b["kind"] == kind && b["call"]["name"] == name;
        found.iter().map(|(_, bundle)| bundle).filter(is).count()
    };
    assert_eq!(of("answer", "openchannel"), 1);
    assert_eq!(of("deadline", "peer_connected"), 1);
    assert_eq!(of("answer", "a-garbage"), 1);
    assert_eq!(of("deadline", "block_added"), 1);
    assert_eq!(of("deadline", "a-never"), 1);
    assert_eq!(of("limit", "a-loop"), 1, "{found:?}");
}

#[test]
fn a_row_of_bad_answers_replaces_the_guest_and_rows_of_rows_end_in_quarantine() {
    let script = json!({
        "manifest": manifest(json!({"hooks": ["openchannel", "peer_connected"], "rpcmethods": methods(&["a-ping"])})),
        "init": {"log": ["info", "up"]}, "methods": {"a-ping": {"answer": "pong"}},
        "hooks": {"openchannel": {"text": "garbage"}},
        "policy": "[on-fault]\nbad_answers = 3\n[on-fault.restart]\ntimes = 1\nwithin = \"1 h\"\npause = \"1 ms\""});
    let folder = Folder::new().scripted("a", script);
    let node = bridge(&folder).start().unwrap();
    for ups in 1..=2 {
        wait_lines(&node, ups, |l| l.text == "a: up");
        for _ in 0..3 {
            assert_eq!(node.call("a-ping", json!([])).unwrap(), json!("pong"));
            assert_eq!(
                node.hook("peer_connected", payload("peer_connected"))
                    .unwrap()
                    .result,
                json!({"result": "continue"}),
                "well answered, and no excuse for the other hook"
            );
            let ended = node.hook("openchannel", payload("openchannel")).unwrap();
            assert_eq!(ended.result["result"], "reject");
        }
        let wanted = if ups == 1 {
            "starts again"
        } else {
            "quarantined"
        };
        let line = node
            .wait_log(|l| {
                l.text.starts_with("a: hook openchannel: 3 answers") && l.text.contains(wanted)
            })
            .unwrap();
        assert!(line.text.contains("on-fault.bad_answers"), "{}", line.text);
    }
    let error = node.call("a-ping", json!([])).unwrap_err();
    assert_eq!(error.code(), Some(-4));
    let message = &error.rpc().unwrap().message;
    assert!(
        message.starts_with(
            "Guest a is in quarantine until the bridge starts again: hook openchannel"
        ),
        "{message}"
    );
    node.shutdown().unwrap();
}

#[test]
fn good_answers_between_keep_the_guest() {
    let script = json!({
        "manifest": manifest(json!({"hooks": ["openchannel"], "rpcmethods": methods(&["a-ping"])})),
        "init": {"log": ["info", "up"]}, "methods": {"a-ping": {"answer": "pong"}},
        "hooks": {"openchannel": {"by": "/case", "moves": {"bad": {"text": "garbage"}, "good": {"answer": {"result": "continue"}}}}},
        "policy": "[on-fault]\nbad_answers = 3\n"});
    let folder = Folder::new().scripted("a", script);
    let node = bridge(&folder).start().unwrap();
    let mut shown: Value = serde_json::from_str(&payload("openchannel")).unwrap();
    for n in 0..30 {
        shown["case"] = json!(if n % 3 == 2 { "good" } else { "bad" });
        node.hook("openchannel", &shown).unwrap();
    }
    assert_eq!(node.call("a-ping", json!([])).unwrap(), json!("pong"));
    let ups = node.logs().iter().filter(|l| l.text == "a: up").count();
    assert_eq!(ups, 1);
    node.shutdown().unwrap();
}

#[test]
fn a_row_of_late_answers_replaces_the_guest() {
    let script = json!({
        "manifest": manifest(json!({"hooks": ["peer_connected"]})), "init": {"log": ["info", "up"]},
        "hooks": {"peer_connected": "never"},
        "policy": format!("[limits.deadline]\nhook = \"20 ms\"\n[on-fault]\nlate_answers = 3\n{AGAIN}")});
    let folder = Folder::new().scripted("a", script);
    let node = bridge(&folder).start().unwrap();
    // Late together is late once.
    let runs: Vec<_> = (0..20)
        .map(|_| {
            node.start_hook("peer_connected", payload("peer_connected"))
                .unwrap()
        })
        .collect();
    for run in runs {
        assert_eq!(run.wait().unwrap().result, json!({"result": "continue"}));
    }
    for _ in 0..3 {
        node.hook("peer_connected", payload("peer_connected"))
            .unwrap();
    }
    let line = node
        .wait_log(|l| l.text.starts_with("a: ") && l.text.contains("on-fault.late_answers"))
        .unwrap();
    assert!(line.text.contains("starts again"), "{}", line.text);
    wait_lines(&node, 2, |l| l.text == "a: up");
    node.shutdown().unwrap();
}
