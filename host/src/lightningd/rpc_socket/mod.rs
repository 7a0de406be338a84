//! Calls to lightningd over its `lightning-rpc` socket: many at once, over few
//! connections.
//!
//! # Why few, and why more than one
//!
//! From `lightningd/jsonrpc.c` at v26.06, and checked against it running:
//!
//! - lightningd starts every request on a connection as soon as it has parsed it, and
//!   writes each answer when it is ready. A call that is held up (`waitanyinvoice`,
//!   `wait`, a method of a slow plugin, a command on which some plugin holds its
//!   `rpc_command` hook) keeps nobody waiting: those behind it are answered first, on
//!   the same connection. So answers come in any order, and any number of pending
//!   calls needs one connection only. lightningd is one thread: 1000 `getinfo` take the
//!   same 40 ms over one connection as over three.
//! - Answers leave a connection one after another, whole (`jcon->jsouts`). Behind one
//!   of 80 MB (`listdatastore`) a `getinfo` waits until that is read; on another
//!   connection it does not. The same holds for a command that begins its answer
//!   before it can finish it, and for one that sends `message` or `progress`, which
//!   is a reason never to call `notifications` here.
//! - lightningd reads no further request from a connection with unread answers ("to
//!   avoid DoS", `read_json`). Who writes without reading waits for ever; the two
//!   therefore go on side by side here.
//! - A request that it cannot parse ends the connection after an answer with
//!   `"id":null`. Nothing unchecked is therefore sent.
//! - At most 100 requests, or 250 ms worth, are taken from a connection at once, each
//!   in a database transaction. During `db_write` lightningd answers nobody.
//!
//! Hence: a call takes an idle connection; if there is none and fewer than
//! [`Config::connections`], a new one; else the one with the fewest calls waiting, one
//! that is in the middle of a large answer last.

mod answer;
mod connection;
mod counters;
mod error;
mod framing;
mod request;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use connection::{Connection, Failure, Outcome, Refusal};
use counters::Counters;

pub use counters::Counts;
pub use error::{RpcSocketError, Side};

/// The limits of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// The most connections at a time; at least one is used.
    pub connections: usize,
    /// The most bytes of one answer. One past it fails its call and is read and
    /// dropped; memory stays within this for each connection, plus the copy of the
    /// result that the caller gets, of which each call sets the most.
    pub answer_limit: usize,
    /// The most bytes of one request.
    pub request_limit: usize,
    /// The most bytes of requests on one connection that lightningd has not read yet.
    /// One request alone may exceed it.
    pub unsent_limit: usize,
}

impl Default for Config {
    /// lightningd itself has no limit: it was seen to pass on answers of 256 MiB.
    /// 64 MiB hold `listforwards` of some hundred thousand forwards.
    fn default() -> Self {
        Config {
            connections: 3,
            answer_limit: 64 << 20,
            request_limit: 16 << 20,
            unsent_limit: 64 << 20,
        }
    }
}

/// lightningd's JSON-RPC socket.
///
/// Nothing is opened before the first call. Calls need a tokio runtime with I/O and
/// time. Dropping it closes it.
pub struct RpcSocket {
    path: Arc<Path>,
    config: Config,
    pool: Mutex<Pool>,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Pool {
    connections: Vec<Arc<Connection>>,
    closed: bool,
}

impl RpcSocket {
    /// The socket at `path`: `lightning-dir` and `rpc-file` of `init`.
    pub fn new(path: PathBuf, config: Config) -> Self {
        RpcSocket {
            path: path.into(),
            config,
            pool: Mutex::default(),
            counters: Arc::default(),
        }
    }

    /// Calls `method` and waits for the answer, at most for `deadline`.
    ///
    /// `id` must be unique among the calls under way; it appears in lightningd's log
    /// and, for `rpc_command`, in the hook. `params` is the text of a JSON array or
    /// object, `filter` that of the object with which lightningd prunes the result.
    /// Returns the text of `result`, byte for byte; one of more than `most` bytes, and
    /// an error with as much, becomes [`RpcSocketError::TooLarge`] and is not kept.
    ///
    /// Dropping the future gives the call up: a request that has not gone out yet
    /// never will, and a late answer is dropped and counted.
    ///
    /// Errors: see [`RpcSocketError`]; [`RpcSocketError::may_have_taken_effect`] says
    /// whether lightningd may have acted on the call.
    pub async fn call(
        &self,
        id: &str,
        method: &str,
        params: &str,
        filter: Option<&str>,
        deadline: Duration,
        most: usize,
    ) -> Result<Box<RawValue>, RpcSocketError> {
        let until = Instant::now().checked_add(deadline);
        let id: Arc<str> = id.into();
        let encode = || request::encode(&id, method, params, filter, self.config.request_limit);
        let first = self.attempt(&id, encode()?, until, most).await;
        let second = match first {
            // lightningd had closed an idle connection. Once more, on a fresh one.
            Err(Failure::NotSent(_)) => self.attempt(&id, encode()?, until, most).await,
            done => done,
        };
        second.map_err(|failure| match failure {
            Failure::Error(error) => error,
            Failure::NotSent(why) => RpcSocketError::Unavailable { why, sent: false },
        })
    }

    async fn attempt(
        &self,
        id: &Arc<str>,
        request: Vec<u8>,
        until: Option<Instant>,
        most: usize,
    ) -> Outcome {
        let (connection, receiver) = self.enqueue(id, request, most).map_err(Failure::Error)?;
        let call = Call { connection, id };
        let outcome = match until {
            Some(until) => timeout_at(until, receiver).await,
            // A deadline past the end of time.
            None => Ok(receiver.await),
        };
        match outcome {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Failure::Error(RpcSocketError::Unavailable {
                why: "the connection's task ended".into(),
                sent: true,
            })),
            Err(_) => Err(Failure::Error(RpcSocketError::Timeout {
                sent: call.connection.forget(id).unwrap_or(true),
            })),
        }
    }

    fn enqueue(
        &self,
        id: &Arc<str>,
        mut request: Vec<u8>,
        most: usize,
    ) -> Result<(Arc<Connection>, tokio::sync::oneshot::Receiver<Outcome>), RpcSocketError> {
        let mut pool = self.pool();
        loop {
            if pool.closed {
                return Err(RpcSocketError::Unavailable {
                    why: "shutting down".into(),
                    sent: false,
                });
            }
            let connection = self.choose(&mut pool);
            match connection.enqueue(id, request, most) {
                Ok(receiver) => return Ok((connection, receiver)),
                Err(Refusal::Error(error)) => return Err(error),
                // It died since it was chosen, and is not chosen again.
                Err(Refusal::Dead(back)) => request = back,
            }
        }
    }

    fn choose(&self, pool: &mut Pool) -> Arc<Connection> {
        pool.connections.retain(|one| one.load().is_some());
        let least = pool
            .connections
            .iter()
            .filter_map(|one| Some((one.load()?, one)))
            .min_by_key(|(load, _)| *load);
        match least {
            Some((load, connection))
                if load == (false, 0) || pool.connections.len() >= self.config.connections =>
            {
                Arc::clone(connection)
            }
            _ => {
                let connection = Connection::open(&self.path, &self.config, &self.counters);
                pool.connections.push(Arc::clone(&connection));
                connection
            }
        }
    }

    /// Closes all connections and takes no more calls. Calls under way end with
    /// [`RpcSocketError::Unavailable`].
    pub fn close(&self) {
        let connections = {
            let mut pool = self.pool();
            pool.closed = true;
            std::mem::take(&mut pool.connections)
        };
        for connection in connections {
            connection.close(&"shutting down".into());
        }
    }

    /// What happened on the socket so far.
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RpcSocket {
    fn drop(&mut self) {
        self.close();
    }
}

/// A call while its caller waits.
struct Call<'a> {
    connection: Arc<Connection>,
    id: &'a Arc<str>,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.connection.forget(self.id);
    }
}
