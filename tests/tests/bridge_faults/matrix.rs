//! Every hook, every fault, open and closed.

use cln_wasm_tests::bridge::{Folder, add_solo, bridge, manifest, methods, payload};
use cln_wasm_tests::simulator::{LogLine, Simulator, hooks};
use serde_json::{Map, Value, json};

use super::{AGAIN, LIMITS, faults, wait_lines};
/// An answer that lightningd takes of a lone plugin.
fn legal(hook: &str) -> Value {
    match hook {
        "openchannel2_changed" | "openchannel2_sign" => {
            json!({"answer": {"result": "continue"}, "with": {"psbt": format!("/{hook}/psbt")}})
        }
        _ => json!({"answer": {"result": "continue"}}),
    }
}

fn is_closed(hook: &str, result: &Value) -> bool {
    match hook {
        "peer_connected" => result["result"] == "disconnect",
        "invoice_payment" => {
            result["result"] == "reject" || result.get("failure_message").is_some()
        }
        "openchannel" | "openchannel2" | "rbf_channel" => result["result"] == "reject",
        "htlc_accepted" => *result == json!({"result": "fail", "failure_message": "2002"}),
        "rpc_command" => result["return"]["error"]["code"].is_i64(),
        "onion_message_recv" | "onion_message_recv_secret" => result["result"] == "stop",
        _ => result["result"] == "continue",
    }
}

fn without_case(mut payload: Value, case: &str) -> Value {
    payload["case"] = json!(case);
    payload
}

/// Every fault in every hook, with the operator's choice between open and closed.
fn matrix(stance: &str) {
    let names: Vec<_> = hooks()
        .iter()
        .copied()
        .filter(|h| *h != "db_write")
        .collect();
    let mut moves = Map::new();
    for (name, fault, _) in faults() {
        moves.insert(name.to_owned(), fault);
    }
    let by_hook: Map<_, _> = names
        .iter()
        .map(|hook| {
            let mut moves = moves.clone();
            moves.insert("legal".to_owned(), legal(hook));
            ((*hook).to_owned(), json!({"by": "/case", "moves": moves}))
        })
        .collect();
    let registered: Vec<_> = names
        .iter()
        .map(|hook| match *hook {
            // The test's own calls are not to be asked about.
            "rpc_command" => json!({"name": hook, "filters": ["rec-echo"]}),
            _ => json!(hook),
        })
        .collect();
    let bad = json!({
        "manifest": manifest(json!({"hooks": registered, "rpcmethods": methods(&["a-ping"])})),
        "init": {"log": ["info", "up"]}, "hooks": by_hook, "methods": {"a-ping": {"answer": "pong"}},
        "policy": format!("{LIMITS}[on-fault]\ndefault = \"{stance}\"\n{AGAIN}")});
    let good = json!({
        "manifest": manifest(json!({"hooks": registered, "rpcmethods": methods(&["b-counts", "b-ping"])})),
        "watch-hooks": true, "methods": {"b-counts": "counts", "b-ping": {"answer": "pong"}}});
    let folder = Folder::new().scripted("a", bad).scripted("b", good);
    let node = bridge(&folder).start().unwrap();
    let asked = || {
        node.call("b-counts", json!([])).unwrap()["seen"]
            .as_u64()
            .unwrap()
    };
    let is_up = |l: &LogLine| l.text == "a: up";
    let mut ups = 1;
    for hook in &names {
        let shown: Value = serde_json::from_str(&payload(hook)).unwrap();
        for (case, _, ends) in faults() {
            wait_lines(&node, ups, is_up);
            let before = asked();
            let run = node
                .start_hook(hook, without_case(shown.clone(), case))
                .unwrap();
            assert_eq!(node.call("b-ping", json!([])).unwrap(), json!("pong"));
            let ended = run
                .wait()
                .unwrap_or_else(|e| panic!("{hook} {case} {stance}: {e}"));
            // lightningd hears of a message what it wants, but for a psbt that must come back.
            // An onion message counts as taken by any answer that is an object.
            let taken = hook.starts_with("onion_message") && case == "wrong word";
            // This one's answer is not looked at.
            let unread = *hook == "commitment_revocation" && case == "wrong word";
            let round = hook.starts_with("openchannel2_");
            match stance {
                _ if taken => assert_eq!(ended.result["result"], "stop"),
                "closed" => assert!(
                    is_closed(hook, &ended.result),
                    "{hook} {case}: {}",
                    ended.result
                ),
                _ if round => assert_eq!(ended.result["psbt"], shown[*hook]["psbt"]),
                _ => assert_eq!(ended.result, json!({"result": "continue"}), "{hook} {case}"),
            }
            let goes_on = !taken
                && (stance == "open"
                    || ended.result["result"] == "continue"
                    || *hook == "rpc_command");
            assert_eq!(
                asked() - before,
                u64::from(goes_on),
                "whether b is asked: {hook} {case} {stance}"
            );
            if !taken && !unread {
                node.wait_log(|l| {
                    l.level == "unusual" && l.text.starts_with(&format!("a: hook {hook}: "))
                })
                .unwrap();
            }
            ups += usize::from(ends);
        }
        wait_lines(&node, ups, is_up);
        let before = asked();
        let ended = node
            .hook(hook, without_case(shown.clone(), "legal"))
            .unwrap();
        assert_eq!(ended.result["result"], "continue", "{hook} legal");
        assert_eq!(asked() - before, 1);
        assert_eq!(node.call("a-ping", json!([])).unwrap(), json!("pong"));
    }
    assert!(!node.logs().iter().any(|l| l.level == "broken"));
    node.shutdown().unwrap();
}

#[test]
fn every_fault_in_every_hook_open() {
    matrix("open");
}

#[test]
fn every_fault_in_every_hook_closed() {
    matrix("closed");
}

#[test]
fn every_fault_in_db_write_where_the_operator_says_open() {
    let moves: Map<_, _> = faults()
        .into_iter()
        .map(|(name, fault, _)| (name.to_owned(), fault))
        .collect();
    let script = json!({"manifest": manifest(json!({"hooks": ["db_write"]})), "init": {"log": ["info", "up"]},
        "hooks": {"db_write": {"by": "/writes/0", "moves": moves}},
        "policy": format!("{LIMITS}[on-fault]\ndb_write = \"open\"\n{AGAIN}")});
    let folder = Folder::new();
    let node = add_solo(Simulator::builder(), &folder.solo("w", script))
        .start()
        .unwrap();
    for (case, _, _) in faults() {
        node.db_write(&[case])
            .unwrap_or_else(|e| panic!("{case}: {e}"));
    }
    node.shutdown().unwrap();
}

#[test]
fn every_fault_in_db_write_where_the_operator_says_closed() {
    for (case, fault, _) in faults() {
        let legal = legal("db_write");
        let moves = json!({"UPDATE": fault, "INSERT": legal});
        // What lightningd writes while it starts is neither.
        let writes = json!({"nth": [legal, {"by": "/writes/0", "moves": moves}]});
        let script = json!({"manifest": manifest(json!({"hooks": ["db_write"]})), "hooks": {"db_write": writes},
            "policy": format!("{LIMITS}[on-fault]\ndb_write = \"closed\"\n{AGAIN}")});
        let folder = Folder::new();
        let node = add_solo(Simulator::builder(), &folder.solo("w", script))
            .start()
            .unwrap_or_else(|e| panic!("{case}: {e}"));
        node.db_write(&["INSERT"])
            .unwrap_or_else(|e| panic!("{case}: a legal answer: {e}"));
        // lightningd stops itself before it commits, in its own words, and is not brought down by anything else.
        assert!(node.db_write(&["UPDATE"]).is_err(), "{case}");
        let verdict = node.wait_verdict().unwrap();
        assert!(verdict.is_node_abort(), "{case}: {verdict}");
        assert!(verdict.reason().contains("fail"), "{case}: {verdict}");
    }
}
