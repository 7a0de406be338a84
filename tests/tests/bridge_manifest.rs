//! Which guests get in: bad input costs nobody but itself, and the operator reads why.

use cln_wasm_tests::bridge::{
    Folder, add_bridge, add_solo, binary, bridge, manifest, methods, scripted,
};
use cln_wasm_tests::simulator::{Node, Simulator};
use serde_json::{Value, json};

/// A guest that works, under the name `z`, so that it comes after the other.
fn beside() -> Value {
    json!({"manifest": manifest(json!({"rpcmethods": methods(&["z-ping"]), "hooks": ["peer_connected"]})),
        "methods": {"z-ping": {"answer": "pong"}}})
}

/// Starts a folder with the good guest in it, and checks that `bad` was left out for `reason`.
fn refused(folder: Folder, bad: &str, reason: &str) -> Node {
    let folder = folder.scripted("z", beside());
    let node = bridge(&folder).start().unwrap();
    let prefix = format!("{bad}: ");
    let line = node
        .wait_log(|l| l.text.starts_with(&prefix) && l.text.contains("left out"))
        .unwrap_or_else(|e| panic!("no line about {bad} ({reason})\n{e}"));
    assert!(
        line.text.to_lowercase().contains(&reason.to_lowercase()),
        "{reason}: {}",
        line.text
    );
    assert_eq!(line.level, "unusual");
    assert_eq!(node.call("z-ping", json!([])).unwrap(), json!("pong"));
    assert_eq!(
        node.hook("peer_connected", json!({"peer": {}}))
            .unwrap()
            .result["result"],
        "continue"
    );
    node
}

fn refused_manifest(members: Value, reason: &str) {
    let node = refused(
        Folder::new().scripted("bad", json!({"manifest": manifest(members)})),
        "bad",
        reason,
    );
    node.shutdown().unwrap();
}

/// With two guests: the first is in, the second is not.
fn later_refused(first: Value, second: Value, reason: &str) {
    let folder = Folder::new()
        .scripted("a", json!({"manifest": manifest(first)}))
        .scripted("bad", json!({"manifest": manifest(second)}));
    let node = refused(folder, "bad", reason);
    assert!(
        !node
            .logs()
            .iter()
            .any(|l| l.text.starts_with("a: ") && l.text.contains("left out"))
    );
    node.shutdown().unwrap();
}

#[test]
fn a_truncated_module() {
    let whole = scripted(&beside());
    for (cut, reason) in [
        (whole.len() / 2, "unexpected end-of-file"),
        (9, "unexpected end-of-file"),
        (8, "not a guest of cln:guest"),
        (4, "ends within its header"),
        (0, "the file is empty"),
    ] {
        let node = refused(Folder::new().file("bad.wasm", &whole[..cut]), "bad", reason);
        node.shutdown().unwrap();
    }
}

#[test]
fn a_text_file_called_wasm() {
    let node = refused(
        Folder::new().file("bad.wasm", "not a module\n"),
        "bad",
        "text",
    );
    node.shutdown().unwrap();
}

#[test]
fn a_component_of_another_world() {
    // `(component)`: valid, and exports nothing.
    let empty = b"\0asm\x0d\0\x01\0";
    let node = refused(Folder::new().file("bad.wasm", empty), "bad", "cln:guest");
    node.shutdown().unwrap();
    // A core module that is none of ours.
    let core = b"\0asm\x01\0\0\0";
    let node = refused(
        Folder::new().file("bad.wasm", core),
        "bad",
        "not a guest of cln:guest",
    );
    node.shutdown().unwrap();
}

#[test]
fn a_manifest_that_is_no_json_or_no_manifest() {
    for (text, reason) in [
        ("this is no JSON", "manifest"),
        ("", "manifest"),
        ("[]", "manifest"),
        ("{\"options\":[],\"rpcmethods\":[],", "manifest"),
        ("null", "manifest"),
    ] {
        let script = json!({"manifest": {"text": text}});
        let node = refused(Folder::new().scripted("bad", script), "bad", reason);
        node.shutdown().unwrap();
    }
}

#[test]
fn a_manifest_that_never_comes_or_traps() {
    for (step, deadline, reason) in [
        ("trap", "60 s", "unreachable"),
        ("loop", "60 s", "cpu"),
        ("never", "1 s", "did not answer within 1000 ms"),
        ("invalid-utf8", "60 s", "utf-8"),
    ] {
        let policy = format!(
            "[limits]\ncpu_per_call_ms = 100\n[limits.deadline]\ngetmanifest = \"{deadline}\""
        );
        let script = json!({"manifest": step, "policy": policy});
        let node = refused(Folder::new().scripted("bad", script), "bad", reason);
        node.shutdown().unwrap();
    }
}

#[test]
fn names_that_another_guest_has() {
    let option = || json!({"options": [{"name": "mine", "type": "string", "description": ""}]});
    later_refused(option(), option(), "option mine");
    let method = || json!({"rpcmethods": methods(&["my-method"])});
    later_refused(method(), method(), "method my-method");
    let bits =
        || json!({"featurebits": {"node": "1000000000000000000000000000000000"}, "dynamic": false});
    later_refused(bits(), bits(), "feature bit");
    later_refused(
        json!({"hooks": [{"name": "peer_connected", "before": ["bad"]}]}),
        json!({"hooks": [{"name": "peer_connected", "before": ["a"]}]}),
        "ring",
    );
}

#[test]
fn names_of_lightningds_own() {
    refused_manifest(
        json!({"options": [{"name": "alias", "type": "string", "description": ""}]}),
        "alias",
    );
    refused_manifest(json!({"rpcmethods": methods(&["getinfo"])}), "getinfo");
    refused_manifest(json!({"notifications": [{"method": "connect"}]}), "connect");
}

#[test]
fn manifests_that_lightningd_would_kill_for() {
    refused_manifest(json!({"rpcmethods": methods(&["twice", "twice"])}), "twice");
    let option = json!({"name": "twice", "type": "string", "description": ""});
    refused_manifest(json!({"options": [option, option]}), "twice");
    refused_manifest(
        json!({"hooks": [{"name": "peer_connected", "filters": ["x"]}]}),
        "filters",
    );
    refused_manifest(
        json!({"hooks": ["peer_connected", {"name": "peer_connected"}]}),
        "peer_connected",
    );
    refused_manifest(
        json!({"options": [{"name": "n", "type": "int", "description": "", "default": "x"}]}),
        "n",
    );
    refused_manifest(
        json!({"featurebits": {"node": "1000000000000000000000000000000000"}}),
        "featurebits",
    );
    refused_manifest(json!({"nonnumericids": false}), "nonnumericids");
}

#[test]
fn a_hook_that_nobody_knows() {
    let script = json!({"manifest": {"answer": manifest(json!({"hooks": ["no_such_hook"]}))}});
    let module = scripted(&script);
    // A policy cannot grant what does not exist.
    let node = refused(
        Folder::new().guest("bad", &module, ""),
        "bad",
        "no_such_hook",
    );
    node.shutdown().unwrap();
}

#[test]
fn what_was_not_granted() {
    for members in [
        json!({"rpcmethods": methods(&["x"])}),
        json!({"hooks": ["peer_connected"]}),
        json!({"subscriptions": ["connect"]}),
        json!({"notifications": [{"method": "mine"}]}),
        json!({"custommessages": [32768]}),
        json!({"featurebits": {"node": "1000000000000000000000000000000000"}, "dynamic": false}),
    ] {
        let script = json!({"manifest": manifest(members), "no-policy": true});
        let node = refused(Folder::new().scripted("bad", script), "bad", "bad.toml");
        node.shutdown().unwrap();
    }
}

#[test]
fn its_own_options_need_no_policy() {
    let script = json!({"manifest": manifest(json!({"options": [{"name": "free", "type": "string", "description": ""}]})),
        "no-policy": true, "init": {"log": ["info", "here I am"]}});
    let folder = Folder::new().scripted("a", script);
    let node = bridge(&folder).start().unwrap();
    node.wait_log(|l| l.text == "a: here I am").unwrap();
    assert!(node.manifest().option("free").is_some());
    node.shutdown().unwrap();
}

#[test]
fn a_policy_that_cannot_be_read() {
    for (policy, reason) in [
        ("[grant]\nhook = [\"openchannel\"]", "hooks"),
        ("= 1", "bad.toml"),
        ("enabled = false", "enabled"),
        (
            "sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"",
            "sha256",
        ),
    ] {
        let folder = Folder::new().guest("bad", &scripted(&beside()), policy);
        refused(folder, "bad", reason).shutdown().unwrap();
    }
}

#[test]
fn a_guest_disables_itself() {
    let script = json!({"manifest": {"answer": {"disable": "not on this node"}}});
    let node = refused(
        Folder::new().scripted("bad", script),
        "bad",
        "not on this node",
    );
    node.shutdown().unwrap();
    let script = json!({
        "manifest": manifest(json!({"rpcmethods": methods(&["d-method"]), "hooks": ["peer_connected"]})),
        "init": {"error": {"message": "no licence"}},
        "hooks": {"peer_connected": {"answer": {"result": "disconnect"}}}});
    let folder = Folder::new().scripted("d", script).scripted("z", beside());
    let node = bridge(&folder).start().unwrap();
    node.wait_log(|l| l.text.starts_with("d: ") && l.text.contains("no licence"))
        .unwrap();
    let error = node.call("d-method", json!([])).unwrap_err();
    assert!(
        error.rpc().unwrap().message.contains("no licence"),
        "{error}"
    );
    assert_eq!(node.call("z-ping", json!([])).unwrap(), json!("pong"));
    let ended = node.hook("peer_connected", json!({"peer": {}})).unwrap();
    assert_eq!(ended.result, json!({"result": "continue"}));
    node.shutdown().unwrap();
}

#[test]
fn the_order_is_the_same_each_time() {
    let guest = |n: usize| {
        json!({"manifest": manifest(json!({
        "rpcmethods": methods(&[&format!("m{n}"), "contested"][..if n > 3 { 2 } else { 1 }]),
        "options": [{"name": format!("o{n}"), "type": "string", "description": ""}],
        "hooks": [{"name": "custommsg", "filters": [n]}, "peer_connected"]}))})
    };
    let mut folder = Folder::new();
    for n in 0..6 {
        folder = folder.scripted(&format!("g{n}"), guest(n));
    }
    let manifest = || {
        let node = bridge(&folder).start().unwrap();
        let text = node.transcript();
        let line = text
            .lines()
            .find(|l| l.contains("\"rpcmethods\""))
            .unwrap()
            .to_owned();
        let refused = node
            .logs()
            .into_iter()
            .filter(|l| l.text.contains("left out"))
            .map(|l| l.text)
            .collect::<Vec<_>>();
        node.shutdown().unwrap();
        // Without the time and the id.
        (
            line[line.find("\"options\"").unwrap()..].to_owned(),
            refused,
        )
    };
    let first = manifest();
    assert_eq!(first.1.len(), 1, "{first:?}");
    assert!(first.1[0].starts_with("g5: "), "the later one: {first:?}");
    for _ in 0..4 {
        assert_eq!(manifest(), first);
    }
}

#[test]
fn db_write_is_refused_beside_others_and_shown_the_way() {
    let script = json!({"manifest": manifest(json!({"hooks": ["db_write"]}))});
    let node = refused(
        Folder::new().scripted("bad", script),
        "bad",
        "#!/usr/bin/env cln-wasm",
    );
    assert!(node.manifest().hook("db_write").is_none());
    node.shutdown().unwrap();
}

#[test]
fn solo_it_serves_db_write_from_before_init() {
    let folder = Folder::new();
    let script = json!({"manifest": manifest(json!({"hooks": ["db_write"]})), "hooks": {"db_write": [{"log": ["info", "written"]}, {"answer": {"result": "continue"}}]}});
    let backup = folder.solo("backup", script);
    let others = Folder::new().scripted("z", beside());
    let builder = add_bridge(Simulator::builder(), &others);
    // The simulated node writes before it says init.
    let node = add_solo(builder, &backup).start().unwrap();
    assert_eq!(node.manifest_of(1).hooks.len(), 1);
    for n in 0..20 {
        node.db_write(&[&format!("UPDATE vars SET intval={n}")])
            .unwrap();
    }
    node.wait_log(|l| l.source == "plugin-backup" && l.text == "backup: written")
        .unwrap();
    assert_eq!(node.call("z-ping", json!([])).unwrap(), json!("pong"));
    node.shutdown().unwrap();
}

#[test]
fn solo_it_can_be_stopped_and_started() {
    let folder = Folder::new();
    let file = folder.solo("alone", beside());
    let mut node = add_solo(Simulator::builder(), &file).start().unwrap();
    assert_eq!(node.call("z-ping", json!([])).unwrap(), json!("pong"));
    let exit = node.plugin_stop(0).unwrap();
    assert!(exit.status.is_some_and(|s| s.success()), "{exit:?}");
    assert!(node.call("z-ping", json!([])).is_err());
    // `plugin start` runs in the test's own environment, where `env` may not find the bridge.
    let direct = format!(
        "#!{}\n{}",
        binary().display(),
        std::fs::read_to_string(&file)
            .unwrap()
            .split_once('\n')
            .unwrap()
            .1
    );
    std::fs::write(&file, direct).unwrap();
    node.plugin_start(&file, &[]).unwrap();
    assert_eq!(node.call("z-ping", json!([])).unwrap(), json!("pong"));
    node.shutdown().unwrap();
}

#[test]
fn solo_a_guest_that_disables_itself_disables_the_plugin() {
    let folder = Folder::new();
    let at_manifest = folder.solo(
        "m",
        json!({"manifest": {"answer": {"disable": "at manifest"}}}),
    );
    let at_init = folder.solo(
        "i",
        json!({"manifest": manifest(json!({})), "init": {"error": {"message": "at init"}}}),
    );
    let builder = add_solo(Simulator::builder(), &at_manifest);
    let node = add_solo(builder, &at_init).start().unwrap();
    assert!(node.disabled(0).unwrap().contains("at manifest"));
    assert!(node.disabled(1).unwrap().contains("at init"));
    node.shutdown().unwrap();
}

#[test]
fn no_folder_is_an_empty_bridge() {
    let folder = Folder::new();
    let node = bridge(&folder).start().unwrap();
    let manifest = node.manifest();
    let methods: Vec<_> = manifest.methods.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(methods, ["wasm-list"], "the bridge's own");
    assert!(manifest.dynamic);
    node.shutdown().unwrap();
}
