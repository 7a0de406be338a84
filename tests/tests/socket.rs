//! The socket `lightning-rpc` of the simulator, as plugins and other clients use it.

mod scripted;

use cln_wasm_tests::simulator::RpcError;
use scripted::builder;
use serde_json::{Value, json};

#[test]
fn the_socket_serves_natives_methods_and_errors() {
    let node = builder(json!({}))
        .native("getinfo", |params| Ok(json!({"asked": params})))
        .native("listpeers", |_| Err(RpcError::new(-7, "no peers today")))
        .start()
        .unwrap();
    let rpc = |method: &str, params: Value| node.call("rpc", json!([method, params])).unwrap();
    assert_eq!(
        rpc("getinfo", json!({"a": 1}))["result"],
        json!({"asked": {"a": 1}})
    );
    assert_eq!(
        rpc("listpeers", json!({}))["error"],
        json!({"code": -7, "message": "no peers today"})
    );
    // Its own method: the call goes through its own rpc_command hook and comes back to it.
    assert_eq!(rpc("echo", json!([5]))["result"], json!([5]));
    assert_eq!(rpc("nothing", json!([]))["error"]["code"], -32601);
    assert_eq!(rpc("listfunds", json!([]))["error"]["code"], -1);
    assert_eq!(node.connections(), 5);
    let hook_id = "\"id\":\"scripted:getinfo/cln:rpc_command#";
    assert!(node.transcript().contains(hook_id));
    node.shutdown().unwrap();
}

#[test]
fn the_socket_refuses_what_lightningd_refuses() {
    let node = builder(json!({}))
        .native("getinfo", |_| Ok(json!({})))
        .start()
        .unwrap();
    let socket = node.directory().join("lightning-rpc");
    let ask = |text: &str| scripted::ask(&socket, text, 1);
    let error = |id: &str, message: &str| {
        let error = json!({"code": -32600, "message": message});
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}\n\n")
    };
    assert_eq!(
        ask(r#"{"jsonrpc":"2.0","id":1,"method":"getinfo"}"#),
        error("1", "No params")
    );
    assert_eq!(
        ask(r#"{"jsonrpc":"2.0","id":"x","params":[]}"#),
        error("\"x\"", "No method")
    );
    assert_eq!(
        ask(r#"{"jsonrpc":"2.0","method":"getinfo","params":[]}"#),
        error("null", "No id")
    );
    let version = "jsonrpc: \"2.0\" must be specified in the request";
    assert_eq!(
        ask(r#"{"jsonrpc":"1.0","id":1,"method":"getinfo","params":[]}"#),
        error("null", version)
    );
    assert!(ask("nonsense}").contains("Failed to parse"));
    // Two requests in one write, without anything between.
    let one = r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":[]}"#;
    let both = scripted::ask(
        &socket,
        &format!("{one}{}", one.replace("\"id\":1", "\"id\":2")),
        2,
    );
    assert!(
        both.contains("\"id\": 1") && both.contains("\"id\": 2"),
        "{both}"
    );
    node.shutdown().unwrap();
}
