//! What all guests share: the way out to lightningd, and what is known of it.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::bridge::echo::Echoes;
use crate::bridge::lineage::Lineages;
use crate::capability::http::outgoing::Outgoing;
use crate::guest::call::CallId;
use crate::guest::fault::crashes::{self, Crashes};
use crate::lightningd::output::{Level, Output};
use crate::lightningd::rpc_socket::RpcSocket;

/// The node, as far as this process knows it.
pub struct Node {
    /// The way to lightningd's stdin.
    pub output: Arc<Output>,
    /// The bridge's own voice.
    pub log: Log,
    /// Whose RPC calls are under way.
    pub lineages: Arc<Lineages>,
    /// What guests said that lightningd will tell guests of.
    pub echoes: Echoes,
    /// Where crash bundles go.
    pub crashes: Arc<Crashes>,
    /// `LIGHTNINGD_VERSION`, as it was given.
    pub lightningd: OnceLock<Arc<str>>,
    rpc: OnceLock<RpcSocket>,
    http: OnceLock<Outgoing>,
    calls: AtomicU64,
    begun: AtomicBool,
    closing: AtomicBool,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

impl Node {
    /// Before `init`: there is only the output.
    pub fn new(output: Arc<Output>) -> Self {
        let log = Log::to(Arc::clone(&output));
        Node {
            crashes: Arc::new(Crashes::new(crashes::FOLDER.into(), log.clone())),
            log,
            output,
            lineages: Arc::default(),
            echoes: Echoes::default(),
            lightningd: OnceLock::new(),
            rpc: OnceLock::new(),
            http: OnceLock::new(),
            calls: AtomicU64::new(1),
            begun: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        }
    }

    /// A number for a call, unlike all others; never 0.
    pub fn next_call(&self) -> CallId {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    /// `init` told where the RPC socket is.
    pub fn set_rpc(&self, path: PathBuf) {
        // A second `init` does not exist in the protocol; the first counts.
        drop(self.rpc.set(RpcSocket::new(path, Default::default())));
    }

    /// lightningd really starts: it has said `init`, or asked a `db_write`, which
    /// comes before. From now on files may be made.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Whether lightningd really starts. `lightningd --help` does not.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// `init` told which way requests of guests go out.
    pub fn set_http(&self, outgoing: Outgoing) {
        drop(self.http.set(outgoing));
    }

    /// From now on lightningd refuses RPC calls, so the bridge does.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// The RPC socket, or why there is none.
    pub fn rpc(&self) -> Result<&RpcSocket, &'static str> {
        if self.closing.load(Ordering::Relaxed) {
            return Err("lightningd is shutting down");
        }
        self.rpc
            .get()
            .ok_or("lightningd's RPC can be called only after init")
    }

    /// The way out for HTTP, or why there is none.
    pub fn http(&self) -> Result<&Outgoing, &'static str> {
        if self.closing.load(Ordering::Relaxed) {
            return Err("lightningd is shutting down");
        }
        self.http
            .get()
            .ok_or("requests can be sent only after init, which tells lightningd's proxy")
    }
}

/// Lines in the bridge's own voice, naming the guest that they are about.
#[derive(Debug, Clone)]
pub struct Log(Arc<Output>);

impl Log {
    /// Lines that go this way.
    pub fn to(output: Arc<Output>) -> Log {
        Log(output)
    }

    /// One line about a guest, or by it.
    pub fn write(&self, level: Level, guest: &str, message: &str) {
        self.0.log(level, &format!("{guest}: {message}"));
    }

    /// One line about the bridge itself.
    pub fn bridge(&self, level: Level, message: &str) {
        self.0.log(level, message);
    }

    /// The operator should look, but the node is well.
    pub fn unusual(&self, guest: &str, message: &str) {
        self.write(Level::Unusual, guest, message);
    }

    /// For the curious.
    pub fn debug(&self, guest: &str, message: &str) {
        self.write(Level::Debug, guest, message);
    }
}
