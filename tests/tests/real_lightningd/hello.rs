//! `hello`, the example of the plugin documentation, on two nodes that pay each other.

use crate::support::{bridged, children, count, with_guest};
use cln_wasm_tests::bridge::Folder;
use cln_wasm_tests::lab::Lab;
use serde_json::json;

#[test]
fn hello_answers_and_looks_on() {
    let folder = with_guest(Folder::new(), "hello");
    let greeted = bridged(folder.path()).arg("--greeting=Ada");
    let Some(lab) = Lab::start_nodes(&[greeted, bridged(folder.path())]) else {
        return;
    };
    methods(&lab);
    connections(&lab);
    payments(&lab);
    lab.assert_healthy();
    for node in 0..2 {
        let bridge = children(&lab, node, "cln-wasm");
        assert_eq!(bridge.len(), 1);
        assert_eq!(lab.stop_node(node), Some(0));
        bridge[0].wait_gone();
        assert_eq!(count(&lab, node, "plugin-cln-wasm: ends: shutdown"), 1);
    }
    lab.assert_healthy();
}

fn methods(lab: &Lab) {
    let hello = |node, params| lab.rpc(node, "hello", params).unwrap();
    assert_eq!(hello(0, json!({})), "Hello Ada");
    assert_eq!(hello(1, json!([])), "Hello World");
    assert_eq!(hello(1, json!(["Grace"])), "Hello Grace");
    assert_eq!(
        hello(1, json!({"name": "Grace \"é\" \u{1f600}"})),
        "Hello Grace \"é\" \u{1f600}"
    );
    let time = lab.rpc(0, "gettime", json!(["Europe/Berlin"])).unwrap();
    assert!(
        time.as_str().unwrap().ends_with("[Europe/Berlin]"),
        "{time}"
    );
    let wrong = lab.rpc(0, "gettime", json!(["Nowhere"])).unwrap_err();
    assert_eq!(wrong.code, -32602, "{wrong}");
    let checked = lab.rpc(
        0,
        "check",
        json!({"command_to_check": "gettime", "timezone": "Nowhere"}),
    );
    assert_eq!(checked.unwrap_err().code, -32602);

    let help = lab.rpc(0, "help", json!({})).unwrap();
    let listed = |name: &str| {
        let all = help["help"].as_array().unwrap();
        let found = all
            .iter()
            .find(|entry| entry["command"].as_str().unwrap().split(' ').next() == Some(name));
        found
            .unwrap_or_else(|| panic!("{name} is not in help"))
            .clone()
    };
    assert_eq!(listed("hello")["command"], "hello [name]");
    assert_eq!(listed("gettime")["command"], "gettime ");
    let configs = lab
        .rpc(0, "listconfigs", json!({"config": "greeting"}))
        .unwrap();
    let greeting = &configs["configs"]["greeting"];
    assert_eq!(greeting["value_str"], "Ada", "{configs}");
    assert!(
        greeting["source"].as_str().unwrap().contains("cmdline"),
        "{configs}"
    );
}

fn connections(lab: &Lab) {
    lab.connect(0, 1).unwrap();
    let other = |node: usize| lab.node(1 - node).id;
    for node in 0..2 {
        lab.wait_log(node, &format!("hello: {} is connected", other(node)));
    }
    lab.rpc(0, "disconnect", json!({"id": other(0), "force": true}))
        .unwrap();
    for node in 0..2 {
        lab.wait_log(node, &format!("hello: {} is gone", other(node)));
    }
}

fn payments(lab: &Lab) {
    lab.open_line();
    lab.wait_log(
        1,
        &format!(
            "hello: {} opens a channel of 5000000000msat",
            lab.node(0).id
        ),
    );
    for (from, to) in [(0, 1), (1, 0)] {
        let paid = lab.pay(from, to, 12_345).unwrap();
        assert_eq!(paid["status"], "complete");
        let hash = paid["payment_hash"].as_str().unwrap();
        lab.wait_log(to, &format!("hello: HTLC {hash} of 12345msat"));
    }
}
