//! What happens when a guest fails: it is counted, told to the operator, written
//! down, and, when it goes on, the guest is started again.

pub mod bundle;
pub mod crashes;
mod redact;
pub mod runs;
pub mod trail;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;

use self::bundle::Bundle;
use self::crashes::PerMinute;
use self::runs::Runs;
use self::trail::Trail;
use super::call::{Call, Label};
use crate::capability::Capabilities;
use crate::capability::meter::Meter;
use crate::lightningd::output::Level;
use crate::policy::{Limits, Policy};

/// What kind of fault it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// WebAssembly trapped.
    Trap,
    /// It trapped because a limit of memory, CPU, stack or size was reached.
    Limit,
    /// No answer before the deadline.
    Deadline,
    /// An answer that lightningd would not accept.
    Answer,
    /// It could not be started: no manifest, no end of `init`.
    Start,
    /// Its instance was replaced, because too much of what it did was late or bad.
    Replaced,
}

impl Kind {
    /// As crash bundles name it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Trap => "trap",
            Kind::Limit => "limit",
            Kind::Deadline => "deadline",
            Kind::Answer => "answer",
            Kind::Start => "start",
            Kind::Replaced => "replaced",
        }
    }
}

/// Bytes of a guest's own words in a line, or a state, of the bridge's.
const EXCERPT: usize = 1_000;
/// Bytes of a line about a fault, whatever it is made of.
const LONGEST_LINE: usize = 8 << 10;

/// The beginning of what a guest gave as a reason, for a line about that guest: with megabytes in
/// it, what the bridge has to say would be hard to find, and its rate be used up for long.
pub fn excerpt(text: &str) -> String {
    trail::cut(text, EXCERPT)
}

/// One fault.
#[derive(Debug)]
pub struct Incident {
    /// Its kind.
    pub kind: Kind,
    /// What happened, for the operator.
    pub text: String,
    /// The call in which it happened, where that is known.
    pub call: Option<Call>,
    /// The guest's functions, the innermost first; empty where it did not trap.
    pub backtrace: Arc<[String]>,
}

impl Incident {
    /// One in which no code of the guest's stopped.
    pub fn new(kind: Kind, text: impl Into<String>, call: Option<Call>) -> Self {
        Incident {
            kind,
            text: text.into(),
            call,
            backtrace: Arc::default(),
        }
    }
}

/// Where the bundle of a fault will be. Shows as what a log line adds, or as nothing.
#[derive(Debug, Clone, Default)]
pub struct Written(Option<std::path::PathBuf>);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(path) => write!(f, " [{}]", path.display()),
            None => Ok(()),
        }
    }
}

/// The SHA-256 of a module, in hex, once it has been computed: that takes a while, and
/// nobody waits for it.
pub type Digest = Arc<OnceLock<String>>;

/// The faults of one guest, over all its lives.
#[derive(Debug)]
pub struct Faults {
    /// What the guest did last.
    pub trail: Trail,
    /// What the memories and tables of its last instance took when that ended, in bytes.
    pub memory_at_end: AtomicU64,
    /// The SHA-256 of its module.
    module: OnceLock<Digest>,
    runs: Runs,
    bundles: Mutex<PerMinute>,
    lines: Mutex<Meter>,
    escalated: Mutex<Option<Arc<str>>>,
    escalate: Notify,
}

impl Faults {
    /// For a guest with these limits.
    pub fn new(limits: &Limits) -> Self {
        Faults {
            trail: Trail::default(),
            memory_at_end: AtomicU64::new(0),
            module: OnceLock::new(),
            runs: Runs::default(),
            bundles: Mutex::new(PerMinute::new(limits.crash_bundles_per_minute)),
            lines: Mutex::new(Meter::new(limits.log_bytes_per_second)),
            escalated: Mutex::default(),
            escalate: Notify::new(),
        }
    }

    /// Which module it is.
    pub fn set_module(&self, digest: Digest) {
        // A guest has one module for as long as the bridge runs.
        drop(self.module.set(digest));
    }

    /// A new instance begins, with a clean record of answers.
    pub fn new_life(&self) {
        self.runs.clear();
        self.take_escalation();
    }

    /// It answered, in time and well.
    pub fn good(&self, what: &Label) {
        self.runs.good(what);
    }

    /// Waits until so many answers were bad that the instance is to be replaced; why.
    pub async fn escalated(&self) -> Arc<str> {
        loop {
            let notified = self.escalate.notified();
            if let Some(why) = self.take_escalation() {
                return why;
            }
            notified.await;
        }
    }

    fn take_escalation(&self) -> Option<Arc<str>> {
        let mut escalated = self
            .escalated
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        escalated.take()
    }

    fn row(&self, policy: &Policy, kind: Kind, what: &Label, began: Instant) {
        let on_fault = &policy.on_fault;
        let (count, most, key) = match kind {
            Kind::Answer => (self.runs.bad(what), on_fault.bad_answers, "bad_answers"),
            Kind::Deadline => {
                let count = self.runs.late(what, began, Instant::now());
                (count, on_fault.late_answers, "late_answers")
            }
            _ => return,
        };
        if most.is_some_and(|most| count >= most) {
            let why = match kind {
                Kind::Answer => "answers in a row cannot be used",
                _ => "answers in a row are late",
            };
            let why = format!("{what}: {count} {why} (on-fault.{key})");
            *self
                .escalated
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(why.into());
            self.escalate.notify_one();
        }
    }
}

impl Capabilities {
    /// A fault of the guest: counted, and written down if its rate allows. What is
    /// returned belongs at the end of the log line.
    pub fn fault(&self, incident: Incident) -> Written {
        self.counters.faults.add();
        let limits = &self.policy.limits;
        let time = SystemTime::now();
        let passed = {
            let bundles = self.faults.bundles.lock();
            bundles.unwrap_or_else(PoisonError::into_inner).pass(time)
        };
        let Some(without_bundle) = passed.filter(|_| limits.crash_bundles > 0) else {
            return Written::default();
        };
        let bundle = Bundle {
            guest: Arc::clone(&self.guest),
            sha256: self.faults.module.get().cloned(),
            lightningd: self.node.lightningd.get().cloned(),
            time,
            now: Instant::now(),
            kind: incident.kind.name(),
            text: incident.text,
            backtrace: incident.backtrace,
            call: incident.call,
            limits: limits.clone(),
            memory: match self.memory.get() {
                0 => self.faults.memory_at_end.load(Ordering::Relaxed),
                now => now,
            },
            host_calls: self.faults.trail.calls(),
            lines: self.faults.trail.lines(),
            faults: self.counters.faults.get(),
            without_bundle,
        };
        let bytes = usize::try_from(limits.crash_bundle_bytes).unwrap_or(usize::MAX);
        let keep = usize::try_from(limits.crash_bundles).unwrap_or(usize::MAX);
        Written(self.node.crashes.put(bundle, bytes, keep))
    }

    /// A fault in an answer, late or not to be used, to a call that began then. Too many
    /// in a row, and the instance is replaced.
    pub fn bad_answer(&self, kind: Kind, text: &str, call: Call, began: Instant) -> Written {
        let label = call.label();
        let written = self.fault(Incident::new(kind, format!("{label}: {text}"), Some(call)));
        self.faults.row(&self.policy, kind, &label, began);
        written
    }

    /// The notification that the guest handles now is not handled within its deadline.
    pub fn overdue_notification(&self, deadline: Duration) {
        let Some(call) = self.hearing.call() else {
            return;
        };
        let label = call.label();
        let text = format!("not handled within {deadline:?}; the next one goes in");
        let began = Instant::now().checked_sub(deadline);
        let began = began.unwrap_or_else(Instant::now);
        let written = self.bad_answer(Kind::Deadline, &text, call, began);
        self.fault_line(&format!("{label}: {text}{written}"));
    }

    /// A line of the bridge's about a fault of the guest. They share a rate, apart from
    /// the guest's own lines: a guest can hide no fault behind a flood of lines, and
    /// flood the log by no storm of faults.
    pub fn fault_line(&self, message: &str) {
        let message = &*trail::cut(message, LONGEST_LINE);
        let (passed, first) = {
            let meter = self.faults.lines.lock();
            let mut meter = meter.unwrap_or_else(PoisonError::into_inner);
            let passed = meter.pass(message.len() as u64, Instant::now());
            (passed, passed.is_none() && meter.runs_dry())
        };
        match passed {
            None => {
                self.counters.dropped_log_lines.add();
                // The next line that passes says how many, and it may never come.
                if first {
                    let word =
                        "lines about its faults over limits.log_bytes_per_second are left out";
                    self.node.log.unusual(&self.guest, word);
                }
            }
            Some(0) => self.node.log.write(Level::Unusual, &self.guest, message),
            Some(dropped) => {
                let word = format!("{dropped} lines about its faults were left out");
                self.node.log.unusual(&self.guest, &word);
                self.node.log.write(Level::Unusual, &self.guest, message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::node::Node;
    use crate::lightningd::output::Output;
    use std::path::Path;

    fn capabilities(policy: &str) -> Capabilities {
        let policy = Policy::parse(policy, Path::new("a.toml")).unwrap();
        let node = Arc::new(Node::new(Arc::new(Output::default())));
        Capabilities::new("a".into(), Arc::new(policy), node)
    }

    fn hook(hook: &'static str) -> Call {
        let payload = "{}".into();
        Call::Hook { hook, payload }
    }

    fn escalation(capabilities: &Capabilities) -> Option<Arc<str>> {
        capabilities.faults.take_escalation()
    }

    #[tokio::test]
    async fn a_row_of_bad_answers_escalates_once_it_is_long_enough() {
        let a = capabilities("[on-fault]\nbad_answers = 3");
        let bad = |name| drop(a.bad_answer(Kind::Answer, "no", hook(name), Instant::now()));
        bad("openchannel");
        bad("openchannel");
        bad("custommsg");
        a.faults.good(&Label::Hook("openchannel"));
        bad("openchannel");
        bad("openchannel");
        assert!(escalation(&a).is_none());
        bad("openchannel");
        let why = a.faults.escalated().await;
        assert!(why.starts_with("hook openchannel: 3 answers"), "{why}");
        assert_eq!(a.counters.faults.get(), 6);
    }

    #[test]
    fn late_answers_have_a_limit_of_their_own_or_none() {
        let a = capabilities("[on-fault]\nbad_answers = \"none\"\nlate_answers = 2");
        for _ in 0..100 {
            a.bad_answer(Kind::Answer, "no", hook("openchannel"), Instant::now());
        }
        assert!(escalation(&a).is_none());
        let late = |began| drop(a.bad_answer(Kind::Deadline, "late", hook("custommsg"), began));
        let began = Instant::now();
        late(began);
        late(began);
        assert!(escalation(&a).is_none(), "one stall");
        late(Instant::now());
        assert!(escalation(&a).unwrap().contains("late_answers"));
    }

    #[tokio::test]
    async fn a_line_longer_than_its_rate_is_told_and_so_is_that_others_are_not() {
        let policy = "[limits]\nlog_bytes_per_second = 128";
        let policy = Policy::parse(policy, Path::new("a.toml")).unwrap();
        let output = Arc::new(Output::default());
        let node = Arc::new(Node::new(Arc::clone(&output)));
        let a = Capabilities::new("a".into(), Arc::new(policy), node);
        a.fault_line(&format!("first {}", "x".repeat(20_000)));
        a.fault_line("second");
        a.fault_line("third");
        let mut bytes = Vec::new();
        output.take(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.split("\n\n").filter(|l| !l.is_empty()).collect();
        let [first, word] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        assert!(first.contains("a: first x") && first.len() < LONGEST_LINE + 200);
        assert!(word.contains("a: lines about its faults over"), "{word}");
        assert_eq!(a.counters.dropped_log_lines.get(), 2);
    }

    #[test]
    fn a_reason_of_any_length_leaves_room_for_what_the_bridge_says() {
        assert_eq!(excerpt("no"), "no");
        let cut = excerpt(&"é".repeat(2 << 20));
        assert!(cut.len() < EXCERPT + 40 && cut.ends_with("(4194304 bytes in all)"));
    }

    #[test]
    fn a_storm_of_faults_is_counted_and_not_written() {
        let a = capabilities("[limits]\ncrash_bundles_per_minute = 2");
        let trap = || a.fault(Incident::new(Kind::Trap, "boom", None)).to_string();
        assert!(trap().starts_with(" [cln-wasm/crashes/a/"));
        assert_ne!(trap(), "");
        assert!((0..98).all(|_| trap().is_empty()));
        assert_eq!(a.counters.faults.get(), 100);
        let none = capabilities("[limits]\ncrash_bundles = 0");
        assert_eq!(
            none.fault(Incident::new(Kind::Trap, "boom", None))
                .to_string(),
            ""
        );
    }
}
