//! Real lightningd nodes on regtest, over a chain of the project's own: no bitcoind.
//!
//! ```no_run
//! use cln_wasm_tests::lab::Lab;
//! use serde_json::json;
//!
//! let Some(lab) = Lab::start(&[vec!["--plugin=/path/to/plugin"], vec![]]) else {
//!     return; // said so: there is no lightningd here
//! };
//! lab.open_line();
//! lab.rpc(0, "getinfo", json!({})).unwrap();
//! lab.pay(0, 1, 10_000).unwrap();
//! lab.assert_healthy();
//! ```
//!
//! The nodes are run by `lightningd-lab/network.py --control` (Python's standard library only), which stops
//! them when the [`Lab`] is dropped, or when this process ends in any other way.

use crate::simulator::RpcError;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longer than anything that the nodes are given themselves.
const DEADLINE: Duration = Duration::from_secs(240);

type Answer = Result<Value, RpcError>;
type Waiting = Arc<Mutex<HashMap<u64, Sender<Answer>>>>;

/// A node, as it was when it was last started.
#[derive(Clone, Debug)]
pub struct LabNode {
    /// `l1`, `l2`, ...
    pub name: String,
    /// Its node id, in hex.
    pub id: String,
    /// lightningd's directory; plugins run in `regtest` inside it.
    pub directory: PathBuf,
    /// Its JSON-RPC socket.
    pub rpc: PathBuf,
    /// lightningd's process id.
    pub pid: u64,
}

/// How a node is to be started.
#[derive(Clone, Debug, Default)]
pub struct NodeSetup {
    args: Vec<String>,
    env: BTreeMap<String, String>,
}

impl NodeSetup {
    /// A node without anything extra.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an argument of lightningd's.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds a plugin.
    #[must_use]
    pub fn plugin(self, path: &Path) -> Self {
        self.arg(format!("--plugin={}", path.display()))
    }

    /// Sets a variable in the environment of lightningd and its plugins.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }
}

/// How a node is.
#[derive(Clone, Debug)]
pub struct Health {
    /// Its name.
    pub name: String,
    /// Whether its process is there.
    pub running: bool,
    /// Whether the test stopped it.
    pub stopped: bool,
    /// Its exit code; negative is a signal.
    pub exit: Option<i64>,
    /// Log lines at level BROKEN, and those that say FATAL.
    pub broken: Vec<String>,
    /// The end of its log and of its stderr.
    pub tail: String,
}

/// A network of lightningd nodes. Dropping it stops them.
pub struct Lab {
    child: Child,
    to_child: Mutex<Option<ChildStdin>>,
    waiting: Waiting,
    next: AtomicU64,
    nodes: Mutex<Vec<LabNode>>,
}

/// Where lightningd is: in `$CLN_DIR/bin` where that is set, else on PATH.
pub fn find_lightningd() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = match std::env::var_os("CLN_DIR") {
        Some(folder) => vec![PathBuf::from(folder).join("bin")],
        None => std::env::split_paths(&std::env::var_os("PATH")?).collect(),
    };
    folders
        .into_iter()
        .map(|folder| folder.join("lightningd"))
        .find(|path| path.is_file())
}

/// The same, for a test that is nothing without it: where there is none, a line says which test
/// was skipped. It must be called from the test's own thread, which has its name.
pub fn lightningd_or_skip() -> Option<PathBuf> {
    let found = find_lightningd();
    if found.is_none() {
        skipped("no lightningd on PATH or under $CLN_DIR/bin");
    }
    found
}

/// Says that the test whose thread this is was skipped, and why.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    println!("skipped: {}: {why}", thread.name().unwrap_or("a test"));
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lab {
    /// Starts one node for each list of extra lightningd arguments, with `--developer`; `None`, and a line
    /// that says so, where there is no lightningd.
    ///
    /// # Panics
    /// When a node does not come up, with the end of its log.
    pub fn start<L: AsRef<[A]>, A: AsRef<str>>(args: &[L]) -> Option<Self> {
        Self::start_with(args, true).map(|started| match started {
            Ok(lab) => lab,
            Err(why) => panic!("the network did not start: {}", why.message),
        })
    }

    /// The same with or without `--developer`; an error where a node does not come up, as a bad plugin
    /// can bring about.
    pub fn start_with<L: AsRef<[A]>, A: AsRef<str>>(
        args: &[L],
        developer: bool,
    ) -> Option<Result<Self, RpcError>> {
        let setup = |list: &L| NodeSetup {
            args: list
                .as_ref()
                .iter()
                .map(|arg| arg.as_ref().to_owned())
                .collect(),
            env: BTreeMap::new(),
        };
        let nodes: Vec<NodeSetup> = args.iter().map(setup).collect();
        lightningd_or_skip().map(|_| Self::launch(&nodes, developer))
    }

    /// Starts these nodes, with `--developer`; `None`, and a line that says so, where there is no
    /// lightningd.
    ///
    /// # Panics
    /// When a node does not come up, with the end of its log.
    pub fn start_nodes(nodes: &[NodeSetup]) -> Option<Self> {
        lightningd_or_skip().map(|_| match Self::launch(nodes, true) {
            Ok(lab) => lab,
            Err(why) => panic!("the network did not start: {}", why.message),
        })
    }

    fn launch(setups: &[NodeSetup], developer: bool) -> Result<Self, RpcError> {
        let failed = |e: &dyn std::fmt::Display| RpcError::new(-1, e.to_string());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("lightningd-lab/network.py");
        let mut child = Command::new("python3")
            .arg("-B")
            .arg(script)
            .arg("--control")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| failed(&format!("python3: {e}")))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let waiting: Waiting = Arc::default();
        if let Some(stdout) = stdout {
            let waiting = waiting.clone();
            std::thread::spawn(move || read_answers(BufReader::new(stdout), &waiting));
        }
        let lab = Self {
            child,
            to_child: Mutex::new(stdin),
            waiting,
            next: AtomicU64::new(0),
            nodes: Mutex::new(Vec::new()),
        };
        let args: Vec<&Vec<String>> = setups.iter().map(|setup| &setup.args).collect();
        let env: Vec<_> = setups.iter().map(|setup| &setup.env).collect();
        let command = json!({"args": args, "env": env, "developer": developer});
        let nodes = lab.command("start", command)?;
        let nodes = nodes.as_array().map(|list| list.iter().map(node).collect());
        *locked(&lab.nodes) = nodes.unwrap_or_default();
        Ok(lab)
    }

    /// Sends a command of `control.py` without waiting.
    pub fn start_command(&self, command: &str, mut params: Value) -> LabCall {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        params["id"] = json!(number);
        params["command"] = json!(command);
        let (to, rx) = channel();
        locked(&self.waiting).insert(number, to);
        if let Some(stdin) = locked(&self.to_child).as_mut() {
            // A driver that is gone answers nothing: the wait says so.
            let _ = writeln!(stdin, "{params}").and_then(|()| stdin.flush());
        }
        LabCall {
            rx,
            what: command.to_owned(),
        }
    }

    fn command(&self, command: &str, params: Value) -> Answer {
        self.start_command(command, params).wait()
    }

    fn must(&self, command: &str, params: Value) -> Value {
        match self.command(command, params) {
            Ok(result) => result,
            Err(error) => panic!("{command}: {error}\n{}", self.tails()),
        }
    }

    fn tails(&self) -> String {
        let health = self.health();
        let tail = |h: &Health| format!("--- {} ---\n{}", h.name, h.tail);
        health.iter().map(tail).collect::<Vec<_>>().join("\n")
    }

    /// Calls a method of node number `node`, counted from 0.
    pub fn rpc(&self, node: usize, method: &str, params: Value) -> Answer {
        self.start_rpc(node, method, params).wait()
    }

    /// The same without waiting.
    pub fn start_rpc(&self, node: usize, method: &str, params: Value) -> LabCall {
        let command = json!({"node": node, "method": method, "params": params});
        self.start_command("rpc", command)
    }

    /// Pays a fresh invoice of node `b` from node `a`, `msat` millisatoshi, with `pay`.
    pub fn pay(&self, a: usize, b: usize, msat: u64) -> Answer {
        self.start_pay(a, b, msat).wait()
    }

    /// The same without waiting: for payments that a plugin holds.
    pub fn start_pay(&self, a: usize, b: usize, msat: u64) -> LabCall {
        self.start_command("pay", json!({"a": a, "b": b, "msat": msat}))
    }

    /// Pays node `b` over the direct channel, without looking for a route.
    pub fn send_direct(&self, a: usize, b: usize, msat: u64) -> Answer {
        self.command("send_direct", json!({"a": a, "b": b, "msat": msat}))
    }

    /// A fresh invoice of `msat` millisatoshi.
    pub fn invoice(&self, node: usize, msat: u64) -> Value {
        self.must("invoice", json!({"node": node, "msat": msat}))
    }

    /// Mines blocks and waits until every node has seen them; the height.
    pub fn mine(&self, blocks: u32) -> u64 {
        let height = self.must("mine", json!({"count": blocks}));
        height.as_u64().unwrap_or_default()
    }

    /// Replaces the last `depth` blocks by `blocks` new ones; the height.
    pub fn reorg(&self, depth: u32, blocks: u32) -> u64 {
        let height = self.must("reorg", json!({"depth": depth, "blocks": blocks}));
        height.as_u64().unwrap_or_default()
    }

    /// Pays `sat` satoshi to a node's wallet and confirms it.
    pub fn fund_wallet(&self, node: usize, sat: u64) {
        self.must("fund_wallet", json!({"node": node, "sat": sat}));
    }

    /// Connects node `a` to node `b`.
    pub fn connect(&self, a: usize, b: usize) -> Answer {
        self.command("connect", json!({"a": a, "b": b}))
    }

    /// Opens a channel of `sat` satoshi from `a` to `b` and confirms it; `a` must be connected and funded.
    pub fn open_channel(&self, a: usize, b: usize, sat: u64) -> Answer {
        self.command("open_channel", json!({"a": a, "b": b, "sat": sat}))
    }

    /// Connects neighbours and opens a channel between each two, ready to pay both ways.
    pub fn open_line(&self) {
        self.must("open_line", json!({}));
    }

    /// Sends a custom message (type and content in hex) from `a` to `b`.
    pub fn custommsg(&self, a: usize, b: usize, message: &str) -> Answer {
        self.command("custommsg", json!({"a": a, "b": b, "message": message}))
    }

    /// The whole log of a node.
    pub fn logs(&self, node: usize) -> String {
        let logs = self.must("logs", json!({"node": node}));
        logs.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a node's log has `text`.
    pub fn wait_log(&self, node: usize, text: &str) {
        self.must("wait_log", json!({"node": node, "text": text}));
    }

    /// Waits until a node's log has `text` behind byte `since`; the byte behind its line.
    pub fn wait_log_after(&self, node: usize, since: u64, text: &str) -> u64 {
        let command = json!({"node": node, "text": text, "since": since});
        self.must("wait_log", command).as_u64().unwrap_or_default()
    }

    /// Stops a node and starts it again, with other extra arguments if given.
    pub fn restart(&self, node: usize, args: Option<&[&str]>) {
        let started = self.must("restart", json!({"node": node, "args": args}));
        if let Some(place) = locked(&self.nodes).get_mut(node) {
            *place = self::node(&started);
        }
    }

    /// Stops a node; its exit code.
    pub fn stop_node(&self, node: usize) -> Option<i64> {
        self.must("stop_node", json!({"node": node})).as_i64()
    }

    /// What is known about a node.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn node(&self, node: usize) -> LabNode {
        match locked(&self.nodes).get(node) {
            Some(found) => found.clone(),
            None => panic!("there is no node {node}"),
        }
    }

    /// How the nodes are.
    pub fn health(&self) -> Vec<Health> {
        let health = self.command("health", json!({})).unwrap_or_default();
        let nodes = health.as_array().cloned().unwrap_or_default();
        nodes
            .iter()
            .map(|node| Health {
                name: text(node, "name"),
                running: node["running"] == true,
                stopped: node["stopped"] == true,
                exit: node["exit"].as_i64(),
                broken: node["broken"]
                    .as_array()
                    .map(|lines| {
                        lines
                            .iter()
                            .map(|l| l.as_str().unwrap_or_default().to_owned())
                    })
                    .map(Iterator::collect)
                    .unwrap_or_default(),
                tail: text(node, "tail"),
            })
            .collect()
    }

    /// Fails the test unless every node that the test did not stop is alive and no node has logged
    /// anything as BROKEN or FATAL.
    ///
    /// # Panics
    /// With the end of the logs.
    pub fn assert_healthy(&self) {
        self.assert_healthy_except(&[]);
    }

    /// The same, but for lines with one of these texts: what lightningd says of itself.
    ///
    /// # Panics
    /// With the end of the logs.
    pub fn assert_healthy_except(&self, known: &[&str]) {
        let health = self.health();
        assert!(!health.is_empty(), "the driver of the network is gone");
        let is_known = |line: &String| known.iter().any(|text| line.contains(text));
        for mut node in health {
            node.broken.retain(|line| !is_known(line));
            let fine = (node.running || node.stopped) && node.broken.is_empty();
            assert!(
                fine,
                "{} is not well: running {}, exit {:?}, broken: {:#?}\n{}",
                node.name, node.running, node.exit, node.broken, node.tail
            );
        }
    }
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}

fn node(value: &Value) -> LabNode {
    LabNode {
        name: text(value, "name"),
        id: text(value, "id"),
        directory: text(value, "directory").into(),
        rpc: text(value, "rpc").into(),
        pid: value["pid"].as_u64().unwrap_or_default(),
    }
}

fn read_answers(stdout: impl BufRead, waiting: &Waiting) {
    for line in stdout.lines() {
        let Ok(line) = line else { break };
        let Ok(mut answer) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        let number = answer["id"].as_u64();
        let Some(to) = number.and_then(|number| locked(waiting).remove(&number)) else {
            continue;
        };
        let error = answer.get("error").map(|error| RpcError {
            code: error["code"].as_i64().unwrap_or(-1),
            message: text(error, "message"),
            data: error.get("data").cloned(),
        });
        // A test that no longer waits does not mind.
        let _ = to.send(match error {
            Some(error) => Err(error),
            None => Ok(answer["result"].take()),
        });
    }
    // Nobody will answer any more: closing the channels tells those who wait.
    locked(waiting).clear();
}

/// A command under way.
pub struct LabCall {
    rx: Receiver<Answer>,
    what: String,
}

impl LabCall {
    /// Waits for the answer.
    pub fn wait(self) -> Answer {
        self.rx.recv_timeout(DEADLINE).unwrap_or_else(|e| {
            let what = format!("{}: no answer from the laboratory: {e}", self.what);
            Err(RpcError::new(-1, what))
        })
    }

    /// Whether the answer has not come yet: a payment is held.
    pub fn is_pending(&mut self) -> bool {
        match self.rx.try_recv() {
            Ok(answer) => {
                // Keep it for `wait`.
                let (to, rx) = channel();
                let _ = to.send(answer);
                self.rx = rx;
                false
            }
            Err(e) => e == std::sync::mpsc::TryRecvError::Empty,
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // The end of its stdin makes the driver stop the nodes and exit.
        locked(&self.to_child).take();
        let _ = self.child.wait();
    }
}
