//! A running node, as a test uses it.

use super::builder::{AsJson, PluginSpec};
use super::calls::{Call, HookRun, RawCall};
use super::chain::{self, FilterField, HookOutcome};
use super::command::{self, Caller, Settings as CallSettings, request_text};
use super::hook_rules::Fold;
use super::json::Doc;
use super::manifest::Manifest;
use super::rpc_socket::RpcSocket;
use super::startup;
use super::state::{LogLine, Pending, PluginState, Shared, native_notification};
use super::stopping;
use super::verdict::{Failure, Result, Verdict};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What outlives the builder.
pub(crate) struct Settings {
    pub(crate) version: String,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) proxy: Option<(SocketAddr, bool)>,
    pub(crate) startup_limit: Duration,
    pub(crate) shutdown_limit: Duration,
}

/// How a command is called, beyond its name and params.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// The request's id as it is to stand in the message, quotes included.
    pub id: Option<String>,
    /// `filter` of the request.
    pub filter: Option<Value>,
    /// What the caller's connection said to `deprecations`.
    pub deprecated_ok: Option<bool>,
}

/// A simulated lightningd with its plugins. Dropping it ends them, panics where a verdict was reached that
/// the test has not taken, and prints the transcript when the test fails for any other reason.
pub struct Node {
    pub(crate) shared: Arc<Shared>,
    pub(crate) socket: RpcSocket,
    pub(crate) directory: PathBuf,
    pub(crate) settings: Settings,
    _temporary: Option<tempfile::TempDir>,
    calls: AtomicU64,
    /// Verdicts that the test has taken.
    taken: Mutex<usize>,
}

impl Node {
    pub(crate) fn new(
        shared: Arc<Shared>,
        socket: RpcSocket,
        directory: PathBuf,
        temporary: Option<tempfile::TempDir>,
        settings: Settings,
    ) -> Self {
        Self {
            shared,
            socket,
            directory,
            settings,
            _temporary: temporary,
            calls: AtomicU64::new(0),
            taken: Mutex::new(0),
        }
    }

    // --- commands ---

    /// Calls a command as a client of lightningd does: through the `rpc_command` hook, to the plugin that
    /// has it or to the test's own [`native`](super::Builder::native), and waits for the result.
    ///
    /// # Errors
    /// [`Failure::Rpc`] for an error answer.
    pub fn call(&self, method: &str, params: impl AsJson) -> Result<Value> {
        self.start_call(method, params)?.wait()
    }

    /// The same; the result's text, byte for byte.
    pub fn call_raw(&self, method: &str, params: impl AsJson) -> Result<String> {
        self.start_call(method, params)?.wait_raw()
    }

    /// Sends a call without waiting.
    pub fn start_call(&self, method: &str, params: impl AsJson) -> Result<Call> {
        self.start_call_with(method, params, CallOptions::default())
    }

    /// Sends a call with an id, a filter, or another view of deprecated APIs.
    pub fn start_call_with(
        &self,
        method: &str,
        params: impl AsJson,
        options: CallOptions,
    ) -> Result<Call> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let id = options
            .id
            .unwrap_or_else(|| json!(format!("test:{method}#{number}")).to_string());
        let text = request_text(&id, method, &params.as_json(), options.filter.as_ref());
        let request =
            Doc::parse(&text).ok_or_else(|| Failure::setup(format!("not a request: {text}")))?;
        let (to, rx) = channel();
        let mut state = self.shared.lock_to_send()?;
        let settings = CallSettings {
            notifications: true,
            deprecated_ok: options.deprecated_ok.unwrap_or(state.deprecated_ok),
        };
        command::begin(&mut state, Caller::Local(to), settings, request);
        drop(state);
        Ok(Call {
            rx,
            shared: self.shared.clone(),
            what: format!("answer to {method} (id {id})"),
            done: None,
        })
    }

    /// `check` of a command with params (an object, or an array).
    pub fn check(&self, method: &str, params: Value) -> Result<Value> {
        let params = match params {
            Value::Array(mut list) => {
                list.insert(0, json!(method));
                Value::Array(list)
            }
            Value::Object(mut map) => {
                map.insert("command_to_check".to_owned(), json!(method));
                Value::Object(map)
            }
            other => return Err(Failure::setup(format!("not params: {other}"))),
        };
        self.call("check", params)
    }

    /// `setconfig`; `None` for a flag.
    pub fn setconfig(&self, config: &str, val: Option<Value>) -> Result<Value> {
        let mut params = json!({"config": config});
        if let Some(val) = val {
            params["val"] = val;
        }
        self.call("setconfig", params)
    }

    // --- hooks ---

    /// Calls a hook with `params` (the whole payload, such as `{"peer": {...}}`) and waits for the end
    /// of its chain.
    ///
    /// # Errors
    /// The verdict, where an answer would take lightningd down.
    pub fn hook(&self, hook: &str, params: impl AsJson) -> Result<HookOutcome> {
        self.start_hook(hook, params)?.wait()
    }

    /// Calls a hook without waiting: many may be under way.
    pub fn start_hook(&self, hook: &str, params: impl AsJson) -> Result<HookRun> {
        self.start_hook_for(None, hook, params)
    }

    /// The same on behalf of a command: `caller` is its id, quotes included, and comes first in the
    /// hook's id.
    pub fn start_hook_for(
        &self,
        caller: Option<&str>,
        hook: &str,
        params: impl AsJson,
    ) -> Result<HookRun> {
        if hook == "db_write" || !super::hooks().contains(&hook) {
            return Err(Failure::setup(format!("{hook} is not called this way")));
        }
        let params = params.as_json();
        let doc = Doc::parse(&params)
            .ok_or_else(|| Failure::setup(format!("not a payload: {params}")))?;
        let filter = match hook {
            "rpc_command" => FilterField::String(
                doc.get("rpc_command")
                    .and_then(|request| request.get("method"))
                    .map_or("", |method| method.text())
                    .to_owned(),
            ),
            "custommsg" => FilterField::Int(
                doc.get("payload")
                    .and_then(|payload| payload.text().get(..4))
                    .and_then(|kind| u64::from_str_radix(kind, 16).ok())
                    .unwrap_or(0),
            ),
            _ => FilterField::None,
        };
        let (to, rx) = channel();
        let mut state = self.shared.lock_to_send()?;
        let done = Box::new(move |_: &mut super::state::State, outcome| drop(to.send(outcome)));
        let caller = caller.map(str::to_owned);
        chain::call(&mut state, hook, &params, filter, caller, done);
        drop(state);
        Ok(HookRun {
            rx,
            shared: self.shared.clone(),
            what: format!("end of the {hook} hook"),
            done: None,
        })
    }

    /// Commits a change to the database: every plugin that hooks `db_write` is asked, all at once, and
    /// nothing else is said or listened to until all have answered.
    pub fn db_write(&self, writes: &[&str]) -> Result<()> {
        let mut state = self.shared.lock_to_send()?;
        let served: std::collections::HashSet<usize> = (0..state.plugins.len())
            .filter(|at| {
                state.plugin(*at).is_some_and(|p| {
                    p.state != PluginState::Gone && p.manifest.hook("db_write").is_some()
                })
            })
            .collect();
        if served.is_empty() {
            return Ok(());
        }
        state.data_version += 1;
        let params = json!({"data_version": state.data_version, "writes": writes}).to_string();
        state.exclusive = Some(served.clone());
        let (to, rx) = channel();
        let left = Arc::new(AtomicU64::new(served.len() as u64));
        for at in served {
            let (to, left) = (to.clone(), left.clone());
            let on_answer = move |state: &mut super::state::State, doc: &Doc| {
                if let Err(reason) = Fold::new("db_write", "{}").answer(doc) {
                    return state.abort_because(at, reason);
                }
                if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                    state.exclusive = None;
                    if let Some(shared) = state.me.upgrade() {
                        shared.changed.notify_all();
                    }
                    let _ = to.send(());
                }
            };
            let pending = Pending {
                on_answer: Box::new(on_answer),
                on_note: None,
            };
            state.request(at, "db_write", &params, None, pending);
        }
        drop((state, to));
        match rx.recv_timeout(self.shared.deadline) {
            Ok(()) => Ok(()),
            Err(_) => match self.shared.lock().verdicts.last().cloned() {
                Some(verdict) => Err(Failure::verdict_of(verdict, &self.shared.transcript)),
                None => Err(self.shared.late("answer to db_write", self.shared.deadline)),
            },
        }
    }

    // --- notifications ---

    /// Sends a notification in today's shape, `{"<topic>": params}`, to the plugins that have answered
    /// init and subscribed; gives the number of copies.
    pub fn notify(&self, topic: &str, params: impl AsJson) -> Result<usize> {
        let message = native_notification(topic, &params.as_json());
        Ok(self.shared.lock_to_send()?.notify(topic, &message))
    }

    /// The same with `params` as they stand: the shape that older versions used for some topics.
    pub fn notify_bare(&self, topic: &str, params: impl AsJson) -> Result<usize> {
        let params = params.as_json();
        let message = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{topic}\",\"params\":{params}}}");
        Ok(self.shared.lock_to_send()?.notify(topic, &message))
    }

    // --- bytes ---

    /// Writes bytes to the first plugin's stdin in one piece, whatever they are.
    pub fn send_bytes(&self, bytes: impl AsRef<[u8]>) {
        self.send_bytes_to(0, bytes);
    }

    /// Writes bytes to plugin number `plugin`, in one piece.
    pub fn send_bytes_to(&self, plugin: usize, bytes: impl AsRef<[u8]>) {
        self.shared.lock().send(plugin, bytes.as_ref().to_vec());
    }

    /// Waits for an answer under an id of the test's own making (as it stands in the message, quotes
    /// included), which goes out with [`send_bytes_to`](Self::send_bytes_to). To be called first.
    pub fn expect_answer(&self, plugin: usize, id: &str) -> RawCall {
        let (to, rx) = channel();
        let pending = Pending {
            on_answer: Box::new(move |_, doc| drop(to.send(doc.clone()))),
            on_note: None,
        };
        self.shared.lock().expect(plugin, id.to_owned(), pending);
        RawCall {
            rx,
            shared: self.shared.clone(),
            what: format!("answer to id {id}"),
        }
    }

    // --- what there is to see ---

    /// The first plugin's manifest.
    pub fn manifest(&self) -> Manifest {
        self.manifest_of(0)
    }

    /// The manifest of plugin number `plugin`.
    pub fn manifest_of(&self, plugin: usize) -> Manifest {
        self.shared
            .lock()
            .plugin(plugin)
            .map(|p| p.manifest.clone())
            .unwrap_or_default()
    }

    /// Why the plugin disabled itself, if it did.
    pub fn disabled(&self, plugin: usize) -> Option<String> {
        self.shared.lock().plugin(plugin)?.disabled.clone()
    }

    /// The process id of plugin number `plugin`.
    pub fn pid(&self, plugin: usize) -> Option<i32> {
        let mut state = self.shared.lock();
        Some(state.plugin(plugin)?.pid.as_raw_nonzero().get())
    }

    /// lightningd's log so far: the plugins' lines, and lightningd's own about them.
    pub fn logs(&self) -> Vec<LogLine> {
        self.shared.lock().logs.clone()
    }

    /// Waits for a log line, which may be there already.
    pub fn wait_log(&self, wanted: impl Fn(&LogLine) -> bool) -> Result<LogLine> {
        let mut seen = 0;
        self.shared.wait("log line", self.shared.deadline, |state| {
            let found = state.logs.iter().skip(seen).find(|l| wanted(l)).cloned();
            seen = state.logs.len();
            found.map(Ok).or_else(|| {
                let verdict = state.fatal()?;
                Some(Err(Failure::verdict_of(verdict, &state.transcript)))
            })
        })
    }

    /// What the plugin wrote to its stderr, which lightningd passes on to its own.
    pub fn stderr(&self, plugin: usize) -> String {
        let mut state = self.shared.lock();
        let bytes = state.plugin(plugin).map(|p| p.stderr.clone());
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    }

    /// Answers to ids that nobody waited for; lightningd ignores them.
    pub fn stray_answers(&self, plugin: usize) -> Vec<String> {
        let mut state = self.shared.lock();
        state
            .plugin(plugin)
            .map(|p| p.stray.clone())
            .unwrap_or_default()
    }

    /// How many connections the socket has seen.
    pub fn connections(&self) -> usize {
        self.socket.accepted()
    }

    /// The plugins' working directory, `.../regtest`; the socket is `lightning-rpc` in it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// All traffic so far, printable.
    pub fn transcript(&self) -> String {
        self.shared.transcript.to_string()
    }

    // --- verdicts ---

    /// Waits for a verdict and takes it: the test expected it.
    pub fn wait_verdict(&self) -> Result<Verdict> {
        let taken = *self.taken();
        let verdict = self.shared.wait("verdict", self.shared.deadline, |state| {
            state.verdicts.get(taken).cloned().map(Ok)
        })?;
        *self.taken() += 1;
        Ok(verdict)
    }

    /// Takes all verdicts so far.
    pub fn take_verdicts(&self) -> Vec<Verdict> {
        let verdicts = self.shared.lock().verdicts.clone();
        let mut taken = self.taken();
        let new = verdicts.get(*taken..).unwrap_or_default().to_vec();
        *taken = verdicts.len();
        new
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, usize> {
        self.taken
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    // --- coming and going ---

    /// Waits until every plugin has answered init; see
    /// [`without_waiting_for_init`](super::Builder::without_waiting_for_init).
    pub fn wait_init(&self) -> Result<()> {
        startup::wait_inits(self)
    }

    /// Starts a further plugin as `plugin start` does; its number. Options are as on the command line.
    ///
    /// # Errors
    /// The verdict, also where the plugin is not dynamic.
    pub fn plugin_start(
        &mut self,
        path: impl AsRef<Path>,
        options: &[(&str, &str)],
    ) -> Result<usize> {
        let mut spec = PluginSpec::new(path.as_ref());
        for (name, value) in options {
            let values = spec.values.entry((*name).to_owned()).or_default();
            values.push((*value).to_owned());
        }
        let at = startup::launch(self, &spec)?;
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let caller = json!(format!("test:plugin#{number}")).to_string();
        startup::send_getmanifest(&mut self.shared.lock(), at, Some(&caller));
        startup::wait_manifests(self)?;
        startup::settle_manifests(&mut self.shared.lock(), Some(at));
        startup::fail_on_verdict(&self.shared)?;
        startup::send_init(self, at)?;
        startup::wait_inits(self)?;
        Ok(at)
    }

    /// Stops a plugin as `plugin stop` does: it must be dynamic, is told if it subscribed to `shutdown`
    /// and then has the shutdown limit to exit, and is killed at once otherwise.
    pub fn plugin_stop(&self, plugin: usize) -> Result<stopping::Exit> {
        stopping::plugin_stop(self, plugin)
    }

    /// Kills a plugin's process, as any other process might; calls to it fail, hooks go on.
    pub fn kill_plugin(&self, plugin: usize) -> Result<stopping::Exit> {
        stopping::kill_plugin(self, plugin)
    }

    /// Sends SIGTERM to a plugin and waits for its end.
    pub fn terminate_plugin(&self, plugin: usize) -> Result<stopping::Exit> {
        stopping::terminate_plugin(self, plugin)
    }

    /// Stops lightningd: `shutdown` to whoever subscribed, the end of stdin to the others.
    ///
    /// # Errors
    /// A plugin that is still there after the limit, that left bytes on its stdout which are no message,
    /// or a verdict that was not taken.
    pub fn shutdown(self) -> Result<Vec<stopping::Exit>> {
        stopping::shutdown(self)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let taken = *self.taken();
        let untaken = state.verdicts.get(taken..).unwrap_or_default().to_vec();
        state.shutting_down = true;
        state.exclusive = None;
        for at in 0..state.plugins.len() {
            if let Some(plugin) = state.plugin(at) {
                plugin.may_exit = true;
                plugin.pending.clear();
            }
            state.remove(at, true);
        }
        drop(state);
        self.shared.changed.notify_all();
        self.socket.stop_all();
        if std::thread::panicking() {
            // The test has failed already: say what led to it.
            for verdict in &untaken {
                eprintln!("{verdict}");
            }
            eprintln!("{}", self.shared.transcript);
        } else if let Some(verdict) = untaken.first() {
            panic!("{verdict}\n{}", self.shared.transcript);
        }
    }
}
