//! Several plugins on one hook: order, filters, what the next one is shown, and what it comes to.

mod scripted;

use cln_wasm_tests::simulator::{Builder, Node, Simulator};
use serde_json::{Value, json};
use std::time::Duration;

/// Nodes with plugins named `a`, `b`, ..., which hook `hook` and give these answers.
fn chain(hook: &str, answers: &[Value]) -> Node {
    let hooks: Vec<Value> = answers.iter().map(|_| json!(hook)).collect();
    chain_of(hook, &hooks, answers).start().unwrap()
}

fn chain_of(hook: &str, hooks: &[Value], answers: &[Value]) -> Builder {
    let mut builder = Simulator::builder().deadline(Duration::from_secs(60));
    for (at, (entry, answer)) in hooks.iter().zip(answers).enumerate() {
        let name = char::from(b'a' + at as u8);
        let mut given = serde_json::Map::new();
        given.insert(hook.to_owned(), json!({"result": answer}));
        let script = json!({"quiet": true, "answers": given, "manifest": {"hooks": [entry]}});
        builder = scripted::add(builder, script).named(name.to_string());
    }
    builder
}

fn go_on() -> Value {
    json!({"result": "continue"})
}

fn asked(node: &Node, hook: &str, params: Value) -> Vec<String> {
    let ended = node.hook(hook, params).unwrap();
    ended.answers.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn before_and_after_reorder() {
    let entry = |more: Value| {
        let mut entry = json!({"name": "recover"});
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        entry
    };
    let answers = [go_on(), go_on(), go_on()];
    for (entries, expected) in [
        ([json!({}), json!({}), json!({})], ["a", "b", "c"]),
        (
            [json!({}), json!({}), json!({"before": ["a"]})],
            ["b", "c", "a"],
        ),
        (
            [json!({"after": ["c", "nobody"]}), json!({}), json!({})],
            ["b", "c", "a"],
        ),
        (
            [json!({"after": ["b"]}), json!({"after": ["c"]}), json!({})],
            ["c", "b", "a"],
        ),
    ] {
        let hooks = entries.map(entry);
        let node = chain_of("recover", &hooks, &answers).start().unwrap();
        assert_eq!(asked(&node, "recover", json!({"codex32": "x"})), expected);
        node.shutdown().unwrap();
    }
    let cycle = [json!({"after": ["b"]}), json!({"after": ["a"]}), json!({})].map(entry);
    let failure = chain_of("recover", &cycle, &answers).start().err().unwrap();
    assert_eq!(
        failure.verdict().unwrap().reason(),
        "Cannot meet required hook dependencies"
    );
}

#[test]
fn filters_choose() {
    let hooks = [
        json!({"name": "custommsg", "filters": [32769, 7]}),
        json!({"name": "custommsg", "filters": []}),
        json!({"name": "custommsg"}),
    ];
    let node = chain_of("custommsg", &hooks, &[go_on(), go_on(), go_on()])
        .start()
        .unwrap();
    let message = |payload: &str| json!({"peer_id": "02", "payload": payload});
    assert_eq!(asked(&node, "custommsg", message("8001ff")), ["a", "c"]);
    assert_eq!(asked(&node, "custommsg", message("8002ff")), ["c"]);
    node.shutdown().unwrap();
    let hooks = [
        json!({"name": "rpc_command", "filters": ["pay"]}),
        json!("rpc_command"),
    ];
    let node = chain_of("rpc_command", &hooks, &[go_on(), go_on()])
        .start()
        .unwrap();
    let request = |method: &str| json!({"rpc_command": {"method": method, "params": []}});
    assert_eq!(asked(&node, "rpc_command", request("pay")), ["a", "b"]);
    assert_eq!(asked(&node, "rpc_command", request("getinfo")), ["b"]);
    node.shutdown().unwrap();
}

#[test]
fn whoever_ends_the_chain_ends_it() {
    for (hook, end) in [
        (
            "peer_connected",
            json!({"result": "disconnect", "error_message": "no"}),
        ),
        ("invoice_payment", json!({"result": "reject"})),
        (
            "openchannel",
            json!({"result": "reject", "error_message": "no"}),
        ),
        (
            "htlc_accepted",
            json!({"result": "fail", "failure_message": "2002"}),
        ),
        (
            "rbf_channel",
            json!({"result": "reject", "error_message": ""}),
        ),
    ] {
        let node = chain(
            hook,
            &[go_on(), end.clone(), json!({"result": "never asked"})],
        );
        let ended = node.hook(hook, json!({"htlc": {}})).unwrap();
        assert_eq!(ended.result, end, "{hook}");
        assert_eq!(ended.answers.len(), 2, "{hook}");
        node.shutdown().unwrap();
    }
}

#[test]
fn the_next_plugin_is_shown_what_the_last_one_replaced() {
    let first = json!({"result": "continue", "forward_to": "ab".repeat(32),
        "payload": "020164040150060800006a0000020001"});
    let node = chain("htlc_accepted", &[first.clone(), go_on()]);
    let payload = json!({"onion": {"payload": "1202030186a004017806080000680000010000", "type": "tlv",
        "short_channel_id": "104x1x0"}, "htlc": {"id": 1}});
    let ended = node.hook("htlc_accepted", payload.clone()).unwrap();
    assert_eq!(ended.result, first);
    let shown: Vec<Value> = ended
        .payloads
        .iter()
        .map(|p| serde_json::from_str(p).unwrap())
        .collect();
    assert_eq!(shown[0], payload);
    assert_eq!(shown[1]["forward_to"], first["forward_to"]);
    assert_eq!(shown[1]["onion"]["short_channel_id"], "106x2x1");
    assert_eq!(
        shown[1]["onion"]["payload"],
        "10020164040150060800006a0000020001"
    );
    node.shutdown().unwrap();
}

#[test]
fn rpc_command_is_obeyed_once() {
    let command = |answer: Value| {
        let script = json!({"answers": {"rpc_command": {"result": answer}},
            "manifest": {"hooks": [{"name": "rpc_command", "filters": ["getinfo"]}]}});
        scripted::builder(script)
            .native("getinfo", |_| Ok(json!("the node's own")))
            .start()
            .unwrap()
    };
    let call = |node: &Node| node.call("getinfo", json!({}));
    let node = command(json!({"return": {"result": {"custom": [1]}}}));
    assert_eq!(call(&node).unwrap(), json!({"custom": [1]}));
    node.shutdown().unwrap();
    let node = command(json!({"return": {"error": {"code": -9, "message": "forbidden"}}}));
    assert_eq!(call(&node).unwrap_err().code(), Some(-9));
    node.shutdown().unwrap();
    let echo = json!({"jsonrpc": "2.0", "id": "x", "method": "echo", "params": [7]});
    let node = command(json!({"replace": echo}));
    assert_eq!(call(&node).unwrap(), json!([7]));
    node.shutdown().unwrap();
    let node =
        command(json!({"replace": {"jsonrpc": "2.0", "id": "x", "method": "none", "params": []}}));
    let error = call(&node).unwrap_err();
    assert!(
        error
            .rpc()
            .unwrap()
            .message
            .contains("redirected to unknown method 'none'")
    );
    node.shutdown().unwrap();
    let node = command(json!({"result": "banana"}));
    assert_eq!(call(&node).unwrap(), json!("the node's own"));
    assert!(node.logs().iter().any(|l| l.level == "broken"));
    node.shutdown().unwrap();
}

#[test]
fn a_second_change_of_a_command_takes_the_node_down() {
    let change = json!({"return": {"result": 1}});
    let node = chain("rpc_command", &[change.clone(), go_on(), change]);
    let request = json!({"rpc_command": {"method": "getinfo", "params": []}});
    let failure = node.hook("rpc_command", request).unwrap_err();
    assert!(failure.verdict().unwrap().is_node_abort());
    assert_eq!(node.wait_verdict().unwrap().plugin(), "c");
}

#[test]
fn a_plugin_that_dies_in_a_chain_is_passed_over() {
    let script = |answer: Value| {
        json!({"quiet": true, "manifest": {"hooks": ["peer_connected"]},
            "answers": {"peer_connected": {"result": answer}}})
    };
    let mut dying = script(go_on());
    dying["raw"] = json!({"peer_connected": "}"});
    let disconnect = json!({"result": "disconnect"});
    let node = scripted::add(
        scripted::builder(dying).named("a"),
        script(disconnect.clone()),
    )
    .named("b")
    .start()
    .unwrap();
    let ended = node.hook("peer_connected", json!({"peer": {}})).unwrap();
    assert_eq!(
        ended.answers,
        [("a".to_owned(), Value::Null), ("b".to_owned(), disconnect)]
    );
    assert_eq!(node.wait_verdict().unwrap().plugin(), "a");
    node.shutdown().unwrap();
}

#[test]
fn db_write_asks_all_at_once() {
    let node = chain("db_write", &[go_on(), go_on()]);
    node.db_write(&["UPDATE vars SET intval=3"]).unwrap();
    let transcript = node.transcript();
    let both = "\"data_version\":2,\"writes\":[\"UPDATE vars SET intval=3\"]";
    assert_eq!(transcript.matches(both).count(), 2);
    node.shutdown().unwrap();
}
