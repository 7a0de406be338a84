//! One connection: who waits on it, what is to be written, and the task that does
//! the reading and writing.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::ErrorKind,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::value::RawValue;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixStream,
        unix::{ReadHalf, WriteHalf},
    },
    sync::{Notify, oneshot},
};

use super::{
    Config,
    answer::{self, Incoming},
    counters::Counters,
    error::{RpcSocketError, Side},
    framing::{Frame, Framer},
};

/// Bytes asked of the socket at once.
const READ_SIZE: usize = 64 * 1024;
/// Requests are put together into one write up to about this size.
const WRITE_SIZE: usize = 256 * 1024;
/// An unfinished answer past this makes a connection the last choice for a new call.
const LARGE_ANSWER: usize = 1024 * 1024;
/// How many calls that nobody waits for any more are remembered, to tell a late
/// answer from one to nothing.
const OVERDUE_LIMIT: usize = 4096;

/// The end of one call.
pub(super) type Outcome = Result<Box<RawValue>, Failure>;

/// Why a call ended without result.
#[derive(Debug)]
pub(super) enum Failure {
    /// To be told to the caller.
    Error(RpcSocketError),
    /// The connection, which had been up, broke before the request was handed to it:
    /// another may be tried.
    NotSent(Arc<str>),
}

/// A connection cannot take a call.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is gone; the request comes back.
    Dead(Vec<u8>),
    /// Told to the caller.
    Error(RpcSocketError),
}

/// How much a connection has to do. The smallest is the best choice.
pub(super) type Load = (bool, usize);

pub(super) struct Connection {
    shared: Mutex<Shared>,
    /// There is something to write.
    to_write: Notify,
    /// The task is to end.
    stop: Notify,
    counters: Arc<Counters>,
    unsent_limit: usize,
}

#[derive(Default)]
struct Shared {
    waiting: HashMap<Arc<str>, Waiting>,
    /// Ids in the order of their calls. One that is no longer in `waiting` is skipped.
    unsent: VecDeque<Arc<str>>,
    unsent_bytes: usize,
    overdue: HashSet<Arc<str>>,
    overdue_order: VecDeque<Arc<str>>,
    answer_is_large: bool,
    connected: bool,
    dead: Option<Arc<str>>,
}

struct Waiting {
    outcome: oneshot::Sender<Outcome>,
    /// The most bytes of an outcome that the caller wants.
    most: usize,
    /// Until it is handed to the socket.
    request: Option<Vec<u8>>,
}

impl Connection {
    /// Starts the task that connects and serves the calls.
    pub(super) fn open(path: &Arc<Path>, config: &Config, counters: &Arc<Counters>) -> Arc<Self> {
        let connection = Arc::new(Connection {
            shared: Mutex::default(),
            to_write: Notify::new(),
            stop: Notify::new(),
            counters: Arc::clone(counters),
            unsent_limit: config.unsent_limit,
        });
        let task = Arc::clone(&connection);
        let path = Arc::clone(path);
        let answer_limit = config.answer_limit;
        tokio::spawn(async move {
            let why = tokio::select! {
                why = task.serve(&path, answer_limit) => why,
                () = task.stop.notified() => return,
            };
            task.counters.lost.up();
            task.end(&why);
        });
        connection
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // Nothing that can panic runs while this is held.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn load(&self) -> Option<Load> {
        let shared = self.shared();
        match shared.dead {
            Some(_) => None,
            None => Some((shared.answer_is_large, shared.waiting.len())),
        }
    }

    /// Queues a request. Its outcome comes over the channel, unless the caller gives
    /// up first with [`forget`](Self::forget).
    pub(super) fn enqueue(
        &self,
        id: &Arc<str>,
        request: Vec<u8>,
        most: usize,
    ) -> Result<oneshot::Receiver<Outcome>, Refusal> {
        let mut shared = self.shared();
        if shared.dead.is_some() {
            return Err(Refusal::Dead(request));
        }
        if shared.waiting.contains_key(id) {
            return Err(Refusal::Error(RpcSocketError::Malformed {
                why: format!("a call with id {id} is under way"),
            }));
        }
        if shared.unsent_bytes > 0
            && request.len() > self.unsent_limit.saturating_sub(shared.unsent_bytes)
        {
            return Err(Refusal::Error(RpcSocketError::Unavailable {
                why: format!(
                    "{} bytes of requests wait for lightningd to read them",
                    shared.unsent_bytes
                )
                .into(),
                sent: false,
            }));
        }
        let (outcome, receiver) = oneshot::channel();
        shared.unsent_bytes += request.len();
        shared.unsent.push_back(Arc::clone(id));
        shared.waiting.insert(
            Arc::clone(id),
            Waiting {
                outcome,
                most,
                request: Some(request),
            },
        );
        drop(shared);
        self.to_write.notify_one();
        Ok(receiver)
    }

    /// Nobody waits for this call any more. Says whether lightningd may have got it;
    /// None if it had ended.
    pub(super) fn forget(&self, id: &Arc<str>) -> Option<bool> {
        let mut shared = self.shared();
        let waiting = shared.waiting.remove(id)?;
        match waiting.request {
            Some(request) => {
                shared.unsent_bytes -= request.len();
                self.counters.withdrawn.up();
                Some(false)
            }
            None => {
                if shared.overdue_order.len() >= OVERDUE_LIMIT
                    && let Some(oldest) = shared.overdue_order.pop_front()
                {
                    shared.overdue.remove(&oldest);
                }
                if shared.overdue.insert(Arc::clone(id)) {
                    shared.overdue_order.push_back(Arc::clone(id));
                }
                Some(true)
            }
        }
    }

    /// Ends the task and every call.
    pub(super) fn close(&self, why: &Arc<str>) {
        self.end(why);
        self.stop.notify_one();
    }

    fn end(&self, why: &Arc<str>) {
        let (waiting, connected) = {
            let mut shared = self.shared();
            if shared.dead.is_some() {
                return;
            }
            shared.dead = Some(Arc::clone(why));
            shared.unsent = VecDeque::new();
            shared.unsent_bytes = 0;
            shared.overdue = HashSet::new();
            shared.overdue_order = VecDeque::new();
            (std::mem::take(&mut shared.waiting), shared.connected)
        };
        for Waiting {
            outcome, request, ..
        } in waiting.into_values()
        {
            let sent = request.is_none();
            let failure = if connected && !sent {
                Failure::NotSent(Arc::clone(why))
            } else {
                Failure::Error(RpcSocketError::Unavailable {
                    why: Arc::clone(why),
                    sent,
                })
            };
            // The caller may have left a moment ago.
            let _ = outcome.send(Err(failure));
        }
    }

    async fn serve(&self, path: &Path, answer_limit: usize) -> Arc<str> {
        let mut stream = match connect(path).await {
            Ok(stream) => stream,
            Err(error) => return format!("cannot connect to {}: {error}", path.display()).into(),
        };
        self.counters.connected.up();
        self.shared().connected = true;
        let (reader, writer) = stream.split();
        tokio::select! {
            why = self.read(reader, answer_limit) => why,
            why = self.write(writer) => why,
        }
    }

    /// Reads at all times, whatever is being written: lightningd takes no further
    /// request from a connection that does not read its answers.
    async fn read(&self, mut reader: ReadHalf<'_>, answer_limit: usize) -> Arc<str> {
        let mut framer = Framer::new(answer_limit);
        let mut buffer = vec![0; READ_SIZE];
        loop {
            let read = match reader.read(&mut buffer).await {
                Ok(0) => return "lightningd closed the connection".into(),
                Ok(read) => read,
                Err(error) => return format!("reading from lightningd: {error}").into(),
            };
            let (bytes, _) = buffer.split_at(read);
            if let Err(error) = framer.push(bytes, |frame| self.take(frame, answer_limit)) {
                self.counters.malformed.up();
                return format!("lightningd did not write JSON-RPC: {error}").into();
            }
            self.shared().answer_is_large = framer.unfinished() > LARGE_ANSWER;
        }
    }

    /// Hands an answer to its caller. Where there is no telling whose it is, the call
    /// that it was for meets its deadline; that is better than to end the others.
    fn take(&self, frame: Frame<'_>, answer_limit: usize) {
        let (id, outcome) = match frame {
            Frame::Whole(message) => match answer::read(message) {
                Incoming::Answer { id, outcome } => {
                    if matches!(outcome, Err(RpcSocketError::BadAnswer { .. })) {
                        self.counters.malformed.up();
                    }
                    (id, outcome)
                }
                Incoming::Notification => {
                    self.counters.notifications.up();
                    return;
                }
                Incoming::Stray => {
                    self.counters.malformed.up();
                    return;
                }
            },
            Frame::TooLarge { outline } => {
                self.counters.too_large.up();
                match outline.and_then(answer::id_of_outline) {
                    Some(id) => (
                        id.into(),
                        Err(RpcSocketError::TooLarge {
                            side: Side::Answer,
                            limit: answer_limit,
                        }),
                    ),
                    None => {
                        self.counters.unknown_id.up();
                        return;
                    }
                }
            }
        };
        let mut shared = self.shared();
        // An answer to what was not sent is none.
        let sent = shared
            .waiting
            .get(&*id)
            .is_some_and(|one| one.request.is_none());
        if sent && let Some(waiting) = shared.waiting.remove(&*id) {
            drop(shared);
            // Before it is copied: many callers may be slow to take theirs.
            let size = size(&outcome);
            let outcome = if size > waiting.most {
                self.counters.too_large.up();
                Err(Failure::Error(RpcSocketError::TooLarge {
                    side: Side::Outcome(size),
                    limit: waiting.most,
                }))
            } else {
                outcome.map(ToOwned::to_owned).map_err(Failure::Error)
            };
            if waiting.outcome.send(outcome).is_err() {
                self.counters.late.up();
            }
        } else if shared.overdue.remove(&*id) {
            shared.overdue_order.retain(|overdue| **overdue != *id);
            self.counters.late.up();
        } else {
            self.counters.unknown_id.up();
        }
    }

    async fn write(&self, mut writer: WriteHalf<'_>) -> Arc<str> {
        let mut batch = Vec::new();
        loop {
            self.next_batch(&mut batch);
            if batch.is_empty() {
                self.to_write.notified().await;
                continue;
            }
            if let Err(error) = writer.write_all(&batch).await {
                return format!("writing to lightningd: {error}").into();
            }
            batch.clear();
            batch.shrink_to(WRITE_SIZE);
        }
    }

    /// All requests of a burst in one write. From here on they count as sent.
    fn next_batch(&self, batch: &mut Vec<u8>) {
        let mut shared = self.shared();
        let shared = &mut *shared;
        while batch.len() < WRITE_SIZE
            && let Some(id) = shared.unsent.pop_front()
        {
            let waiting = shared.waiting.get_mut(&id);
            if let Some(request) = waiting.and_then(|waiting| waiting.request.take()) {
                shared.unsent_bytes -= request.len();
                self.counters.sent.up();
                batch.extend_from_slice(&request);
            }
        }
    }
}

/// Bytes that came from lightningd and that the caller would keep.
fn size(outcome: &Result<&RawValue, RpcSocketError>) -> usize {
    match outcome {
        Ok(result) => result.get().len(),
        Err(RpcSocketError::Rpc { message, data, .. }) => {
            message.len() + data.as_ref().map_or(0, |data| data.get().len())
        }
        Err(_) => 0,
    }
}

/// lightningd accepts between two turns of its loop, from a backlog of 128
/// (`jsonrpc_listen`); while that is full the kernel says "would block", and only
/// trying again helps. The callers' deadlines end this.
async fn connect(path: &Path) -> std::io::Result<UnixStream> {
    const LONGEST_PAUSE: Duration = Duration::from_millis(200);
    let mut pause = Duration::from_millis(5);
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            done => return done,
        }
    }
}
