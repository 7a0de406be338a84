//! Measures the bridge beside native plugins, in the same run on the same machine.
//!
//! `bench.sh` builds what it needs and runs it; `docs/performance.md` says what is measured, and how.

mod cpu;
mod figures;
mod guests;
mod peers;
mod plugin;
mod process;
mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::cpu::Machine;
use crate::figures::Figures;
use crate::guests::Workshop;
use crate::peers::Peer;
use crate::rows::{Bench, burn, crowd, fleet, startup};

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
    let bridge = bridge.canonicalize().with_context(|| bridge.display().to_string())?;
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
    fleet::measure(&mut bench)?;
    burn::measure(&mut bench)?;
    startup::measure(&mut bench)?;
    crowd::measure(&mut bench)?;
    for figure in bench.figures.to_json().as_array().into_iter().flatten() {
        println!("{figure}");
    }
    Ok(())
}
