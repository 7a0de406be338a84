//! The other cores, for guests that are given more than one at a time.
//!
//! One call is served soonest on the bridge's own thread. With many outstanding the bridge
//! reads the next ones while a guest works elsewhere.

use std::sync::OnceLock;
use std::time::Duration;

use rustix::thread::sched_getaffinity;
use tokio::runtime::{Builder, Runtime};

use super::place::yield_to_the_bridge;

/// Of all guests of this process, and made when the first needs it.
static THREADS: OnceLock<Option<Runtime>> = OnceLock::new();

/// Threads for guests, one for each core; `None` where there is but one,
/// or no thread to be had.
pub fn threads() -> Option<&'static Runtime> {
    // Cores may be taken away while the bridge runs.
    let cores = sched_getaffinity(None).map_or(1, |cores| cores.count() as usize);
    if cores < 2 {
        return None;
    }
    let threads = THREADS.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(cores)
            .thread_name("guests")
            .on_thread_start(yield_to_the_bridge)
            .enable_time()
            .build()
            .ok()
    });
    threads.as_ref()
}

/// Deliveries that a guest takes in one poll when it is crowded.
const CROWD: u32 = 8;
/// So many of those polls are more than a moment,
const POLLS: u32 = 8;
/// when no two are further apart than this.
const APART: Duration = Duration::from_millis(2);

/// How long after its last crowded poll a guest comes back. Coming and going takes less than
/// a hundredth of it.
pub const OVER: Duration = Duration::from_millis(10);

/// Whether a guest is given so much that another core is worth the way there.
#[derive(Debug)]
pub struct Crowd {
    polls: u32,
    /// The last crowded poll.
    last: Duration,
}

impl Crowd {
    /// None yet. Moments are those of [`CpuClock::Wall`](super::minute::CpuClock).
    pub fn since(now: Duration) -> Crowd {
        Crowd {
            polls: 0,
            last: now,
        }
    }

    /// A poll in which so many deliveries were taken has ended.
    pub fn polled(&mut self, taken: u32, at: Duration) {
        if taken < CROWD {
            return;
        }
        if at > self.last + APART {
            self.polls = 0;
        }
        self.polls = self.polls.saturating_add(1);
        self.last = at;
    }

    /// Has it been more than a moment?
    pub fn lasts(&self) -> bool {
        self.polls >= POLLS
    }

    /// Has there been none for a while?
    pub fn is_over(&self, at: Duration) -> bool {
        at > self.last + OVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn after(polls: impl IntoIterator<Item = (u32, Duration)>) -> Crowd {
        let mut crowd = Crowd::since(Duration::ZERO);
        for (taken, at) in polls {
            crowd.polled(taken, at);
        }
        crowd
    }

    #[test]
    fn one_call_at_a_time_is_no_crowd() {
        assert!(!after((0..1000).map(|n| (CROWD - 1, n * MS))).lasts());
    }

    #[test]
    fn a_burst_now_and_then_is_none() {
        assert!(!after((0..100).map(|n| (1000, n * (APART + MS)))).lasts());
        assert!(!after((1..POLLS).map(|n| (CROWD, n * MS))).lasts());
    }

    #[test]
    fn many_again_and_again_are_and_it_ends() {
        let crowd = after((1..=POLLS).map(|n| (CROWD, n * MS)));
        assert!(crowd.lasts());
        assert!(!crowd.is_over(POLLS * MS + OVER));
        assert!(crowd.is_over(POLLS * MS + OVER + MS));
    }
}
