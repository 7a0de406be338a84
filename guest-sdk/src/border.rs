//! What a guest can ask of the world outside: the bridge, or a test's harness.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(any(target_family = "wasm", test))]
use std::time::Duration;

use futures::future::LocalBoxFuture;

use crate::error::KvError;

/// lightningd's log levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Every detail.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// For the operator.
    Info,
    /// Worth a look (`warn`).
    Unusual,
    /// Reserved for the node itself: from a guest the bridge makes it `Unusual`.
    Broken,
}

impl From<log::Level> for LogLevel {
    fn from(level: log::Level) -> Self {
        match level {
            log::Level::Error => LogLevel::Broken,
            log::Level::Warn => LogLevel::Unusual,
            log::Level::Info => LogLevel::Info,
            log::Level::Debug => LogLevel::Debug,
            log::Level::Trace => LogLevel::Trace,
        }
    }
}

/// What is on the other side. In WebAssembly it is one type, so that the linker sees what a
/// guest never asks for and leaves it out, its imports too; in tests it may be any.
#[cfg(target_family = "wasm")]
pub(crate) use crate::__wasm::Wit as Outside;
#[cfg(not(target_family = "wasm"))]
pub(crate) type Outside = dyn crate::harness::Border;

/// An answer of the store.
pub(crate) type Kept<T> = LocalBoxFuture<'static, Result<T, KvError>>;

/// A time in ms, as the border has it. What is left of a millisecond counts as a whole one: a sleep
/// is never too short, and a time-out above zero never becomes one of zero.
#[cfg(any(target_family = "wasm", test))]
pub(crate) fn whole_ms(time: Duration) -> u64 {
    let rest = time.subsec_nanos().div_ceil(1_000_000);
    time.as_secs()
        .saturating_mul(1_000)
        .saturating_add(u64::from(rest))
}

thread_local! {
    /// Where log lines of this thread go: `log` has one logger for the whole process.
    static CURRENT: RefCell<Option<Rc<Outside>>> = const { RefCell::new(None) };
}

/// From now on this thread's log lines go here.
pub(crate) fn enter(border: &Rc<Outside>) {
    CURRENT.with_borrow_mut(|current| *current = Some(Rc::clone(border)));
}

/// Writes a log line where this thread's lines go.
pub(crate) fn log_line(level: LogLevel, message: &str) {
    // A thread that is ending, or a panic while `enter` runs, has nowhere to log to.
    let border = CURRENT.try_with(|current| current.try_borrow().ok().and_then(|c| c.clone()));
    if let Ok(Some(border)) = border {
        border.log(level, message);
    }
}

struct Backend;

impl log::Log for Backend {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        match record.args().as_str() {
            Some(text) => log_line(record.level().into(), text),
            None => log_line(record.level().into(), &record.args().to_string()),
        }
    }

    fn flush(&self) {}
}

/// Makes `log` write to the node's log, unless the author has installed another
/// logger. Of several guests in one process, as in tests, the most talkative one
/// sets the level.
pub(crate) fn install_logger(level: log::LevelFilter) {
    static OURS: AtomicBool = AtomicBool::new(false);
    if log::set_logger(&Backend).is_ok() {
        OURS.store(true, Ordering::Relaxed);
    }
    if OURS.load(Ordering::Relaxed) {
        log::set_max_level(level.max(log::max_level()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_rounded_up() {
        for (time, ms) in [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (Duration::from_micros(900), 1),
            (Duration::from_millis(1), 1),
            (Duration::from_micros(1_001), 2),
            (Duration::from_nanos(1_999_999_999), 2_000),
            (Duration::from_secs(5), 5_000),
            (Duration::MAX, u64::MAX),
        ] {
            assert_eq!(whole_ms(time), ms, "{time:?}");
        }
    }
}
