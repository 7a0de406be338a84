//! Payments, forwards, peers' messages and notifications, each with the guests that care.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use cln_wasm_tests::recording::Recording;
use cln_wasm_tests::simulator::Node;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::node::{Outbox, RULED};
use crate::stage::Stage;

const PEER: &str = "03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337";
/// Nothing here takes this long.
const DEADLINE: Duration = Duration::from_secs(30);

fn preimage(n: u8) -> String {
    hex::encode([n; 32])
}

fn hash(n: u8) -> String {
    hex::encode(Sha256::digest([n; 32]))
}

/// Asks until the answer is as it will be: what was sent before may still be on its way.
fn until(
    node: &Node,
    method: &str,
    params: Value,
    right: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    let end = Instant::now() + DEADLINE;
    loop {
        let answer = node.call(method, params.clone())?;
        if right(&answer) {
            return Ok(answer);
        }
        if Instant::now() > end {
            bail!("{method} answers {answer}");
        }
    }
}

fn payment(n: u8, msat: u64) -> Value {
    json!({
        "peer_id": PEER,
        "onion": {
            "payload": "00", "type": "tlv", "forward_msat": msat, "total_msat": msat,
            "outgoing_cltv_value": 140, "payment_secret": "22".repeat(32), "next_onion": "00"
        },
        "htlc": {
            "short_channel_id": "103x1x0", "id": n, "amount_msat": msat,
            "cltv_expiry": 140, "cltv_expiry_relative": 30, "payment_hash": hash(n)
        }
    })
}

/// Three payments are held, and end in another order than they came.
pub fn hold(stage: &mut Stage, node: &Node) -> anyhow::Result<()> {
    stage.title(
        "holdinvoice",
        "keeps a payment waiting until the receiver takes or refuses it",
    );
    for n in 1..=3 {
        node.call(
            "holdinvoice",
            json!([hash(n), 50_000, format!("chair {n}")]),
        )?;
    }
    let mut runs = Vec::new();
    for n in 1..=3 {
        runs.push(node.start_hook("htlc_accepted", payment(n, 50_000))?);
    }
    let accepted = |answer: &Value| {
        let all = answer["holdinvoices"].as_array();
        all.map_or(0, |all| {
            all.iter().filter(|one| one["state"] == "accepted").count()
        })
    };
    let looked = until(node, "holdinvoicelookup", json!([]), |answer| {
        accepted(answer) == 3
    })?;
    let open = runs
        .iter_mut()
        .filter_map(|run| (!run.is_done()).then_some(()))
        .count();
    let came = format!("{} accepted, {open} HTLCs held", accepted(&looked));
    stage.step("payments 1, 2, 3 of 50000msat arrive", came, open == 3);
    stage.answer(
        "hello (meanwhile)",
        node.call("hello", json!([])),
        &json!("Hello Satoshi"),
    );

    let mut runs = runs.into_iter();
    let (Some(first), Some(second), Some(third)) = (runs.next(), runs.next(), runs.next()) else {
        bail!("three were sent");
    };
    for (n, run) in [(3, third), (1, first)] {
        node.call("holdinvoicesettle", json!([preimage(n)]))?;
        let right = |end: &Value| *end == json!({"result": "resolve", "payment_key": preimage(n)});
        let asked = format!("holdinvoicesettle {}…", &preimage(n)[..8]);
        let answer = run.wait().map(|end| end.result);
        stage.answer_that(asked, answer, right, |_| format!("payment {n}: resolve"));
    }
    node.call("holdinvoicecancel", json!([hash(2)]))?;
    let asked = format!("holdinvoicecancel {}…", &hash(2)[..8]);
    fails_with(stage, asked, second.wait().map(|end| end.result), "400f");
    Ok(())
}

fn fails_with(
    stage: &mut Stage,
    asked: impl std::fmt::Display,
    answer: cln_wasm_tests::simulator::Result<Value>,
    code: &str,
) {
    let right = |end: &Value| {
        let message = end["failure_message"].as_str().unwrap_or_default();
        end["result"] == "fail" && message.starts_with(code)
    };
    stage.answer_that(asked, answer, right, |end| {
        format!(
            "fail, failure_message {}",
            end["failure_message"].as_str().unwrap_or_default()
        )
    });
}

/// A limit on forwards, set while the node runs.
pub fn guard(stage: &mut Stage, node: &Node) -> anyhow::Result<()> {
    let forward = |msat: u64| {
        json!({
            "peer_id": PEER,
            "onion": {
                "payload": "00", "type": "tlv", "short_channel_id": "104x1x0",
                "forward_msat": msat, "outgoing_cltv_value": 120, "next_onion": "00"
            },
            "htlc": {
                "short_channel_id": "103x1x0", "id": 9, "amount_msat": msat + 1_000,
                "cltv_expiry": 126, "cltv_expiry_relative": 16, "payment_hash": hash(9)
            },
            "forward_to": "cc".repeat(32)
        })
    };
    let set = |value: i64| node.setconfig("forward-guard-max-msat", Some(json!(value)));
    stage.title("forward-guard", "limits which forwards the node makes");
    let limited = set(1_000_000);
    let right = |set: &Value| set["config"]["config"] == "forward-guard-max-msat";
    stage.answer_that(
        "setconfig forward-guard-max-msat 1000000",
        limited,
        right,
        |_| "set".to_owned(),
    );
    stage.refusal(
        "setconfig forward-guard-max-msat -1",
        set(-1),
        (-32602, "must not be negative"),
    );
    let small = node
        .hook("htlc_accepted", forward(1_000_000))
        .map(|end| end.result);
    stage.answer(
        "a forward of 1000000msat",
        small,
        &json!({"result": "continue"}),
    );
    let big = node
        .hook("htlc_accepted", forward(1_000_001))
        .map(|end| end.result);
    fails_with(stage, "a forward of 1000001msat", big, "1007");
    let status = node.call("forward-guard-status", json!([]));
    let right = |status: &Value| {
        status["forwards"]["passed"] == 1 && status["forwards"]["above_maximum"] == 1
    };
    let shown = |status: &Value| {
        let forwards = &status["forwards"];
        format!(
            "passed {}, above_maximum {}",
            forwards["passed"], forwards["above_maximum"]
        )
    };
    stage.answer_that("forward-guard-status", status, right, shown);
    set(0)?;
    Ok(())
}

/// An echo both ways, over peers' messages.
pub fn echo(stage: &mut Stage, node: &Node, outbox: &Outbox) -> anyhow::Result<()> {
    stage.title(
        "custommsg-echo",
        "echoes between peers, over the hook custommsg and the RPC sendcustommsg",
    );
    let hook = |payload: &str| node.hook("custommsg", json!({"peer_id": PEER, "payload": payload}));
    let sent = || {
        outbox
            .recv_timeout(DEADLINE)
            .context("nothing was sent to the peer")
    };

    let request = "a4550000000000000001c0ffee";
    let answered = hook(request).map(|end| end.result);
    stage.answer(
        format!("peer sends {request}"),
        answered,
        &json!({"result": "continue"}),
    );
    let echo = sent()?;
    let right = echo == json!({"node_id": PEER, "msg": "a4570000000000000001c0ffee"});
    stage.step("and is sent", &echo["msg"], right);

    let ping = node.start_call("custommsg-echo-ping", json!([PEER, "hello"]))?;
    let request = sent()?;
    let message = request["msg"].as_str().unwrap_or_default();
    hook(&message.replacen("a455", "a457", 1))?;
    let right = |pong: &Value| pong["payload"] == "hello" && pong["round_trip_us"].is_u64();
    let shown = |pong: &Value| format!("{} after {} µs", pong["payload"], pong["round_trip_us"]);
    stage.answer_that(
        "custommsg-echo-ping 03efb7… hello",
        ping.wait(),
        right,
        shown,
    );
    Ok(())
}

/// The traffic of a real node, played.
pub fn recorded(stage: &mut Stage, node: &Node) -> anyhow::Result<()> {
    stage.title("event-log", "keeps the node's notifications; here those of a recorded lightningd that forwards payments");
    let recording = Recording::load("payments")?;
    let part = recording
        .part("l2", "recorder")
        .context("not in the recording")?;
    let before = node.call("event-log", json!({"limit": 0}))?;
    let report = node.play(part)?;
    let (mut continued, mut ruled, mut strange) = (0, 0, 0);
    for answer in &report.answers {
        let effect = answer.effect.as_ref().map(|effect| &effect["result"]);
        let params = answer.message.params();
        let by_rule = RULED
            .iter()
            .any(|method| params.contains(&format!("\"method\":\"{method}\"")));
        match effect {
            Some(result) if result == "continue" => continued += 1,
            Some(_) if answer.message.method == "rpc_command" && by_rule => ruled += 1,
            _ => strange += 1,
        }
    }
    let played = format!(
        "{} requests, {} notifications",
        report.answers.len(),
        report.notifications.len()
    );
    let came = format!("{continued} hooks answered continue, {ruled} by rpc-guard's rules");
    stage.step(
        format!("played: {played}"),
        came,
        strange == 0 && continued > 0,
    );

    let seen = |answer: &Value| answer["seen"].as_u64().unwrap_or_default();
    let expected = seen(&before) + report.notifications.len() as u64;
    let after = until(node, "event-log", json!({"limit": 0}), |answer| {
        seen(answer) >= expected
    })?;
    let mut right = seen(&after) == expected && expected > 0;
    let mut topics: Vec<&str> = report
        .notifications
        .iter()
        .map(|m| m.method.as_str())
        .collect();
    topics.sort_unstable();
    topics.dedup();
    let mut summary = Vec::new();
    for topic in topics {
        let sent = report
            .notifications
            .iter()
            .filter(|m| m.method == topic)
            .count() as u64;
        let count = |answer: &Value| answer["counters"][topic].as_u64().unwrap_or_default();
        right &= count(&after) == count(&before) + sent;
        summary.push(format!("{topic} {}", count(&after)));
    }
    stage.step("event-log limit=0", summary.join(", "), right);

    let last = node.call("event-log", json!(["forward_event", 1]));
    let right =
        |answer: &Value| answer["events"][0]["params"]["forward_event"]["status"] == "settled";
    let shown = |answer: &Value| {
        let event = &answer["events"][0];
        let forward = &event["params"]["forward_event"];
        format!(
            "settled: in {} out {}, fee {}msat",
            forward["in_msat"], forward["out_msat"], forward["fee_msat"]
        )
    };
    stage.answer_that("event-log forward_event 1", last, right, shown);
    Ok(())
}
