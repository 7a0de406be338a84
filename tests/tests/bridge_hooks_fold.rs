//! Two guests on a hook end as two plugins of lightningd would: for every hook, the same answers are given by
//! two plugins in the node's own chain and by two guests of one bridge, and both ends are compared, and what
//! the second one is shown. Where lightningd itself would abort or lose something, the expected end is written out.

mod scripted;

use cln_wasm_tests::bridge::{Folder, add_solo, bridge, manifest, payload};
use cln_wasm_tests::simulator::{HookOutcome, Node, Simulator, hooks};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn go_on() -> Value {
    json!({"result": "continue"})
}

/// Two answers, and how it must end where that is not how lightningd ends.
struct Case {
    first: Value,
    second: Value,
    ends: Option<Value>,
}

fn same(first: Value, second: Value) -> Case {
    Case {
        first,
        second,
        ends: None,
    }
}

fn sane(first: Value, second: Value, ends: Value) -> Case {
    Case {
        first,
        second,
        ends: Some(ends),
    }
}

fn shown(hook: &str, case: usize, change: &dyn Fn(&mut Value)) -> Value {
    let mut shown: Value = serde_json::from_str(&payload(hook)).unwrap();
    change(&mut shown);
    shown["case"] = json!(case.to_string());
    shown
}

/// Two plugins in lightningd's chain.
fn natively(hook: &str, case: &Case, payload: &Value) -> HookOutcome {
    let script = |answer: &Value| json!({"quiet": true, "manifest": {"hooks": [hook]}, "answers": {hook: {"result": answer}}});
    let builder = scripted::builder(script(&case.first)).named("a");
    let node = scripted::add(builder, script(&case.second))
        .named("b")
        .start()
        .unwrap();
    let ended = node.hook(hook, payload).unwrap();
    node.shutdown().unwrap();
    ended
}

fn guests(hook: &str, cases: &[Case]) -> (Folder, Node) {
    let script = |pick: fn(&Case) -> &Value| {
        let moves: serde_json::Map<_, _> = cases
            .iter()
            .enumerate()
            .map(|(n, case)| (n.to_string(), json!({"answer": pick(case)})))
            .collect();
        // What a command is replaced by must be one that the guest may call.
        json!({"rpc": ["getinfo"], "manifest": manifest(json!({"hooks": [hook],
                "rpcmethods": [{"name": if pick(&cases[0]) == &cases[0].first { "x-first" } else { "x-second" }, "usage": ""}]})),
            "watch-hooks": true, "hooks": {hook: {"by": "/case", "moves": moves}},
            "methods": {"*": "seen"}})
    };
    let mut first = script(|case| &case.first);
    let mut second = script(|case| &case.second);
    for (script, name) in [(&mut first, "a-seen"), (&mut second, "b-seen")] {
        script["manifest"]["rpcmethods"][0]["name"] = json!(name);
    }
    let folder = Folder::new().scripted("a", first).scripted("b", second);
    let node = bridge(&folder).start().unwrap();
    (folder, node)
}

/// What guest b was shown in this case; `None` where it was not asked.
fn seen_by_second(node: &Node, case: usize) -> Option<Value> {
    let seen = node.call("b-seen", json!([])).unwrap();
    let seen = seen.as_array().unwrap().clone();
    let mine = |entry: &Value| entry["payload"]["case"] == json!(case.to_string());
    seen.into_iter()
        .find(mine)
        .map(|entry| entry["payload"].clone())
}

fn fold_with(hook: &str, cases: Vec<Case>, change: &dyn Fn(&mut Value)) {
    let (_folder, node) = guests(hook, &cases);
    for (n, case) in cases.iter().enumerate() {
        let payload = shown(hook, n, change);
        let bridged = node.hook(hook, &payload).unwrap();
        let about = format!("{hook}: {} then {}", case.first, case.second);
        match &case.ends {
            Some(ends) => assert_eq!(&bridged.result, ends, "{about}"),
            None => {
                let native = natively(hook, case, &payload);
                assert_eq!(bridged.result, native.result, "{about}");
                let native_second = native
                    .payloads
                    .get(1)
                    .map(|p| serde_json::from_str::<Value>(p).unwrap());
                assert_eq!(
                    seen_by_second(&node, n),
                    native_second,
                    "what the second is shown, {about}"
                );
            }
        }
    }
    assert!(
        !node.logs().iter().any(|l| l.level == "broken"),
        "{:?}",
        node.logs()
    );
    node.shutdown().unwrap();
}

fn fold(hook: &str, cases: Vec<Case>) {
    fold_with(hook, cases, &|_| {});
}

const ADDRESS_A: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
const ADDRESS_B: &str = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry";

fn psbt(hook: &str) -> String {
    let payload: Value = serde_json::from_str(&payload(hook)).unwrap();
    payload[hook]["psbt"].as_str().unwrap().to_owned()
}

#[test]
fn every_hook_is_here() {
    let all: BTreeSet<_> = hooks().iter().copied().collect();
    let source = include_str!("bridge_hooks_fold.rs");
    for hook in all {
        let called = ["fold(\"", "fold_with(\"", "\""]
            .iter()
            .any(|p| source.contains(&format!("{p}{hook}\"")));
        assert!(called, "{hook}");
    }
}

#[test]
fn peer_connected() {
    let no = json!({"result": "disconnect", "error_message": "no"});
    fold(
        "peer_connected",
        vec![
            same(go_on(), go_on()),
            same(go_on(), no.clone()),
            same(no.clone(), go_on()),
            // lightningd takes the length of what it does not have: an empty message is what it means.
            sane(
                json!({"result": "disconnect"}),
                no,
                json!({"result": "disconnect", "error_message": ""}),
            ),
        ],
    );
}

#[test]
fn those_that_only_look_on() {
    for hook in ["custommsg", "recover", "commitment_revocation"] {
        fold(hook, vec![same(go_on(), go_on())]);
    }
    // lightningd does not look at the answer to this one.
    fold(
        "commitment_revocation",
        vec![same(json!({"any": 1}), go_on())],
    );
}

#[test]
fn onion_messages() {
    for hook in ["onion_message_recv", "onion_message_recv_secret"] {
        let taken = json!({"result": "resolve"});
        fold(
            hook,
            vec![
                same(go_on(), go_on()),
                same(taken.clone(), go_on()),
                same(go_on(), taken),
            ],
        );
    }
}

#[test]
fn invoice_payment() {
    let reject = json!({"result": "reject"});
    let failure = json!({"failure_message": "2002"});
    fold(
        "invoice_payment",
        vec![
            same(go_on(), go_on()),
            same(reject.clone(), go_on()),
            same(go_on(), reject.clone()),
            same(failure.clone(), reject),
            same(go_on(), failure),
        ],
    );
}

#[test]
fn openchannel() {
    let reject = json!({"result": "reject", "error_message": "no"});
    let close_to =
        |address: &str| json!({"result": "continue", "close_to": address, "mindepth": 4});
    fold(
        "openchannel",
        vec![
            same(go_on(), go_on()),
            same(reject.clone(), close_to(ADDRESS_A)),
            same(close_to(ADDRESS_A), reject),
            same(close_to(ADDRESS_A), go_on()),
            same(go_on(), close_to(ADDRESS_B)),
            same(
                json!({"result": "continue", "mindepth": 3}),
                json!({"result": "continue", "mindepth": 5, "reserve": 20000}),
            ),
            same(
                json!({"result": "continue", "mindepth": 3}),
                close_to(ADDRESS_B),
            ),
            // The first address stays, and what comes with the second is not heard.
            same(
                close_to(ADDRESS_A),
                json!({"result": "continue", "close_to": ADDRESS_B, "mindepth": 9, "reserve": 1}),
            ),
        ],
    );
}

#[test]
fn openchannel2() {
    let reject = json!({"result": "reject", "error_message": "no"});
    let given = json!({"result": "continue", "psbt": psbt("openchannel2_changed"), "our_funding_msat": 500_000_000});
    let more = json!({"result": "continue", "psbt": psbt("openchannel2_sign"), "our_funding_msat": 700_000_000});
    let address = json!({"result": "continue", "close_to": ADDRESS_A});
    let mut both = given.clone();
    both["close_to"] = json!(ADDRESS_A);
    fold(
        "openchannel2",
        vec![
            same(go_on(), go_on()),
            same(reject.clone(), given.clone()),
            same(given.clone(), reject),
            same(go_on(), given.clone()),
            same(given.clone(), more),
            same(go_on(), address.clone()),
            // lightningd lets a later `continue` erase a contribution: here it stays.
            sane(given.clone(), go_on(), given.clone()),
            sane(address.clone(), go_on(), address.clone()),
            sane(given, address, both),
        ],
    );
}

#[test]
fn rbf_channel() {
    let reject = json!({"result": "reject", "error_message": "no"});
    let given = json!({"result": "continue", "psbt": psbt("openchannel2_changed"), "our_funding_msat": 500_000_000});
    fold(
        "rbf_channel",
        vec![
            same(go_on(), go_on()),
            same(reject.clone(), given.clone()),
            same(go_on(), given.clone()),
            same(given.clone(), reject),
            sane(given.clone(), go_on(), given),
        ],
    );
}

#[test]
fn openchannel2_changed() {
    let old = psbt("openchannel2_changed");
    let new = psbt("openchannel2_sign");
    let with = |psbt: &str| json!({"result": "continue", "psbt": psbt});
    fold(
        "openchannel2_changed",
        vec![
            same(with(&old), with(&old)),
            same(with(&new), with(&new)),
            same(with(&old), with(&new)),
            same(json!({"result": "reject"}), with(&old)),
            // lightningd aborts where the psbt is missing: here it is the one that was shown.
            sane(go_on(), go_on(), with(&old)),
            sane(with(&new), go_on(), with(&new)),
        ],
    );
}

#[test]
fn openchannel2_sign() {
    let old = psbt("openchannel2_sign");
    let with = |psbt: &str| json!({"result": "continue", "psbt": psbt});
    fold(
        "openchannel2_sign",
        vec![
            same(with(&old), with(&old)),
            same(json!({"result": "reject"}), with(&old)),
            sane(go_on(), go_on(), with(&old)),
            sane(go_on(), with(&old), with(&old)),
        ],
    );
}

#[test]
fn htlc_accepted() {
    let preimage = "00".repeat(32);
    let hash = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
    let resolve = json!({"result": "resolve", "payment_key": preimage});
    let fail = json!({"result": "fail", "failure_message": "2002"});
    let onion = json!({"result": "continue", "payload": "020164040150060800006a0000020001"});
    let forward = json!({"result": "continue", "forward_to": "ab".repeat(32)});
    let tlvs = json!({"result": "continue", "extra_tlvs": "fe00010001020102"});
    let msat = json!({"result": "continue", "invoice_msat": 1234});
    fold_with(
        "htlc_accepted",
        vec![
            same(go_on(), go_on()),
            same(fail.clone(), go_on()),
            same(go_on(), fail.clone()),
            same(resolve.clone(), fail.clone()),
            same(go_on(), resolve.clone()),
            same(onion.clone(), go_on()),
            same(onion.clone(), forward.clone()),
            same(
                forward.clone(),
                json!({"result": "continue", "forward_to": "cd".repeat(32)}),
            ),
            same(tlvs.clone(), msat.clone()),
            same(msat.clone(), go_on()),
            same(tlvs, resolve),
            same(onion, fail),
            same(
                json!({"result": "fail", "failure_onion": "ab".repeat(292)}),
                go_on(),
            ),
        ],
        &|shown| shown["htlc"]["payment_hash"] = json!(hash),
    );
}

#[test]
fn rpc_command() {
    let back = json!({"return": {"result": {"custom": [1]}}});
    let error = json!({"return": {"error": {"code": -9, "message": "forbidden"}}});
    let replace =
        json!({"replace": {"jsonrpc": "2.0", "id": 7, "method": "getinfo", "params": {}}});
    fold(
        "rpc_command",
        vec![
            same(go_on(), go_on()),
            same(go_on(), back.clone()),
            same(back.clone(), go_on()),
            same(error.clone(), go_on()),
            same(go_on(), error.clone()),
            same(replace.clone(), go_on()),
            // lightningd aborts at the second change: here a refusal counts, else the first one.
            sane(back.clone(), error.clone(), error.clone()),
            sane(back.clone(), replace.clone(), back),
            sane(error.clone(), replace, error),
        ],
    );
}

#[test]
fn db_write() {
    // It is never in a bridge beside others: two plugins of their own.
    let folder = Folder::new();
    let script = || json!({"manifest": manifest(json!({"hooks": ["db_write"]})), "hooks": {"db_write": [{"log": ["info", "asked"]}, {"answer": go_on()}]}});
    let builder = add_solo(Simulator::builder(), &folder.solo("one", script()));
    let node = add_solo(builder, &folder.solo("two", script()))
        .start()
        .unwrap();
    node.db_write(&["UPDATE vars SET intval=3"]).unwrap();
    let both = "\"data_version\":2,\"writes\":[\"UPDATE vars SET intval=3\"]";
    assert_eq!(node.transcript().matches(both).count(), 2);
    for name in ["one", "two"] {
        node.wait_log(|l| {
            l.source == format!("plugin-{name}") && l.text == format!("{name}: asked")
        })
        .unwrap();
    }
    node.shutdown().unwrap();
}
