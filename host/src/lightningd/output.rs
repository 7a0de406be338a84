//! Everything that lightningd ever reads from this process.
//!
//! lightningd kills a plugin for one stray byte, so nothing else in the bridge
//! writes to stdout, and what is queued here is always one whole JSON-RPC object
//! built from checked values. All that is queued while the writer is busy leaves
//! in one `write`.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::message::RequestId;

/// Bytes that may wait for lightningd to read them before log lines are dropped.
/// Answers are never dropped: lightningd waits for them.
const LOG_BACKLOG: usize = 16 << 20;

/// Bytes of one guest's notifications that may wait for lightningd to read them. One
/// alone may be larger; what is refused is counted. Twice as much waits at most: what
/// is being written is not counted any more.
pub const NOTIFICATION_BACKLOG: usize = 4 << 20;

/// What one guest has queued that the writer has not taken yet.
#[derive(Debug, Default)]
pub struct Backlog {
    generation: AtomicU64,
    bytes: AtomicUsize,
}

/// The levels of lightningd's log (`common/status_levels.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `trace`, since v24.05.
    Trace,
    /// `debug`
    Debug,
    /// `info`
    Info,
    /// `unusual`; lightningd turns it into a `warning` notification.
    Unusual,
    /// `broken`: the node itself is in trouble. Only the bridge may say so, of itself.
    Broken,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            // The older name, which every release knows.
            Level::Unusual => "warn",
            Level::Broken => "error",
        }
    }
}

/// The error object of JSON-RPC 2.0.
#[derive(Debug, Clone, Serialize)]
pub struct RpcError {
    /// lightningd's codes are in `common/jsonrpc_errors.h`.
    pub code: i64,
    /// For the person who called.
    pub message: String,
    /// JSON, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<RawValue>>,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        RpcError {
            code,
            message: message.into(),
            data: None,
        }
    }
}

/// Method not found (JSON-RPC 2.0).
pub const METHOD_NOT_FOUND: i64 = -32601;
/// Invalid params (JSON-RPC 2.0).
pub const INVALID_PARAMS: i64 = -32602;
/// lightningd's PLUGIN_ERROR (`common/jsonrpc_errors.h`).
pub const PLUGIN_ERROR: i64 = -3;
/// lightningd's PLUGIN_TERMINATED (`common/jsonrpc_errors.h`).
pub const PLUGIN_TERMINATED: i64 = -4;

/// The queue towards lightningd.
#[derive(Debug, Default)]
pub struct Output {
    queue: Mutex<Queue>,
    wake: Notify,
    dropped_logs: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    ready: Vec<u8>,
    /// What must wait until no `db_write` is open.
    gated: Vec<u8>,
    open_db_writes: usize,
    closed: bool,
    /// How often all that was queued has been taken.
    generation: u64,
}

impl Output {
    /// A result: JSON text, which must be one valid value.
    pub fn result(&self, id: &RequestId, result: &str) {
        self.frame(false, |out| push_result(out, id, result));
    }

    /// An error answer. Never for a hook: lightningd aborts on it.
    pub fn error(&self, id: Option<&RequestId>, error: &RpcError) {
        self.frame(false, |out| {
            out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
            out.extend_from_slice(id.map_or("null", RequestId::token).as_bytes());
            out.extend_from_slice(b",\"error\":");
            push_json(out, error);
            out.push(b'}');
        });
    }

    /// A notification of a guest's whose `params` are JSON text; false when too much of
    /// that guest's waits already. Answers are never refused, notifications may be.
    pub fn notification(&self, backlog: &Backlog, method: &str, params: &str) -> bool {
        {
            let queue = self.lock();
            if backlog.generation.swap(queue.generation, Ordering::Relaxed) != queue.generation {
                backlog.bytes.store(0, Ordering::Relaxed);
            }
            if backlog.bytes.load(Ordering::Relaxed) >= NOTIFICATION_BACKLOG {
                return false;
            }
            let size = method.len() + params.len();
            backlog.bytes.fetch_add(size, Ordering::Relaxed);
        }
        self.frame(false, |out| push_notification(out, method, params));
        true
    }

    /// A line for lightningd's log. Line feeds and control characters are escaped,
    /// so that one call is one line.
    pub fn log(&self, level: Level, message: &str) {
        #[derive(Serialize)]
        struct Params<'a> {
            level: &'static str,
            message: &'a str,
        }
        if self.lock().ready.len() > LOG_BACKLOG {
            self.dropped_logs.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let message = &escape_controls(message);
        let level = level.name();
        // A log line may pass an open db_write: lightningd touches no database for it.
        self.frame(true, |out| {
            out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":");
            push_json(out, &Params { level, message });
            out.push(b'}');
        });
    }

    /// Log lines dropped because lightningd did not read them.
    pub fn dropped_logs(&self) -> u64 {
        self.dropped_logs.load(Ordering::Relaxed)
    }

    /// From here to the answer, only that answer and log lines leave: lightningd
    /// would run anything else inside its open database transaction
    /// (`lightningd/plugin_hook.c`, `plugin_hook_db_sync`).
    pub fn open_db_write(self: &Arc<Self>, id: RequestId) -> DbWrite {
        self.lock().open_db_writes += 1;
        DbWrite {
            output: Arc::clone(self),
            id: Some(id),
        }
    }

    /// No more will be queued; the writer ends when all is written.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// What is to be written next: waits until there is something, `None` once
    /// closed and empty. `into` is cleared and swapped with the queue.
    pub async fn take(&self, into: &mut Vec<u8>) -> Option<()> {
        into.clear();
        loop {
            {
                let mut queue = self.lock();
                if !queue.ready.is_empty() {
                    std::mem::swap(&mut queue.ready, into);
                    if queue.gated.is_empty() {
                        queue.generation += 1;
                    }
                    return Some(());
                }
                if queue.closed {
                    return None;
                }
            }
            self.wake.notified().await;
        }
    }

    fn frame(&self, passes_gate: bool, build: impl FnOnce(&mut Vec<u8>)) {
        let mut queue = self.lock();
        let gate_shut = queue.open_db_writes > 0 && !passes_gate;
        let out = if gate_shut {
            &mut queue.gated
        } else {
            &mut queue.ready
        };
        let first = out.is_empty();
        build(out);
        out.extend_from_slice(b"\n\n");
        drop(queue);
        if first && !gate_shut {
            self.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Every frame is built whole before the lock is given back, so a panic of
        // another thread leaves no half message behind.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One `db_write` that lightningd waits for.
#[derive(Debug)]
pub struct DbWrite {
    output: Arc<Output>,
    id: Option<RequestId>,
}

impl DbWrite {
    /// Answers and opens the gate, in that order.
    pub fn answer(mut self, result: &str) {
        let Some(id) = self.id.take() else { return };
        self.output.frame(true, |out| push_result(out, &id, result));
        self.open_gate();
    }

    fn open_gate(&self) {
        let mut queue = self.output.lock();
        queue.open_db_writes -= 1;
        if queue.open_db_writes == 0 {
            let gated = std::mem::take(&mut queue.gated);
            queue.ready.extend_from_slice(&gated);
            drop(queue);
            self.output.wake.notify_one();
        }
    }
}

impl Drop for DbWrite {
    fn drop(&mut self) {
        if self.id.take().is_some() {
            self.open_gate();
        }
    }
}

fn push_result(out: &mut Vec<u8>, id: &RequestId, result: &str) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.extend_from_slice(id.token().as_bytes());
    out.extend_from_slice(b",\"result\":");
    push_text(out, result);
    out.push(b'}');
}

fn push_notification(out: &mut Vec<u8>, method: &str, params: &str) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":");
    push_json(out, method);
    out.extend_from_slice(b",\"params\":");
    push_text(out, params);
    out.push(b'}');
}

/// JSON text on one line: in valid JSON a raw line feed is only white space, and
/// readers of lightningd's traffic split on empty lines.
fn push_text(out: &mut Vec<u8>, json: &str) {
    let from = out.len();
    out.extend_from_slice(json.as_bytes());
    if memchr::memchr2(b'\n', b'\r', &out[from..]).is_some() {
        for byte in &mut out[from..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
}

fn push_json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Into a Vec, of types without map keys that are no strings: it cannot fail.
    if let Err(e) = serde_json::to_writer(&mut *out, value) {
        debug_assert!(false, "{e}");
    }
}

/// As lightningd is told: no control characters, and none that change the direction of writing,
/// which would show an operator another text than the one that was meant.
pub(crate) fn escape_controls(text: &str) -> std::borrow::Cow<'_, str> {
    let controls = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(controls) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if controls(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(token: &str) -> RequestId {
        RequestId::from_token(token)
    }

    async fn written(output: &Output) -> String {
        let mut bytes = Vec::new();
        output.take(&mut bytes).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn a_burst_leaves_in_one_piece() {
        let output = Output::default();
        output.result(&id("\"a\""), "{\"x\":1}");
        output.error(Some(&id("7")), &RpcError::new(-32601, "no \"m\""));
        assert!(output.notification(&Backlog::default(), "topic", "[]"));
        assert_eq!(
            written(&output).await,
            "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"x\":1}}\n\n\
             {\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32601,\"message\":\"no \\\"m\\\"\"}}\n\n\
             {\"jsonrpc\":\"2.0\",\"method\":\"topic\",\"params\":[]}\n\n"
        );
    }

    #[tokio::test]
    async fn an_open_db_write_holds_all_but_its_answer_and_log_lines() {
        let output = Arc::new(Output::default());
        let db_write = output.open_db_write(id("1"));
        output.result(&id("2"), "{}");
        output.log(Level::Info, "l");
        let first = written(&output).await;
        assert!(
            first.contains("\"log\"") && !first.contains("\"id\":2"),
            "{first}"
        );
        db_write.answer("{\"result\":\"continue\"}");
        let rest = written(&output).await;
        let (answer, held) = (
            rest.find("\"id\":1").unwrap(),
            rest.find("\"id\":2").unwrap(),
        );
        assert!(answer < held, "{rest}");
    }

    #[tokio::test]
    async fn a_db_write_that_is_dropped_opens_the_gate() {
        let output = Arc::new(Output::default());
        drop(output.open_db_write(id("1")));
        output.result(&id("2"), "{}");
        assert!(written(&output).await.contains("\"id\":2"));
    }

    #[tokio::test]
    async fn log_lines_are_one_line_without_controls() {
        let output = Output::default();
        output.log(Level::Unusual, "a\nb\u{1b}[31m\u{85}\u{202e}é");
        let line = written(&output).await;
        assert_eq!(line.matches('\n').count(), 2, "{line:?}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            value["params"]["message"],
            "a\\nb\\u{1b}[31m\\u{85}\\u{202e}é"
        );
        assert_eq!(value["params"]["level"], "warn");
    }

    #[tokio::test]
    async fn a_result_with_line_feeds_keeps_its_meaning() {
        let output = Output::default();
        output.result(&id("1"), "{\n\n\"a\": \"\\n\"}");
        let line = written(&output).await;
        assert!(!line.trim_end().contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["result"]["a"], "\n");
    }

    #[tokio::test]
    async fn notifications_that_nobody_reads_are_refused_and_answers_are_not() {
        let output = Arc::new(Output::default());
        let (one, two) = (Backlog::default(), Backlog::default());
        let params = format!("[\"{}\"]", "x".repeat(NOTIFICATION_BACKLOG / 4));
        let sent = |backlog| {
            (0..100)
                .filter(|_| output.notification(backlog, "t", &params))
                .count()
        };
        assert_eq!(sent(&one), 4);
        assert_eq!(sent(&two), 4, "each guest by itself");
        output.result(&id("1"), "{}");
        assert!(written(&output).await.contains("\"id\":1"));
        assert_eq!(sent(&one), 4, "what waited has been read");
        drop(written(&output).await);
        // What an open db_write holds back has not been read.
        let db_write = output.open_db_write(id("2"));
        assert_eq!(sent(&one), 4);
        output.log(Level::Info, "l");
        drop(written(&output).await);
        assert_eq!(sent(&one), 0);
        db_write.answer("{\"result\":\"continue\"}");
        drop(written(&output).await);
        assert_eq!(sent(&one), 4);
    }

    #[tokio::test]
    async fn closed_and_empty_ends() {
        let output = Output::default();
        output.log(Level::Debug, "x");
        output.close();
        assert!(written(&output).await.contains('x'));
        assert_eq!(output.take(&mut Vec::new()).await, None);
    }
}
