//! What guests said, on its way through lightningd and back to guests.
//!
//! A guest's log line comes back as `log` or `warning`, its notification as itself,
//! and neither says why it was said. The bridge remembers it for as long as that takes.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

use super::lineage::Lineage;
use crate::lightningd::output::escape_controls;

/// Lines, and notifications of one topic, that are remembered: more than guests can
/// say within their rates until lightningd has read them.
const REMEMBERED: usize = 4_096;

/// What was said and has not come back.
#[derive(Debug, Default)]
pub struct Echoes {
    lines: Mutex<VecDeque<(u64, Lineage)>>,
    topics: Mutex<HashMap<String, VecDeque<(u64, Lineage)>>>,
}

/// A `log` or `warning` notification about one of this process's own lines.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnLine {
    /// The guest that wrote it, or that it is about.
    pub guest: String,
    /// The guests whose words led to it.
    pub heard: Lineage,
}

impl Echoes {
    /// `guest` writes a line that these guests' words may have led to.
    pub fn line(&self, guest: &str, text: &str, heard: Lineage) {
        let line = format!("{guest}: {text}");
        remember(&mut self.lock(), printed(&escape_controls(&line)), heard);
    }

    /// A guest sends a notification; `lineage` ends with that guest.
    pub fn notification(&self, topic: &str, params: &str, lineage: Lineage) {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sent) = topics.get_mut(topic) {
            return remember(sent, without_spaces(params), lineage);
        }
        let mut sent = VecDeque::new();
        remember(&mut sent, without_spaces(params), lineage);
        topics.insert(topic.to_owned(), sent);
    }

    /// lightningd told of a line: is it one of ours? `source` is the name under which
    /// it knows this process. Lines that are about no guest are not.
    pub fn own_line(&self, topic: &str, params: &str, plugin: &str) -> Option<OwnLine> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            source: std::borrow::Cow<'a, str>,
            #[serde(borrow)]
            log: std::borrow::Cow<'a, str>,
        }
        let params: HashMap<&str, Line<'_>> = serde_json::from_str(params).ok()?;
        let line = params.get(topic)?;
        if line.source.strip_prefix("plugin-") != Some(plugin) {
            return None;
        }
        let (guest, _) = line.log.split_once(": ")?;
        let hash = printed(&line.log);
        // It may come twice, as `log` and as `warning`, or not at all.
        let lines = self.lock();
        let known = lines.iter().rev().find(|(known, _)| *known == hash);
        Some(OwnLine {
            guest: guest.to_owned(),
            heard: known.map(|(_, heard)| heard.clone()).unwrap_or_default(),
        })
    }

    /// One of our notifications has come back: what led to it, the sender last. They
    /// come in the order in which they were sent.
    pub fn came_back(&self, topic: &str, params: &str) -> Option<Lineage> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = topics.get_mut(topic)?;
        let hash = without_spaces(params);
        let at = sent.iter().position(|(known, _)| *known == hash)?;
        sent.drain(..=at).next_back().map(|(_, lineage)| lineage)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, Lineage)>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember(said: &mut VecDeque<(u64, Lineage)>, hash: u64, lineage: Lineage) {
    if said.len() >= REMEMBERED {
        said.pop_front();
    }
    said.push_back((hash, lineage));
}

/// A line as lightningd prints it: it puts `?` for what is not printable ASCII
/// (`lightningd/log.c`, `logv`).
fn printed(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for byte in line.bytes() {
        hasher.write_u8(if (b' '..0x7f).contains(&byte) {
            byte
        } else {
            b'?'
        });
    }
    hasher.finish()
}

/// JSON as lightningd passes it on: strings as they are, white space as it likes.
fn without_spaces(json: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            continue;
        } else {
            in_string = byte == b'"';
        }
        byte.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn told(source: &str, line: &str) -> String {
        json!({"log": {"level": "info", "time": "1.0", "source": source, "log": line}}).to_string()
    }

    fn heard(guest: &str) -> Lineage {
        Lineage::default().with(&Arc::from(guest))
    }

    #[test]
    fn our_own_lines_are_known_with_what_led_to_them() {
        let echoes = Echoes::default();
        echoes.line("a", "é\u{1b} heard", heard("b"));
        let own =
            |source: &str, line: &str| echoes.own_line("log", &told(source, line), "cln-wasm");
        let line = own("plugin-cln-wasm", "a: ??\\u{1b} heard").unwrap();
        assert!(line.guest == "a" && line.heard.contains("b"));
        let other = own("plugin-cln-wasm", "a: something else").unwrap();
        assert!(other.guest == "a" && other.heard.guests().is_empty());
        assert_eq!(own("plugin-cln-wasm", "ends"), None);
        assert_eq!(own("plugin-other", "a: x"), None);
        assert_eq!(own("lightningd", "plugin-cln-wasm: a: x"), None);
        assert_eq!(echoes.own_line("log", "{}", "cln-wasm"), None);
        assert_eq!(echoes.own_line("log", "[", "cln-wasm"), None);
    }

    #[test]
    fn notifications_come_back_in_order_whatever_the_spaces() {
        let echoes = Echoes::default();
        for (n, guest) in ["a", "b", "c"].into_iter().enumerate() {
            let params = format!("{{ \"n\": {n}, \"s\": \"x \\\" y\" }}");
            echoes.notification("t", &params, heard(guest));
        }
        let back = |n: u8| echoes.came_back("t", &format!("{{\"n\":{n},\"s\":\"x \\\" y\"}}"));
        assert!(
            back(1).unwrap().contains("b"),
            "the first was lost on the way"
        );
        assert_eq!(back(0), None);
        assert!(back(2).unwrap().contains("c"));
        assert_eq!(echoes.came_back("t", "{\"n\":2,\"s\":\"x\\\"y\"}"), None);
        assert_eq!(echoes.came_back("other", "{}"), None);
    }

    #[test]
    fn what_never_comes_back_is_forgotten() {
        let echoes = Echoes::default();
        for n in 0..REMEMBERED + 10 {
            echoes.notification("t", &n.to_string(), heard("a"));
            echoes.line("a", &n.to_string(), heard("b"));
        }
        assert_eq!(echoes.came_back("t", "9"), None);
        assert!(echoes.came_back("t", "10").is_some());
        assert_eq!(echoes.lock().len(), REMEMBERED);
    }
}
