//! What many guests cost: memory, wake-ups, and the calls of each.

use std::time::Duration;

use super::Bench;
use super::startup::warm;
use crate::cpu::Cores;
use crate::guests::Guest;
use crate::peers::Peer;
use crate::plugin::{Plugin, Template};
use crate::process::{self, MEMORY};

/// Guests in one bridge.
const GUESTS: [usize; 6] = [0, 1, 10, 11, 100, 101];
/// Guests in one bridge, for calls per second.
pub const LOADED: [usize; 4] = [1, 10, 100, 1000];
/// Rows of this room beside those of memory.
const ROWS: [&str; 4] = ["wakeups", "calls-spread", "calls-one", ALONE];
/// Calls to a guest that is the only one in its bridge, in the same rounds.
pub const ALONE: &str = "calls-alone";

/// Measures all rows of this room.
pub fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    if bench.wants_memory() {
        for (peer, start) in &bench.natives {
            if bench.peers.contains(peer) {
                let mut plugin = Plugin::start(start)?;
                plugin.call("peer-echo", "{}")?;
                add_memory(&mut bench.figures, &plugin, *peer, 0)?;
            }
        }
    }
    if !(bench.wants_memory() || bench.wants_any(&ROWS)) || !bench.peers.contains(&Peer::Bridge) {
        return Ok(());
    }
    let mut counts: Vec<usize> = GUESTS.into_iter().chain(LOADED).collect();
    counts.sort_unstable();
    counts.dedup();
    let who = Peer::Bridge.word();
    counts.retain(|count| *count <= bench.most_guests);
    let mut lone = None;
    for count in counts {
        let start = warm(bench, count)?;
        let mut plugin = Plugin::start(&start)?;
        let guests = Guest::many(count, "");
        for guest in &guests {
            plugin.call(&format!("{}-echo", guest.name), "{}")?;
        }
        if bench.wants_memory() {
            add_memory(&mut bench.figures, &plugin, Peer::Bridge, count as u64)?;
        }
        if bench.wants("wakeups") && [0, 1, 100].contains(&count) {
            // What ran is at rest after some tens of milliseconds.
            std::thread::sleep(Duration::from_secs(1));
            let before = process::switches(plugin.process())?;
            let time = Duration::from_secs(4);
            std::thread::sleep(time);
            let rate = (process::switches(plugin.process())? - before) as f64 / time.as_secs_f64();
            bench
                .figures
                .add("wakeups", who, "", count as u64, "1/s", rate);
        }
        if LOADED.contains(&count) && bench.wants_any(&["calls-spread", "calls-one"]) {
            // Started now: beside it, memory would be shared.
            let mut alone = lone.as_ref().map(Plugin::start).transpose()?;
            calls(bench, &mut plugin, alone.as_mut(), &guests)?;
        }
        eprintln!("{count} guests loaded");
        if count == 1 {
            lone = Some(start);
        }
    }
    Ok(())
}

/// `alone` is measured beside it, for within minutes the machine may be another.
fn calls(
    bench: &mut Bench,
    plugin: &mut Plugin,
    mut alone: Option<&mut Plugin>,
    guests: &[Guest],
) -> anyhow::Result<()> {
    let echo = |guest: &Guest| Template::request(&format!("{}-echo", guest.name), "{}", "ok");
    let all: Vec<Template> = guests.iter().map(echo).collect();
    let time = Duration::from_millis(300);
    for _ in 0..bench.rounds {
        for cores in Cores::BOTH {
            let both = alone.as_ref().map(|alone| alone.process());
            let both: Vec<u32> = both.into_iter().chain([plugin.process()]).collect();
            bench.machine.assign(cores, &both)?;
            let (who, at) = (Peer::Bridge.word(), guests.len() as u64);
            let mut add = |row, rate| bench.figures.add(row, who, cores.word(), at, "1/s", rate);
            add("calls-spread", plugin.outstanding(&all, 64, time)?);
            if let Some(alone) = &mut alone {
                add(ALONE, alone.outstanding(&all[..1], 64, time)?);
            }
            add("calls-one", plugin.outstanding(&all[..1], 64, time)?);
        }
    }
    bench.machine.assign(Cores::Free, &[])
}

fn add_memory(
    figures: &mut crate::figures::Figures,
    plugin: &Plugin,
    peer: Peer,
    at: u64,
) -> anyhow::Result<()> {
    let memory = process::memory(plugin.process())?;
    for (counted, amount) in MEMORY.into_iter().zip(memory) {
        figures.add(counted.row, peer.word(), "", at, "KiB", amount as f64);
    }
    Ok(())
}
