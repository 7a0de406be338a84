//! Instructions of one call through the real bridge.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::Bench;
use super::fleet::{BLOCK_ADDED, htlc_accepted, started};
use crate::cpu::Cores;
use crate::guests::Guest;
use crate::plugin::{Plugin, Template};
use crate::stepping::Stepping;
use crate::symbols::{Map, Part};

/// Calls of each kind before they are counted: what is done once is done.
const WARM: usize = 300;

/// What is counted.
const KINDS: [&str; 4] = ["hook", "notification", "burst", "method"];
/// Notifications that come in one piece, in a burst. What is counted is all of them.
const BURST: usize = 32;

/// Counts, as the baseline has it: by kind, instructions of one call. With `functions`, where
/// they are goes to stderr.
pub fn measure(bench: &Bench, calls: usize, functions: bool) -> anyhow::Result<Value> {
    let network = bench.networks.join("bridge");
    let guest = [Guest::new("peer", "hn")];
    let start = bench.workshop.bridge("one", &guest, network)?;
    let module = bench.workshop.module(&guest[0])?;
    let mut counted = serde_json::Map::new();
    // Each step is two changes from one process to the other, which take longer between cores.
    bench.machine.assign(Cores::Pinned, &[])?;
    for kind in KINDS {
        let mut plugin = started(&start, 1)?;
        let mut notified = 0;
        for _ in 0..WARM {
            once(&mut plugin, kind)?;
        }
        let each_time = match kind {
            "notification" => 1,
            "burst" => BURST,
            _ => 0,
        };
        if each_time > 0 {
            notified += (WARM * each_time) as u64;
            plugin.call("peer-wait", &format!("[{notified}]"))?;
        }
        // The epoch thread goes to sleep, and is stopped there: the same in every run.
        std::thread::sleep(Duration::from_millis(300));
        let map = Map::of(plugin.process())?;
        let stepping = Stepping::begin(plugin.process())?;
        let mut each = Vec::new();
        let mut before = stepping.at_rest()?;
        for _ in 0..calls {
            once(&mut plugin, kind)?;
            let after = stepping.at_rest()?;
            each.push(after - before);
            before = after;
        }
        let addresses = stepping.end(|| once(&mut plugin, kind))?;
        each.sort_unstable();
        let middle = each.get(each.len() / 2).copied().context("no call")?;
        let parts = map.parts(&addresses);
        let all: u64 = parts.values().sum();
        let part = |part| {
            let count = parts.get(&part).copied().unwrap_or(0);
            (count as f64 / all as f64 * middle as f64) as u64
        };
        counted.insert(
            kind.to_owned(),
            json!({
                "instructions": middle, "least": each.first(), "most": each.last(),
                "bridge": part(Part::Bridge), "libc": part(Part::Libc), "guest": part(Part::Guest),
            }),
        );
        if functions {
            eprintln!("{kind}: {middle} instructions");
            for (name, count) in map.functions(&addresses, &module)?.iter().take(200) {
                let part = *count as f64 / all as f64;
                eprintln!(
                    "{:6.2} % {:8.0}  {name:.140}",
                    part * 100.0,
                    part * middle as f64
                );
            }
        }
    }
    Ok(Value::Object(counted))
}

fn once(plugin: &mut Plugin, kind: &str) -> anyhow::Result<()> {
    match kind {
        "hook" => plugin.one_at_a_time(&htlc_accepted(), 1).map(drop),
        "notification" => plugin.send(BLOCK_ADDED.as_bytes()),
        "burst" => plugin.send(BLOCK_ADDED.repeat(BURST).as_bytes()),
        _ => {
            let echo = Template::request("peer-echo", "{\"a\":[1,\"b\"]}", "ok");
            plugin.one_at_a_time(&echo, 1).map(drop)
        }
    }
}
