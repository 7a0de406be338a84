//! The bridge with all guests under a simulated lightningd.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use cln_wasm_tests::simulator::{Node, Simulator};
use serde_json::{Value, json};

use crate::channels;
use crate::place::Place;
use crate::stage::Stage;

/// A guest, its methods and its hooks, as its README says.
type Guest = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// The guests that can run beside each other.
const GUESTS: &[Guest] = &[
    ("custommsg-echo", &["custommsg-echo-ping"], &["custommsg"]),
    ("event-log", &["event-log"], &[]),
    (
        "forward-guard",
        &["forward-guard-status"],
        &["htlc_accepted"],
    ),
    (
        "hello",
        &["hello", "gettime"],
        &["openchannel", "htlc_accepted"],
    ),
    (
        "holdinvoice",
        &[
            "holdinvoice",
            "holdinvoicesettle",
            "holdinvoicecancel",
            "holdinvoicelookup",
        ],
        &["htlc_accepted"],
    ),
    ("rpc-guard", &["rpc-guard-list"], &["rpc_command"]),
];

/// The rules of rpc-guard.
pub const RULES: [&str; 3] = [
    "deny withdraw: ask the treasurer",
    "rewrite invoice: expiry=3600",
    "answer listconfigs: {\"configs\": {}}",
];

/// The commands that they are about.
pub const RULED: [&str; 3] = ["withdraw", "invoice", "listconfigs"];

/// What the guests send to peers: the params of `sendcustommsg`.
pub type Outbox = Receiver<Value>;

/// All that can be shown beside each other in one bridge.
pub fn show(stage: &mut Stage, place: &Place, transcript: bool) -> anyhow::Result<()> {
    let folder = place.folder()?;
    let (to_peers, outbox) = channel();
    let to_peers = Mutex::new(to_peers);
    let node = Simulator::builder()
        .plugin(&place.bridge)
        .env("CLN_WASM_DIR", folder.to_string_lossy())
        .option("greeting", json!("Satoshi"))
        .native("sendcustommsg", move |params| {
            let sender = to_peers
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            // Nobody listens any more at the very end.
            let _ = sender.send(params.clone());
            Ok(json!({"status": "Message sent to connectd for delivery"}))
        })
        .option("rpc-guard-rule", json!(RULES))
        .native("invoice", |params| Ok(params.clone()))
        .native("getinfo", |_| Ok(json!({"alias": "SIMULATED"})))
        .start()?;

    aggregate(stage, &node);
    hello(stage, &node);
    channels::hold(stage, &node)?;
    channels::guard(stage, &node)?;
    rpc_guard(stage, &node);
    channels::echo(stage, &node, &outbox)?;
    channels::recorded(stage, &node)?;
    left_out(stage, &node)?;
    if transcript {
        println!("\n{}", node.transcript());
    }
    node.shutdown()?;
    Ok(())
}

fn aggregate(stage: &mut Stage, node: &Node) {
    stage.title(
        "cln-wasm",
        "under a simulated lightningd v26.06.6: one plugin made of six guests",
    );
    for (name, methods, hooks) in GUESTS {
        stage.line(format!("{name:<16} methods: {}", or_none(methods)));
        stage.line(format!("{:<16} hooks: {}", "", or_none(hooks)));
    }
    let manifest = node.manifest();
    let methods: BTreeSet<&str> = manifest.methods.iter().map(|m| m.name.as_str()).collect();
    let hooks: BTreeSet<&str> = manifest.hooks.iter().map(|h| h.name.as_str()).collect();
    let all = |part: fn(&Guest) -> &'static [&'static str]| -> BTreeSet<&str> {
        GUESTS
            .iter()
            .flat_map(|guest| part(guest).iter().copied())
            .collect()
    };
    // The bridge has one of its own.
    let mut offered = all(|guest| guest.1);
    offered.insert("wasm-list");
    let right = methods == offered && hooks == all(|guest| guest.2);
    let came = format!(
        "{} methods, {} hooks, {} options, {} subscriptions",
        methods.len(),
        hooks.len(),
        manifest.options.len(),
        manifest.subscriptions.len()
    );
    stage.step("getmanifest", came, right);
    if !right {
        stage.line(format!("   methods {methods:?}, hooks {hooks:?}"));
    }
}

fn or_none(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        _ => names.join(", "),
    }
}

fn hello(stage: &mut Stage, node: &Node) {
    stage.title(
        "hello",
        "the example of the plugin documentation; greeting=Satoshi",
    );
    stage.answer(
        "hello",
        node.call("hello", json!([])),
        &json!("Hello Satoshi"),
    );
    stage.answer(
        "hello Ada",
        node.call("hello", json!(["Ada"])),
        &json!("Hello Ada"),
    );
    let zone = "[Europe/Berlin]";
    let time = node.call("gettime", json!({"timezone": "Europe/Berlin"}));
    let shown = |time: &Value| time.to_string();
    let right = |time: &Value| time.as_str().is_some_and(|time| time.ends_with(zone));
    stage.answer_that("gettime timezone=Europe/Berlin", time, right, shown);
    let nowhere = node.check("gettime", json!(["Nowhere/Land"]));
    stage.refusal("check gettime Nowhere/Land", nowhere, (-32602, "timezone"));
}

fn rpc_guard(stage: &mut Stage, node: &Node) {
    stage.title("rpc-guard", "rules for the node's own commands");
    for rule in RULES {
        stage.line(format!("   rpc-guard-rule={rule}"));
    }
    let withdraw = node.call(
        "withdraw",
        json!({"destination": "bcrt1q…", "satoshi": "all"}),
    );
    stage.refusal("withdraw all", withdraw, (-1, "ask the treasurer"));
    let asked = json!({"amount_msat": 1000, "label": "chair", "description": "oak"});
    let mut made = asked.clone();
    made["expiry"] = json!(3600);
    let invoice = node.call("invoice", asked);
    let right = |params: &Value| *params == made;
    let shown = |params: &Value| format!("lightningd gets expiry={}", params["expiry"]);
    stage.answer_that("invoice 1000msat chair oak", invoice, right, shown);
    stage.answer(
        "listconfigs",
        node.call("listconfigs", json!({})),
        &json!({"configs": {}}),
    );
    let passes = node.call("getinfo", json!({}));
    stage.answer("getinfo", passes, &json!({"alias": "SIMULATED"}));
}

/// Files in the folder that are no guests of this bridge.
fn left_out(stage: &mut Stage, node: &Node) -> anyhow::Result<()> {
    stage.title(
        "left out",
        "what lightningd's log says of the other files in the folder",
    );
    for (name, why) in [
        ("bad", "left out: "),
        ("backup", "it hooks db_write, which must be alone"),
    ] {
        let found = node.wait_log(|line| line.text.contains(name) && line.text.contains(why))?;
        stage.step(format!("{name}.wasm"), found.text, true);
    }
    Ok(())
}
