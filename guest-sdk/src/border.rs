//! What a guest can ask of the world outside: one trait, so that the same guest
//! runs in the bridge and in a test.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use futures::future::LocalBoxFuture;

use crate::error::{CallError, HttpError, KvError, NotifyError, TimerError};
use crate::http::{HttpRequest, HttpResponse};
use crate::kv::{KvPage, KvSwap};

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

/// The imports of the WIT world, as Rust.
pub(crate) trait Border {
    fn log(&self, level: LogLevel, message: &str);
    fn call(
        &self,
        cause: u64,
        method: String,
        params: String,
        filter: Option<String>,
    ) -> LocalBoxFuture<'static, Result<String, CallError>>;
    fn notify(&self, topic: &str, params: &str) -> Result<(), NotifyError>;
    fn message(&self, call: u64, level: LogLevel, message: &str);
    fn progress(&self, call: u64, num: u32, total: u32, stage: Option<(u32, u32)>);
    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, Result<(), TimerError>>;
    /// Time on a clock that nobody sets, from any beginning.
    fn elapsed(&self) -> Duration;
    fn http(
        &self,
        request: HttpRequest,
    ) -> LocalBoxFuture<'static, Result<HttpResponse, HttpError>>;
    fn now(&self) -> SystemTime;
    fn kv_get(&self, key: String) -> Kept<Option<Vec<u8>>>;
    fn kv_set(&self, key: String, value: Vec<u8>) -> Kept<()>;
    fn kv_delete(&self, key: String) -> Kept<bool>;
    fn kv_list(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
        with_values: bool,
    ) -> Kept<KvPage>;
    fn kv_swap(&self, key: String, expected: Option<Vec<u8>>, new: Option<Vec<u8>>)
    -> Kept<KvSwap>;
}

/// An answer of the store.
pub(crate) type Kept<T> = LocalBoxFuture<'static, Result<T, KvError>>;

thread_local! {
    /// Where log lines of this thread go: `log` has one logger for the whole process.
    static CURRENT: RefCell<Option<Rc<dyn Border>>> = const { RefCell::new(None) };
}

/// From now on this thread's log lines go here.
pub(crate) fn enter(border: &Rc<dyn Border>) {
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
