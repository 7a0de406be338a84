//! Where a guest runs.
//!
//! A guest runs on the bridge's own thread, so that a call costs no thread
//! hand-over. A guest that burns CPU would hold up everybody there: it is seen by
//! the epoch clock, moved with all its state to a thread of its own (guests are
//! futures, so this is a move of a pointer), and comes back once it has behaved. If
//! it ends before that, or in the middle of something long, its next life begins aside.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use super::minute::{CpuClock, Minute};
use super::ticker::{TICK, Ticker};
use super::waking::Waking;

/// Polls in a row without burning before a guest may come back.
const PAROLE: u32 = 256;

/// What the epoch clock knows of one guest, shared by the guest's store and by
/// whoever polls it.
#[derive(Debug, Default)]
pub struct Pulse {
    /// The tick at which it was last polled.
    polled: AtomicU64,
    polls: AtomicU64,
    /// The tick at which the guest was last entered after it had come back.
    entered: AtomicU64,
    /// How often it has come back by itself.
    stretch: AtomicU64,
    /// It was interrupted since it was last polled.
    interrupted: AtomicBool,
    /// Ticks burnt since it last came back by itself.
    burnt: AtomicU64,
    /// CPU of the thread, in µs, when the guest first looked like one that burns it; 0 for no.
    suspected: AtomicU64,
    kill: AtomicBool,
    /// Who polls it.
    pub waking: Arc<Waking>,
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
    /// Did the clock tick while the guest ran? Otherwise it ticked before, and the
    /// tick is nobody's.
    pub fn ticked(&self, now: u64) -> bool {
        now > self.polled.load(Ordering::Relaxed)
    }

    /// Names the time since the guest last came back by itself.
    pub fn stretch(&self) -> u64 {
        self.stretch.load(Ordering::Relaxed)
    }

    /// Called by the epoch callback, once a tick at most. `used` are the ticks of
    /// the call that runs, where it is known; `budget` is in ticks.
    pub fn beat(&self, now: u64, used: Option<u64>, budget: u64) -> Beat {
        if self.is_killed() {
            return Beat::Killed;
        }
        if let Some(used) = used.filter(|used| *used > budget) {
            return Beat::Exhausted(used);
        }
        // The first tick may have come right after the guest was entered.
        if now.saturating_sub(self.entered.load(Ordering::Relaxed)) < 2 {
            return Beat::GoOn;
        }
        // On a busy machine time passes that the guest did not have.
        let cpu = CpuClock::Thread.now().as_micros() as u64;
        let since = self.suspected.load(Ordering::Relaxed);
        if since == 0 {
            self.suspected.store(cpu.max(1), Ordering::Relaxed);
            return Beat::GoOn;
        }
        if cpu.saturating_sub(since) < TICK.as_micros() as u64 / 2 {
            return Beat::GoOn;
        }
        self.interrupted.store(true, Ordering::Relaxed);
        let burnt = self.burnt.fetch_add(1, Ordering::Relaxed) + 1;
        if used.is_none() && burnt > budget {
            Beat::Exhausted(burnt)
        } else {
            Beat::Yield
        }
    }

    /// Ends the guest at its next tick or poll.
    pub fn kill(&self) {
        self.kill.store(true, Ordering::Release);
        self.waking.wake_poller();
    }

    fn is_killed(&self) -> bool {
        self.kill.load(Ordering::Acquire)
    }

    fn entering(&self, now: u64) {
        self.polled.store(now, Ordering::Relaxed);
        if !self.interrupted.swap(false, Ordering::Relaxed) {
            self.came_back(now);
        }
    }

    /// The guest ended something by itself: a busy guest is none that burns.
    pub fn came_back(&self, now: u64) {
        self.entered.store(now, Ordering::Relaxed);
        self.burnt.store(0, Ordering::Relaxed);
        self.suspected.store(0, Ordering::Relaxed);
        self.stretch.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it was polled. Within one poll nobody else on its thread runs.
    pub fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// What is known of a guest from its lives so far.
#[derive(Debug, Default)]
pub struct Record {
    /// It burnt CPU, and has not behaved since.
    heavy: AtomicBool,
}

impl Record {
    fn is_heavy(&self) -> bool {
        self.heavy.load(Ordering::Relaxed)
    }

    fn set_heavy(&self, heavy: bool) {
        self.heavy.store(heavy, Ordering::Relaxed);
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How a stretch of running ended.
enum Stretch<T> {
    Finished(T),
    Moved(Boxed<T>),
    Stopped(Stopped),
}

/// Why a guest was ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// Somebody wanted it.
    #[error("the bridge stopped it")]
    Killed,
    /// `limits.cpu_per_minute_ms`
    #[error("used {0} ms of CPU within a minute; limits.cpu_per_minute_ms allows no more")]
    Minute(u64),
}

/// Runs a guest to its end, wherever it belongs.
///
/// # Errors
///
/// It was ended from outside.
pub async fn run<T: Send + 'static>(
    mut guest: Boxed<T>,
    pulse: Arc<Pulse>,
    ticker: Arc<Ticker>,
    mut minute: Minute,
    record: Arc<Record>,
) -> Result<T, Stopped> {
    loop {
        if !record.is_heavy() {
            // On this thread, until it burns. Nobody else has the thread meanwhile, so
            // the time that passes is the guest's.
            let (home, clock) = (|interrupted| interrupted, CpuClock::Wall);
            match stretch(guest, &pulse, &ticker, &mut minute, clock, &record, home).await {
                Stretch::Finished(value) => return Ok(value),
                Stretch::Stopped(why) => return Err(why),
                Stretch::Moved(moved) => guest = moved,
            }
            record.set_heavy(true);
        }
        // Aside, until it behaves.
        let runtime = tokio::runtime::Handle::current();
        let (pulse, ticker) = (Arc::clone(&pulse), Arc::clone(&ticker));
        let watched = Arc::clone(&record);
        let aside = tokio::task::spawn_blocking(move || {
            yield_to_the_bridge();
            let mut quiet = 0;
            let behaves = |interrupted| {
                quiet = if interrupted { 0 } else { quiet + 1 };
                quiet > PAROLE
            };
            let running = stretch(
                guest,
                &pulse,
                &ticker,
                &mut minute,
                CpuClock::Thread,
                &watched,
                behaves,
            );
            let ended = runtime.block_on(running);
            (ended, minute)
        });
        match aside.await {
            Ok((Stretch::Finished(value), _)) => return Ok(value),
            Ok((Stretch::Stopped(why), _)) => return Err(why),
            Ok((Stretch::Moved(moved), spent)) => {
                (guest, minute) = (moved, spent);
                record.set_heavy(false);
            }
            // The runtime is going away, or wasmtime panicked: the guest is gone either way.
            Err(_) => return Err(Stopped::Killed),
        }
    }
}

/// Polls until the end, or until `move_on` says so of a poll (told whether the
/// guest had to be interrupted in it).
async fn stretch<T>(
    guest: Boxed<T>,
    pulse: &Pulse,
    ticker: &Ticker,
    minute: &mut Minute,
    clock: CpuClock,
    record: &Record,
    mut move_on: impl FnMut(bool) -> bool,
) -> Stretch<T> {
    let mut guest = Some(guest);
    poll_fn(|cx| {
        pulse.waking.polled_by(cx);
        let Some(current) = guest.as_mut().filter(|_| !pulse.is_killed()) else {
            return Poll::Ready(Stretch::Stopped(Stopped::Killed));
        };
        let before = clock.now();
        let polled = {
            let _running = ticker.running();
            pulse.entering(ticker.now());
            pulse.polls.fetch_add(1, Ordering::Relaxed);
            pulse.waking.poll(cx, |cx| current.as_mut().poll(cx))
        };
        let after = clock.now();
        let spent = after.saturating_sub(before);
        match polled {
            Poll::Ready(value) => {
                // One instruction can fill all its memory, and no tick sees that.
                if spent > TICK {
                    record.set_heavy(true);
                }
                Poll::Ready(Stretch::Finished(value))
            }
            Poll::Pending => {
                let second = match clock {
                    CpuClock::Wall => after,
                    CpuClock::Thread => CpuClock::Wall.now(),
                };
                if let Err(used) = minute.spend(spent, second.as_secs()) {
                    return Poll::Ready(Stretch::Stopped(Stopped::Minute(used)));
                }
                if !move_on(pulse.was_interrupted()) {
                    return Poll::Pending;
                }
                match guest.take() {
                    Some(guest) => Poll::Ready(Stretch::Moved(guest)),
                    None => Poll::Ready(Stretch::Stopped(Stopped::Killed)),
                }
            }
        }
    })
    .await
}

/// The bridge's own thread comes first wherever both want the CPU.
fn yield_to_the_bridge() {
    let me = rustix::thread::gettid();
    // Lowering one's own priority is always allowed; if not, fairness is all we lose.
    let _ = rustix::process::setpriority_process(Some(me), 10);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_guest_that_comes_back_is_left_alone() {
        let pulse = Pulse::default();
        pulse.entering(10);
        assert_eq!(
            pulse.beat(11, None, 5),
            Beat::GoOn,
            "the first tick says nothing"
        );
        pulse.entering(20);
        assert_eq!(pulse.beat(21, None, 5), Beat::GoOn);
    }

    /// Uses the CPU of one tick.
    fn burn() {
        let began = CpuClock::Thread.now();
        while CpuClock::Thread.now() - began < TICK {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn one_that_does_not_is_interrupted_and_at_last_exhausted() {
        let pulse = Pulse::default();
        pulse.entering(10);
        assert_eq!(pulse.beat(11, None, 2), Beat::GoOn);
        assert_eq!(pulse.beat(12, None, 2), Beat::GoOn, "only suspected");
        burn();
        for now in 13..15 {
            assert_eq!(pulse.beat(now, None, 2), Beat::Yield);
            // The executor polls it again, which is not coming back.
            pulse.entering(now);
        }
        assert_eq!(pulse.beat(15, None, 2), Beat::Exhausted(3));
    }

    #[test]
    fn one_that_was_pushed_aside_by_others_is_not_interrupted() {
        let pulse = Pulse::default();
        pulse.entering(10);
        for now in 12..1000 {
            assert_eq!(pulse.beat(now, None, u64::MAX), Beat::GoOn);
            pulse.suspected.store(u64::MAX - 1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_call_has_its_own_budget_however_often_it_comes_back() {
        let pulse = Pulse::default();
        pulse.entering(10);
        assert!(!pulse.ticked(10), "the clock has not moved since");
        assert!(pulse.ticked(11));
        assert_eq!(pulse.beat(11, Some(5), 5), Beat::GoOn);
        assert_eq!(pulse.beat(11, Some(6), 5), Beat::Exhausted(6));
    }

    fn no_limit() -> Minute {
        Minute::new(Duration::MAX)
    }

    #[tokio::test]
    async fn a_killed_guest_ends_though_it_never_would() {
        let pulse = Arc::new(Pulse::default());
        let ticker = Arc::new(Ticker::start(wasmtime::Engine::default()).unwrap());
        let never: Boxed<()> = Box::pin(std::future::pending());
        let running = tokio::spawn(run(
            never,
            Arc::clone(&pulse),
            ticker,
            no_limit(),
            Arc::default(),
        ));
        pulse.kill();
        assert_eq!(running.await.unwrap(), Err(Stopped::Killed));
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
                while burning.beat(clock.now(), None, u64::MAX) == Beat::GoOn {
                    std::hint::spin_loop();
                }
                tokio::task::yield_now().await;
            }
            true
        });
        let record = Arc::new(Record::default());
        let ended = run(guest, pulse, ticker, no_limit(), Arc::clone(&record)).await;
        assert_eq!(ended, Ok(true));
        assert!(record.is_heavy(), "it ended before it behaved");
    }

    #[tokio::test]
    async fn a_life_that_ends_in_the_middle_of_something_long_is_the_last_that_begins_here() {
        let ticker = Arc::new(Ticker::start(wasmtime::Engine::default()).unwrap());
        let record = Arc::new(Record::default());
        let home = std::thread::current().id();
        let live = |long: bool, polls: u32| {
            let guest: Boxed<Vec<bool>> = Box::pin(async move {
                let mut places = Vec::new();
                for _ in 0..polls {
                    places.push(std::thread::current().id() == home);
                    tokio::task::yield_now().await;
                }
                if long {
                    burn();
                    burn();
                }
                places
            });
            let (pulse, record) = (Arc::default(), Arc::clone(&record));
            run(guest, pulse, Arc::clone(&ticker), no_limit(), record)
        };
        let first = live(true, 1).await.unwrap();
        assert_eq!(first, [true], "nothing is known of it");
        let second = live(false, PAROLE).await.unwrap();
        assert!(second.iter().all(|at_home| !at_home), "it is known");
        // A whole parole of good polls, and it is at home again.
        let third = live(false, 2 * PAROLE).await.unwrap();
        assert_eq!((third.first(), third.last()), (Some(&false), Some(&true)));
    }

    #[tokio::test]
    async fn one_that_uses_more_than_its_minute_ends() {
        let pulse = Arc::new(Pulse::default());
        let ticker = Arc::new(Ticker::start(wasmtime::Engine::default()).unwrap());
        let guest: Boxed<()> = Box::pin(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        let minute = Minute::new(Duration::from_millis(1));
        let ended = run(guest, pulse, ticker, minute, Arc::default()).await;
        assert!(matches!(ended, Err(Stopped::Minute(1..))), "{ended:?}");
    }
}
