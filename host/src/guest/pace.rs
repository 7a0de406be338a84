//! Where a guest runs.
//!
//! A guest runs on the bridge's own thread, so that a call costs no thread
//! hand-over. A guest that burns CPU would hold up everybody there: it is seen by
//! the epoch clock, moved with all its state to a thread of its own (guests are
//! futures, so this is a move of a pointer), and comes back once it has behaved.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use tokio::sync::Notify;

use super::ticker::Ticker;

/// Polls in a row without burning before a guest may come back.
const PAROLE: u32 = 256;

/// What the epoch clock knows of one guest, shared by the guest's store and by
/// whoever polls it.
#[derive(Debug, Default)]
pub struct Pulse {
    /// The tick at which the guest was last entered after it had come back.
    entered: AtomicU64,
    /// It was interrupted since it was last polled.
    interrupted: AtomicBool,
    /// Ticks burnt since it last came back by itself.
    burnt: AtomicU64,
    kill: AtomicBool,
    killed: Notify,
}

/// What the epoch callback is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// It has hardly begun.
    GoOn,
    /// Others want to run.
    Yield,
    /// It has been at it for this many ticks.
    Exhausted(u64),
    /// It is to end.
    Killed,
}

impl Pulse {
    /// Called by the epoch callback, once a tick at most. `budget` is in ticks.
    pub fn beat(&self, now: u64, budget: u64) -> Beat {
        if self.kill.load(Ordering::Relaxed) {
            return Beat::Killed;
        }
        // The first tick may have come right after the guest was entered.
        if now.saturating_sub(self.entered.load(Ordering::Relaxed)) < 2 {
            return Beat::GoOn;
        }
        self.interrupted.store(true, Ordering::Relaxed);
        let burnt = self.burnt.fetch_add(1, Ordering::Relaxed) + 1;
        if burnt > budget {
            Beat::Exhausted(burnt)
        } else {
            Beat::Yield
        }
    }

    /// Ends the guest at its next tick or poll.
    pub fn kill(&self) {
        self.kill.store(true, Ordering::Relaxed);
        self.killed.notify_one();
    }

    fn entering(&self, now: u64) {
        if !self.interrupted.swap(false, Ordering::Relaxed) {
            self.entered.store(now, Ordering::Relaxed);
            self.burnt.store(0, Ordering::Relaxed);
        }
    }

    fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How a stretch of running ended.
enum Stretch<T> {
    Finished(T),
    Moved(Boxed<T>),
    Killed,
}

/// Runs a guest to its end, wherever it belongs. `None` when it was killed.
pub async fn run<T: Send + 'static>(
    mut guest: Boxed<T>,
    pulse: Arc<Pulse>,
    ticker: Arc<Ticker>,
) -> Option<T> {
    loop {
        // On this thread, until it burns.
        match stretch(guest, &pulse, &ticker, |interrupted| interrupted).await {
            Stretch::Finished(value) => return Some(value),
            Stretch::Killed => return None,
            Stretch::Moved(moved) => guest = moved,
        }
        // Aside, until it behaves.
        let runtime = tokio::runtime::Handle::current();
        let (pulse, ticker) = (Arc::clone(&pulse), Arc::clone(&ticker));
        let aside = tokio::task::spawn_blocking(move || {
            yield_to_the_bridge();
            let mut quiet = 0;
            let behaves = |interrupted| {
                quiet = if interrupted { 0 } else { quiet + 1 };
                quiet > PAROLE
            };
            runtime.block_on(stretch(guest, &pulse, &ticker, behaves))
        });
        match aside.await {
            Ok(Stretch::Finished(value)) => return Some(value),
            Ok(Stretch::Moved(moved)) => guest = moved,
            // The runtime is going away, or wasmtime panicked: the guest is gone either way.
            Ok(Stretch::Killed) | Err(_) => return None,
        }
    }
}

/// Polls until the end, or until `move_on` says so of a poll (told whether the
/// guest had to be interrupted in it).
async fn stretch<T>(
    guest: Boxed<T>,
    pulse: &Pulse,
    ticker: &Ticker,
    mut move_on: impl FnMut(bool) -> bool,
) -> Stretch<T> {
    let mut guest = Some(guest);
    let running = poll_fn(|cx| {
        let Some(current) = guest.as_mut() else {
            return Poll::Ready(Stretch::Killed);
        };
        let polled = {
            let _running = ticker.running();
            pulse.entering(ticker.now());
            current.as_mut().poll(cx)
        };
        match polled {
            Poll::Ready(value) => Poll::Ready(Stretch::Finished(value)),
            Poll::Pending if move_on(pulse.was_interrupted()) => match guest.take() {
                Some(guest) => Poll::Ready(Stretch::Moved(guest)),
                None => Poll::Ready(Stretch::Killed),
            },
            Poll::Pending => Poll::Pending,
        }
    });
    tokio::select! {
        biased;
        () = pulse.killed.notified() => Stretch::Killed,
        end = running => end,
    }
}

/// The bridge's own thread comes first wherever both want the CPU.
fn yield_to_the_bridge() {
    let me = rustix::thread::gettid();
    // Lowering one's own priority is always allowed; if not, fairness is all we lose.
    let _ = rustix::process::setpriority_process(Some(me), 10);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_comes_back_is_left_alone() {
        let pulse = Pulse::default();
        pulse.entering(10);
        assert_eq!(pulse.beat(11, 5), Beat::GoOn, "the first tick says nothing");
        pulse.entering(20);
        assert_eq!(pulse.beat(21, 5), Beat::GoOn);
    }

    #[test]
    fn one_that_does_not_is_interrupted_and_at_last_exhausted() {
        let pulse = Pulse::default();
        pulse.entering(10);
        assert_eq!(pulse.beat(11, 2), Beat::GoOn);
        for now in 12..14 {
            assert_eq!(pulse.beat(now, 2), Beat::Yield);
            // The executor polls it again, which is not coming back.
            pulse.entering(now);
        }
        assert_eq!(pulse.beat(14, 2), Beat::Exhausted(3));
    }

    #[tokio::test]
    async fn a_killed_guest_ends_though_it_never_would() {
        let pulse = Arc::new(Pulse::default());
        let ticker = Arc::new(Ticker::start(wasmtime::Engine::default()).unwrap());
        let never: Boxed<()> = Box::pin(std::future::pending());
        let running = tokio::spawn(run(never, Arc::clone(&pulse), ticker));
        pulse.kill();
        assert_eq!(running.await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_burning_guest_moves_aside_and_the_others_go_on() {
        let pulse = Arc::new(Pulse::default());
        let ticker = Arc::new(Ticker::start(wasmtime::Engine::default()).unwrap());
        let home = std::thread::current().id();
        let (burning, clock) = (Arc::clone(&pulse), Arc::clone(&ticker));
        let guest: Boxed<bool> = Box::pin(async move {
            // Burn as the epoch callback would see it, yielding each time.
            while std::thread::current().id() == home {
                while burning.beat(clock.now(), u64::MAX) == Beat::GoOn {
                    std::hint::spin_loop();
                }
                tokio::task::yield_now().await;
            }
            true
        });
        assert_eq!(run(guest, pulse, ticker).await, Some(true));
    }
}
