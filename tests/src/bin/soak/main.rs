//! Kills the bridge while a guest writes and spends, and looks what is left.
//!
//! ```text
//! soak [--rounds N] [--seed N]
//! ```
//!
//! The exit code is 0 when nothing that was promised was lost. On CI a few dozen rounds run
//! as the test `kill_minus_nine`; ten thousand take about a quarter of an hour.

use std::process::ExitCode;

use anyhow::{Context, bail};
use cln_wasm_tests::soak::{BUDGET, Plan, run};

fn main() -> ExitCode {
    match soak() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn soak() -> anyhow::Result<()> {
    let mut plan = Plan {
        rounds: 10_000,
        seed: 1,
        rounds_per_state: 100,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || -> anyhow::Result<u64> {
            let value = arguments.next().unwrap_or_default();
            value
                .parse()
                .with_context(|| format!("{argument} {value}: no number"))
        };
        match argument.as_str() {
            "--rounds" => plan.rounds = u32::try_from(number()?)?,
            "--seed" => plan.seed = number()?,
            _ => bail!("{argument}: unknown; there are --rounds N and --seed N"),
        }
    }
    let report = run(&plan, |round, report| {
        if round % 100 == 0 {
            println!(
                "{round} rounds, {:.0} s: {} writes acknowledged",
                report.took.as_secs_f64(),
                report.acknowledged
            );
        }
    })?;
    println!(
        "killed {} times in {:.0} s: {} acknowledged writes, none lost; of {} that were open {} keys had a later value; \
         {} payments, {} refused by the budget, at most {} of {BUDGET} msat spent",
        report.kills,
        report.took.as_secs_f64(),
        report.acknowledged,
        report.open.0,
        report.open.1,
        report.payments,
        report.refused,
        report.most_spent,
    );
    Ok(())
}
