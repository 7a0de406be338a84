//! Whether the sums are right when nothing is open.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::wire::Heard;
use super::{PATIENCE, Traffic, faulty, guests};

impl Traffic {
    /// A question when nothing else is open.
    fn ask(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let id = self.wire.request(method, &params.to_string())?;
        self.report.requests += 1;
        loop {
            match self.wire.hear()? {
                Heard::Plugin(message) if message["id"] == id => {
                    ensure!(message.get("error").is_none(), "{method}: {message}");
                    return Ok(message["result"].clone());
                }
                other => self.take(other)?,
            }
        }
    }

    /// Nothing is open: are all sums right?
    pub(super) fn settle(&mut self) -> anyhow::Result<()> {
        let since = Instant::now();
        loop {
            let tallies = [
                self.ask("counts-tallied", &json!([]))?,
                self.ask("slow-tallied", &json!([]))?,
            ];
            let listed = self.ask("wasm-list", &json!({}))?;
            let counter = |guest: &str, name: &str| -> anyhow::Result<u64> {
                let guests = listed["guests"].as_array().into_iter().flatten();
                let found = guests.clone().find(|listed| listed["name"] == guest);
                let number = found.and_then(|found| found["counters"][name].as_u64());
                number.with_context(|| format!("no {name} of {guest} in {listed}"))
            };
            let mut delivered = [0; 2];
            let mut dropped = [0; 2];
            for (at, name) in ["counts", "slow"].into_iter().enumerate() {
                let tally = tallies.get(at).unwrap_or(&Value::Null);
                ensure!(
                    tally["disorder"] == 0,
                    "{name} was told twice, or out of order: {tally}"
                );
                delivered[at] = tally["count"].as_u64().context("no count")?;
                dropped[at] = counter(name, "dropped_notifications_received")?;
            }
            self.report.notifications = (self.height, delivered, dropped);
            let all = (0..2).all(|at| delivered[at] + dropped[at] == self.height);
            if !all {
                // Some wait for their observer.
                ensure!(
                    since.elapsed() < PATIENCE,
                    "notifications are lost: {:?}",
                    self.report.notifications
                );
                continue;
            }
            let (mut restarts, mut fallbacks) = (0, 0);
            for faulty in &self.faulty {
                faulty.check(
                    counter(faulty.name, "faults")?,
                    counter(faulty.name, "restarts")?,
                    counter(faulty.name, "late_answers")?,
                    counter(faulty.name, "dropped_log_lines")?,
                )?;
                restarts += faulty.starts;
                fallbacks += faulty.fallback_lines;
            }
            for guest in listed["guests"].as_array().into_iter().flatten() {
                ensure!(guest["state"] == "ready", "{guest}");
                let faulty = self.faulty.iter().any(|f| guest["name"] == f.name);
                ensure!(faulty || guest["counters"]["faults"] == 0, "{guest}");
            }
            (self.report.restarts, self.report.fallbacks) = (restarts, fallbacks);
            return Ok(());
        }
    }
}

/// How many crash bundles there are; each must be one.
pub(super) fn bundles(node: &Path) -> anyhow::Result<usize> {
    let mut all = 0;
    for faulty in faulty::all() {
        let folder = node.join("cln-wasm/crashes").join(faulty.name);
        let files = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        let mut count = 0;
        for file in files {
            let path = file?.path();
            let bundle: Value = serde_json::from_slice(&std::fs::read(&path)?)
                .with_context(|| path.display().to_string())?;
            ensure!(
                bundle["guest"] == faulty.name,
                "{}: {bundle}",
                path.display()
            );
            count += 1;
        }
        ensure!(
            count > 0 && count <= guests::BUNDLES,
            "{count} crash bundles of {}",
            faulty.name
        );
        all += count;
    }
    Ok(all)
}
