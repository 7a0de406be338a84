//! What as many native plugins cost, each in a process of its own.

use std::time::Duration;

use super::Bench;
use super::crowd::LOADED;
use crate::cpu::Cores;
use crate::peers::Peer;
use crate::plugin::{Crew, Template};
use crate::process::{self, MEMORY};

/// Who is started many times. A hundred of the Python framework would take 3 GB.
const MANY: [Peer; 2] = [Peer::C, Peer::ClnPlugin];

/// Measures memory, and calls to each in turn.
pub fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    if !bench.wants_memory() && !bench.wants("calls-spread") {
        return Ok(());
    }
    // Two pipes for each.
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let room = most.map_or(usize::MAX, |files| (files as usize / 2).saturating_sub(32));
    for (peer, start) in bench.natives.clone() {
        if !MANY.contains(&peer) || !bench.peers.contains(&peer) {
            continue;
        }
        for count in LOADED {
            if count > bench.most_guests {
                continue;
            }
            if count > room {
                eprintln!(
                    "skipped: {count} of {}: no room for their pipes (ulimit -n)",
                    peer.word()
                );
                continue;
            }
            let mut crew = Crew::start(&start, count)?;
            memory(bench, &crew, peer, count)?;
            if bench.wants("calls-spread") {
                calls(bench, &mut crew, peer, count)?;
            }
            eprintln!("{count} of {}", peer.word());
        }
    }
    Ok(())
}

fn memory(bench: &mut Bench, crew: &Crew, peer: Peer, count: usize) -> anyhow::Result<()> {
    let mut sums = [0; MEMORY.len()];
    for plugin in crew.plugins() {
        for (sum, amount) in sums.iter_mut().zip(process::memory(plugin.process())?) {
            *sum += amount;
        }
    }
    for (counted, sum) in MEMORY.into_iter().zip(sums) {
        let (each, at) = (sum as f64 / count as f64, count as u64);
        let (row, who) = (counted.of_many, peer.word());
        bench.figures.add(row, who, "", at, "KiB", each);
    }
    Ok(())
}

fn calls(bench: &mut Bench, crew: &mut Crew, peer: Peer, count: usize) -> anyhow::Result<()> {
    let echo = Template::request("peer-echo", "{}", "\"result\"");
    let time = Duration::from_millis(300);
    for _ in 0..bench.rounds {
        for cores in Cores::BOTH {
            bench.machine.assign(cores, &crew.processes())?;
            let rate = crew.outstanding(&echo, 64, time)?;
            let (who, cores, at) = (peer.word(), cores.word(), count as u64);
            bench
                .figures
                .add("calls-spread", who, cores, at, "1/s", rate);
        }
    }
    bench.machine.assign(Cores::Free, &[])
}
