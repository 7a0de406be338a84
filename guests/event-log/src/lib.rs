//! The node's last notifications, of every topic, for the operator to look at.
//!
//! ```text
//! $ lightning-cli event-log forward_event 1
//! {
//!    "events": [
//!       {
//!          "number": 17,
//!          "received_at": 1767225600,
//!          "topic": "forward_event",
//!          "params": { "forward_event": { ... } }
//!       }
//!    ],
//!    "complete": true,
//!    "seen": 17,
//!    "kept": 17,
//!    "counters": { "connect": 2, "forward_event": 15 }
//! }
//! ```
//!
//! All is kept in memory and begins anew when the guest does. The topic `log` is not
//! among those that a subscription to every topic brings.

mod journal;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::str::FromStr;
use std::time::UNIX_EPOCH;

use cln_guest::prelude::*;
use serde::{Deserialize, Serialize};

pub use journal::{Event, Journal};

const KEEP: IntOption = IntOption::new("event-log-keep", "How many notifications event-log keeps")
    .default(1_000)
    .dynamic();
const LEVEL: StringOption = StringOption::new(
    "event-log-level",
    "Log level at which event-log also writes each notification to the log: none, trace, debug or info",
)
.default("none")
.dynamic();

/// More than this in one place is a slip of the pen.
const MOST_KEPT: i64 = 1_000_000;
/// How many events one answer has where the caller does not say.
const USUAL_LIMIT: usize = 100;
/// Bytes of events in one answer: below what a guest may hand over (`limits.answer_bytes`).
const MOST_ANSWERED: usize = 2 << 20;

/// What `event-log-level` may say. Not `unusual` or `broken`: lightningd sends a
/// notification `warning` for each such line, which would be one more to write.
fn level(text: &str) -> Result<Option<log::Level>, String> {
    match text {
        "none" => Ok(None),
        "trace" | "debug" | "info" => log::Level::from_str(text)
            .map(Some)
            .map_err(|error| error.to_string()),
        _ => Err("must be none, trace, debug or info".to_owned()),
    }
}

fn keep(cx: &Cx<State>) -> usize {
    usize::try_from(cx.option(&KEEP)).unwrap_or(0)
}

/// What has been seen.
#[derive(Debug, Default)]
pub struct State {
    journal: RefCell<Journal>,
}

async fn on_notification(cx: Cx<State>, notification: Notification) {
    let now = cx.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut journal = cx.state().journal.borrow_mut();
    journal.add(&notification, now.as_secs(), keep(&cx));
    drop(journal);
    // About lines of the log, this guest's own among them.
    if matches!(&*notification.topic, "log" | "warning") {
        return;
    }
    if let Ok(Some(level)) = level(&cx.option(&LEVEL)) {
        let Notification {
            topic,
            origin,
            params,
        } = &notification;
        match origin {
            Some(origin) => log::log!(level, "{topic} from {origin}: {params}"),
            None => log::log!(level, "{topic}: {params}"),
        }
    }
}

/// Which events are wanted.
#[derive(Debug, Deserialize)]
struct EventLogParams {
    /// Of this topic only.
    topic: Option<String>,
    /// At most this many, the last ones; 100 where it is not given.
    limit: Option<usize>,
}

/// What `event-log` answers.
#[derive(Debug, Serialize)]
struct EventLog {
    /// The oldest first.
    events: Vec<Event>,
    /// False where the answer would have been too long: ask for fewer, or for one topic.
    complete: bool,
    /// Since the guest was started.
    seen: u64,
    kept: usize,
    counters: BTreeMap<Rc<str>, u64>,
}

async fn event_log(cx: Cx<State>, params: EventLogParams) -> Result<EventLog, RpcError> {
    let journal = cx.state().journal.borrow();
    let limit = params.limit.unwrap_or(USUAL_LIMIT);
    let (events, cut) = journal.last(params.topic.as_deref(), limit, MOST_ANSWERED);
    Ok(EventLog {
        events,
        complete: !cut,
        seen: journal.seen(),
        kept: journal.kept(),
        counters: journal.counters().clone(),
    })
}

/// The guest.
pub fn guest() -> Guest<State> {
    Guest::new(|_: &Init| Ok(State::default()))
        .dynamic()
        // The operator may want the lines of `event-log-level = trace` too.
        .log_level(log::LevelFilter::Trace)
        .validate(&KEEP, |keep| match keep {
            0..=MOST_KEPT => Ok(()),
            _ => Err(format!("must be from 0 to {MOST_KEPT}")),
        })
        .on_setconfig(&KEEP, |cx, _| {
            cx.state().journal.borrow_mut().trim(keep(&cx));
            Ok(())
        })
        .validate(&LEVEL, |text| level(text).map(drop))
        .method(
            Method::new(
                "event-log",
                "[topic] [limit]",
                "Shows the last {limit} notifications (100), of {topic} or of all, and counts them by topic",
            )
            .category("plugin"),
            event_log,
        )
        .subscribe_all(on_notification)
        .request("subscriptions: *", "to keep every notification")
        .request("methods: event-log", "to show them")
}

cln_guest::export!(guest);
