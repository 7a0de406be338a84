//! The socket `lightning-rpc`, where a plugin calls lightningd. Requests of one connection are carried
//! out side by side; answers go out in the order in which they are ready.

use super::command::{self, Caller, Command, Settings, error_response};
use super::framing::{Inbox, Next};
use super::state::{RpcWatch, Shared};
use super::verdict::{Failure, Result, RpcError};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// A client's connection.
pub(crate) struct Connection {
    name: Arc<str>,
    to_client: Sender<String>,
    shared: Arc<Shared>,
    notifications: AtomicBool,
    deprecated_ok: AtomicBool,
}

impl Connection {
    /// Queues one message.
    pub(crate) fn send(&self, text: &str) {
        self.shared.transcript.sent(&self.name, text.as_bytes());
        // A client that hung up gets nothing, as with lightningd.
        let _ = self.to_client.send(format!("{text}\n\n"));
    }

    /// What `notifications`, `deprecations` and `batching` set.
    pub(crate) fn set(&self, name: &str, enable: bool) {
        match name {
            "notifications" => self.notifications.store(enable, Ordering::SeqCst),
            "deprecations" => self.deprecated_ok.store(enable, Ordering::SeqCst),
            _ => {}
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            notifications: self.notifications.load(Ordering::SeqCst),
            deprecated_ok: self.deprecated_ok.load(Ordering::SeqCst),
        }
    }
}

/// The listening socket.
pub(crate) struct RpcSocket {
    path: PathBuf,
    closed: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<UnixStream>>>,
    accepted: Arc<AtomicUsize>,
}

impl RpcSocket {
    /// Listens at `path`.
    pub(crate) fn listen(
        path: &Path,
        shared: &Arc<Shared>,
        watch: Option<RpcWatch>,
    ) -> Result<Self> {
        // What an earlier run left there.
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path)
            .map_err(|e| Failure::setup(format!("cannot listen at {}: {e}", path.display())))?;
        let socket = Self {
            path: path.to_owned(),
            closed: Arc::default(),
            streams: Arc::default(),
            accepted: Arc::default(),
        };
        let (closed, streams) = (socket.closed.clone(), socket.streams.clone());
        let (accepted, shared) = (socket.accepted.clone(), shared.clone());
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                accepted.fetch_add(1, Ordering::SeqCst);
                if let Ok(copy) = stream.try_clone() {
                    streams
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(copy);
                }
                let (shared, watch) = (shared.clone(), watch.clone());
                std::thread::spawn(move || serve(stream, number, &shared, watch.as_ref()));
            }
        });
        Ok(socket)
    }

    /// How many connections there have been.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// No new connections (`jsonrpc_stop_listening`).
    pub(crate) fn stop_listening(&self) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            // Wakes the thread that waits for the next one.
            let _ = UnixStream::connect(&self.path);
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// Ends what is open (`jsonrpc_stop_all`).
    pub(crate) fn stop_all(&self) {
        self.stop_listening();
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for RpcSocket {
    fn drop(&mut self) {
        self.stop_all();
    }
}

fn write_answers(mut stream: UnixStream, queue: &Receiver<String>) {
    while let Ok(text) = queue.recv() {
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
}

fn serve(mut stream: UnixStream, number: usize, shared: &Arc<Shared>, watch: Option<&RpcWatch>) {
    let Ok(writer) = stream.try_clone() else {
        return;
    };
    let (to_client, queue) = channel();
    std::thread::spawn(move || write_answers(writer, &queue));
    let deprecated_ok = shared.lock().deprecated_ok;
    let connection = Arc::new(Connection {
        name: format!("rpc-{number}").into(),
        to_client,
        shared: shared.clone(),
        notifications: AtomicBool::new(false),
        deprecated_ok: AtomicBool::new(deprecated_ok),
    });
    let mut inbox = Inbox::new();
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count) = stream.read(&mut buffer) {
        let Some(bytes) = buffer.get(..count).filter(|b| !b.is_empty()) else {
            // lightningd hangs up too, and what is not answered by now never will be.
            let _ = stream.shutdown(Shutdown::Both);
            return;
        };
        inbox.push(bytes);
        loop {
            match inbox.next() {
                Next::Message(doc) => {
                    let text = doc.root().full();
                    if let Some(watch) = watch {
                        watch(text);
                    }
                    shared
                        .transcript
                        .received(&connection.name, text.as_bytes());
                    let Ok(mut state) = shared.lock_to_send() else {
                        return;
                    };
                    let caller = Caller::Socket(connection.clone());
                    command::begin(&mut state, caller, connection.settings(), doc);
                }
                Next::Wait => break,
                Next::Stuck => return,
                Next::Broken(why) => {
                    let command = Command {
                        caller: Caller::Socket(connection.clone()),
                        id: "null".to_owned(),
                        settings: connection.settings(),
                    };
                    command.done(error_response("null", &RpcError::new(-32600, why)));
                    return;
                }
            }
        }
    }
}
