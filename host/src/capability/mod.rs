//! What a guest may ask of the bridge: one file for each capability.

pub mod effective;
pub mod http;
pub mod kv;
pub mod log;
pub mod meter;
pub mod notification;
pub mod progress;
pub mod rpc;
pub mod stdio;
pub mod timer;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

pub use self::effective::Capability;

use self::meter::Meter;
use crate::bridge::node::Node;
use crate::guest::fault::Faults;
use crate::guest::hearing::Hearing;
use crate::guest::open::OpenCalls;
use crate::guest::place::Record;
use crate::lightningd::output::{Backlog, Level};
use crate::policy::{Policy, Requested, RpcGate};
use crate::store::{self, Ledger, Store};

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

/// A number that grows and shrinks, for the operator.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// This much more.
    pub fn add(&self, amount: usize) {
        self.0.fetch_add(amount as u64, Ordering::Relaxed);
    }

    /// This much less: never more than was added.
    pub fn sub(&self, amount: usize) {
        self.0.fetch_sub(amount as u64, Ordering::Relaxed);
    }

    /// Now.
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
    /// Bytes that the memories and tables of its instances take.
    pub memory: Arc<Gauge>,
    /// How it failed, and what it did before.
    pub faults: Faults,
    /// The notification that it handles now.
    pub hearing: Arc<Hearing>,
    /// Where its next life begins.
    pub pace: Arc<Record>,
    /// Its notifications that lightningd has not read.
    backlog: Backlog,
    /// Topics that it declared and may send.
    topics: OnceLock<BTreeSet<String>>,
    /// What its manifest asks for.
    requested: OnceLock<Requested>,
    log_meter: Mutex<Meter>,
    notification_meter: Mutex<Meter>,
    rpc_in_flight: AtomicU64,
    gate: RpcGate,
    store: Store,
    kv_in_flight: AtomicU64,
    /// What the writes to the store hold that are under way, in bytes.
    kv_bytes_waiting: AtomicU64,
    http: http::HttpUse,
    timers: AtomicU64,
    open: RwLock<Option<Arc<OpenCalls>>>,
}

impl Capabilities {
    /// For one guest.
    pub fn new(guest: Arc<str>, policy: Arc<Policy>, node: Arc<Node>) -> Self {
        let (log, name) = (node.log.clone(), Arc::clone(&guest));
        let store = Store::new(
            Path::new(store::FOLDER),
            &guest,
            policy.limits.kv_bytes,
            move |fault| log.unusual(&name, &format!("its store cannot be used: {fault}")),
        );
        let ledgers = store.clone();
        let gate = RpcGate::new(policy.grants(), move |key| {
            Box::new(Ledger::new(ledgers.clone(), key))
        });
        let notifications = policy.limits.notifications_per_second;
        let notification_meter = Mutex::new(Meter::new(notifications));
        let log_meter = Mutex::new(Meter::new(policy.limits.log_bytes_per_second));
        Capabilities {
            guest,
            faults: Faults::new(&policy.limits),
            hearing: Arc::default(),
            pace: Arc::new(Record::new(Duration::from_millis(
                policy.limits.cpu_per_minute_ms,
            ))),
            backlog: Backlog::default(),
            policy,
            node,
            counters: Counters::default(),
            memory: Arc::default(),
            topics: OnceLock::new(),
            requested: OnceLock::new(),
            log_meter,
            notification_meter,
            rpc_in_flight: AtomicU64::new(0),
            gate,
            store,
            kv_in_flight: AtomicU64::new(0),
            kv_bytes_waiting: AtomicU64::new(0),
            http: http::HttpUse::default(),
            timers: AtomicU64::new(0),
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
