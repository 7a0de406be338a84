//! The thread that all requests run on.
//!
//! TLS handshakes take about a millisecond of CPU each, and a guest decides how many
//! there are: the bridge's own thread must not wait for them. The thread is started
//! for the first request and sleeps while there is none.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Lookups of names at the same time, of all guests.
const LOOKUPS: usize = 64;

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Worker {
    runtime: Handle,
    _ends: oneshot::Sender<()>,
}

impl Worker {
    pub(super) fn start() -> io::Result<Worker> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(LOOKUPS)
            .build()?;
        let handle = runtime.handle().clone();
        let (ends, ended) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("http".to_owned())
            .spawn(move || {
                // The bridge's own thread comes first. If not, fairness is all we lose.
                let me = rustix::thread::gettid();
                let _ = rustix::process::setpriority_process(Some(me), 10);
                // Nothing is ever sent: an error is the end.
                let _ = runtime.block_on(ended);
                // Lookups that hang are left behind.
                runtime.shutdown_background();
            })?;
        Ok(Worker {
            runtime: handle,
            _ends: ends,
        })
    }

    /// Runs on that thread, for as long as the result is waited for.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Running<T> {
        Running(self.runtime.spawn(work))
    }
}

/// Work on the thread; dropped, it is cancelled.
pub(super) struct Running<T>(JoinHandle<T>);

impl<T> Running<T> {
    /// The result; None when the thread is gone or the work panicked.
    pub(super) async fn result(mut self) -> Option<T> {
        (&mut self.0).await.ok()
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
