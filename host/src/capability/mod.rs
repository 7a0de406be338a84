//! What a guest may ask of the bridge: one file for each capability.

pub mod log;
pub mod notification;
pub mod progress;
pub mod rpc;
pub mod stdio;
pub mod timer;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use self::log::LogMeter;
use crate::bridge::node::Node;
use crate::guest::open::OpenCalls;
use crate::policy::Policy;

/// A number that only grows, for the operator.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happened to one guest, in numbers. Nothing is lost quietly.
#[derive(Debug, Default)]
pub struct Counters {
    /// Calls begun.
    pub calls: Counter,
    /// Faults of any kind.
    pub faults: Counter,
    /// Answers that came after their deadline, and were dropped.
    pub late_answers: Counter,
    /// Calls of the guest that its grant refused.
    pub denied: Counter,
    /// Log lines over the rate limit, dropped.
    pub dropped_log_lines: Counter,
    /// Times the guest was started again.
    pub restarts: Counter,
}

/// One guest's way to the world. It outlives the guest's instances.
#[derive(Debug)]
pub struct Capabilities {
    /// The guest's name.
    pub guest: Arc<str>,
    /// The operator's word on this guest.
    pub policy: Arc<Policy>,
    /// What it shares with the other guests.
    pub node: Arc<Node>,
    /// What happened so far.
    pub counters: Counters,
    /// Topics that it declared and may send.
    topics: OnceLock<BTreeSet<String>>,
    log_meter: Mutex<LogMeter>,
    rpc_in_flight: AtomicU64,
    /// When each of the RPC grants last let a call pass, for `rate` and `per`.
    rpc_last_used: Mutex<Vec<Option<Duration>>>,
    open: RwLock<Option<Arc<OpenCalls>>>,
}

impl Capabilities {
    /// For one guest.
    pub fn new(guest: Arc<str>, policy: Arc<Policy>, node: Arc<Node>) -> Self {
        let rpc_last_used = Mutex::new(vec![None; policy.grants().rpc().len()]);
        let log_meter = Mutex::new(LogMeter::new(policy.limits.log_bytes_per_second));
        Capabilities {
            guest,
            policy,
            node,
            counters: Counters::default(),
            topics: OnceLock::new(),
            log_meter,
            rpc_in_flight: AtomicU64::new(0),
            rpc_last_used,
            open: RwLock::new(None),
        }
    }

    /// The topics of the accepted manifest; the first word counts.
    pub fn set_topics(&self, topics: impl IntoIterator<Item = String>) {
        // A guest that starts again declares the same ones.
        drop(self.topics.set(topics.into_iter().collect()));
    }

    /// A new instance begins.
    pub fn new_life(&self, open: Arc<OpenCalls>) {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(open);
    }

    fn open(&self) -> Option<Arc<OpenCalls>> {
        self.open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A call that the grant refused: counted, and told to the operator.
    fn denied(&self, what: &str) {
        self.counters.denied.add();
        self.node
            .log
            .unusual(&self.guest, &format!("denied: {what}"));
    }
}
