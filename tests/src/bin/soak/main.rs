//! What takes long: many deaths of the bridge, and many hooks and faults in one life of it.
//!
//! ```text
//! soak kill [--rounds N] [--seed N]
//! soak traffic [--hooks N] [--faults N]
//! ```
//!
//! The exit code is 0 when all that is promised was kept. On CI short runs of both are the tests `kill_minus_nine` and
//! `traffic`; with the defaults each takes about a quarter of an hour.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cln_wasm_tests::soak::{self, BUDGET, traffic};

/// Soaks the bridge, and looks what is left.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Kills the bridge while a guest writes and spends
    Kill {
        /// How often
        #[arg(long, default_value_t = 10_000)]
        rounds: u32,
        /// Where chance begins
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Sends it all that it can take, while guests fail
    Traffic {
        /// How many hooks are called, at least
        #[arg(long, default_value_t = 1_000_000)]
        hooks: u64,
        /// How many faults are provoked, at least
        #[arg(long, default_value_t = 10_000)]
        faults: u64,
        /// How often all is stopped to look
        #[arg(long, default_value_t = 100)]
        looks: u64,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Kill { rounds, seed } => kill(rounds, seed),
        Command::Traffic {
            hooks,
            faults,
            looks,
        } => send(traffic::Plan {
            hooks,
            faults,
            looks,
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn kill(rounds: u32, seed: u64) -> anyhow::Result<()> {
    let plan = soak::Plan {
        rounds,
        seed,
        rounds_per_state: 100,
    };
    let report = soak::run(&plan, |round, report| {
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

fn send(plan: traffic::Plan) -> anyhow::Result<()> {
    let report = traffic::run(&plan, |look, report, vitals| {
        let faults: u64 = report.faults.values().sum();
        println!(
            "{look}: {:.0} s, {} hooks, {faults} faults: {vitals}",
            report.took.as_secs_f64(),
            report.hooks
        );
    })?;
    let mut faults: Vec<_> = report.faults.iter().collect();
    faults.sort();
    let all: u64 = report.faults.values().sum();
    println!(
        "{} hooks and {} other requests in {:.0} s, each with its one answer; {} HTLCs held and released; {} calls of guests to the node",
        report.hooks,
        report.requests,
        report.took.as_secs_f64(),
        report.held,
        report.rpc
    );
    println!(
        "{all} faults {faults:?}: {} restarts, {} fallbacks, each told; {} crash bundles left",
        report.restarts, report.fallbacks, report.bundles
    );
    let (sent, delivered, dropped) = report.notifications;
    println!(
        "{sent} notifications to two observers: {delivered:?} delivered in order, {dropped:?} dropped and counted"
    );
    for (when, (second, last)) in [
        ("nothing open", report.quiet),
        ("in the middle", report.busy),
    ] {
        println!("{when}, at most in the second quarter: {second}");
        println!("{when}, at most in the last quarter:   {last}");
    }
    Ok(())
}
