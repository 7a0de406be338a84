//! Lines of a guest for lightningd's log.

use std::sync::PoisonError;
use std::time::Instant;

use super::Capabilities;
use crate::guest::bindings::cln::guest::log::{Host, Level as WitLevel};
use crate::guest::sandbox::Sandbox;
use crate::lightningd::output::Level;

/// The longest line, in bytes; the rest is cut off and said so.
const LONGEST_LINE: usize = 8 << 10;
/// What a line costs beside its text: the message around it, and the time and names that lightningd writes before it.
/// Without this, lines without text would cost nothing.
const LINE_COST: u64 = 64;

impl Capabilities {
    /// One line in the guest's name, if its rate allows.
    pub fn log(&self, level: Level, message: &str) {
        // `broken` is lightningd's word for trouble of the node itself.
        let level = level.min(Level::Unusual);
        let end = message.floor_char_boundary(LONGEST_LINE);
        let line = match message.get(..end) {
            Some(start) if end < message.len() => {
                format!("{start}… ({} bytes in all)", message.len())
            }
            _ => message.to_owned(),
        };
        let mut meter = self
            .log_meter
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match meter.pass(line.len() as u64 + LINE_COST, Instant::now()) {
            None => {
                let first = meter.runs_dry();
                drop(meter);
                self.counters.dropped_log_lines.add();
                // The next line that passes says how many, and it may never come.
                if first {
                    let word = "log lines over limits.log_bytes_per_second are dropped";
                    self.node.log.write(Level::Unusual, &self.guest, word);
                }
            }
            Some(dropped) => {
                drop(meter);
                if dropped > 0 {
                    let word = format!(
                        "{dropped} log lines over limits.log_bytes_per_second were dropped"
                    );
                    self.node.log.write(Level::Unusual, &self.guest, &word);
                }
                let heard = self.hearing.heard_from();
                if !heard.guests().is_empty() {
                    self.node.echoes.line(&self.guest, &line, heard);
                }
                self.faults.trail.line(level, &line);
                self.node.log.write(level, &self.guest, &line);
            }
        }
    }
}

impl Host for Sandbox {
    fn log(&mut self, level: WitLevel, message: String) -> wasmtime::Result<()> {
        self.capabilities.log(level.into(), &message);
        Ok(())
    }
}

impl From<WitLevel> for Level {
    fn from(level: WitLevel) -> Self {
        match level {
            WitLevel::Trace => Level::Trace,
            WitLevel::Debug => Level::Debug,
            WitLevel::Info => Level::Info,
            WitLevel::Unusual | WitLevel::Broken => Level::Unusual,
        }
    }
}
