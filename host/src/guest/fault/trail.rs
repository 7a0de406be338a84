//! What a guest did last, for whoever has to find out why it failed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::lightningd::output::Level;

/// Host calls that are remembered.
const CALLS: usize = 32;
/// Log lines that are remembered.
const LINES: usize = 20;
/// Bytes of one summary or outcome.
const SUMMARY: usize = 120;
/// Bytes of one remembered log line.
const LINE: usize = 400;

/// The last host calls and log lines of one guest, over all its lives.
#[derive(Debug, Default)]
pub struct Trail(Mutex<Rings>);

#[derive(Debug, Default)]
struct Rings {
    calls: VecDeque<HostCall>,
    lines: VecDeque<Line>,
    begun: u64,
}

/// One call of the guest into the bridge.
#[derive(Debug, Clone)]
pub struct HostCall {
    number: u64,
    /// `interface.function`, such as `rpc.call`.
    pub function: &'static str,
    /// What it was about, without values: an RPC method, a topic.
    pub summary: String,
    /// When it began.
    pub began: Instant,
    /// How it ended and how long it took; none while it is under way.
    pub ended: Option<(String, Duration)>,
}

/// One line of the guest's that reached lightningd's log.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its level.
    pub level: Level,
    /// Its text, cut.
    pub text: String,
    /// When.
    pub at: Instant,
}

/// A host call under way; it counts as given up when this is dropped without
/// [`end`](Step::end).
#[derive(Debug)]
pub struct Step<'a> {
    trail: &'a Trail,
    number: u64,
    ended: bool,
}

impl Trail {
    /// A host call begins. `summary` must hold no value that a caller or a peer gave.
    pub fn begin(&self, function: &'static str, summary: &str) -> Step<'_> {
        let mut rings = self.lock();
        rings.begun += 1;
        let number = rings.begun;
        let call = HostCall {
            number,
            function,
            summary: cut(summary, SUMMARY),
            began: Instant::now(),
            ended: None,
        };
        push(&mut rings.calls, call, CALLS);
        Step {
            trail: self,
            number,
            ended: false,
        }
    }

    /// The guest wrote this line.
    pub fn line(&self, level: Level, text: &str) {
        let line = Line {
            level,
            text: cut(text, LINE),
            at: Instant::now(),
        };
        push(&mut self.lock().lines, line, LINES);
    }

    /// The last host calls, the oldest first.
    pub fn calls(&self) -> Vec<HostCall> {
        self.lock().calls.iter().cloned().collect()
    }

    /// The last lines, the oldest first.
    pub fn lines(&self) -> Vec<Line> {
        self.lock().lines.iter().cloned().collect()
    }

    fn ended(&self, number: u64, outcome: &str) {
        let mut rings = self.lock();
        // It may have been pushed out by many others since.
        if let Some(call) = rings.calls.iter_mut().find(|call| call.number == number) {
            call.ended = Some((cut(outcome, SUMMARY), call.began.elapsed()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Step<'_> {
    /// How it ended: `ok`, or the kind of failure without its text.
    pub fn end(mut self, outcome: &str) {
        self.ended = true;
        self.trail.ended(self.number, outcome);
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.trail.ended(self.number, "given up");
        }
    }
}

fn push<T>(ring: &mut VecDeque<T>, item: T, room: usize) {
    if ring.len() >= room {
        ring.pop_front();
    }
    ring.push_back(item);
}

/// At most `bytes` of the text, and how much there was.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    let end = text.floor_char_boundary(bytes);
    match text.get(..end) {
        Some(start) if end < text.len() => format!("{start}… ({} bytes in all)", text.len()),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept_with_their_ends() {
        let trail = Trail::default();
        for n in 0..CALLS {
            trail.begin("timer.sleep", &n.to_string()).end("ok");
        }
        let open = trail.begin("rpc.call", "getinfo");
        drop(trail.begin("rpc.call", "pay"));
        let calls = trail.calls();
        assert_eq!(calls.len(), CALLS);
        assert_eq!(calls.first().unwrap().summary, "2", "the oldest two went");
        let [.., getinfo, pay] = calls.as_slice() else {
            panic!("{calls:?}")
        };
        assert!(getinfo.summary == "getinfo" && getinfo.ended.is_none());
        assert_eq!(pay.ended.as_ref().unwrap().0, "given up");
        open.end("denied");
        let calls = trail.calls();
        let ends: Vec<_> = calls.iter().filter(|c| c.summary == "getinfo").collect();
        assert_eq!(ends[0].ended.as_ref().unwrap().0, "denied");
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let trail = Trail::default();
        trail.line(Level::Info, &"é".repeat(LINE));
        for n in 0..LINES - 1 {
            trail.line(Level::Info, &n.to_string());
        }
        let lines = trail.lines();
        assert_eq!(lines.len(), LINES);
        assert!(lines[0].text.ends_with("(800 bytes in all)"));
        assert!(lines[0].text.len() < LINE + 40);
    }
}
