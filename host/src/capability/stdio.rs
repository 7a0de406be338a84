//! A guest's `println!`: lines of its log, never a byte towards lightningd.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::Capabilities;
use crate::lightningd::output::Level;

/// Bytes after which a line is broken; also what a guest is told that it may write at once.
const LONGEST_LINE: usize = 8 << 10;

/// Both stdout and stderr of one guest.
#[derive(Clone)]
pub struct GuestStdio {
    capabilities: Arc<Capabilities>,
    line: Arc<Mutex<Vec<u8>>>,
}

impl GuestStdio {
    /// For one instance.
    pub fn new(capabilities: Arc<Capabilities>) -> Self {
        let line = Arc::default();
        GuestStdio { capabilities, line }
    }

    /// One write can be megabytes of line feeds, and is on the bridge's thread: empty lines are
    /// none, and once one line did not pass, the others of this write are only counted.
    fn take(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = bytes;
        let mut dry = false;
        let mut untried = 0;
        while !rest.is_empty() {
            let room = LONGEST_LINE.saturating_sub(line.len()).max(1);
            let (window, _) = rest.split_at(room.min(rest.len()));
            let end = window.iter().position(|b| *b == b'\n');
            let (text, _) = window.split_at(end.unwrap_or(window.len()));
            line.extend_from_slice(text);
            let taken = text.len() + usize::from(end.is_some());
            (_, rest) = rest.split_at(taken);
            if end.is_none() && line.len() < LONGEST_LINE {
                break;
            }
            if line.is_empty() {
                continue;
            }
            if dry {
                untried += 1;
            } else {
                dry = !self.log(&line);
            }
            line.clear();
        }
        if untried > 0 {
            self.drop_untried(untried);
        }
    }

    /// One line. Does the rate let more pass?
    fn log(&self, line: &[u8]) -> bool {
        let text = String::from_utf8_lossy(line);
        self.capabilities.log(Level::Debug, &text);
        let meter = self.capabilities.log_meter.lock();
        let meter = meter.unwrap_or_else(PoisonError::into_inner);
        !meter.is_dry(Instant::now())
    }

    fn drop_untried(&self, count: u64) {
        let dropped = &self.capabilities.counters.dropped_log_lines;
        dropped.0.fetch_add(count, Ordering::Relaxed);
        let meter = self.capabilities.log_meter.lock();
        let mut meter = meter.unwrap_or_else(PoisonError::into_inner);
        meter.drop_untried(count);
    }
}

impl IsTerminal for GuestStdio {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStdio {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestStdio {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for GuestStdio {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LONGEST_LINE)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::bridge::node::Node;
    use crate::lightningd::output::Output;
    use crate::policy::Policy;

    fn stdio(policy: &str) -> (GuestStdio, Arc<Output>) {
        let policy = Policy::parse(policy, Path::new("a.toml")).unwrap();
        let output = Arc::new(Output::default());
        let node = Arc::new(Node::new(Arc::clone(&output)));
        let capabilities = Capabilities::new("a".into(), Arc::new(policy), node);
        (GuestStdio::new(Arc::new(capabilities)), output)
    }

    async fn written(output: &Output) -> Vec<String> {
        output.close();
        let mut bytes = Vec::new();
        if output.take(&mut bytes).await.is_none() {
            return Vec::new();
        }
        let frames = String::from_utf8(bytes).unwrap();
        let message = |frame: &str| {
            let frame: serde_json::Value = serde_json::from_str(frame).unwrap();
            frame["params"]["message"].as_str().unwrap().to_owned()
        };
        let frames = frames.split("\n\n").filter(|frame| !frame.is_empty());
        frames.map(message).collect()
    }

    #[tokio::test]
    async fn lines_are_put_together_and_empty_ones_are_none() {
        let (stdio, output) = stdio("");
        stdio.take(b"one\n\n\ntw");
        stdio.take(b"o\n");
        stdio.take(&"\n".repeat(1 << 20).into_bytes());
        stdio.take(b"the end of it comes never");
        assert_eq!(written(&output).await, ["a: one", "a: two"]);
        let counters = &stdio.capabilities.counters;
        assert_eq!(counters.dropped_log_lines.get(), 0);
    }

    #[tokio::test]
    async fn a_line_without_end_is_broken_and_nothing_of_it_is_lost() {
        let (stdio, output) = stdio("[limits]\nlog_bytes_per_second = \"1 MiB\"");
        stdio.take(b"xx");
        stdio.take(&"y".repeat(2 * LONGEST_LINE).into_bytes());
        assert!(stdio.line.lock().unwrap().capacity() <= 2 * LONGEST_LINE);
        stdio.take(b"\n");
        let lengths: Vec<usize> = written(&output).await.iter().map(String::len).collect();
        let name = "a: ".len();
        assert_eq!(
            lengths,
            [name + LONGEST_LINE, name + LONGEST_LINE, name + 2]
        );
    }

    #[tokio::test]
    async fn lines_over_the_rate_are_counted_and_not_tried() {
        let (stdio, output) = stdio("[limits]\nlog_bytes_per_second = \"1 KiB\"");
        stdio.take(&"x\n".repeat(1 << 20).into_bytes());
        let lines = written(&output).await;
        let passed = lines.iter().filter(|line| *line == "a: x").count();
        assert!((1..100).contains(&passed), "{passed} passed");
        let dropped = stdio.capabilities.counters.dropped_log_lines.get();
        assert_eq!(dropped, (1 << 20) - passed as u64);
        // What is said before the next line that passes: all of them, tried or not.
        let mut meter = stdio.capabilities.log_meter.lock().unwrap();
        let later = Instant::now() + std::time::Duration::from_secs(2);
        assert_eq!(meter.pass(1, later), Some(dropped));
    }
}
