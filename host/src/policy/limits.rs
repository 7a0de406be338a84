//! Every limit on a guest: its default, its bounds, and why it is what it is.
//!
//! This is the one place. The parser of `[limits]`, the operator's documentation
//! ([`markdown`]) and the bridge all read these two tables.

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
        "The .wasm file. A Rust guest has 124 KB, a Python guest 20 MB.";
    compile_time_ms: Milliseconds = 60_000, in 1_000..=115_000,
        "Compiling, in a child process. A Rust guest takes 0.2 s, a Python guest 5 s; lightningd waits 120 s for a plugin to start.";
    compile_memory_bytes: Bytes = GIB, in 64 * MIB..=16 * GIB,
        "Address space of the child process that compiles.";
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

/// The two tables as Markdown, for the operator's documentation.
pub fn markdown() -> String {
    let mut page = String::from(
        "| `[limits]` | default | from | to | why |\n| --- | --- | --- | --- | --- |\n",
    );
    for limit in LIMITS {
        page.push_str(&format!(
            "| `{}` | {} | {} | {} | {} |\n",
            limit.key,
            limit.show(limit.default),
            limit.show(*limit.bounds.start()),
            limit.show(*limit.bounds.end()),
            limit.reason
        ));
    }
    page.push_str(
        "\n| `[limits.deadline]` | default | may be \"none\" | why |\n| --- | --- | --- | --- |\n",
    );
    for class in DEADLINES {
        page.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            class.key,
            show_duration(class.default),
            if class.may_be_none { "yes" } else { "no" },
            class.reason
        ));
    }
    page.push_str("| a hook's name | as `hook` | yes | For this hook instead of `hook`. |\n");
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use std::path::Path;

    fn read(text: &str) -> Result<Limits, String> {
        Policy::parse(text, Path::new("gate.toml"))
            .map(|policy| policy.limits)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_within_their_own_bounds() {
        for limit in LIMITS {
            assert!(limit.bounds.contains(&limit.default), "{}", limit.key);
            let text = format!("[limits]\n{} = {}", limit.key, limit.default);
            assert_eq!(read(&text), Ok(Limits::default()), "{}", limit.key);
        }
        let start: Duration = ["getmanifest", "init"]
            .iter()
            .filter_map(|class| Limits::default().deadline(class))
            .sum();
        assert!(start < Duration::from_secs(120), "lightningd would stop");
    }

    #[test]
    fn each_key_sets_its_own_field() {
        for limit in LIMITS {
            let n = *limit.bounds.end();
            let mut limits = read(&format!("[limits]\n{} = {n}", limit.key)).unwrap();
            assert_eq!(limits.field(limit.key).copied(), Some(n), "{}", limit.key);
            *limits.field(limit.key).unwrap() = limit.default;
            assert_eq!(limits, Limits::default(), "{}", limit.key);
        }
    }

    #[test]
    fn units_may_be_written_out() {
        let limits = read(
            "[limits]\nmemory_bytes = \"16 MiB\"\ncpu_per_call_ms = \"2 s\"\n\
             [limits.deadline]\nhook = \"7s\"\nhtlc_accepted = \"none\"",
        )
        .unwrap();
        assert_eq!(limits.memory_bytes, 16 * MIB);
        assert_eq!(limits.cpu_per_call_ms, 2000);
        assert_eq!(limits.hook_deadline("htlc_accepted"), None);
        assert_eq!(
            limits.hook_deadline("openchannel"),
            Some(Duration::from_secs(7))
        );
        assert_eq!(limits.deadline("method"), Some(Duration::from_secs(60)));
    }

    #[test]
    fn wrong_values_are_named() {
        for (text, says) in [
            (
                "memory_bytes = 1",
                "gate.toml:2:16: memory_bytes must be from 1 MiB to 16 GiB, not 1 B",
            ),
            (
                "memory_bytes = -1",
                "memory_bytes must be bytes, such as 16777216 or \"16 MiB\", not the number -1",
            ),
            ("memory_bytes = 1.5", "not the number 1.5"),
            (
                "timers = \"5\"",
                "timers must be a whole number, not the string \"5\"",
            ),
            ("cpu_per_call_ms = true", "not true"),
            (
                "memory = 1",
                "gate.toml:2:1: unknown key in [limits]: \"memory\", did you mean \"memory_bytes\"? Valid are: memory_bytes, ",
            ),
            ("ram = 1", "\"ram\"; Valid are: memory_bytes, "),
            ("memory_byte = 1", "did you mean \"memory_bytes\"?"),
            (
                "deadline = 5",
                "[limits.deadline] must be a table, not the number 5",
            ),
            ("deadline.hook = 5", "hook must be a duration such as"),
            ("deadline.hook = \"0 s\"", "hook must be a duration such as"),
            (
                "deadline.init = \"none\"",
                "init must be a duration such as",
            ),
            (
                "deadline.htlc_acepted = \"1 s\"",
                "did you mean \"htlc_accepted\"?",
            ),
        ] {
            let error = read(&format!("[limits]\n{text}")).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn the_page_has_a_row_for_each() {
        let page = markdown();
        for key in LIMITS
            .iter()
            .map(|l| l.key)
            .chain(DEADLINES.iter().map(|d| d.key))
        {
            assert_eq!(page.matches(&format!("| `{key}` |")).count(), 1, "{key}");
        }
        assert!(page.contains("| `memory_bytes` | 64 MiB | 1 MiB | 16 GiB |"));
    }
}
