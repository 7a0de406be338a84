//! What has come in, in order, and who waits for what.

use futures::channel::oneshot;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;

/// The memory of this instance.
#[derive(Default)]
pub struct Seen {
    /// JSON, each.
    entries: Vec<String>,
    held: Vec<(String, oneshot::Sender<Value>)>,
    counts: HashMap<String, usize>,
    tally: Tally,
    /// Hooks that were taken within the call of another.
    taken: usize,
}

/// Numbers that came in, without keeping them.
#[derive(Default)]
struct Tally {
    count: u64,
    last: u64,
    /// How many were not larger than the one before.
    disorder: u64,
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

impl Seen {
    /// Keeps one entry.
    pub fn add(entry: Value) {
        SEEN.with_borrow_mut(|seen| seen.entries.push(entry.to_string()));
    }

    /// Keeps a notification, its params as they are.
    pub fn add_text(topic: &str, params: &str, origin: Option<&str>) {
        let (topic, origin) = (json!(topic), json!(origin));
        let entry = format!("{{\"topic\":{topic},\"params\":{params},\"origin\":{origin}}}");
        SEEN.with_borrow_mut(|seen| seen.entries.push(entry));
    }

    /// All of them, as a JSON array.
    pub fn all() -> String {
        SEEN.with_borrow(|seen| format!("[{}]", seen.entries.join(",")))
    }

    /// A hook was taken within the call of another.
    pub fn take() {
        SEEN.with_borrow_mut(|seen| seen.taken += 1);
    }

    /// How many were.
    pub fn taken() -> usize {
        SEEN.with_borrow(|seen| seen.taken)
    }

    /// How many.
    pub fn count() -> usize {
        SEEN.with_borrow(|seen| seen.entries.len())
    }

    /// Forgets them.
    pub fn forget() {
        SEEN.with_borrow_mut(|seen| seen.entries.clear());
    }

    /// Counts a number.
    pub fn tally(number: u64) {
        SEEN.with_borrow_mut(|seen| {
            let tally = &mut seen.tally;
            if number <= tally.last {
                tally.disorder += 1;
            }
            tally.count += 1;
            tally.last = number;
        });
    }

    /// What was counted.
    pub fn tallied() -> Value {
        SEEN.with_borrow(|Seen { tally, .. }| {
            json!({"count": tally.count, "last": tally.last, "disorder": tally.disorder})
        })
    }

    /// How often `key` was counted before.
    pub fn next(key: &str) -> usize {
        SEEN.with_borrow_mut(|seen| {
            let count = seen.counts.entry(key.to_owned()).or_default();
            let before = *count;
            *count += 1;
            before
        })
    }

    /// Waits to be released.
    pub fn hold(key: String) -> oneshot::Receiver<Value> {
        let (release, released) = oneshot::channel();
        SEEN.with_borrow_mut(|seen| seen.held.push((key, release)));
        released
    }

    /// How many wait.
    pub fn held() -> usize {
        SEEN.with_borrow(|seen| seen.held.len())
    }

    /// Releases those with this key, or all, with an answer; how many it were.
    pub fn release(key: Option<&str>, answer: &Value) -> usize {
        let mut released = Vec::new();
        SEEN.with_borrow_mut(|seen| {
            for (held, release) in std::mem::take(&mut seen.held) {
                match key {
                    Some(key) if key != held => seen.held.push((held, release)),
                    _ => released.push(release),
                }
            }
        });
        let count = released.len();
        for release in released {
            // Whoever waited may be gone.
            drop(release.send(answer.clone()));
        }
        count
    }
}
