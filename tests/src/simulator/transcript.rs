//! Everything that was said, for the day a test fails.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many lines are kept; the oldest go first.
const LINES: usize = 4000;
/// How many bytes of one message are kept.
const SHOWN: usize = 1500;

#[derive(Debug)]
struct Line {
    at: Duration,
    who: Arc<str>,
    direction: &'static str,
    text: String,
}

#[derive(Debug)]
struct Lines {
    lines: VecDeque<Line>,
    dropped: u64,
}

/// All traffic of one simulated node, in order. Clones share it.
#[derive(Clone, Debug)]
pub struct Transcript {
    began: Instant,
    lines: Arc<Mutex<Lines>>,
}

impl Transcript {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            lines: Arc::new(Mutex::new(Lines {
                lines: VecDeque::new(),
                dropped: 0,
            })),
        }
    }

    fn add(&self, who: &Arc<str>, direction: &'static str, bytes: &[u8]) {
        let mut text = String::from_utf8_lossy(bytes.get(..SHOWN).unwrap_or(bytes)).into_owned();
        if bytes.len() > SHOWN {
            text.push_str(&format!("... ({} bytes)", bytes.len()));
        }
        let line = Line {
            at: self.began.elapsed(),
            who: who.clone(),
            direction,
            text,
        };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.lines.len() == LINES {
            lines.lines.pop_front();
            lines.dropped += 1;
        }
        lines.lines.push_back(line);
    }

    pub(crate) fn sent(&self, who: &Arc<str>, bytes: &[u8]) {
        self.add(who, "<-", bytes);
    }

    pub(crate) fn received(&self, who: &Arc<str>, bytes: &[u8]) {
        self.add(who, "->", bytes);
    }

    pub(crate) fn remark(&self, who: &Arc<str>, text: &str) {
        self.add(who, "**", text.as_bytes());
    }

    pub(crate) fn stderr(&self, who: &Arc<str>, bytes: &[u8]) {
        self.add(who, "!!", bytes);
    }
}

impl std::fmt::Display for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(
            f,
            "--- transcript: <- to the plugin, -> from it, !! its stderr, ** the node ---"
        )?;
        if lines.dropped > 0 {
            writeln!(f, "({} earlier lines are gone)", lines.dropped)?;
        }
        for line in &lines.lines {
            writeln!(
                f,
                "{:>9.4} {} {} {}",
                line.at.as_secs_f64(),
                line.who,
                line.direction,
                line.text.trim_end()
            )?;
        }
        write!(f, "--- end of transcript ---")
    }
}
