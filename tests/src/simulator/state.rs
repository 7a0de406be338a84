//! What the simulated lightningd knows, behind one lock: lightningd itself is one thread.

use super::hook_rules::Fold;
use super::json::Doc;
use super::manifest::{Manifest, Registry};
use super::transcript::Transcript;
use super::verdict::{Failure, Result, RpcError, Verdict};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Where a plugin is on its way (`lightningd/plugin.h:enum plugin_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PluginState {
    AwaitingManifest,
    NeedsInit,
    AwaitingInit,
    InitComplete,
    /// Killed, exited, or disabled by itself.
    Gone,
}

impl PluginState {
    fn described(self) -> &'static str {
        match self {
            Self::AwaitingManifest => "before replying to getmanifest",
            Self::NeedsInit => "before we sent init",
            Self::AwaitingInit => "before replying to init",
            Self::InitComplete | Self::Gone => "during normal operation",
        }
    }
}

type OnAnswer = Box<dyn FnOnce(&mut State, &Doc) + Send>;
type OnNote = Arc<dyn Fn(&mut State, &Doc) + Send + Sync>;

/// A request that the plugin has not answered yet.
pub(crate) struct Pending {
    pub(crate) on_answer: OnAnswer,
    pub(crate) on_note: Option<OnNote>,
}

/// One plugin as lightningd sees it.
pub(crate) struct Plugin {
    pub(crate) path: PathBuf,
    /// The file name: how lightningd names it in logs and `before`/`after`.
    pub(crate) name: Arc<str>,
    pub(crate) state: PluginState,
    /// Why it is gone, where it disabled itself.
    pub(crate) disabled: Option<String>,
    pub(crate) manifest: Manifest,
    /// Values given for its options, as on the command line.
    pub(crate) values: HashMap<String, Vec<String>>,
    /// Requests without an answer, by id as it stands in the message, quotes included.
    pub(crate) pending: HashMap<String, Pending>,
    /// Answers that nobody waited for: unknown ids, and second answers.
    pub(crate) stray: Vec<String>,
    pub(crate) to_stdin: Option<Sender<Vec<u8>>>,
    pub(crate) pid: rustix::process::Pid,
    pub(crate) exit: Option<ExitStatus>,
    /// The end of its stdout was seen.
    pub(crate) eof: bool,
    /// Its end is wanted, so it is no verdict.
    pub(crate) may_exit: bool,
    /// Bytes after the last whole message.
    pub(crate) leftover: Option<String>,
    pub(crate) stderr: Vec<u8>,
}

/// A line in lightningd's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// `trace`, `debug`, `info`, `unusual` or `broken`, as lightningd names them.
    pub level: &'static str,
    /// `plugin-<file name>`, or `lightningd`.
    pub source: String,
    /// The text.
    pub text: String,
}

type NativeResult = std::result::Result<String, RpcError>;
/// A command of lightningd as the test plays it: params in, the text of the result out.
pub(crate) type Native = Arc<dyn Fn(&Value) -> NativeResult + Send + Sync>;

/// Who is shown each request at the RPC socket, as its bytes came.
pub(crate) type RpcWatch = Arc<dyn Fn(&str) + Send + Sync>;

pub(crate) struct State {
    pub(crate) me: Weak<Shared>,
    pub(crate) transcript: Transcript,
    pub(crate) plugins: Vec<Plugin>,
    /// Order of the plugins, by hook.
    pub(crate) chains: HashMap<String, Vec<usize>>,
    pub(crate) registry: Registry,
    pub(crate) natives: HashMap<String, Native>,
    pub(crate) next_id: u64,
    pub(crate) startup: bool,
    pub(crate) deprecated_ok: bool,
    pub(crate) developer: bool,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) verdicts: Vec<Verdict>,
    /// lightningd is dead.
    pub(crate) aborted: bool,
    pub(crate) shutting_down: bool,
    /// Only these plugins are served while a db_write is under way.
    pub(crate) exclusive: Option<HashSet<usize>>,
    pub(crate) data_version: u32,
}

/// The state, its lock, and the deadline for everything that a test waits for.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) changed: Condvar,
    pub(crate) deadline: Duration,
    pub(crate) transcript: Transcript,
}

impl Shared {
    pub(crate) fn new(make: impl FnOnce(Weak<Self>) -> State, deadline: Duration) -> Arc<Self> {
        Arc::new_cyclic(|me| {
            let state = make(me.clone());
            Self {
                transcript: state.transcript.clone(),
                state: Mutex::new(state),
                changed: Condvar::new(),
                deadline,
            }
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `done` gives something, the node dies, or the deadline passes.
    pub(crate) fn wait<T>(
        &self,
        what: &str,
        deadline: Duration,
        mut done: impl FnMut(&mut State) -> Option<Result<T>>,
    ) -> Result<T> {
        let until = Instant::now() + deadline;
        let mut state = self.lock();
        loop {
            if let Some(outcome) = done(&mut state) {
                return outcome;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                return Err(self.late(what, deadline));
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    pub(crate) fn late(&self, what: &str, deadline: Duration) -> Failure {
        Failure::Deadline {
            what: what.to_owned(),
            seconds: deadline.as_secs_f64(),
            transcript: self.transcript.to_string(),
        }
    }

    /// The lock, once nothing else may be said on account of a db_write.
    pub(crate) fn lock_to_send(&self) -> Result<MutexGuard<'_, State>> {
        let until = Instant::now() + self.deadline;
        let mut state = self.lock();
        while state.exclusive.is_some() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                return Err(self.late("end of a db_write", self.deadline));
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        match state.fatal() {
            Some(verdict) => Err(Failure::verdict_of(verdict, &self.transcript)),
            None => Ok(state),
        }
    }
}

impl State {
    pub(crate) fn plugin(&mut self, at: usize) -> Option<&mut Plugin> {
        self.plugins.get_mut(at)
    }

    pub(crate) fn name(&self, at: usize) -> Arc<str> {
        self.plugins
            .get(at)
            .map_or_else(|| "?".into(), |plugin| plugin.name.clone())
    }

    fn wake(&self) {
        if let Some(shared) = self.me.upgrade() {
            shared.changed.notify_all();
        }
    }

    /// The verdict that ended the node, if one did.
    pub(crate) fn fatal(&self) -> Option<Verdict> {
        match self.aborted {
            true => self.verdicts.last().cloned(),
            false => None,
        }
    }

    pub(crate) fn log(&mut self, source: &str, level: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.transcript
            .remark(&source.into(), &format!("{level}: {text}"));
        self.logs.push(LogLine {
            level,
            source: source.to_owned(),
            text,
        });
        self.wake();
    }

    /// Writes to a plugin's stdin.
    pub(crate) fn send(&mut self, at: usize, bytes: Vec<u8>) {
        let Some(plugin) = self.plugins.get(at) else {
            return;
        };
        self.transcript.sent(&plugin.name, &bytes);
        if let Some(stdin) = &plugin.to_stdin {
            // A plugin that no longer reads is dealt with when its stdout ends.
            let _ = stdin.send(bytes);
        }
    }

    /// An id of today's form: `"cln:<method>#<n>"`, with the caller's id in front where there is one.
    fn new_id(&mut self, method: &str, caller: Option<&str>) -> String {
        let number = self.next_id;
        self.next_id += 1;
        match caller {
            None => format!("\"cln:{method}#{number}\""),
            Some(caller) => {
                let bare = caller
                    .strip_prefix('"')
                    .and_then(|c| c.strip_suffix('"'))
                    .unwrap_or(caller);
                let odd = bare
                    .bytes()
                    .any(|b| b < b' ' || b == 127 || b == b'"' || b == b'\\');
                let bare = if odd { "weird-id" } else { bare };
                format!("\"{bare}/cln:{method}#{number}\"")
            }
        }
    }

    /// Sends a request with `params` as JSON text, and remembers who waits for the answer.
    pub(crate) fn request(
        &mut self,
        at: usize,
        method: &str,
        params: &str,
        caller: Option<&str>,
        pending: Pending,
    ) {
        let id = self.new_id(method, caller);
        let text = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}\n\n"
        );
        self.expect(at, id, pending);
        self.send(at, text.into_bytes());
    }

    /// Passes a caller's request on, byte for byte but for the id.
    pub(crate) fn forward(&mut self, at: usize, method: &str, request: &Doc, pending: Pending) {
        let Some(caller) = request.get("id") else {
            return;
        };
        let id = self.new_id(method, Some(caller.full()));
        let text = format!("{}\n\n", caller.replaced_by(&id));
        self.expect(at, id, pending);
        self.send(at, text.into_bytes());
    }

    pub(crate) fn expect(&mut self, at: usize, id: String, pending: Pending) {
        if let Some(plugin) = self.plugin(at) {
            plugin.pending.insert(id, pending);
        }
    }

    /// Sends a notification to whoever has answered init and subscribed; the number of copies.
    pub(crate) fn notify(&mut self, topic: &str, message: &str) -> usize {
        let mut copies = 0;
        for at in 0..self.plugins.len() {
            copies += self.notify_one(at, topic, message);
        }
        copies
    }

    fn notify_one(&mut self, at: usize, topic: &str, message: &str) -> usize {
        let wanted = match self.plugins.get(at) {
            Some(plugin) if plugin.state == PluginState::InitComplete => {
                plugin.manifest.copies_of(topic)
            }
            _ => 0,
        };
        for _ in 0..wanted {
            self.send(at, format!("{message}\n\n").into_bytes());
        }
        wanted
    }

    /// A notification of lightningd's own, in today's shape; `inner` is JSON text.
    pub(crate) fn notify_native(&mut self, topic: &str, inner: &str) -> usize {
        self.notify(topic, &native_notification(topic, inner))
    }

    /// One for a single plugin, once, whatever it subscribed to that covers it.
    pub(crate) fn notify_single(&mut self, at: usize, topic: &str, inner: &str) -> bool {
        let wanted = self.plugins.get(at).is_some_and(|plugin| {
            plugin.state == PluginState::InitComplete && plugin.manifest.copies_of(topic) > 0
        });
        if wanted {
            let message = format!("{}\n\n", native_notification(topic, inner));
            self.send(at, message.into_bytes());
        }
        wanted
    }

    /// Ends a plugin as `plugin_kill` does; its pending requests are answered for it.
    pub(crate) fn kill(&mut self, at: usize, reason: &str) {
        let name = self.name(at);
        let quiet = self.plugins.get(at).is_none_or(|p| p.may_exit) || self.aborted;
        self.log(
            &format!("plugin-{name}"),
            if quiet { "debug" } else { "unusual" },
            format!("Killing plugin: {reason}"),
        );
        if !quiet {
            self.verdicts.push(Verdict::Killed {
                plugin: name.to_string(),
                reason: reason.to_owned(),
            });
        }
        self.remove(at, true);
    }

    /// Takes a plugin out; with `sigkill`, ends its process too.
    pub(crate) fn remove(&mut self, at: usize, sigkill: bool) {
        let Some(plugin) = self.plugins.get_mut(at) else {
            return;
        };
        plugin.may_exit = true;
        plugin.to_stdin = None;
        if sigkill && plugin.exit.is_none() {
            // Not reaped yet, so the pid is still its own.
            let _ = rustix::process::kill_process(plugin.pid, rustix::process::Signal::KILL);
        }
        if plugin.state == PluginState::Gone {
            self.wake();
            return;
        }
        let was_complete = plugin.state == PluginState::InitComplete;
        plugin.state = PluginState::Gone;
        let pending: Vec<_> = plugin.pending.drain().collect();
        let manifest = plugin.manifest.clone();
        let (name, path) = (plugin.name.clone(), plugin.path.clone());
        self.registry.forget(&manifest);
        if !self.shutting_down && !self.aborted {
            for (id, pending) in pending {
                let text = format!(
                    "{{\"jsonrpc\": \"2.0\",\"id\": {id},\"error\": {{\"code\":-4, \"message\":\"Plugin \
                     terminated before replying to RPC call.\"}}}}"
                );
                if let Some(doc) = Doc::parse(&text) {
                    (pending.on_answer)(self, &doc);
                }
            }
            if was_complete {
                let inner = plugin_notification(&name, &path, &manifest);
                self.notify_native("plugin_stopped", &inner);
            }
        }
        self.wake();
    }

    /// lightningd dies.
    pub(crate) fn abort(&mut self, verdict: Verdict) {
        if self.aborted {
            return;
        }
        self.transcript.remark(&"node".into(), &verdict.to_string());
        self.verdicts.push(verdict);
        self.aborted = true;
        self.exclusive = None;
        for at in 0..self.plugins.len() {
            if let Some(plugin) = self.plugin(at) {
                // Whoever waits finds out by its channel being closed.
                plugin.pending.clear();
            }
            self.remove(at, true);
        }
    }

    pub(crate) fn abort_because(&mut self, at: usize, reason: impl Into<String>) {
        let plugin = self.name(at).to_string();
        self.abort(Verdict::NodeAborts {
            plugin,
            reason: reason.into(),
        });
    }

    /// The end of a plugin's stdout (`plugin_conn_finish`).
    pub(crate) fn stdout_ended(&mut self, at: usize, leftover: Option<String>) {
        let Some(plugin) = self.plugin(at) else {
            return;
        };
        plugin.eof = true;
        plugin.leftover = leftover;
        let reason = format!("exited {}", plugin.state.described());
        match (plugin.state, plugin.may_exit) {
            (PluginState::Gone, _) => {}
            (_, true) => self.remove(at, false),
            (_, false) => self.kill(at, &reason),
        }
        self.wake();
    }

    /// The process is gone.
    pub(crate) fn exited(&mut self, at: usize, status: Option<ExitStatus>) {
        if let Some(plugin) = self.plugin(at) {
            plugin.exit = status;
        }
        self.wake();
    }

    /// Takes in log lines that a hook's rules gave.
    pub(crate) fn log_remarks(&mut self, fold: &mut Fold) {
        for (level, text) in std::mem::take(&mut fold.remarks) {
            self.log("lightningd", level, text);
        }
    }
}

pub(crate) fn native_notification(topic: &str, inner: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{topic}\",\"params\":{{\"{topic}\":{inner}}}}}")
}

/// The inside of `plugin_started` and `plugin_stopped`.
pub(crate) fn plugin_notification(
    name: &str,
    path: &std::path::Path,
    manifest: &Manifest,
) -> String {
    let methods: Vec<_> = manifest.methods.iter().map(|m| m.name.as_str()).collect();
    let text = |value: &str| Value::from(value).to_string();
    format!(
        "{{\"plugin_name\":{},\"plugin_path\":{},\"methods\":{}}}",
        text(name),
        text(&path.to_string_lossy()),
        Value::from(methods)
    )
}
