//! A guest that burns CPU beside a quiet one.

use anyhow::Context;

use super::Bench;
use super::fleet::{htlc_accepted, started};
use crate::cpu::Cores;
use crate::figures::quantile;
use crate::guests::Guest;
use crate::peers::Peer;
use crate::plugin::Plugin;

/// Rows of this room.
pub const ROWS: [&str; 2] = ["quiet-alone-p99", "quiet-beside-p99"];
const CALLS: usize = 2000;
/// One call of the guest that burns.
const BURN_MS: f64 = 100.0;

/// The quiet guest's hook, alone and while the other burns without a pause.
pub fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    if !bench.wants_any(&ROWS) || !bench.peers.contains(&Peer::Bridge) {
        return Ok(());
    }
    let guests = [Guest::new("burner", ""), Guest::new("quiet", "h")];
    let network = bench.networks.join("bridge");
    let start = bench.workshop.bridge("burn", &guests, network)?;
    let mut plugin = started(&start, guests.len())?;
    let hook = htlc_accepted();
    let rounds = calibrate(&mut plugin)?;
    let params = format!("[{rounds}]");
    for _ in 0..bench.rounds {
        for cores in Cores::BOTH {
            bench.machine.assign(cores, &[plugin.process()])?;
            let alone = plugin.one_at_a_time(&hook, CALLS)?;
            let mut burning = plugin.begin("burner-burn", &params)?;
            let beside = plugin.one_at_a_time_beside(&hook, CALLS, |plugin, number| {
                anyhow::ensure!(number == burning, "an answer to {number}");
                burning = plugin.begin("burner-burn", &params)?;
                Ok(())
            })?;
            plugin.finish(burning)?;
            for (rows, times) in [
                (["quiet-alone-p50", ROWS[0]], alone),
                (["quiet-beside-p50", ROWS[1]], beside),
            ] {
                let times: Vec<f64> = times.iter().map(|t| t.as_secs_f64() * 1e6).collect();
                for (row, part) in rows.into_iter().zip([0.5, 0.99]) {
                    let value = quantile(&times, part).context("no call")?;
                    let who = Peer::Bridge.word();
                    bench.figures.add(row, who, cores.word(), 0, "us", value);
                }
            }
        }
    }
    bench.machine.assign(Cores::Free, &[])
}

/// Rounds of arithmetic that take about as long as one call is to take.
fn calibrate(plugin: &mut Plugin) -> anyhow::Result<u64> {
    let mut rounds = 1_000_000u64;
    loop {
        let began = std::time::Instant::now();
        plugin.call("burner-burn", &format!("[{rounds}]"))?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        if took >= BURN_MS / 4.0 {
            return Ok((rounds as f64 * BURN_MS / took) as u64);
        }
        rounds *= 4;
    }
}
