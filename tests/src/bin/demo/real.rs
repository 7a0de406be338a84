//! The same under real lightningd nodes, where there are any: three in a line, the bridge
//! on each, and backup beside it on the one in the middle.

use std::path::{Path, PathBuf};

use cln_wasm_tests::executable;
use cln_wasm_tests::lab::{Lab, find_lightningd};
use cln_wasm_tests::simulator::{Failure, RpcError};
use serde_json::{Value, json};

use crate::node::RULES;
use crate::place::Place;
use crate::stage::Stage;

/// The payer, the one who forwards, the receiver.
const PAYER: usize = 0;
const MIDDLE: usize = 1;
const RECEIVER: usize = 2;

fn answer(answer: Result<Value, RpcError>) -> Result<Value, Failure> {
    answer.map_err(Failure::Rpc)
}

/// Runs the network, or says why not.
pub fn show(stage: &mut Stage, place: &Place) -> anyhow::Result<()> {
    let about = "three nodes in a line, the bridge on each, backup beside it on the second";
    stage.title("a real lightningd", about);
    if find_lightningd().is_none() {
        stage.line("skipped: no lightningd on PATH or under $CLN_DIR/bin");
        return Ok(());
    }
    let bridge = format!("--plugin={}", launcher(place)?.display());
    let backup = format!("--plugin={}", place.solo_by_path("backup")?.display());
    let rule = format!("--rpc-guard-rule={}", RULES[0]);
    let lists = [
        vec![bridge.as_str()],
        vec![
            bridge.as_str(),
            backup.as_str(),
            rule.as_str(),
            "--greeting=Satoshi",
        ],
        vec![bridge.as_str()],
    ];
    let lab = match Lab::start_with(&lists, true) {
        Some(Ok(lab)) => lab,
        Some(Err(error)) => {
            stage.step("start", error, false);
            return Ok(());
        }
        None => return Ok(()),
    };
    lab.open_line();
    plugins(stage, &lab);
    let complete = |paid: &Value| paid["status"] == "complete";
    let shown = |paid: &Value| format!("complete, {} sent", paid["amount_sent_msat"]);
    let paid = answer(lab.pay(PAYER, RECEIVER, 10_000));
    stage.answer_that(
        "pay 10000msat from the first to the third",
        paid,
        complete,
        shown,
    );
    hold(stage, &lab)?;
    // Last: whoever was refused remembers that for a while.
    limit(stage, &lab)?;
    commands(stage, &lab);
    let health = lab.health();
    let well = |node: &&cln_wasm_tests::lab::Health| node.running && node.broken.is_empty();
    let count = health.iter().filter(well).count();
    let came = format!(
        "{count} of {} run, with no BROKEN line in their logs",
        lists.len()
    );
    stage.step(
        "the nodes",
        came,
        count == lists.len() && health.len() == count,
    );
    Ok(())
}

/// lightningd hands its own environment to plugins; this one has a folder of its own.
fn launcher(place: &Place) -> anyhow::Result<PathBuf> {
    let folder = place.wasm_folder();
    let script = folder.with_file_name("cln-wasm");
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    let text = format!(
        "#!/bin/sh\nCLN_WASM_DIR={} exec {} \"$@\"\n",
        quoted(&folder),
        quoted(&place.bridge)
    );
    executable::write(&script, &text)?;
    Ok(script)
}

fn plugins(stage: &mut Stage, lab: &Lab) {
    let list = answer(lab.rpc(MIDDLE, "plugin", json!(["list"])));
    let active = |list: &Value, name: &str| {
        let all = list["plugins"].as_array().into_iter().flatten();
        let mut found = all.filter(|one| one["name"].as_str().is_some_and(|n| n.ends_with(name)));
        found.any(|one| one["active"] == true)
    };
    let right = |list: &Value| active(list, "/cln-wasm") && active(list, "/backup.toml");
    stage.answer_that("plugin list", list, right, |_| {
        "cln-wasm active, backup.toml active".to_owned()
    });
    stage.answer(
        "hello",
        answer(lab.rpc(MIDDLE, "hello", json!([]))),
        &json!("Hello Satoshi"),
    );
    lab.wait_log(MIDDLE, "backup: version ");
    let logs = lab.logs(MIDDLE);
    let last = logs
        .lines()
        .rev()
        .find_map(|line| Some(line.split_once("backup: version ")?.1));
    let came = format!("version {}", last.unwrap_or_default());
    stage.step("backup's last line in the log", came, last.is_some());
}

fn limit(stage: &mut Stage, lab: &Lab) -> anyhow::Result<()> {
    let limit = |msat: u64| lab.rpc(MIDDLE, "setconfig", json!(["forward-guard-max-msat", msat]));
    limit(5_000).map_err(Failure::Rpc)?;
    let refused = answer(lab.pay(PAYER, RECEIVER, 10_001));
    let came = match &refused {
        Ok(paid) => paid.to_string(),
        Err(failure) => failure.to_string(),
    };
    stage.step(
        "pay 10001msat, forward-guard-max-msat=5000",
        came,
        refused.is_err(),
    );
    limit(0).map_err(Failure::Rpc)?;

    let status = answer(lab.rpc(MIDDLE, "forward-guard-status", json!([])));
    let right = |status: &Value| {
        let forwards = &status["forwards"];
        forwards["passed"].as_u64() >= Some(1) && forwards["above_maximum"].as_u64() >= Some(1)
    };
    let shown = |status: &Value| {
        let forwards = &status["forwards"];
        format!(
            "passed {}, above_maximum {}",
            forwards["passed"], forwards["above_maximum"]
        )
    };
    stage.answer_that("forward-guard-status", status, right, shown);
    Ok(())
}

fn hold(stage: &mut Stage, lab: &Lab) -> anyhow::Result<()> {
    let preimage = hex::encode([7; 32]);
    let invoice = json!({"amount_msat": 20_000, "label": "held", "description": "a chair", "preimage": preimage});
    let invoice = lab
        .rpc(RECEIVER, "invoice", invoice)
        .map_err(Failure::Rpc)?;
    let hold = json!([invoice["payment_hash"], 20_000]);
    lab.rpc(RECEIVER, "holdinvoice", hold)
        .map_err(Failure::Rpc)?;
    let mut payment = lab.start_rpc(PAYER, "pay", json!([invoice["bolt11"]]));
    let mut held = Value::Null;
    while held != "accepted" && payment.is_pending() {
        let lookup = json!([invoice["payment_hash"]]);
        let looked = lab.rpc(RECEIVER, "holdinvoicelookup", lookup);
        held = looked.map_err(Failure::Rpc)?["holdinvoices"][0]["state"].take();
    }
    stage.step("pay a held invoice of the third", &held, held == "accepted");
    let settled = answer(lab.rpc(RECEIVER, "holdinvoicesettle", json!([preimage])));
    let right = |settled: &Value| settled["state"] == "settled" && settled["htlcs"] == 1;
    stage.answer_that("holdinvoicesettle", settled, right, |settled| {
        settled["state"].to_string()
    });
    let right = |paid: &Value| paid["payment_preimage"] == json!(preimage);
    let shown = |paid: &Value| format!("{}, with the preimage", paid["status"]);
    stage.answer_that("the payment", answer(payment.wait()), right, shown);
    Ok(())
}

fn commands(stage: &mut Stage, lab: &Lab) {
    let params = json!({"destination": "all", "satoshi": "all"});
    let withdraw = answer(lab.rpc(MIDDLE, "withdraw", params));
    stage.refusal("withdraw all", withdraw, (-1, "ask the treasurer"));
    let ping = json!([lab.node(MIDDLE).id, "hello"]);
    let pong = answer(lab.rpc(PAYER, "custommsg-echo-ping", ping));
    let right = |pong: &Value| pong["payload"] == "hello";
    let shown = |pong: &Value| format!("{} after {} µs", pong["payload"], pong["round_trip_us"]);
    stage.answer_that("custommsg-echo-ping to the second", pong, right, shown);
    let log = answer(lab.rpc(MIDDLE, "event-log", json!(["forward_event", 100])));
    let settled = |log: &Value| {
        let events = log["events"].as_array().into_iter().flatten();
        let status = |event: &&Value| event["params"]["forward_event"]["status"] == "settled";
        events.filter(status).count()
    };
    let shown = |log: &Value| {
        format!(
            "{} settled, {} events of all topics",
            settled(log),
            log["seen"]
        )
    };
    stage.answer_that(
        "event-log forward_event",
        log,
        |log| settled(log) >= 2,
        shown,
    );
}
