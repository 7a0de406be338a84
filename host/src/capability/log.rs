//! Lines of a guest for lightningd's log.

use std::sync::PoisonError;
use std::time::Instant;

use super::Capabilities;
use crate::guest::bindings::cln::guest::log::{Host, Level as WitLevel};
use crate::guest::sandbox::Sandbox;
use crate::lightningd::output::Level;

/// The longest line, in bytes; the rest is cut off and said so.
const LONGEST_LINE: usize = 8 << 10;

/// A bucket of bytes that refills every second.
#[derive(Debug)]
pub struct LogMeter {
    per_second: u64,
    left: u64,
    since: Option<Instant>,
    /// Lines dropped since the last one that passed.
    dropped: u64,
}

impl LogMeter {
    /// Room for this many bytes per second.
    pub fn new(per_second: u64) -> Self {
        LogMeter {
            per_second,
            left: per_second,
            since: None,
            dropped: 0,
        }
    }

    /// May a line of this many bytes pass? Then how many were dropped before it.
    fn pass(&mut self, bytes: u64, now: Instant) -> Option<u64> {
        let since = *self.since.get_or_insert(now);
        if now.duration_since(since).as_secs() >= 1 {
            self.left = self.per_second;
            self.since = Some(now);
        }
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Some(std::mem::take(&mut self.dropped))
            }
            None => {
                self.dropped += 1;
                None
            }
        }
    }
}

impl Capabilities {
    /// One line in the guest's name, if its rate allows.
    pub fn log(&self, level: Level, message: &str) {
        // `broken` is lightningd's word for trouble of the node itself.
        let level = level.min(Level::Unusual);
        let line = match message.char_indices().nth(LONGEST_LINE) {
            Some((end, _)) => format!("{}… ({} bytes in all)", &message[..end], message.len()),
            None => message.to_owned(),
        };
        let mut meter = self
            .log_meter
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match meter.pass(line.len() as u64, Instant::now()) {
            None => {
                drop(meter);
                self.counters.dropped_log_lines.add();
            }
            Some(dropped) => {
                drop(meter);
                if dropped > 0 {
                    let word = format!(
                        "{dropped} log lines over limits.log_bytes_per_second were dropped"
                    );
                    self.node.log.write(Level::Unusual, &self.guest, &word);
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_flood_is_cut_and_counted_and_a_later_line_passes() {
        let mut meter = LogMeter::new(100);
        let start = Instant::now();
        assert_eq!(meter.pass(60, start), Some(0));
        assert_eq!(meter.pass(60, start), None);
        assert_eq!(meter.pass(60, start), None);
        assert_eq!(meter.pass(60, start + Duration::from_secs(1)), Some(2));
    }
}
