//! A line of three nodes, each with the six guests in one bridge and `backup` as a plugin of its own.

mod calls;
mod forwards;
mod holds;

use crate::support::{bridged, children, count, solo, with_guest};
use cln_wasm_tests::bridge::Folder;
use cln_wasm_tests::lab::Lab;
use serde_json::json;

const GUESTS: [&str; 6] = [
    "custommsg-echo",
    "event-log",
    "forward-guard",
    "hello",
    "holdinvoice",
    "rpc-guard",
];

/// What lightningd logs as BROKEN, with plugins or without, when an HTLC that was forwarded before a
/// restart is settled after it: its onion is not kept (`lightningd/coin_mvts.c`).
const OF_A_RESTART: &[&str] = &["Unable to calculate fees collected. Not logging an inbound HTLC"];

#[test]
fn three_nodes_with_all_guests() {
    let folder = GUESTS.into_iter().fold(Folder::new(), with_guest);
    let own = tempfile::tempdir().unwrap();
    let backup = solo(&own, "backup");
    let node = || {
        bridged(folder.path())
            .plugin(&backup)
            .arg("--backup-halt-on-gap")
    };
    let guarded = node()
        .arg("--rpc-guard-rule=deny withdraw: ask the treasurer")
        .arg("--rpc-guard-rule=rewrite invoice: expiry=3600")
        .arg("--rpc-guard-rule=answer listconfigs with config=greeting: {\"configs\": {}}");
    let Some(lab) = Lab::start_nodes(&[guarded, node(), node()]) else {
        return;
    };
    all_are_there(&lab);
    lab.open_line();
    forwards::pass_under_the_guard(&lab);
    forwards::are_refused_by_the_guard(&lab);
    holds::settled_and_cancelled(&lab);
    calls::echoes(&lab);
    calls::guarded(&lab);
    let of_a_forwarder = ["channel_opened", "channel_state_changed", "forward_event"];
    topics(&lab, 1, &of_a_forwarder);
    holds::survive_a_restart(&lab);
    calls::still_guarded(&lab);
    calls::no_longer_guarded(&lab);
    forwards::pay_by_hand(&lab, 30_000).unwrap();
    for (node, expected) in [
        (
            0,
            &[
                "sendpay_success",
                "sendpay_failure",
                "channel_state_changed",
            ][..],
        ),
        (1, &["forward_event", "plugin_started"]),
        (
            2,
            &[
                "channel_opened",
                "invoice_creation",
                "invoice_payment",
                "holdinvoice_accepted",
            ],
        ),
    ] {
        topics(&lab, node, expected);
    }
    backups(&lab);
    lab.assert_healthy_except(OF_A_RESTART);
    ends(&lab);
    nothing_unusual(&lab);
}

/// The bridge had nothing to complain of: no fault, no denial, no fallback, nothing lost.
fn nothing_unusual(lab: &Lab) {
    for node in 0..3 {
        let log = lab.logs(node);
        let unusual: Vec<&str> = log
            .lines()
            .filter(|line| {
                line.contains("UNUSUAL plugin-cln-wasm") || line.contains("UNUSUAL plugin-backup")
            })
            .collect();
        assert!(unusual.is_empty(), "{unusual:#?}");
    }
}

fn all_are_there(lab: &Lab) {
    for node in 0..3 {
        assert!(!lab.logs(node).contains("left out"));
        let list = lab.rpc(node, "plugin", json!(["list"])).unwrap();
        let plugins = list["plugins"].as_array().unwrap();
        for (name, dynamic) in [("/cln-wasm", true), ("/backup.toml", false)] {
            let found = plugins
                .iter()
                .find(|p| p["name"].as_str().unwrap().ends_with(name));
            let found = found.unwrap_or_else(|| panic!("{name} is not in {list}"));
            assert_eq!(found["active"], true, "{found}");
            assert_eq!(found["dynamic"], dynamic, "{found}");
        }
        let help = lab.rpc(node, "help", json!({})).unwrap().to_string();
        for method in [
            "hello",
            "gettime",
            "holdinvoice",
            "holdinvoicesettle",
            "holdinvoicecancel",
            "holdinvoicelookup",
            "forward-guard-status",
            "event-log",
            "custommsg-echo-ping",
            "rpc-guard-list",
        ] {
            assert!(
                help.contains(&format!("\"command\":\"{method}")),
                "{method}: {help}"
            );
        }
    }
    let listed = lab.rpc(1, "listconfigs", json!({})).unwrap();
    let config = |name: &str| &listed["configs"][name];
    assert_eq!(config("greeting")["value_str"], "World");
    assert_eq!(config("forward-guard-max-msat")["value_int"], 0);
    assert_eq!(config("forward-guard-max-msat")["dynamic"], true);
    assert_eq!(config("backup-halt-on-gap")["set"], true);
    assert_eq!(config("event-log-keep")["value_int"], 1000);
    let plugin = config("custommsg-echo-timeout")["plugin"].as_str().unwrap();
    assert!(plugin.ends_with("/cln-wasm"), "{plugin}");
}

/// The topics that a node's `event-log` has seen since it was started, without a hole.
fn topics(lab: &Lab, node: usize, expected: &[&str]) {
    let log = lab.rpc(node, "event-log", json!({"limit": 1000})).unwrap();
    let counters = &log["counters"];
    let everywhere = ["block_added", "coin_movement", "connect", "custommsg"];
    for topic in expected.iter().chain(&everywhere) {
        assert!(
            counters[topic].as_u64() > Some(0),
            "{topic} on {node}: {counters}"
        );
    }
    assert!(counters.get("log").is_none(), "{counters}");
    let events = log["events"].as_array().unwrap();
    let numbers: Vec<u64> = events
        .iter()
        .map(|event| event["number"].as_u64().unwrap())
        .collect();
    assert!(
        numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{numbers:?}"
    );
}

/// The versions that the guest saw follow each other, over the restart of the second node too.
fn backups(lab: &Lab) {
    for node in 0..3 {
        let log = lab.logs(node);
        let versions: Vec<u64> = log
            .lines()
            .filter_map(|line| {
                line.split_once("plugin-backup.toml: backup: version ")?
                    .1
                    .split_once(':')
            })
            .map(|(version, _)| version.parse().unwrap())
            .collect();
        assert!(versions.len() > 100, "{versions:?}");
        assert_eq!(versions[0], 1);
        let follow = |pair: &[u64]| pair[1] == pair[0] || pair[1] == pair[0] + 1;
        assert!(versions.windows(2).all(follow), "{versions:?}");
        // After its restart the second node's guest goes on where it was.
        assert_eq!(count(lab, node, "backup: begins at version"), 1);
    }
}

fn ends(lab: &Lab) {
    for node in 0..3 {
        let mut processes = children(lab, node, "cln-wasm");
        assert_eq!(processes.len(), 2, "the bridge and backup");
        processes.extend(children(lab, node, "/plugins/"));
        let before = count(lab, node, "plugin-cln-wasm: ends: shutdown");
        assert_eq!(lab.stop_node(node), Some(0));
        for process in &processes {
            process.wait_gone();
        }
        assert_eq!(
            count(lab, node, "plugin-cln-wasm: ends: shutdown"),
            before + 1
        );
    }
    lab.assert_healthy_except(OF_A_RESTART);
}
