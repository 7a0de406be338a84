//! Where a guest runs.
//!
//! A guest runs on the bridge's own thread, so that a call costs no thread
//! hand-over. Two kinds are moved away with all their state (guests are futures, so this is a
//! move of a pointer):
//!
//! - One that is given many at a time goes to the spare cores for as long as that lasts
//!   (`spare.rs`).
//! - One that burns CPU would hold up everybody: it is seen by
//!   the epoch clock, goes to a thread of its own, and comes back once it has behaved. If
//!   it ends before that, or in the middle of something long, its next life begins there.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinError;
use tokio::time::interval;

use super::minute::{CpuClock, Minute};
use super::pace::Pulse;
use super::spare::{self, Crowd};
use super::ticker::{TICK, Ticker};

/// Polls in a row without burning before a guest may come back.
const PAROLE: u32 = 256;

/// What is known of a guest from its lives so far.
#[derive(Debug)]
pub struct Record {
    /// It burnt CPU, and has not behaved since.
    heavy: AtomicBool,
    /// Over its lives: one that ends in a trap is no way to a fresh minute.
    minute: Mutex<Minute>,
}

impl Record {
    /// Nothing yet; `per_minute` is `limits.cpu_per_minute_ms`.
    pub fn new(per_minute: Duration) -> Self {
        Record {
            heavy: AtomicBool::default(),
            minute: Mutex::new(Minute::new(per_minute)),
        }
    }

    /// Counts CPU. After too much a new minute begins: the life that it ends is what it costs, and
    /// the next could not even start.
    fn spend(&self, used: Duration, at: Duration) -> Result<(), u64> {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = minute.spend(used, at.as_secs());
        if spent.is_err() {
            minute.forget();
        }
        spent
    }

    fn is_heavy(&self) -> bool {
        self.heavy.load(Ordering::Relaxed)
    }

    fn set_heavy(&self, heavy: bool) {
        self.heavy.store(heavy, Ordering::Relaxed);
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The bridge's thread.
    Home,
    /// The spare cores.
    Spare,
    /// A thread of its own.
    Aside,
}

/// How a stretch of running ended.
enum Stretch<T> {
    Finished(T),
    Moved(Boxed<T>, Place),
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

/// What a poll that did not end the guest has shown.
struct Polled {
    /// It had to be interrupted.
    interrupted: bool,
    /// Deliveries that went in.
    taken: u32,
    /// When that poll ended, by [`CpuClock::Wall`].
    at: Duration,
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
    record: Arc<Record>,
) -> Result<T, Stopped> {
    let mut place = match record.is_heavy() {
        true => Place::Aside,
        false => Place::Home,
    };
    let mut runner = Runner {
        pulse,
        ticker,
        record,
    };
    loop {
        let ended = match place {
            Place::Home => Ok(runner.at_home(guest).await),
            Place::Spare => runner.on_spare_cores(guest).await,
            Place::Aside => runner.aside(guest).await,
        };
        // The runtime is going away, or wasmtime panicked: the guest is gone either way.
        let (stretch, back) = ended.map_err(|_| Stopped::Killed)?;
        runner = back;
        (guest, place) = match stretch {
            Stretch::Finished(value) => return Ok(value),
            Stretch::Stopped(why) => return Err(why),
            Stretch::Moved(guest, place) => (guest, place),
        };
        runner.record.set_heavy(place == Place::Aside);
    }
}

/// What goes with a guest wherever it runs.
struct Runner {
    pulse: Arc<Pulse>,
    ticker: Arc<Ticker>,
    record: Arc<Record>,
}

impl Runner {
    /// On this thread. Nobody else has it meanwhile, so the time that passes is the guest's.
    async fn at_home<T>(self, guest: Boxed<T>) -> (Stretch<T>, Runner) {
        let mut crowd = Crowd::since(CpuClock::Wall.now());
        let leave = |polled: &Polled| {
            crowd.polled(polled.taken, polled.at);
            match polled.interrupted {
                true => Some(Place::Aside),
                false => (crowd.lasts() && spare::threads().is_some()).then_some(Place::Spare),
            }
        };
        self.stretch(guest, CpuClock::Wall, leave).await
    }

    async fn on_spare_cores<T: Send + 'static>(
        self,
        guest: Boxed<T>,
    ) -> Result<(Stretch<T>, Runner), JoinError> {
        let Some(threads) = spare::threads() else {
            // The last but one core was taken away in this very moment.
            return Ok((Stretch::Moved(guest, Place::Home), self));
        };
        // What the guest's calls spawn and sleep for belongs to the bridge.
        let home = Handle::current();
        let mut crowd = Crowd::since(CpuClock::Wall.now());
        let leave = move |polled: &Polled| {
            crowd.polled(polled.taken, polled.at);
            match polled.interrupted {
                true => Some(Place::Aside),
                false => crowd.is_over(polled.at).then_some(Place::Home),
            }
        };
        let running = async move {
            // It comes back though nobody calls it.
            let mut look = interval(spare::OVER);
            let mut running = pin!(self.stretch(guest, CpuClock::Thread, leave));
            poll_fn(|cx| {
                while look.poll_tick(cx).is_ready() {}
                let _home = home.enter();
                running.as_mut().poll(cx)
            })
            .await
        };
        threads.spawn(running).await
    }

    /// On a thread of its own, until it behaves.
    async fn aside<T: Send + 'static>(
        self,
        guest: Boxed<T>,
    ) -> Result<(Stretch<T>, Runner), JoinError> {
        let home = Handle::current();
        let mut quiet = 0;
        let leave = move |polled: &Polled| {
            quiet = if polled.interrupted { 0 } else { quiet + 1 };
            (quiet > PAROLE).then_some(Place::Home)
        };
        let running = move || {
            yield_to_the_bridge();
            home.block_on(self.stretch(guest, CpuClock::Thread, leave))
        };
        tokio::task::spawn_blocking(running).await
    }

    /// Polls until the end, or until `leave` says of a poll where to go on.
    async fn stretch<T>(
        mut self,
        guest: Boxed<T>,
        clock: CpuClock,
        mut leave: impl FnMut(&Polled) -> Option<Place>,
    ) -> (Stretch<T>, Runner) {
        self.pulse.arrived(matches!(clock, CpuClock::Thread));
        let mut guest = Some(guest);
        let stretch = poll_fn(|cx| {
            let Runner {
                pulse,
                ticker,
                record,
            } = &mut self;
            pulse.waking.polled_by(cx);
            let Some(current) = guest.as_mut().filter(|_| !pulse.is_killed()) else {
                return Poll::Ready(Stretch::Stopped(Stopped::Killed));
            };
            let before = clock.now();
            let polled = {
                let _running = ticker.running();
                pulse.entering(ticker.now());
                pulse.waking.poll(cx, |cx| current.as_mut().poll(cx))
            };
            let after = clock.now();
            let spent = after.saturating_sub(before);
            let at = match clock {
                CpuClock::Wall => after,
                CpuClock::Thread => CpuClock::Wall.now(),
            };
            let minute = record.spend(spent, at);
            if let Poll::Ready(value) = polled {
                // One instruction can fill all its memory, and no tick sees that.
                if spent > TICK {
                    record.set_heavy(true);
                }
                return Poll::Ready(Stretch::Finished(value));
            }
            if let Err(used) = minute {
                record.set_heavy(true);
                return Poll::Ready(Stretch::Stopped(Stopped::Minute(used)));
            }
            let polled = Polled {
                interrupted: pulse.was_interrupted(),
                taken: pulse.taken(),
                at,
            };
            let Some(place) = leave(&polled) else {
                return Poll::Pending;
            };
            Poll::Ready(match guest.take() {
                Some(guest) => Stretch::Moved(guest, place),
                None => Stretch::Stopped(Stopped::Killed),
            })
        })
        .await;
        (stretch, self)
    }
}

/// The bridge's own thread, and lightningd, come first wherever both want the CPU.
pub(super) fn yield_to_the_bridge() {
    let me = rustix::thread::gettid();
    // Lowering one's own priority is always allowed; if not, fairness is all we lose.
    let _ = rustix::process::setpriority_process(Some(me), 10);
}

#[cfg(test)]
mod tests {
    use super::super::pace::Beat;
    use super::super::pace::tests::burn;
    use super::*;

    fn no_limit() -> Arc<Record> {
        Arc::new(Record::new(Duration::MAX))
    }

    #[tokio::test]
    async fn a_killed_guest_ends_though_it_never_would() {
        let pulse = Arc::new(Pulse::default());
        let ticker = Arc::new(Ticker::start(wasmtime::Engine::default()).unwrap());
        let never: Boxed<()> = Box::pin(std::future::pending());
        let running = tokio::spawn(run(never, Arc::clone(&pulse), ticker, no_limit()));
        pulse.kill();
        assert_eq!(running.await.unwrap(), Err(Stopped::Killed));
    }

    #[tokio::test]
    async fn a_crowded_guest_goes_to_a_spare_core_and_comes_back_by_itself() {
        if spare::threads().is_none() {
            return println!(
                "skipped: a_crowded_guest_goes_to_a_spare_core_and_comes_back_by_itself: there is but one core"
            );
        }
        let pulse = Arc::new(Pulse::default());
        let ticker = Arc::new(Ticker::start(wasmtime::Engine::default()).unwrap());
        let home = std::thread::current().id();
        let crowded = Arc::clone(&pulse);
        let guest: Boxed<bool> = Box::pin(async move {
            while std::thread::current().id() == home {
                for _ in 0..100 {
                    crowded.takes();
                }
                tokio::task::yield_now().await;
            }
            assert!(crowded.is_away());
            let spawned = tokio::spawn(async { std::thread::current().id() });
            assert_eq!(
                spawned.await.unwrap(),
                home,
                "what it spawns is the bridge's"
            );
            // Nobody wakes it.
            poll_fn(|_| match std::thread::current().id() == home {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
            !crowded.is_away()
        });
        let record = no_limit();
        let ended = run(guest, pulse, ticker, Arc::clone(&record)).await;
        assert_eq!(ended, Ok(true));
        assert!(!record.is_heavy(), "it did nothing wrong");
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
        let record = no_limit();
        let ended = run(guest, pulse, ticker, Arc::clone(&record)).await;
        assert_eq!(ended, Ok(true));
        assert!(record.is_heavy(), "it ended before it behaved");
    }

    #[tokio::test]
    async fn a_life_that_ends_in_the_middle_of_something_long_is_the_last_that_begins_here() {
        let ticker = Arc::new(Ticker::start(wasmtime::Engine::default()).unwrap());
        let record = no_limit();
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
            run(guest, pulse, Arc::clone(&ticker), record)
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
        let record = Arc::new(Record::new(Duration::from_millis(1)));
        let ended = run(guest, pulse, ticker, Arc::clone(&record)).await;
        assert!(matches!(ended, Err(Stopped::Minute(1..))), "{ended:?}");
        assert!(record.is_heavy(), "its next life begins elsewhere");
    }

    #[tokio::test]
    async fn what_a_life_used_up_to_its_end_counts_for_the_next() {
        let ticker = Arc::new(Ticker::start(wasmtime::Engine::default()).unwrap());
        let used = Duration::from_millis(1);
        let limit = Duration::from_secs(1000);
        let record = Arc::new(Record::new(limit));
        // Ends in the poll in which it burns.
        let guest: Boxed<()> = Box::pin(async move {
            let until = CpuClock::Wall.now() + used;
            while CpuClock::Wall.now() < until {
                std::hint::spin_loop();
            }
        });
        let ended = run(guest, Arc::default(), ticker, Arc::clone(&record)).await;
        assert_eq!(ended, Ok(()));
        let rest = limit - used / 2;
        assert!(record.spend(rest, CpuClock::Wall.now()).is_err());
        let again = record.spend(rest, CpuClock::Wall.now());
        assert_eq!(again, Ok(()), "a new minute has begun");
    }
}
