//! `wasm-list`, the bridge's own method.

use cln_wasm_tests::bridge::{Folder, add_solo, bridge, manifest, methods, payload};
use cln_wasm_tests::simulator::{Node, Simulator};
use serde_json::{Value, json};

/// What of a JSON Schema the one in `docs/` uses.
fn conforms(schema: &Value, value: &Value, at: &str) {
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        other => panic!("{at}: no type: {other}"),
    };
    let is = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(n) if n.is_u64() => "integer",
        Value::Null => "null",
        other => panic!("{at}: {other}"),
    };
    assert!(types.contains(&is), "{at}: {value} is not {types:?}");
    if let Some(values) = schema.get("enum") {
        assert!(values.as_array().unwrap().contains(value), "{at}: {value}");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            value.get(name.as_str().unwrap()).is_some(),
            "{at}: no {name} in {value}"
        );
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let schema = match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Object(_)) => &schema["additionalProperties"],
            (known, _) => known,
        };
        assert!(schema.is_object(), "{at}: {name} is not in the schema");
        conforms(schema, member, &format!("{at}/{name}"));
    }
    for item in value.as_array().into_iter().flatten() {
        conforms(&schema["items"], item, at);
    }
}

/// The answer, checked against the schema.
fn list(node: &Node, params: Value) -> Value {
    let schema: Value =
        serde_json::from_str(include_str!("../../docs/wasm-list.schema.json")).unwrap();
    let answer = node.call("wasm-list", params).unwrap();
    conforms(&schema, &answer, "");
    answer
}

fn guest<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let mut guests = answer["guests"].as_array().unwrap().iter();
    guests
        .find(|guest| guest["name"] == name)
        .unwrap_or_else(|| panic!("{name}: {answer}"))
}

#[test]
fn it_shows_what_runs_and_what_does_not() {
    let hook = json!({"hooks": ["peer_connected"]});
    let works = json!({"manifest": manifest(json!({"hooks": ["peer_connected", "htlc_accepted"], "subscriptions": ["connect"],
            "rpcmethods": methods(&["a-hi"])})), "methods": {"a-hi": {"answer": {}}},
        "policy": "[limits]\nrpc_in_flight = 2\n[limits.deadline]\npeer_connected = \"2 s\"\nhtlc_accepted = \"none\""});
    let faulty = json!({"manifest": manifest(hook.clone()), "hooks": {"*": "trap"},
        "policy": "[on-fault.restart]\ntimes = 0"});
    let disabled = json!({"manifest": manifest(hook), "init": {"error": {"message": "not today"}}});
    let folder = Folder::new()
        .scripted("a", works)
        .scripted("b", faulty)
        .scripted("c", disabled)
        .file("d.wasm", "no module");
    let node = bridge(&folder).start().unwrap();
    node.call("a-hi", json!([])).unwrap();
    node.hook("peer_connected", payload("peer_connected"))
        .unwrap();
    node.wait_log(|l| l.text.contains("b: ") && l.text.contains("quarantined"))
        .unwrap();

    let all = list(&node, json!([]));
    let a = guest(&all, "a");
    assert_eq!(
        (&a["state"], &a["methods"]),
        (&json!("ready"), &json!(["a-hi"]))
    );
    assert_eq!(a["hooks"], json!(["htlc_accepted", "peer_connected"]));
    assert_eq!(a["subscriptions"], json!(["connect"]));
    let deadlines = json!({"peer_connected": 2000, "htlc_accepted": null});
    assert_eq!(
        a["limits"],
        json!({"rpc_in_flight": 2, "deadline_ms": deadlines})
    );
    assert!(a["memory_bytes"].as_u64().unwrap() > 64 << 10, "{a}");
    assert_eq!(a["counters"]["faults"], 0);
    assert!(a["counters"]["calls"].as_u64().unwrap() >= 2, "{a}");
    let b = guest(&all, "b");
    assert_eq!(
        (&b["state"], &b["counters"]["faults"]),
        (&json!("quarantined"), &json!(1))
    );
    assert!(b["reason"].is_string());
    let c = guest(&all, "c");
    assert_eq!(c["state"], "disabled");
    assert!(c["reason"].as_str().unwrap().contains("not today"));
    assert_eq!(guest(&all, "d")["state"], "left_out");
    assert_eq!(
        all["hooks"],
        json!([{"name": "htlc_accepted", "guests": ["a"]},
            {"name": "peer_connected", "guests": ["a", "b", "c"], "longest_wait_ms": 12000}])
    );
    // Three guests of three scripts, and one that is no module.
    assert_eq!(all["cache"], json!({"hits": 0, "misses": 4}));

    let one = list(&node, json!({"name": "d"}));
    assert_eq!(one["guests"].as_array().unwrap().len(), 1);
    assert!(one.get("hooks").is_none());
    let unknown = node.call("wasm-list", json!(["nobody"])).unwrap_err();
    assert!(
        unknown.to_string().contains("There is no guest"),
        "{unknown}"
    );
    assert!(node.call("wasm-list", json!({"nam": "a"})).is_err());
    node.check("wasm-list", json!({"name": "a"})).unwrap();
    assert!(node.check("wasm-list", json!({"name": 1})).is_err());
    node.shutdown().unwrap();
}

#[test]
fn no_guest_has_its_name_and_a_plugin_of_its_own_has_no_list() {
    let script = json!({"manifest": manifest(json!({"rpcmethods": methods(&["wasm-list"])}))});
    let folder = Folder::new().scripted("x", script);
    let node = bridge(&folder).start().unwrap();
    let line = "x: left out: method wasm-list is the bridge's own";
    node.wait_log(|l| l.text == line).unwrap();
    assert_eq!(guest(&list(&node, json!({})), "x")["state"], "left_out");
    node.shutdown().unwrap();

    let folder = Folder::new();
    let script = json!({"manifest": manifest(json!({"rpcmethods": methods(&["alone"])})), "methods": {"*": {"answer": {}}}});
    let node = add_solo(Simulator::builder(), &folder.solo("one", script))
        .start()
        .unwrap();
    node.call("alone", json!([])).unwrap();
    assert!(node.call("wasm-list", json!([])).is_err());
    node.shutdown().unwrap();
}
