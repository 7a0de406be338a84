//! The thread that writes: it takes all that waits, and commits it at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::oneshot;

use super::fault::StoreFault;
use super::file::StateFile;
use super::group::{self, Done, Write};

/// How long the thread stays for the next write. A new thread costs less than one commit.
const LINGER: Duration = Duration::from_secs(2);

/// Where the outcome of a write is told.
type Reply = oneshot::Sender<Result<Done, StoreFault>>;
/// Where it is heard.
pub(super) type Outcome = oneshot::Receiver<Result<Done, StoreFault>>;

/// The writes to one file that wait.
#[derive(Default)]
pub(super) struct Writer {
    queue: Mutex<Queue>,
    more: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<(Write, Reply)>,
    /// Somebody takes care of them.
    attended: bool,
    /// No more will come.
    over: bool,
}

impl Writer {
    /// Queues a write. Its outcome comes when it is on the disk. Never blocks longer
    /// than it takes to start a thread.
    pub(super) fn submit(
        self: &Arc<Self>,
        file: &Arc<StateFile>,
        quota: u64,
        write: Write,
    ) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        let mut queue = self.lock();
        queue.waiting.push((write, reply));
        if queue.attended {
            drop(queue);
            self.more.notify_one();
            return outcome;
        }
        queue.attended = true;
        drop(queue);
        let (writer, file) = (Arc::clone(self), Arc::clone(file));
        let thread = std::thread::Builder::new().name("store".to_owned());
        if let Err(error) = thread.spawn(move || writer.attend(&file, quota)) {
            let mut queue = self.lock();
            queue.attended = false;
            let fault = StoreFault::Process(error.to_string().into());
            for (_, reply) in queue.waiting.drain(..) {
                // Whoever asked may have gone.
                let _ = reply.send(Err(fault.clone()));
            }
        }
        outcome
    }

    /// No more writes come: the thread need not stay for them.
    pub(super) fn end(&self) {
        self.lock().over = true;
        self.more.notify_one();
    }

    fn attend(&self, file: &StateFile, quota: u64) {
        loop {
            let queue = self.lock();
            let waited = self.more.wait_timeout_while(queue, LINGER, |queue| {
                queue.waiting.is_empty() && !queue.over
            });
            let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if queue.waiting.is_empty() {
                queue.attended = false;
                return;
            }
            let batch = std::mem::take(&mut queue.waiting);
            drop(queue);
            let writes: Vec<&Write> = batch.iter().map(|(write, _)| write).collect();
            let outcome = file.with(|database| group::commit(database, &writes, quota));
            let mut outcomes = outcome.map(Vec::into_iter);
            for (_, reply) in batch {
                let told = match &mut outcomes {
                    Ok(outcomes) => outcomes
                        .next()
                        .ok_or_else(|| StoreFault::Process("no outcome".into())),
                    Err(fault) => Err(fault.clone()),
                };
                let _ = reply.send(told);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No step leaves it half changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
