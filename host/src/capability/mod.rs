//! What a guest may ask of the bridge: one file for each capability.

pub mod log;
pub mod meter;
pub mod notification;
pub mod progress;
pub mod rpc;
pub mod stdio;
pub mod timer;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use self::meter::Meter;
use crate::bridge::node::Node;
use crate::guest::fault::Faults;
use crate::guest::hearing::Hearing;
use crate::guest::open::OpenCalls;
use crate::lightningd::output::{Backlog, Level};
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
    /// Notifications, `message` and `progress` of the guest over the rate limit, dropped.
    pub dropped_notifications: Counter,
    /// Lines of the guest, or about it, that lightningd would have told to the very
    /// guests whose words led to them: not delivered, so that there is no loop.
    pub echoes: Counter,
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
    /// How it failed, and what it did before.
    pub faults: Faults,
    /// The notification that it handles now.
    pub hearing: Arc<Hearing>,
    /// Its notifications that lightningd has not read.
    backlog: Backlog,
    /// Topics that it declared and may send.
    topics: OnceLock<BTreeSet<String>>,
    log_meter: Mutex<Meter>,
    notification_meter: Mutex<Meter>,
    rpc_in_flight: AtomicU64,
    /// When each of the RPC grants last let a call pass, for `rate` and `per`.
    rpc_last_used: Mutex<Vec<Option<Duration>>>,
    open: RwLock<Option<Arc<OpenCalls>>>,
}

impl Capabilities {
    /// For one guest.
    pub fn new(guest: Arc<str>, policy: Arc<Policy>, node: Arc<Node>) -> Self {
        let rpc_last_used = Mutex::new(vec![None; policy.grants().rpc().len()]);
        let notifications = policy.limits.notifications_per_second;
        let notification_meter = Mutex::new(Meter::new(notifications));
        let log_meter = Mutex::new(Meter::new(policy.limits.log_bytes_per_second));
        Capabilities {
            guest,
            faults: Faults::new(&policy.limits),
            hearing: Arc::default(),
            backlog: Backlog::default(),
            policy,
            node,
            counters: Counters::default(),
            topics: OnceLock::new(),
            log_meter,
            notification_meter,
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
        self.faults.new_life();
        self.hearing.ended();
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(open);
    }

    fn open(&self) -> Option<Arc<OpenCalls>> {
        self.open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A call that the grant refused: counted, and told to the operator within the
    /// guest's own log rate, so that refusals cannot flood the log either.
    fn denied(&self, what: &str) {
        self.counters.denied.add();
        self.log(Level::Unusual, &format!("denied: {what}"));
    }

    /// May the guest send one more notification now? lightningd queues them without bound.
    fn may_notify(&self) -> bool {
        let mut meter = self
            .notification_meter
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let may = meter.pass(1, Instant::now()).is_some();
        if !may {
            self.counters.dropped_notifications.add();
        }
        may
    }
}
