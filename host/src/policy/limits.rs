//! Every limit on a guest: its default, its bounds, and why it is what it is.
//!
//! This is the one place: the parser of `[limits]` and the bridge read these two tables, and
//! a test holds `docs/operating.md` to them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::DeTable;

use super::document::{Document, Value};
use super::quantity::{bytes, duration, show_bytes, show_duration};
use super::vocabulary::{HOOKS, names};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Bytes in any one second.
    BytesPerSecond,
    /// Milliseconds.
    Milliseconds,
    /// Things.
    Count,
}

/// One limit, for the operator.
#[derive(Debug, Clone)]
pub struct Limit {
    /// The key in `[limits]`.
    pub key: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Where the file says nothing.
    pub default: u64,
    /// What the file may say.
    pub bounds: RangeInclusive<u64>,
    /// Why it is there and why it is this much.
    pub reason: &'static str,
}

macro_rules! limits {
    ($($key:ident: $unit:ident = $default:expr, in $bounds:expr, $reason:expr;)*) => {
        /// The limits of one guest, in the unit that each name says.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits {
            $(#[doc = $reason] pub $key: u64,)*
            deadlines: BTreeMap<&'static str, Option<Duration>>,
        }

        /// All limits but the deadlines.
        pub const LIMITS: &[Limit] = &[$(Limit {
            key: stringify!($key),
            unit: Unit::$unit,
            default: $default,
            bounds: $bounds,
            reason: $reason,
        },)*];

        impl Default for Limits {
            fn default() -> Self {
                Limits { $($key: $default,)* deadlines: BTreeMap::new() }
            }
        }

        impl Limits {
            fn value(&self, key: &str) -> Option<u64> {
                match key {
                    $(stringify!($key) => Some(self.$key),)*
                    _ => None,
                }
            }

            fn field(&mut self, key: &str) -> Option<&mut u64> {
                match key {
                    $(stringify!($key) => Some(&mut self.$key),)*
                    _ => None,
                }
            }
        }
    };
}

limits! {
    memory_bytes: Bytes = 64 * MIB, in MIB..=16 * GIB,
        "All memories and tables of the guest together. A Rust guest takes up to 2 MiB, a Python guest 9 MiB.";
    cpu_per_call_ms: Milliseconds = 1_000, in 1..=600_000,
        "CPU that one call may use before it counts as an endless loop. A hook of 3 KB takes microseconds.";
    cpu_per_minute_ms: Milliseconds = 15_000, in 10..=3_840_000,
        "CPU in any one minute over all calls: a quarter of one core.";
    calls_in_flight: Count = 1_024, in 1..=65_536,
        "Calls that have begun and not ended. Each held HTLC is one, and a channel can hold 483 each way.";
    calls_overdue: Count = 64, in 1..=65_536,
        "Calls past their deadline that still run inside the guest. A task cannot be cancelled: at this many the instance is drained and replaced.";
    queue_length: Count = 1_024, in 1..=1_048_576,
        "Notifications that wait for the guest. The oldest is dropped and counted; hooks are never dropped.";
    answer_bytes: Bytes = 4 * MIB, in KIB..=256 * MIB,
        "Any one text that the guest hands over: an answer, RPC parameters, a notification.";
    log_bytes_per_second: BytesPerSecond = 16 * KIB, in 128..=16 * MIB,
        "Log text of the guest, and 64 bytes for each line, so that it cannot fill the disk or hide other lines.";
    notifications_per_second: Count = 100, in 1..=100_000,
        "Custom notifications, progress and message that the guest sends: lightningd queues them without bound.";
    rpc_in_flight: Count = 32, in 1..=4_096,
        "The guest's calls to lightningd that wait for an answer. lightningd serves all its clients from one thread.";
    rpc_answer_bytes: Bytes = 16 * MIB, in KIB..=64 * MIB,
        "One answer of lightningd to a call of the guest, and never more than half of memory_bytes: it must fit beside the guest itself.";
    chain_depth: Count = 16, in 1..=1_024,
        "Calls and notifications of guests, each made because of the one before: what is deeper is a loop, and is refused.";
    timers: Count = 1_024, in 1..=1_048_576,
        "Timers that are set and have not fired.";
    kv_bytes: Bytes = 16 * MIB, in 0..=64 * GIB,
        "Keys and values in the guest's store.";
    http_in_flight: Count = 8, in 1..=1_024,
        "Outgoing HTTP requests that wait for an answer.";
    http_answer_bytes: Bytes = 4 * MIB, in KIB..=256 * MIB,
        "Body of one HTTP answer.";
    module_bytes: Bytes = 32 * MIB, in KIB..=256 * MIB,
        "The .wasm file. A Rust guest has 0.3 to 1 MB, a Python guest 20 MB.";
    compile_time_ms: Milliseconds = 60_000, in 1_000..=115_000,
        "Compiling, in a child process. A Rust guest takes up to 1 s, a Python guest 5 s; lightningd waits 120 s for a plugin to start.";
    compile_memory_bytes: Bytes = GIB, in 512 * MIB..=16 * GIB,
        "Address space of the child process that compiles: its allocator sets aside more than it uses.";
    crash_bundles: Count = 16, in 0..=1_000,
        "Crash bundles kept: the oldest goes. 0: none is written.";
    crash_bundle_bytes: Bytes = 64 * KIB, in 4 * KIB..=16 * MIB,
        "One crash bundle. What is least needed is left out.";
    crash_bundles_per_minute: Count = 10, in 1..=600,
        "Crash bundles written in any one minute: a storm of faults must not become one of the disk. The others are counted.";
}

/// One kind of wait that has a deadline, for the operator.
#[derive(Debug, Clone)]
pub struct DeadlineClass {
    /// The key in `[limits.deadline]`.
    pub key: &'static str,
    /// Where the file says nothing.
    pub default: Duration,
    /// Whether the file may say "none".
    pub may_be_none: bool,
    /// Why it is there and why it is this much.
    pub reason: &'static str,
}

/// All deadlines. The name of a hook may stand beside these and is then meant
/// instead of `hook`.
pub const DEADLINES: &[DeadlineClass] = &[
    DeadlineClass {
        key: "getmanifest",
        default: Duration::from_secs(10),
        may_be_none: false,
        reason: "lightningd gives the whole bridge 120 s from getmanifest to the answer to init, then it stops.",
    },
    DeadlineClass {
        key: "init",
        default: Duration::from_secs(20),
        may_be_none: false,
        reason: "Within the same 120 s.",
    },
    DeadlineClass {
        key: "hook",
        default: Duration::from_secs(5),
        may_be_none: true,
        reason: "lightningd waits for a hook without end, and with it an HTLC, a peer or a client. Guests that hold HTLCs say htlc_accepted = \"none\".",
    },
    DeadlineClass {
        key: "method",
        default: Duration::from_secs(60),
        may_be_none: true,
        reason: "What lightning-cli's user waits by default elsewhere (pay: retry_for).",
    },
    DeadlineClass {
        key: "check",
        default: Duration::from_secs(5),
        may_be_none: false,
        reason: "check and setconfig are questions, not work.",
    },
    DeadlineClass {
        key: "notification",
        default: Duration::from_secs(60),
        may_be_none: true,
        reason: "Nobody waits, but a call that never ends keeps its place in calls_in_flight.",
    },
    DeadlineClass {
        key: "rpc",
        default: Duration::from_secs(300),
        may_be_none: true,
        reason: "The guest's own calls to lightningd. wait* calls and long payments may need \"none\".",
    },
    DeadlineClass {
        key: "http",
        default: Duration::from_secs(30),
        may_be_none: false,
        reason: "A whole HTTP exchange, from connecting to the last byte.",
    },
    DeadlineClass {
        key: "shutdown",
        default: Duration::from_secs(10),
        may_be_none: false,
        reason: "lightningd kills a plugin 30 s after the shutdown notification.",
    },
];

impl Limits {
    /// The most that any policy may set for this key of [`LIMITS`]; 0 for another.
    pub fn most(key: &str) -> u64 {
        LIMITS
            .iter()
            .find(|limit| limit.key == key)
            .map_or(0, |limit| *limit.bounds.end())
    }

    /// The limits that differ from their defaults.
    pub fn changed(&self) -> impl Iterator<Item = (&'static str, u64)> {
        LIMITS.iter().filter_map(|limit| {
            let value = self.value(limit.key)?;
            (value != limit.default).then_some((limit.key, value))
        })
    }

    /// The deadlines that the policy sets; None is without end.
    pub fn changed_deadlines(&self) -> impl Iterator<Item = (&'static str, Option<Duration>)> {
        self.deadlines.iter().map(|(class, set)| (*class, *set))
    }

    /// How long to wait for this class of [`DEADLINES`]; None is without end. A
    /// class that is not there has the shortest default, 5 s.
    pub fn deadline(&self, class: &str) -> Option<Duration> {
        match self.deadlines.get(class) {
            Some(set) => *set,
            None => Some(
                DEADLINES
                    .iter()
                    .find(|known| known.key == class)
                    .map_or(Duration::from_secs(5), |known| known.default),
            ),
        }
    }

    /// How long to wait for the answer to this hook; None is without end.
    pub fn hook_deadline(&self, hook: &str) -> Option<Duration> {
        match self.deadlines.get(hook) {
            Some(set) => *set,
            None => self.deadline("hook"),
        }
    }

    /// All limits but the deadlines, by key, in the order of [`LIMITS`].
    pub fn values(&self) -> Vec<(&'static str, u64)> {
        let mut copy = self.clone();
        LIMITS
            .iter()
            .filter_map(|limit| Some((limit.key, *copy.field(limit.key)?)))
            .collect()
    }

    pub(super) fn read(document: &mut Document<'_>, table: &DeTable<'_>) -> Limits {
        let mut limits = Limits::default();
        let mut valid: Vec<&str> = LIMITS.iter().map(|limit| limit.key).collect();
        valid.push("deadline");
        document.only("[limits]", table, &valid);
        for limit in LIMITS {
            let Some(value) = table.get(limit.key) else {
                continue;
            };
            if let Some(n) = read_limit(document, value, limit)
                && let Some(field) = limits.field(limit.key)
            {
                *field = n;
            }
        }
        if let Some(value) = table.get("deadline")
            && let Some(table) = document.table(value, "[limits.deadline]")
        {
            limits.read_deadlines(document, table);
        }
        limits
    }

    fn read_deadlines(&mut self, document: &mut Document<'_>, table: &DeTable<'_>) {
        let hooks = names(HOOKS);
        let valid: Vec<&str> = DEADLINES
            .iter()
            .map(|class| class.key)
            .chain(hooks.iter().copied())
            .collect();
        document.only("[limits.deadline]", table, &valid);
        let classes = DEADLINES.iter().map(|class| (class.key, class.may_be_none));
        let hooks = hooks.into_iter().map(|hook| (hook, true));
        for (key, may_be_none) in classes.chain(hooks) {
            let Some(value) = table.get(key) else {
                continue;
            };
            let wanted = if may_be_none {
                "a duration such as \"500 ms\", \"5 s\" or \"2 min\", or \"none\""
            } else {
                "a duration such as \"500 ms\", \"5 s\" or \"2 min\""
            };
            let read = match value.get_ref().as_str() {
                Some("none") if may_be_none => Some(None),
                Some(text) => duration(text).ok().filter(|d| !d.is_zero()).map(Some),
                None => None,
            };
            match read {
                Some(deadline) => {
                    self.deadlines.insert(key, deadline);
                }
                None => document.expected(value, key, wanted),
            }
        }
    }
}

fn read_limit(document: &mut Document<'_>, value: Value<'_, '_>, limit: &Limit) -> Option<u64> {
    let text = value.get_ref().as_str();
    let read = match (limit.unit, text) {
        (_, None) => Document::number(value),
        (Unit::Bytes | Unit::BytesPerSecond, Some(text)) => bytes(text).ok(),
        (Unit::Milliseconds, Some(text)) => duration(text)
            .ok()
            .and_then(|time| u64::try_from(time.as_millis()).ok()),
        (Unit::Count, Some(_)) => None,
    };
    let Some(n) = read else {
        let wanted = match limit.unit {
            Unit::Bytes | Unit::BytesPerSecond => "bytes, such as 16777216 or \"16 MiB\"",
            Unit::Milliseconds => "milliseconds, such as 500, or a duration such as \"2 s\"",
            Unit::Count => "a whole number",
        };
        document.expected(value, limit.key, wanted);
        return None;
    };
    if !limit.bounds.contains(&n) {
        document.problem(
            value.span(),
            format!(
                "{} must be from {} to {}, not {}",
                limit.key,
                limit.show(*limit.bounds.start()),
                limit.show(*limit.bounds.end()),
                limit.show(n)
            ),
        );
        return None;
    }
    Some(n)
}

impl Limit {
    fn show(&self, n: u64) -> String {
        match self.unit {
            Unit::Bytes => show_bytes(n),
            Unit::BytesPerSecond => format!("{}/s", show_bytes(n)),
            Unit::Milliseconds => show_duration(Duration::from_millis(n)),
            Unit::Count => n.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
