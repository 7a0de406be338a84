//! Whatever a guest does, what reaches lightningd's RPC socket is what its policy grants, no more
//! and no less.
//!
//! Guests with made-up policies make made-up calls through the bridge. Each request that arrives at the
//! socket, and each that does not, is held against [`cln_wasm_tests::runes`], which shares no line with
//! the bridge. `PROPTEST_CASES` sets how many bridges are started, 24 unless told; each runs
//! [`GUESTS`] guests with [`CALLS`] calls.

mod calls;
mod policies;

use calls::call;
use cln_wasm_tests::bridge::{Folder, bridge, manifest, methods, scripted};
use cln_wasm_tests::runes::{Asked, permits};
use cln_wasm_tests::simulator::Node;
use cln_wasm_tests::simulator::json::Doc;
use policies::{INVOICES, Policy, policy};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const GUESTS: usize = 4;
const CALLS: usize = 60;

/// A call as the guest makes it: a method, and the text of the params.
type Made = (String, String);

/// What a guest may do, and what it tries.
#[derive(Clone, Debug)]
struct Guest {
    policy: Policy,
    calls: Vec<Made>,
}

/// What arrived at the socket: the id, and the text of method (between its quotes) and params.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Arrived {
    method: String,
    params: String,
}

/// Reads a request as lightningd does.
fn arrived(text: &str) -> (String, Arrived) {
    let doc = Doc::parse(text).expect("lightningd reads it");
    let names: Vec<&str> = doc.root().members().map(|(name, _)| name.text()).collect();
    assert_eq!(names, ["jsonrpc", "id", "method", "params"], "{text}");
    let member = |name| doc.get(name).expect("a member");
    let seen = Arrived {
        method: member("method").text().to_owned(),
        params: member("params").full().to_owned(),
    };
    (member("id").text().to_owned(), seen)
}

/// What stands between the quotes when this text is written as JSON.
fn escaped(text: &str) -> String {
    let written = Value::from(text).to_string();
    written[1..written.len() - 1].to_owned()
}

/// How deep the brackets of a JSON text go, also where no reader follows them.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '[' | '{' if !in_string => depth += 1,
            ']' | '}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Whether this is what may be sent at all: JSON that every reader reads, and reads alike.
fn may_be_sent(method: &str, params: &str) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(params) else {
        return false;
    };
    let doc = Doc::parse(params).expect("what serde_json reads");
    let names: Vec<&str> = doc.root().members().map(|(name, _)| name.text()).collect();
    let once = names
        .iter()
        .all(|name| names.iter().filter(|other| other == &name).count() == 1);
    let plain = names.iter().all(|name| !name.contains('\\'));
    let shape = value.is_object() || value.is_array();
    !method.is_empty() && shape && once && plain
}

/// What of a guest's calls must arrive, in order.
fn expected(guest: &Guest, time: i64) -> Vec<Arrived> {
    let mut used = vec![false; guest.policy.grants.len()];
    let mut passed = Vec::new();
    for (method, params) in &guest.calls {
        // What is no JSON is turned away before any grant is asked.
        let trimmed = params.trim_matches([' ', '\t', '\r', '\n']);
        let method = escaped(method);
        let grant = guest
            .policy
            .grants
            .iter()
            .zip(&mut used)
            .find(|(grant, used)| {
                let asked = Asked {
                    method: &method,
                    params: trimmed,
                    time,
                    // `per` is in days here: as good as never.
                    since: used.then_some(0),
                    invoices: INVOICES.as_slice(),
                };
                permits(grant, &asked)
            });
        // Nor is what is nested too deep.
        if !is_json(params) || depth(params) > 100 {
            continue;
        }
        let Some((_, used)) = grant else { continue };
        *used = true;
        if may_be_sent(&method, trimmed) {
            passed.push(Arrived {
                method,
                params: trimmed.to_owned(),
            });
        }
    }
    passed
}

/// Whether it is JSON by its grammar alone.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

fn name(at: usize) -> String {
    format!("g{at}")
}

/// A node with these guests, and what arrives at its socket.
fn start(guests: &[Guest], home: &std::path::Path) -> (Folder, Node, Arc<Mutex<Vec<String>>>) {
    let mut folder = Folder::new();
    for (at, guest) in guests.iter().enumerate() {
        let name = name(at);
        let method = format!("{name}-ask");
        // The same script each time, so that each is compiled once.
        let script = json!({"manifest": manifest(json!({"rpcmethods": methods(&[method.as_str()])})),
            "methods": {"*": "ask"}});
        let policy = guest.policy.text(&method);
        folder = folder.guest(&name, &scripted(&script), &policy);
    }
    let arrivals: Arc<Mutex<Vec<String>>> = Arc::default();
    let watch = arrivals.clone();
    let node = bridge(&folder)
        .directory(home)
        .watch_rpc(move |text| watch.lock().unwrap().push(text.to_owned()))
        .native("getinfo", |_| Ok(json!({"id": "02"})))
        .native("pay", |_| Ok(json!({"status": "complete"})))
        .start()
        .unwrap();
    (folder, node, arrivals)
}

fn run(
    guests: &[Guest],
    home: &std::path::Path,
    tally: &Mutex<Tally>,
) -> Result<(), TestCaseError> {
    let (_folder, node, arrivals) = start(guests, home);
    for (at, guest) in guests.iter().enumerate() {
        let name = name(at);
        let calls = json!({ "calls": guest.calls });
        arrivals.lock().unwrap().clear();
        let outcomes = node
            .call(&format!("{name}-ask"), calls)
            .unwrap_or_else(|e| {
                panic!("{e}\n{}", guest.policy.text(&name));
            });
        let time = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let mark = format!("cln-wasm:{name}#");
        let seen: Vec<(String, Arrived)> = arrivals
            .lock()
            .unwrap()
            .iter()
            .map(|text| arrived(text))
            .collect();
        // The bridge may have something to ask too, under ids of its own.
        let seen: Vec<Arrived> = seen
            .into_iter()
            .filter_map(|(id, arrived)| id.starts_with(&mark).then_some(arrived))
            .collect();
        let wanted = expected(guest, time as i64);
        prop_assert_eq!(&seen, &wanted, "{}", guest.policy.text(&name));

        // And the guest was told: an outcome for each, a failure for each that did not go out.
        let outcomes = outcomes.as_array().cloned().unwrap_or_default();
        prop_assert_eq!(outcomes.len(), guest.calls.len());
        let failures = outcomes
            .iter()
            .filter(|o| o.get("failure").is_some())
            .count();
        prop_assert_eq!(failures, guest.calls.len() - wanted.len());
        let mut tally = tally.lock().unwrap();
        tally.passed += wanted.len();
        tally.refused += failures;
    }
    node.shutdown().unwrap();
    Ok(())
}

#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    refused: usize,
}

#[test]
fn nothing_outside_the_grants_reaches_the_socket_and_all_within_does() {
    let home = tempfile::Builder::new()
        .prefix("grants-")
        .tempdir()
        .unwrap();
    let mut config = ProptestConfig {
        // Each is a whole node: a failure is shown as it is found, and shrunk a little only.
        max_shrink_iters: 30,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 24;
    }
    let guest = (policy(), prop::collection::vec(call(), CALLS))
        .prop_map(|(policy, calls)| Guest { policy, calls });
    let guests = prop::collection::vec(guest, GUESTS);
    let tally = Mutex::new(Tally::default());
    let outcome = TestRunner::new(config).run(&guests, |guests| run(&guests, home.path(), &tally));
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let tally = tally.into_inner().unwrap();
    println!("{tally:?}");
    // Otherwise it would say nothing.
    assert!(tally.passed > 300 && tally.refused > 300, "{tally:?}");
}

/// Calls that were ways around a grant in one reader or another.
#[test]
fn known_ways_around() {
    let home = tempfile::Builder::new()
        .prefix("grants-")
        .tempdir()
        .unwrap();
    let policy = Policy::of(&["method=pay", "pnameamount_msat!|pnameamount_msat<1000"]);
    let made = |method: &str, params: &str| (method.to_owned(), params.to_owned());
    let calls = vec![
        made("pay", r#"{"amount_msat":1}"#),
        made("pay", r#"{"amount_msat":1,"amount_msat":100000}"#),
        made("pay", r#"{"amount_msat":1,"amount_ms\u0061t":100000}"#),
        made("pay", r#"{"amount_ms\u0061t":100000}"#),
        made("pay", r#"{"amount_msat":"100000"}"#),
        made("pay", r#"{"amount_msat":1e9}"#),
        made("pay", r#"{"amount_msat":1,"x":1e999}"#),
        made("pay", r#"{"amount_msat":1,"x":"\ud800"}"#),
        made("Pay", r#"{"amount_msat":1}"#),
        made("p\u{0}ay", "{}"),
        made("pay\",\"method\":\"withdraw", "{}"),
        made("pay", r#"{"amount_msat":1},"method":"withdraw""#),
        made("pay", r#"{"amount_msat":1}}{"method":"withdraw"}"#),
        made("withdraw", "{}"),
    ];
    let passing = expected(
        &Guest {
            policy: policy.clone(),
            calls: calls.clone(),
        },
        0,
    );
    assert_eq!(passing.len(), 1, "{passing:?}");
    let tally = Mutex::new(Tally::default());
    let guest = Guest { policy, calls };
    run(std::slice::from_ref(&guest), home.path(), &tally).unwrap();
}
