//! One guest as a plugin of its own: `backup`, whose hook must be alone in its process.

use anyhow::{Context, bail};
use cln_wasm_tests::recording::Recording;
use cln_wasm_tests::simulator::Simulator;
use serde_json::json;

use crate::place::Place;
use crate::stage::Stage;

/// Plays the database writes of a real node, from its first start to its stop.
pub fn show(stage: &mut Stage, place: &Place, transcript: bool) -> anyhow::Result<()> {
    stage.title(
        "backup",
        "a plugin of its own: the executable file backup.toml, #!/usr/bin/env cln-wasm",
    );
    let node = Simulator::builder()
        .plugin(place.solo("backup")?)
        .env("PATH", place.path()?)
        .start()?;
    if let Some(reason) = node.disabled(0) {
        bail!("backup disabled itself: {reason}");
    }
    let manifest = node.manifest();
    let hooks: Vec<&str> = manifest
        .hooks
        .iter()
        .map(|hook| hook.name.as_str())
        .collect();
    stage.step(
        "getmanifest",
        format!(
            "hooks: {}, {} methods",
            hooks.join(", "),
            manifest.methods.len()
        ),
        hooks == ["db_write"] && manifest.methods.is_empty(),
    );

    let recording = Recording::load("db-write")?;
    let part = recording
        .part("l1", "recorder-dbwrite")
        .context("not in the recording")?;
    let report = node.play(part)?;
    let effects = report
        .answers
        .iter()
        .filter_map(|answer| answer.effect.as_ref());
    let continued = effects
        .filter(|effect| **effect == json!({"result": "continue"}))
        .count();
    let all = report.answers.len();
    stage.step(
        format!("played: {all} calls of db_write"),
        format!("{continued} answered continue"),
        continued == all && all > 0,
    );
    let last = node.wait_log(|line| line.text.contains("version 47: "))?;
    stage.step("in the log", &last.text, last.level == "debug");

    // The simulated node's own next version is 2.
    let halted = node.db_write(&[
        "UPDATE vars SET intval = intval + 1 WHERE name = 'data_version' AND intval = 1",
    ]);
    let verdict = node.wait_verdict()?;
    let right = halted.is_err() && verdict.is_node_abort();
    stage.step(
        "an older database: version 2 after 47",
        "lightningd stops before it commits",
        right,
    );
    let why = node.wait_log(|line| line.text.contains("went back from version 47 to 2"));
    match why {
        Ok(line) => stage.step("in the log", line.text, true),
        Err(_) => stage.step("in the log", "no reason", false),
    }
    if transcript {
        println!("\n{}", node.transcript());
    }
    Ok(())
}
