//! What as many native plugins cost, each in a process of its own.

use std::time::Duration;

use super::Bench;
use super::crowd::LOADED;
use crate::cpu::Cores;
use crate::peers::Peer;
use crate::plugin::{Crew, Template};
use crate::process;

/// Memory of one of them.
pub const MEMORY: [&str; 2] = ["process-rss", "process-pss"];
/// Who is started many times. A hundred of the Python framework would take 3 GB.
const MANY: [Peer; 2] = [Peer::C, Peer::ClnPlugin];

/// Measures memory, and calls to each in turn.
pub fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    if !bench.wants_any(&["memory-rss", "memory-pss", "calls-spread"]) {
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
    let (mut rss, mut pss) = (0, 0);
    for plugin in crew.plugins() {
        let memory = process::memory(plugin.process())?;
        rss += memory.rss;
        pss += memory.pss;
    }
    for (row, all) in MEMORY.into_iter().zip([rss, pss]) {
        let each = all as f64 / count as f64;
        let at = count as u64;
        bench.figures.add(row, peer.word(), "", at, "KiB", each);
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
