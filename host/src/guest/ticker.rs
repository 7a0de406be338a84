//! The clock that interrupts guests.
//!
//! wasmtime's epochs stop a guest that never comes back. They are ticked by a
//! thread of their own, because a guest that spins on the bridge's thread stops
//! every timer there; and only while guests run, because an idle bridge must not
//! wake the CPU.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// Time between two ticks. Short enough that a spinning guest costs the others
/// two of these at most before it is moved aside; long enough that fewer than
/// one call in a hundred meets one.
pub const TICK: Duration = Duration::from_millis(2);

/// Ticks without any guest running before the thread goes to sleep. Waking it
/// costs more than a few ticks do.
const LINGER: u64 = 25;

/// Ticks the epochs of one engine.
#[derive(Debug)]
pub struct Ticker {
    state: Arc<State>,
    thread: Thread,
    handle: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    now: AtomicU64,
    running: AtomicUsize,
    asleep: AtomicBool,
    stop: AtomicBool,
}

impl Ticker {
    /// Starts the thread, asleep.
    pub fn start(engine: Engine) -> std::io::Result<Ticker> {
        let state = Arc::new(State::default());
        let handle = std::thread::Builder::new()
            .name("epoch".to_owned())
            .spawn({
                let state = Arc::clone(&state);
                move || tick(&engine, &state)
            })?;
        Ok(Ticker {
            state,
            thread: handle.thread().clone(),
            handle: Some(handle),
        })
    }

    /// Ticks so far. Moves only while guests run.
    pub fn now(&self) -> u64 {
        self.state.now.load(Ordering::Relaxed)
    }

    /// A guest runs until the returned value is dropped.
    pub fn running(&self) -> Running<'_> {
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.state)
    }

    /// Is the thread asleep? For tests and statistics.
    pub fn is_asleep(&self) -> bool {
        self.state.asleep.load(Ordering::SeqCst)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        self.thread.unpark();
        if let Some(handle) = self.handle.take() {
            // It can only have ended by itself.
            drop(handle.join());
        }
    }
}

/// A guest is running.
#[derive(Debug)]
pub struct Running<'a>(&'a State);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(engine: &Engine, state: &State) {
    let mut idle = LINGER;
    while !state.stop.load(Ordering::SeqCst) {
        if state.running.load(Ordering::SeqCst) > 0 {
            idle = 0;
        } else {
            idle += 1;
        }
        if idle > LINGER {
            state.asleep.store(true, Ordering::SeqCst);
            // Whoever began to run before it could see us asleep is seen here.
            if state.running.load(Ordering::SeqCst) == 0 && !state.stop.load(Ordering::SeqCst) {
                std::thread::park();
            }
            state.asleep.store(false, Ordering::SeqCst);
            idle = 0;
        }
        std::thread::sleep(TICK);
        state.now.fetch_add(1, Ordering::Relaxed);
        engine.increment_epoch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_until(what: &str, condition: impl Fn() -> bool) {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while !condition() {
            assert!(std::time::Instant::now() < deadline, "waited for {what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_ticks_while_a_guest_runs_and_sleeps_when_none_does() {
        let ticker = Ticker::start(Engine::default()).unwrap();
        wait_until("sleep at the start", || ticker.is_asleep());
        let before = ticker.now();
        {
            let _running = ticker.running();
            wait_until("ticks", || ticker.now() >= before + 3);
        }
        wait_until("sleep at the end", || ticker.is_asleep());
    }
}
