//! The CPU that a guest used within the last minute, and the clocks that measure it.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Which clock a stretch of running is measured by.
#[derive(Debug, Clone, Copy)]
pub enum CpuClock {
    /// Time that passes: read without a system call, for polls that are too short
    /// to be interrupted.
    Wall,
    /// CPU of this thread: right for a thread that others may push aside.
    Thread,
}

impl CpuClock {
    /// Since some moment that does not change.
    pub fn now(self) -> Duration {
        let id = match self {
            CpuClock::Wall => ClockId::Monotonic,
            CpuClock::Thread => ClockId::ThreadCPUTime,
        };
        let now = clock_gettime(id);
        Duration::new(
            now.tv_sec.try_into().unwrap_or_default(),
            now.tv_nsec.try_into().unwrap_or_default(),
        )
    }
}

/// Slices of the minute. The oldest one goes as a whole, so that up to 61 s count.
const SLICES: usize = 60;

/// CPU used, second by second.
#[derive(Debug)]
pub struct Minute {
    limit: Duration,
    slices: [Duration; SLICES],
    sum: Duration,
    /// The second that the current slice is for.
    second: u64,
}

impl Minute {
    /// Nothing used; at most `limit` may be.
    pub fn new(limit: Duration) -> Self {
        Minute {
            limit,
            slices: [Duration::ZERO; SLICES],
            sum: Duration::ZERO,
            second: CpuClock::Wall.now().as_secs(),
        }
    }

    /// Counts CPU that was used in this second of [`CpuClock::Wall`].
    ///
    /// # Errors
    ///
    /// It is too much within a minute: this many ms.
    pub fn spend(&mut self, used: Duration, second: u64) -> Result<(), u64> {
        let passed = second.saturating_sub(self.second);
        for ahead in 1..=passed.min(SLICES as u64) {
            let slice = self.slice(self.second + ahead);
            let gone = std::mem::take(slice);
            self.sum = self.sum.saturating_sub(gone);
        }
        self.second += passed;
        let slice = self.slice(self.second);
        *slice = slice.saturating_add(used);
        self.sum = self.sum.saturating_add(used);
        match self.sum > self.limit {
            false => Ok(()),
            true => Err(self.sum.as_millis() as u64),
        }
    }

    /// As if nothing had been used.
    pub fn forget(&mut self) {
        self.slices = [Duration::ZERO; SLICES];
        self.sum = Duration::ZERO;
    }

    fn slice(&mut self, second: u64) -> &mut Duration {
        &mut self.slices[(second % SLICES as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_was_used_counts_for_a_minute() {
        let mut minute = Minute::new(100 * MS);
        let began = minute.second;
        assert_eq!(minute.spend(60 * MS, began), Ok(()));
        assert_eq!(minute.spend(40 * MS, began + 30), Ok(()));
        assert_eq!(minute.spend(MS, began + 59), Err(101));
        assert_eq!(
            minute.spend(58 * MS, began + 60),
            Ok(()),
            "the first 60 are gone"
        );
        assert_eq!(minute.spend(2 * MS, began + 61), Err(101));
        assert_eq!(minute.spend(100 * MS, began + 10_000), Ok(()));
        assert_eq!(minute.spend(MS, began), Err(101), "a clock never goes back");
    }

    #[test]
    fn the_clock_of_a_thread_counts_its_work() {
        let before = CpuClock::Thread.now();
        while CpuClock::Thread.now() == before {
            std::hint::spin_loop();
        }
        assert!(CpuClock::Wall.now() > Duration::ZERO);
    }
}
