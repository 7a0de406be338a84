//! From the start of the process to its manifest.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::Bench;
use crate::guests::Guest;
use crate::peers::Peer;
use crate::plugin::{Plugin, Start};

/// Guests in one bridge, with the compiled forms cached.
const CACHED: [usize; 3] = [1, 10, 100];
/// Who the bridge is when its cache is empty.
pub const COLD: &str = "cln-wasm, nothing cached";
/// The row of this room.
pub const ROW: &str = "getmanifest";

/// Measures the natives, and the bridge with and without a cache.
pub fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    if !bench.wants(ROW) {
        return Ok(());
    }
    let mut bridges = Vec::new();
    if bench.peers.contains(&Peer::Bridge) {
        for count in CACHED
            .into_iter()
            .filter(|count| *count <= bench.most_guests)
        {
            bridges.push((count, warm(bench, count)?));
        }
    }
    for _ in 0..bench.rounds {
        for (peer, start) in &bench.natives {
            if bench.peers.contains(peer) {
                let time = to_manifest(start, None)?;
                bench.figures.add(ROW, peer.word(), "", 0, "ms", time);
            }
        }
        for (count, start) in &bridges {
            let time = to_manifest(start, Some(*count))?;
            let who = Peer::Bridge.word();
            bench.figures.add(ROW, who, "", *count as u64, "ms", time);
        }
    }
    for count in bridges.iter().map(|(count, _)| *count) {
        // A hundred take a minute of work: once is enough.
        let rounds = if count > 10 {
            1
        } else {
            bench.rounds.div_ceil(2)
        };
        for _ in 0..rounds {
            let empty = tempfile::tempdir_in(&bench.networks)?;
            let guests = Guest::many(count, "");
            let start = bench
                .workshop
                .bridge("cold", &guests, empty.path().to_owned())?;
            let plugin = Plugin::manifest(&start)?;
            let time = plugin.manifest_time.as_secs_f64() * 1e3;
            let late = count - plugin.methods() / 4;
            let who = COLD;
            bench.figures.add(ROW, who, "", count as u64, "ms", time);
            bench.figures.add(
                "getmanifest-late",
                who,
                "",
                count as u64,
                "guests",
                late as f64,
            );
            eprintln!("nothing cached, {count} guests: {time:.0} ms, {late} left out");
        }
    }
    Ok(())
}

fn to_manifest(start: &Start, guests: Option<usize>) -> anyhow::Result<f64> {
    let plugin = Plugin::manifest(start)?;
    if let Some(guests) = guests {
        ensure!(
            plugin.methods() == guests * 4,
            "guests were left out: {:?}",
            plugin.complaints
        );
    }
    Ok(plugin.manifest_time.as_secs_f64() * 1e3)
}

/// A bridge with this many guests whose compiled forms are all in the cache.
pub fn warm(bench: &Bench, count: usize) -> anyhow::Result<Start> {
    let network = bench.networks.join("bridge");
    let compiled = network.join("cln-wasm/compiled");
    let guests = Guest::many(count, "");
    let start = bench
        .workshop
        .bridge(&format!("crowd-{count}"), &guests, network)?;
    let mut least = usize::MAX;
    loop {
        let before = files(&compiled);
        let mut plugin = Plugin::start(&start)?;
        let present = plugin.methods() / 4;
        let list = plugin.call("wasm-list", "[]")?;
        let misses = list["cache"]["misses"].as_u64();
        let misses = misses.context("wasm-list says nothing of the cache")?;
        // Those that were too late for this start are compiled for the next.
        let missing = count - present + usize::try_from(misses)?;
        if missing == 0 {
            plugin.stop()?;
            return Ok(start);
        }
        eprintln!("{count} guests: {missing} are not in the cache");
        // What was compiled is kept after init, in the background.
        let mut last = before;
        let mut changed = Instant::now();
        while changed.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(50));
            let now = files(&compiled);
            if now != last {
                last = now;
                changed = Instant::now();
            }
        }
        plugin.stop()?;
        if missing >= least && last <= before {
            bail!("{missing} of {count} guests are not kept, however often it is started");
        }
        least = missing;
    }
}

fn files(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}
