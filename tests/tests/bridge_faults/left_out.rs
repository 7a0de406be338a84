//! Guards that could not be started: their hooks are refused, not passed by.

use cln_wasm_tests::bridge::{Folder, bridge, manifest, methods, payload};
use cln_wasm_tests::simulator::{Node, hooks};
use serde_json::{Value, json};

/// Hooks that the bridge registered, by its own account.
fn chains(node: &Node) -> Value {
    node.call("wasm-list", json!([])).unwrap()["hooks"].clone()
}

/// A policy that grants every hook.
fn all_hooks(rest: &str) -> String {
    format!("[grant]\nhooks = {}\n{rest}", json!(hooks()))
}

fn result(node: &Node, hook: &str) -> Value {
    node.hook(hook, payload(hook)).unwrap().result
}

fn failed() -> Value {
    json!({"result": "fail", "failure_message": "2002"})
}

#[test]
fn the_hooks_of_a_guard_that_cannot_be_loaded_are_refused() {
    let watches = json!({"manifest": manifest(json!({"hooks": ["htlc_accepted", "peer_connected"], "rpcmethods": methods(&["z-counts"])})),
        "watch-hooks": true, "methods": {"z-counts": "counts"}, "hooks": {"*": {"answer": {"result": "continue"}}}});
    let folder = Folder::new()
        .file("guard.wasm", "no module")
        .file("guard.toml", all_hooks(""))
        .scripted("z", watches);
    let node = bridge(&folder).start().unwrap();
    let line = "guard: hook htlc_accepted: lightningd gets the safe refusal as long as this guest is left out (on-fault: closed); \
        htlc_accepted = \"open\" under [on-fault] would pass it by";
    node.wait_log(|l| l.level == "unusual" && l.text == line)
        .unwrap();

    let refused = |hook: &str, guests: &[&str]| json!({"name": hook, "guests": guests, "refused_for": ["guard"], "longest_wait_ms": 0});
    let peers = json!({"name": "peer_connected", "guests": ["z"], "longest_wait_ms": 5000});
    assert_eq!(
        chains(&node),
        json!([
            refused("htlc_accepted", &["z"]),
            refused("openchannel", &[]),
            refused("openchannel2", &[]),
            peers,
            refused("rbf_channel", &[])
        ])
    );
    let all = node.call("wasm-list", json!(["guard"])).unwrap();
    let guard = &all["guests"][0];
    assert_eq!(guard["state"], "left_out");
    assert_eq!(
        guard["refuses"],
        json!([
            "htlc_accepted",
            "openchannel",
            "openchannel2",
            "rbf_channel"
        ])
    );

    let seen = || node.call("z-counts", json!([])).unwrap()["seen"].as_u64();
    let before = seen().unwrap();
    assert_eq!(result(&node, "htlc_accepted"), failed());
    for hook in ["openchannel", "openchannel2", "rbf_channel"] {
        assert_eq!(result(&node, hook)["result"], "reject", "{hook}");
    }
    assert_eq!(
        result(&node, "peer_connected"),
        json!({"result": "continue"})
    );
    assert_eq!(seen(), Some(before + 1), "nobody is asked in vain");
    node.wait_log(|l| {
        let told = l
            .text
            .strip_prefix("guard: hook htlc_accepted: it is left out: ");
        l.level == "unusual"
            && told.is_some_and(|t| {
                t.ends_with("; lightningd gets the safe refusal (on-fault: closed)")
            })
    })
    .unwrap();
    node.shutdown().unwrap();
}

#[test]
fn what_the_operator_opened_or_turned_off_is_passed_by() {
    let open = all_hooks("[on-fault]\ndefault = \"open\"");
    let off = format!(
        "enabled = false\n{}",
        all_hooks("[on-fault]\ndefault = \"closed\"")
    );
    let folder = Folder::new()
        .file("off.wasm", "no module")
        .file("off.toml", off)
        .file("open.wasm", "no module")
        .file("open.toml", open);
    let node = bridge(&folder).start().unwrap();
    assert_eq!(chains(&node), json!([]));
    node.shutdown().unwrap();
}

/// A guest that traps, one that may not do what it wants, one whose method is another's, and one
/// that does not want to run.
#[test]
fn whatever_keeps_a_guard_from_starting_it_is_not_passed_by() {
    let guard = |rest: Value| {
        let mut members = json!({"hooks": ["htlc_accepted"]});
        members
            .as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        manifest(members)
    };
    let first = json!({"manifest": manifest(json!({"rpcmethods": methods(&["a-hi"])}))});
    let traps = json!({"before-manifest": "trap", "manifest": guard(json!({}))});
    let ungranted = json!({"manifest": guard(json!({})), "no-policy": true});
    let clashes = json!({"manifest": guard(json!({"rpcmethods": methods(&["a-hi"])}))});
    let disabled = json!({"manifest": guard(json!({"disable": "not today"}))});
    let mut sure = disabled.clone();
    sure["policy"] = json!("[on-fault]\nhtlc_accepted = \"closed\"");
    let asks_for_more = "[grant]\nhooks = [\"htlc_accepted\"]\n";
    let mut more =
        json!({"manifest": guard(json!({"subscriptions": ["connect"]})), "no-policy": true});
    more["hooks"] = json!({});
    for (name, script, policy, refused) in [
        ("traps", traps, None, true),
        ("ungranted", ungranted, None, false),
        ("more", more, Some(asks_for_more), true),
        ("clashes", clashes, None, true),
        ("disabled", disabled, None, false),
        ("sure", sure, None, true),
    ] {
        let mut folder = Folder::new()
            .scripted("a", first.clone())
            .scripted(name, script);
        if let Some(policy) = policy {
            folder = folder.file(&format!("{name}.toml"), policy);
        }
        let node = bridge(&folder).start().unwrap();
        node.wait_log(|l| l.text.starts_with(&format!("{name}: left out: ")))
            .unwrap();
        let expected = match refused {
            true => {
                json!([{"name": "htlc_accepted", "guests": [], "refused_for": [name], "longest_wait_ms": 0}])
            }
            false => json!([]),
        };
        assert_eq!(chains(&node), expected, "{name}");
        if refused {
            assert_eq!(result(&node, "htlc_accepted"), failed(), "{name}");
        }
        node.shutdown().unwrap();
    }
}
