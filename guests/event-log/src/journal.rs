//! What is kept, and for how long.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use cln_guest::Notification;
use cln_guest::json::RawValue;
use serde::Serialize;

/// All that is kept together, in bytes of JSON: a plugin may send topics of its own
/// with megabytes in them.
const MOST_BYTES: usize = 16 << 20;
/// Topics that are counted one by one; a plugin may invent new ones without end.
const MOST_TOPICS: usize = 1_000;
/// Under which name the others are counted.
const OTHER_TOPICS: &str = "(others)";

/// One notification.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// Counted from 1 since the guest was started.
    pub number: u64,
    /// Seconds since 1970.
    pub received_at: u64,
    /// The topic.
    pub topic: Rc<str>,
    /// The plugin that sent it; absent for lightningd's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Rc<str>>,
    /// What came, as it came.
    pub params: Rc<RawValue>,
}

impl Event {
    fn bytes(&self) -> usize {
        self.params.get().len() + self.topic.len()
    }
}

/// The last events, and how many of each topic there were.
#[derive(Debug, Default)]
pub struct Journal {
    events: VecDeque<Event>,
    bytes: usize,
    seen: u64,
    counters: BTreeMap<Rc<str>, u64>,
}

impl Journal {
    /// Takes one in, and lets go of those that are more than `keep`.
    pub fn add(&mut self, notification: &Notification, received_at: u64, keep: usize) {
        self.seen += 1;
        let topic = match self.counters.contains_key(&notification.topic) {
            false if self.counters.len() >= MOST_TOPICS => Rc::from(OTHER_TOPICS),
            _ => Rc::clone(&notification.topic),
        };
        *self.counters.entry(topic).or_default() += 1;
        let event = Event {
            number: self.seen,
            received_at,
            topic: Rc::clone(&notification.topic),
            origin: notification.origin.clone(),
            params: Rc::clone(&notification.params),
        };
        self.bytes += event.bytes();
        self.events.push_back(event);
        self.trim(keep);
    }

    /// Lets go of the oldest until there are at most `keep`.
    pub fn trim(&mut self, keep: usize) {
        while self.events.len() > keep || self.bytes > MOST_BYTES {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes();
        }
    }

    /// How many there were since the guest was started.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// How many are kept.
    pub fn kept(&self) -> usize {
        self.events.len()
    }

    /// How many of each topic there were.
    pub fn counters(&self) -> &BTreeMap<Rc<str>, u64> {
        &self.counters
    }

    /// The last `limit` of `topic`, or of all topics, the oldest first: fewer where they
    /// would be more than `most_bytes`. Whether some were left out for that.
    pub fn last(&self, topic: Option<&str>, limit: usize, most_bytes: usize) -> (Vec<Event>, bool) {
        let wanted = self.events.iter().rev();
        let wanted = wanted.filter(|event| topic.is_none_or(|topic| *event.topic == *topic));
        let (mut last, mut bytes, mut cut) = (Vec::new(), 0, false);
        for event in wanted.take(limit) {
            bytes += event.bytes();
            if bytes > most_bytes {
                cut = true;
                break;
            }
            last.push(event.clone());
        }
        last.reverse();
        (last, cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(topic: &str, params: &str) -> Notification {
        let params = RawValue::from_string(params.to_owned()).unwrap();
        Notification {
            topic: topic.into(),
            origin: None,
            params: params.into(),
        }
    }

    fn numbers(journal: &Journal, topic: Option<&str>, limit: usize) -> Vec<u64> {
        let (events, _) = journal.last(topic, limit, usize::MAX);
        events.iter().map(|event| event.number).collect()
    }

    #[test]
    fn the_oldest_go_first() {
        let mut journal = Journal::default();
        for (at, topic) in ["a", "b", "a", "a", "b"].into_iter().enumerate() {
            journal.add(&notification(topic, "{}"), at as u64, 4);
        }
        assert_eq!((journal.seen(), journal.kept()), (5, 4));
        assert_eq!(numbers(&journal, None, 9), [2, 3, 4, 5]);
        assert_eq!(numbers(&journal, None, 2), [4, 5]);
        assert_eq!(numbers(&journal, Some("a"), 9), [3, 4]);
        assert_eq!(numbers(&journal, Some("c"), 9), [0; 0]);
        assert_eq!(journal.counters()["a"], 3);
        journal.trim(1);
        assert_eq!(numbers(&journal, None, 9), [5]);
        journal.trim(0);
        assert_eq!((journal.kept(), journal.bytes), (0, 0));
    }

    #[test]
    fn bytes_are_bounded_whatever_is_sent() {
        let mut journal = Journal::default();
        let big = format!("\"{}\"", "x".repeat(MOST_BYTES / 3));
        for _ in 0..9 {
            journal.add(&notification("big", &big), 0, 1_000);
        }
        assert_eq!(journal.kept(), 2);
        assert!(journal.bytes <= MOST_BYTES);
        let huge = format!("\"{}\"", "x".repeat(MOST_BYTES));
        journal.add(&notification("huge", &huge), 0, 1_000);
        assert_eq!((journal.kept(), journal.bytes), (0, 0));
        assert_eq!(journal.counters()["huge"], 1);
    }

    #[test]
    fn an_answer_is_bounded_too() {
        let mut journal = Journal::default();
        for _ in 0..3 {
            journal.add(&notification("t", "\"0123456789\""), 0, 10);
        }
        let (events, cut) = journal.last(None, 10, 30);
        assert_eq!((events.len(), cut), (2, true));
        assert_eq!(events[0].number, 2);
        let (events, cut) = journal.last(None, 2, 30);
        assert_eq!((events.len(), cut), (2, false));
    }

    #[test]
    fn topics_without_end_are_counted_together() {
        let mut journal = Journal::default();
        for number in 0..MOST_TOPICS + 5 {
            journal.add(&notification(&format!("t{number}"), "{}"), 0, 1);
        }
        assert_eq!(journal.counters().len(), MOST_TOPICS + 1);
        assert_eq!(journal.counters()[OTHER_TOPICS], 5);
        journal.add(&notification("t0", "{}"), 0, 1);
        assert_eq!(journal.counters()["t0"], 2);
    }
}
