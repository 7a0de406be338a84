//! Measures the bridge beside native plugins, in the same run on the same machine.
//!
//! `bench.sh` builds what it needs and runs it; `docs/performance.md` says what is measured, and how.

mod baseline;
mod chart;
mod compiled;
mod cpu;
mod figures;
mod frame;
mod guests;
mod machine;
mod peers;
mod plugin;
mod process;
mod report;
mod rows;
mod stepping;
mod symbols;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::cpu::Machine;
use crate::figures::Figures;
use crate::guests::Workshop;
use crate::peers::Peer;
use crate::rows::{Bench, apart, burn, count, crowd, fleet, startup};

/// Measures the bridge beside native plugins.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often everything is measured, in turn; the median counts
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Only rows with one of these in their names, such as hook,notifications
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Only these
    #[arg(long, value_delimiter = ',')]
    peers: Vec<Peer>,
    /// The most guests to load into one bridge
    #[arg(long, default_value_t = 1000)]
    guests: usize,
    /// The bridge [default: $CLN_WASM_BIN, else target/release/cln-wasm]
    #[arg(long)]
    bridge: Option<PathBuf>,
    /// Writes the results to docs/performance and the table into docs/performance.md
    #[arg(long)]
    publish: bool,
    /// Counts the instructions of single calls instead, and prints them as JSON
    #[arg(long)]
    instructions: bool,
    /// With --instructions: compares them with this file, and fails if they grew by more than 5 %
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// With --baseline: writes the file instead
    #[arg(long, requires = "baseline")]
    renew: bool,
    /// Calls of each kind to count
    #[arg(long, default_value_t = 5)]
    calls: usize,
    /// With --instructions: says which functions they are in
    #[arg(long)]
    functions: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cln-wasm-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = source.parent().context("no workspace")?;
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), PathBuf::from);
    let place = target.join("bench");
    let networks = place.join("networks");
    std::fs::create_dir_all(&networks)?;
    let peers = match arguments.peers.is_empty() {
        _ if arguments.instructions => vec![Peer::Bridge],
        true => Peer::ALL.to_vec(),
        false => arguments.peers,
    };
    let mut natives = BTreeMap::new();
    for peer in peers.iter().filter(|peer| **peer != Peer::Bridge) {
        match peers::prepare(*peer, &source.join("peers"), &place) {
            Ok(mut start) => {
                start.folder = networks.join(format!("{peer:?}"));
                std::fs::create_dir_all(&start.folder)?;
                natives.insert(*peer, start);
            }
            Err(why) => eprintln!("skipped: {}: {why:#}", peer.word()),
        }
    }
    let bridge = arguments
        .bridge
        .or_else(|| std::env::var_os("CLN_WASM_BIN").map(PathBuf::from))
        .unwrap_or_else(|| target.join("release/cln-wasm"));
    let bridge = bridge
        .canonicalize()
        .with_context(|| bridge.display().to_string())?;
    let machine = machine::describe(&bridge);
    let guest = target.join("test-guests/measured.wasm");
    let mut bench = Bench {
        machine: Machine::new()?,
        natives,
        workshop: Workshop::open(bridge, &guest, place.join("guests"))?,
        networks,
        rounds: arguments.rounds.max(1),
        peers,
        only: arguments.rows,
        most_guests: arguments.guests,
        figures: Figures::default(),
    };
    if arguments.instructions {
        let counted = count::measure(&bench, arguments.calls, arguments.functions)?;
        let processor = machine["processor"].as_str().unwrap_or_default();
        return match arguments.baseline {
            None => {
                println!("{counted:#}");
                Ok(())
            }
            Some(path) if arguments.renew => baseline::renew(&path, &counted, processor),
            Some(path) => {
                if !baseline::compare(&path, &counted, processor)? {
                    println!("{counted:#}");
                    println!(
                        "skipped: instructions: there is no baseline of a processor {processor:?}; \
                         scripts/instruction-count.sh --renew adds one"
                    );
                }
                Ok(())
            }
        };
    }
    fleet::measure(&mut bench)?;
    burn::measure(&mut bench)?;
    startup::measure(&mut bench)?;
    crowd::measure(&mut bench)?;
    apart::measure(&mut bench)?;
    let (figures, rounds) = (&bench.figures, bench.rounds);
    println!("{}", table::plain(&table::lines(figures)));
    let results = place.join("results");
    report::write(&results, figures, &machine, rounds)?;
    println!("All figures and charts: {}", results.display());
    if arguments.publish {
        let docs = workspace.join("docs");
        report::write(&docs.join("performance"), figures, &machine, rounds)?;
        report::write_page(&docs.join("performance.md"), figures, &machine, rounds)?;
        println!("Published in docs/performance.md");
    }
    Ok(())
}
