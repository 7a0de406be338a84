//! Guests that fail in `htlc_accepted`: the payment fails as the policy says, and nothing else.

use crate::support::bridged;
use cln_wasm_tests::bridge::{Folder, manifest};
use cln_wasm_tests::lab::{Lab, NodeSetup};
use serde_json::{Value, json};

/// How a guest fails, and what the bridge says of it.
const FAILURES: [(&str, &str); 4] = [
    ("\"trap\"", "; it starts again in "),
    ("\"loop\"", "; it starts again in "),
    (
        r#"{"answer": {"result": "resolve", "payment_key": 7}}"#,
        "hostile: hook htlc_accepted: ",
    ),
    ("\"never\"", "hostile: hook htlc_accepted: "),
];

/// Lets the first HTLC pass since it was started, and fails at the second.
fn guest(failure: &str, on_fault: &str) -> Folder {
    let failure: Value = serde_json::from_str(failure).unwrap();
    let pass = json!({"answer": {"result": "continue"}});
    let script = json!({
        "manifest": manifest(json!({"hooks": [{"name": "htlc_accepted"}]})),
        "init": {"log": ["info", "is ready"]},
        "hooks": {"htlc_accepted": {"nth": [pass, failure, pass]}},
        "policy": format!(
            "[limits]\ncpu_per_call_ms = \"200 ms\"\n[limits.deadline]\nhtlc_accepted = \"1 s\"\n\
             [on-fault]\nhtlc_accepted = \"{on_fault}\"\n[on-fault.restart]\npause = \"10 ms\""
        ),
    });
    Folder::new().scripted("hostile", script)
}

/// A line of nodes, each but the first with a guest that fails in its own way.
fn line(on_fault: &str) -> Option<(Vec<Folder>, Lab)> {
    let folders: Vec<Folder> = FAILURES
        .iter()
        .map(|(how, _)| guest(how, on_fault))
        .collect();
    let mut nodes = vec![NodeSetup::new()];
    nodes.extend(folders.iter().map(|folder| bridged(folder.path())));
    let lab = Lab::start_nodes(&nodes)?;
    lab.open_line();
    Some((folders, lab))
}

#[test]
fn a_guest_that_fails_costs_one_payment() {
    let Some((_folders, lab)) = line("closed") else {
        return;
    };
    for (before, (how, said)) in FAILURES.iter().enumerate() {
        let node = before + 1;
        let read = lab.wait_log_after(node, 0, "hostile: is ready");
        assert_eq!(
            lab.send_direct(before, node, 5000).unwrap()["status"],
            "complete"
        );
        let failed = lab.send_direct(before, node, 6000).unwrap_err();
        assert!([202, 203, 204].contains(&failed.code), "{how}: {failed}");
        let data = failed.data.unwrap_or_default();
        assert_eq!(
            data["failcodename"], "WIRE_TEMPORARY_NODE_FAILURE",
            "{how}: {data}"
        );
        assert_eq!(data["erring_node"], lab.node(node).id, "{how}: {data}");
        let read = lab.wait_log_after(node, read, said);
        if said.contains("starts again") {
            lab.wait_log_after(node, read, "hostile: is ready");
        }
        let paid = lab.send_direct(before, node, 7000).unwrap();
        assert_eq!(paid["status"], "complete", "after {how}");
    }
    lab.assert_healthy();
    for node in 0..=FAILURES.len() {
        assert_eq!(lab.stop_node(node), Some(0));
    }
    lab.assert_healthy();
}

#[test]
fn an_open_policy_lets_payments_pass_a_guest_that_fails() {
    let Some((_folders, lab)) = line("open") else {
        return;
    };
    for (before, (how, said)) in FAILURES.iter().enumerate() {
        for msat in [5000, 6000] {
            let paid = lab.send_direct(before, before + 1, msat).unwrap();
            assert_eq!(paid["status"], "complete", "{how}");
        }
        lab.wait_log(before + 1, said);
    }
    lab.assert_healthy();
}

#[test]
fn a_guard_that_cannot_be_loaded_is_not_passed_by() {
    let guard = |on_fault: &str| {
        let policy = format!(
            "[grant]\nhooks = [\"htlc_accepted\", \"rpc_command\"]\n[on-fault]\ndefault = \"closed\"\n{on_fault}"
        );
        Folder::new().guest("guard", b"no module", &policy)
    };
    let folders = [guard(""), guard("htlc_accepted = \"open\"")];
    let [closed, open] = folders.each_ref().map(|folder| bridged(folder.path()));
    let Some(lab) = Lab::start_nodes(&[NodeSetup::new(), closed, open]) else {
        return;
    };
    lab.open_line();
    let refused = lab.send_direct(0, 1, 5000).unwrap_err();
    let data = refused.data.clone().unwrap_or_default();
    assert_eq!(
        data["failcodename"], "WIRE_TEMPORARY_NODE_FAILURE",
        "{refused}: {data}"
    );
    assert_eq!(data["erring_node"], lab.node(1).id);
    lab.wait_log(1, "guard: hook htlc_accepted: it is left out: ");
    assert_eq!(
        lab.send_direct(1, 2, 5000).unwrap()["status"],
        "complete",
        "the operator lets it be passed by"
    );
    lab.assert_healthy();
    assert_eq!(
        lab.stop_node(1),
        Some(0),
        "no command is refused for a guest that is not there"
    );
}

/// lightningd's own plugins end the node when one of their first calls fails.
#[test]
fn a_guest_that_forbids_everything_does_not_keep_the_node_from_starting() {
    // All but getinfo, by which the laboratory sees that a node is up.
    let calls_at_the_start = ["datastore", "listdatastore", "makesecret", "staticbackup"];
    let script = json!({
        "manifest": manifest(json!({
            "hooks": [{"name": "rpc_command", "filters": calls_at_the_start}]
        })),
        "hooks": {"rpc_command": {"answer": {"return": {"error": {"code": -1, "message": "no"}}}}},
    });
    let folder = Folder::new().scripted("forbids", script);
    let Some(lab) = Lab::start_nodes(&[bridged(folder.path())]) else {
        return;
    };
    let refused = lab.rpc(0, "makesecret", json!({"string": "mine"}));
    assert_eq!(
        refused.unwrap_err().message,
        "no",
        "a client's call is shown to the guest"
    );
    lab.assert_healthy();
}
