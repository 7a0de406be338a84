//! The ways in which a plugin takes a node down, numbered as they were found on a real one: no guest has them.
//! The first, answers that lightningd does not take, is the `matrix` of `bridge_faults`.

mod scripted;

use cln_wasm_tests::bridge::{Folder, add_bridge, bridge, manifest, methods, payload};
use serde_json::{Value, json};

#[test]
fn way_2_a_continue_without_psbt() {
    for hook in ["openchannel2_changed", "openchannel2_sign"] {
        let script = json!({"manifest": manifest(json!({"hooks": [hook]})), "hooks": {"*": {"answer": {"result": "continue"}}}});
        let folder = Folder::new().scripted("a", script);
        let node = bridge(&folder).start().unwrap();
        let shown: Value = serde_json::from_str(&payload(hook)).unwrap();
        assert_eq!(
            node.hook(hook, &shown).unwrap().result["psbt"],
            shown[hook]["psbt"]
        );
        node.shutdown().unwrap();
    }
}

#[test]
fn way_3_what_funder_contributed_stays() {
    let shown: Value = serde_json::from_str(&payload("openchannel2_changed")).unwrap();
    let given = json!({"result": "continue", "psbt": shown["openchannel2_changed"]["psbt"], "our_funding_msat": 500_000_000});
    for hook in ["openchannel2", "rbf_channel"] {
        let funder = json!({"quiet": true, "manifest": {"hooks": [hook]}, "answers": {hook: {"result": given}}});
        let script = json!({"manifest": manifest(json!({"hooks": [hook]}))});
        let folder = Folder::new().scripted("a", script);
        // lightningd starts its own plugins first.
        let builder = scripted::builder(funder).named("funder");
        let node = add_bridge(builder, &folder).start().unwrap();
        assert_eq!(node.hook(hook, payload(hook)).unwrap().result, given);
        node.shutdown().unwrap();
    }
}

#[test]
fn way_4_two_guests_that_change_one_command() {
    let script = |n: u64| json!({"manifest": manifest(json!({"hooks": ["rpc_command"]})), "hooks": {"*": {"answer": {"return": {"result": n}}}}});
    let folder = Folder::new()
        .scripted("a", script(1))
        .scripted("b", script(2));
    let node = bridge(&folder)
        .native("getinfo", |_| Ok(json!("its own")))
        .start()
        .unwrap();
    assert_eq!(node.call("getinfo", json!({})).unwrap(), json!(1));
    node.wait_log(|l| l.text.starts_with("b: rpc_command: ") && l.text.contains("already changed"))
        .unwrap();
    node.shutdown().unwrap();
}

#[test]
fn ways_5_7_and_8_names_that_cannot_be_had() {
    for name in [
        "getinfo",
        "help",
        "pay",
        "getchaininfo",
        "getrawblockbyheight",
        "estimatefees",
        "getutxout",
        "sendrawtransaction",
    ] {
        let script = json!({"manifest": manifest(json!({"rpcmethods": methods(&[name])}))});
        let folder = Folder::new().scripted("a", script);
        let node = bridge(&folder).start().unwrap();
        let offered = node.manifest().methods;
        // The bridge's own is left.
        assert!(offered.iter().all(|m| m.name == "wasm-list"), "{name}");
        node.wait_log(|l| l.text.starts_with("a: left out") && l.text.contains(name))
            .unwrap();
        node.shutdown().unwrap();
    }
    for name in ["alias", "log-level", "bitcoin-rpcuser", "autoclean-cycle"] {
        let script = json!({"manifest": manifest(json!({"options": [{"name": name, "type": "string", "description": ""}]}))});
        let folder = Folder::new().scripted("a", script);
        let node = bridge(&folder).start().unwrap();
        assert!(node.manifest().options.is_empty(), "{name}");
        node.wait_log(|l| l.text.starts_with("a: left out") && l.text.contains(name))
            .unwrap();
        node.shutdown().unwrap();
    }
}

#[test]
fn way_6_a_guest_that_takes_any_number() {
    let script = json!({"manifest": manifest(json!({"options": [{"name": "any", "type": "int", "description": "", "dynamic": true}]})),
        "setconfigs": {"*": {"answer": {}}}});
    let folder = Folder::new().scripted("a", script);
    let node = bridge(&folder).start().unwrap();
    assert_eq!(
        node.setconfig("any", Some(json!("banana")))
            .unwrap_err()
            .code(),
        Some(-32602)
    );
    node.setconfig("any", Some(json!("12"))).unwrap();
    node.shutdown().unwrap();
}

#[test]
fn way_7_a_guest_that_is_never_ready() {
    let late = |stage: &str| {
        let mut script = json!({"manifest": manifest(json!({"rpcmethods": methods(&["l-ping"])})),
            "policy": "[limits.deadline]\ngetmanifest = \"500 ms\"\ninit = \"500 ms\"\n[on-fault.restart]\ntimes = 0"});
        script[stage] = json!("never");
        script
    };
    let good = json!({"manifest": manifest(json!({"rpcmethods": methods(&["b-ping"])})), "methods": {"b-ping": {"answer": "pong"}}});
    for stage in ["manifest", "init"] {
        let folder = Folder::new()
            .scripted("a", late(stage))
            .scripted("b", good.clone());
        let node = bridge(&folder).start().unwrap();
        node.wait_log(|l| l.text.starts_with("a: ") && l.text.contains("500 ms"))
            .unwrap();
        assert_eq!(node.call("b-ping", json!([])).unwrap(), json!("pong"));
        node.shutdown().unwrap();
    }
}
