//! What guests keep, and what they may spend: over restarts, at their limits, and where the disk is bad.

use cln_wasm_tests::bridge::{Folder, add_solo, bridge, manifest, methods, scripted};
use cln_wasm_tests::executable;
use cln_wasm_tests::simulator::{Builder, Node, RpcError};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A guest with a method for each call of the store, and one that pays.
fn keeper(name: &str) -> Value {
    let own: Vec<String> = [
        "get", "set", "fill", "delete", "list", "swap", "flood", "pay",
    ]
    .iter()
    .map(|call| format!("{name}-{call}"))
    .collect();
    let names: Vec<&str> = own.iter().map(String::as_str).collect();
    let arguments = [
        json!({"$": "/0"}),
        json!({"$": "/1"}),
        json!({"$": "/2"}),
        json!({"$": "/3"}),
    ];
    let [a, b, c, d] = &arguments;
    json!({
        "manifest": manifest(json!({"rpcmethods": methods(&names)})),
        "methods": {
            &own[0]: [{"kv": ["get", a]}, "last"],
            &own[1]: [{"kv": ["set", a, b]}, "last"],
            &own[2]: [{"kv": ["fill", a, b]}, "last"],
            &own[3]: [{"kv": ["delete", a]}, "last"],
            &own[4]: [{"kv": ["list", a, b, c, d]}, "last"],
            &own[5]: [{"kv": ["swap", a, b, c]}, "last"],
            &own[6]: [{"kv": ["flood", a, b]}, "last"],
            &own[7]: [{"rpc": ["keysend", {"destination": "02", "amount_msat": 1000, "maxfee": 0}]}, "last"],
        }
    })
}

/// Its policy: all of it, with this under `[grant]` and this after it.
fn policy(name: &str, grants: &str, more: &str) -> String {
    let own: Vec<String> = [
        "get", "set", "fill", "delete", "list", "swap", "flood", "pay",
    ]
    .iter()
    .map(|call| format!("{name}-{call}"))
    .collect();
    format!("[grant]\nmethods = {}\n{grants}\n{more}\n", json!(own))
}

fn folder(name: &str, grants: &str, more: &str) -> Folder {
    Folder::new().guest(name, &scripted(&keeper(name)), &policy(name, grants, more))
}

/// A node's directory that outlives it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::Builder::new().prefix("node-").tempdir().unwrap())
    }

    fn start(&self, builder: Builder) -> Node {
        builder.directory(self.0.path()).start().unwrap()
    }

    fn network(&self) -> PathBuf {
        self.0.path().join("regtest")
    }

    fn state(&self) -> PathBuf {
        self.network().join("cln-wasm/state")
    }
}

fn failure(answer: &Value) -> &str {
    answer["failure"]
        .as_str()
        .unwrap_or_else(|| panic!("no failure: {answer}"))
}

#[test]
fn values_outlive_the_bridge_and_the_node() {
    let (place, folder) = (Place::new(), folder("k", "kv = true", ""));
    let node = place.start(bridge(&folder));
    let call = |node: &Node, method: &str, params: Value| node.call(method, params).unwrap();
    assert!(!place.state().exists(), "nothing before it is used");
    assert_eq!(call(&node, "k-get", json!(["a"])), Value::Null);
    assert_eq!(call(&node, "k-set", json!(["a", "1"])), "set");
    assert_eq!(call(&node, "k-swap", json!(["a", "1", "2"])), "swapped");
    assert_eq!(
        call(&node, "k-swap", json!(["a", "1", "3"])),
        json!({"differs": "2"})
    );
    assert_eq!(call(&node, "k-swap", json!(["b", null, "ü"])), "swapped");
    assert_eq!(
        call(&node, "k-swap", json!(["b", null, "x"])),
        json!({"differs": "ü"})
    );
    assert_eq!(call(&node, "k-set", json!(["c", "3"])), "set");
    assert_eq!(call(&node, "k-delete", json!(["c"])), true);
    assert_eq!(call(&node, "k-delete", json!(["c"])), false);
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(place.state()), 0o700);
    assert_eq!(mode(place.state().join("k.redb")), 0o600);

    node.kill_plugin(0).unwrap();
    node.take_verdicts();
    drop(node);
    let node = place.start(bridge(&folder));
    let kept = json!({"entries": [["a", "2"], ["b", "ü"]], "more": false});
    assert_eq!(call(&node, "k-list", json!(["", null, 10, true])), kept);
    let first = json!({"entries": [["a", null]], "more": true});
    assert_eq!(call(&node, "k-list", json!(["", null, 1, false])), first);
    let second = json!({"entries": [["b", null]], "more": false});
    assert_eq!(call(&node, "k-list", json!(["", "a", 1, false])), second);
    node.shutdown().unwrap();
}

#[test]
fn without_the_grant_there_is_none_and_the_line_is_told() {
    let (place, folder) = (Place::new(), folder("k", "", ""));
    let node = place.start(bridge(&folder));
    for (method, params) in [
        ("k-get", json!(["a"])),
        ("k-set", json!(["a", "1"])),
        ("k-delete", json!(["a"])),
        ("k-list", json!([""])),
        ("k-swap", json!(["a", null, "1"])),
    ] {
        let answer = node.call(method, params).unwrap();
        let why = failure(&answer);
        assert!(why.starts_with("Failure::Denied"), "{method}: {why}");
        assert!(
            why.contains("add kv = true under [grant] in k.toml"),
            "{method}: {why}"
        );
    }
    let line = node
        .wait_log(|l| l.text.starts_with("k: denied: key-value store"))
        .unwrap();
    assert_eq!(line.level, "unusual");
    assert!(!place.state().exists());
    node.shutdown().unwrap();
}

#[test]
fn the_limits_hold_also_among_many_at_once() {
    // 10 entries of 2 (a letter and a digit) + 8 + 64 bytes, and too little for another.
    let quota = 10 * (2 + 8 + 64) + 5;
    let limits = format!("[limits]\nkv_bytes = {quota}\nanswer_bytes = 100000");
    let (place, folder) = (Place::new(), folder("k", "kv = true", &limits));
    let node = place.start(bridge(&folder));
    let flood = node.call("k-flood", json!(["a", 40])).unwrap();
    assert_eq!(flood["kept"], 10, "{flood}");
    assert!(
        flood["why"].as_str().unwrap().contains("limits.kv_bytes"),
        "{flood}"
    );
    // More at once than may wait: those over are refused, and say so.
    let crowd = node.call("k-flood", json!(["a", 500])).unwrap();
    assert!(
        crowd["why"].as_str().unwrap().starts_with("Failure::Limit"),
        "{crowd}"
    );
    let all = node.call("k-list", json!(["", null, 1000, true])).unwrap();
    let used: usize = all["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e[0].as_str().unwrap().len() + e[1].as_str().unwrap().len() + 64)
        .sum();
    assert!(used <= quota, "{used}");
    node.shutdown().unwrap();

    let node = place.start(bridge(&folder));
    let over = node.call("k-fill", json!(["b", 0])).unwrap();
    assert!(failure(&over).contains("limits.kv_bytes"), "{over}");
    let large = node.call("k-fill", json!(["a0", 100_001])).unwrap();
    assert!(
        failure(&large).contains("limits.answer_bytes is 100000"),
        "{large}"
    );
    for key in ["".to_owned(), "k".repeat(513)] {
        let answer = node.call("k-set", json!([key, "1"])).unwrap();
        assert!(
            failure(&answer).starts_with("Failure::Malformed"),
            "{answer}"
        );
    }
    node.shutdown().unwrap();
}

#[test]
fn the_manifest_leaves_no_trace() {
    let mut script = keeper("k");
    let mut answer = script["manifest"].take();
    answer["capabilities"] = json!([{"grant": "kv", "reason": "to keep"}]);
    script["manifest"] = json!([{"kv": ["set", "a", "1"]}, {"log": ["info", "asked"]},
        {"answer": answer, "with": {}}]);
    script["init"] = json!([{"kv": ["get", "a"]}, {"kv": ["set", "b", "1"]}]);
    let folder = Folder::new().guest("k", &scripted(&script), &policy("k", "kv = true", ""));
    // Fails where a file is touched.
    bridge(&folder).help().unwrap();
    let place = Place::new();
    let node = place.start(bridge(&folder));
    let all = node.call("k-list", json!(["", null, 10, true])).unwrap();
    // What was set in the manifest is not there; what was set in init is.
    assert_eq!(all, json!({"entries": [["b", "1"]], "more": false}));
    node.shutdown().unwrap();
}

#[test]
fn a_solo_guest_has_its_store_in_db_write_before_init() {
    let place = Place::new();
    let script = json!({
        "manifest": manifest(json!({"hooks": ["db_write"], "rpcmethods": methods(&["d-list"]), "dynamic": false})),
        "hooks": {"db_write": [{"kv": ["set", {"$": "/writes/0"}, "seen"]}, {"answer": {"result": "continue"}}]},
        "methods": {"d-list": [{"kv": ["list", "", null, 10, false]}, "last"]},
        "policy": "",
    });
    let module = scripted(&script);
    let folder = Folder::new();
    let solo = folder.path().join("d");
    let wasm = folder.path().join("d.wasm");
    std::fs::write(&wasm, module).unwrap();
    let text = format!(
        "#!/usr/bin/env cln-wasm\nwasm = {}\n[grant]\nkv = true\nmethods = [\"d-list\"]\n\
         [grant.hooks]\ndb_write = {{ secrets = [\"db_write\"] }}\n",
        json!(wasm)
    );
    executable::write(&solo, &text).unwrap();
    let builder = cln_wasm_tests::simulator::Simulator::builder();
    let node = place.start(add_solo(builder, &solo));
    node.db_write(&["INSERT one"]).unwrap();
    let all = node.call("d-list", json!([])).unwrap();
    let keys = all["entries"].as_array().unwrap();
    assert!(keys.contains(&json!(["INSERT one", null])), "{all}");
    node.shutdown().unwrap();
}

#[test]
fn a_damaged_or_shared_file_costs_that_guest_its_store_and_no_more() {
    let place = Place::new();
    let both = folder("bad", "kv = true", "").guest(
        "good",
        &scripted(&keeper("good")),
        &policy("good", "kv = true", ""),
    );
    std::fs::create_dir_all(place.state()).unwrap();
    for folder in [place.network().join("cln-wasm"), place.state()] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let file = place.state().join("bad.redb");
    std::fs::write(&file, b"no database at all".repeat(1_000)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let node = place.start(bridge(&both));
    for _ in 0..3 {
        let answer = node.call("bad-get", json!(["a"])).unwrap();
        assert!(
            failure(&answer).starts_with("Failure::Unavailable"),
            "{answer}"
        );
        assert!(failure(&answer).contains("move it away"), "{answer}");
    }
    assert_eq!(node.call("good-set", json!(["a", "1"])).unwrap(), "set");
    let line = |l: &str| l.starts_with("bad: its store cannot be used");
    node.wait_log(|l| line(&l.text)).unwrap();
    let lines = node.logs().iter().filter(|l| line(&l.text)).count();
    assert_eq!(lines, 1, "once, not for each call");

    // As the line says: without a restart.
    std::fs::rename(&file, place.state().join("bad.away")).unwrap();
    assert_eq!(node.call("bad-set", json!(["a", "1"])).unwrap(), "set");

    // The same guest in another process of the same node.
    let other = folder_of_one("good");
    let second = bridge(&other).directory(place.0.path());
    let second = second.start().unwrap();
    let answer = second.call("good-get", json!(["a"])).unwrap();
    assert!(
        failure(&answer).contains("in use by another process"),
        "{answer}"
    );
    second.shutdown().unwrap();
    assert_eq!(node.call("good-get", json!(["a"])).unwrap(), "1");
    node.shutdown().unwrap();
}

fn folder_of_one(name: &str) -> Folder {
    folder(name, "kv = true", "")
}

/// A node that pays what it is asked, and counts.
fn paying(
    builder: Builder,
    paid: &Arc<AtomicU64>,
    answer: fn() -> Result<Value, RpcError>,
) -> Builder {
    let paid = Arc::clone(paid);
    builder.native("keysend", move |params| {
        paid.fetch_add(params["amount_msat"].as_u64().unwrap(), Ordering::SeqCst);
        answer()
    })
}

fn complete() -> Result<Value, RpcError> {
    Ok(json!({"status": "complete", "amount_sent_msat": 600}))
}

const BUDGET: &str = "[[grant.rpc]]\nmethods = [\"keysend\"]\nbudget = { per_hour_msat = 5000 }";

#[test]
fn a_budget_is_never_exceeded_and_remembers() {
    let (place, folder) = (Place::new(), folder("k", "", BUDGET));
    let paid = Arc::new(AtomicU64::new(0));
    let node = place.start(paying(bridge(&folder), &paid, || {
        Ok(json!({"status": "pending"}))
    }));
    let open: Vec<_> = (0..20)
        .map(|_| node.start_call("k-pay", json!([])).unwrap())
        .collect();
    let answers: Vec<Value> = open.into_iter().map(|call| call.wait().unwrap()).collect();
    let passed = answers.iter().filter(|a| a.get("result").is_some()).count();
    assert_eq!(
        (passed, paid.load(Ordering::SeqCst)),
        (5, 5_000),
        "{answers:?}"
    );
    for refused in answers.iter().filter(|a| a.get("result").is_none()) {
        let why = failure(refused);
        assert!(why.starts_with("Failure::Denied"), "{why}");
        assert!(
            why.contains("of the budget of 5000 msat per hour only 0 msat are left"),
            "{why}"
        );
    }
    node.wait_log(|l| {
        l.text.starts_with("k: denied: RPC call ") && l.text.contains(": Not permitted: ")
    })
    .unwrap();
    node.shutdown().unwrap();

    let node = place.start(paying(bridge(&folder), &paid, complete));
    let refused = node.call("k-pay", json!([])).unwrap();
    assert!(
        failure(&refused).contains("only 0 msat are left"),
        "{refused}"
    );
    node.shutdown().unwrap();
}

#[test]
fn what_was_not_spent_is_given_back() {
    let (place, folder) = (Place::new(), folder("k", "", BUDGET));
    let paid = Arc::new(AtomicU64::new(0));
    let node = place.start(paying(bridge(&folder), &paid, complete));
    // Each sets 1000 msat aside and spends 600: seven fit, and then 800 are left.
    let answers: Vec<Value> = (0..9)
        .map(|_| node.call("k-pay", json!([])).unwrap())
        .collect();
    let passed = answers.iter().filter(|a| a.get("result").is_some()).count();
    assert_eq!(passed, 7);
    assert!(
        failure(&answers[8]).contains("only 800 msat are left"),
        "{}",
        answers[8]
    );
    node.shutdown().unwrap();

    let place = Place::new();
    let refused = || Err(RpcError::new(-32602, "no such destination"));
    let node = place.start(paying(bridge(&folder), &paid, refused));
    for _ in 0..12 {
        let answer = node.call("k-pay", json!([])).unwrap();
        assert_eq!(
            answer["error"]["code"], -32602,
            "nothing was sent: {answer}"
        );
    }
    node.shutdown().unwrap();
}
