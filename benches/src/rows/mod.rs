//! What is measured.

pub mod apart;
pub mod burn;
pub mod count;
pub mod crowd;
pub mod fleet;
pub mod startup;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cpu::Machine;
use crate::figures::Figures;
use crate::guests::Workshop;
use crate::peers::Peer;
use crate::plugin::Start;
use crate::process::MEMORY;

/// All that the rows share.
#[derive(Debug)]
pub struct Bench {
    /// The cores.
    pub machine: Machine,
    /// The native peers that could be had.
    pub natives: BTreeMap<Peer, Start>,
    /// Makes bridges.
    pub workshop: Workshop,
    /// Folders of networks.
    pub networks: PathBuf,
    /// How often all is measured.
    pub rounds: usize,
    /// Who is measured.
    pub peers: Vec<Peer>,
    /// Parts of the names of the rows that are measured; all if empty.
    pub only: Vec<String>,
    /// The most guests in one bridge.
    pub most_guests: usize,
    /// What has been measured.
    pub figures: Figures,
}

impl Bench {
    /// Is this row to be measured?
    pub fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| row.contains(part.as_str()))
    }

    /// Is one of these rows to be measured?
    pub fn wants_any(&self, rows: &[&str]) -> bool {
        rows.iter().any(|row| self.wants(row))
    }

    /// Is memory to be measured, in any way?
    pub fn wants_memory(&self) -> bool {
        MEMORY.iter().any(|counted| self.wants(counted.row))
    }
}
