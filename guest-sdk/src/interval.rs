//! Something at regular times.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::border::Outside;
use crate::error::TimerError;

/// Regular ticks, from [`Cx::interval`](crate::Cx::interval).
///
/// They do not drift: the time between one tick and the wait for the next is not
/// added to the period. They do not come in bursts: of ticks that were missed one
/// comes late, and the next is the first that lies ahead.
pub struct Interval {
    border: Rc<Outside>,
    begun: Duration,
    period: Duration,
    /// How many periods had passed at the last tick.
    passed: u128,
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("period", &self.period)
            .finish_non_exhaustive()
    }
}

impl Interval {
    pub(crate) fn new(border: Rc<Outside>, period: Duration) -> Self {
        let begun = border.elapsed();
        Interval {
            border,
            begun,
            // The bridge counts in milliseconds.
            period: period.max(Duration::from_millis(1)),
            passed: 0,
        }
    }

    /// Waits for the next tick. It says how many periods have passed since the one
    /// before: 1, or more where ticks were missed.
    ///
    /// # Errors
    ///
    /// The timer was not set. The interval can be asked again.
    pub async fn tick(&mut self) -> Result<u128, TimerError> {
        let period = self.period.as_nanos();
        loop {
            let since = self.border.elapsed().saturating_sub(self.begun).as_nanos();
            let missed = (since / period).saturating_sub(self.passed);
            if missed > 0 {
                self.passed += missed;
                return Ok(missed);
            }
            let due = period.saturating_mul(self.passed + 1);
            self.border.sleep(nanoseconds(due - since)).await?;
        }
    }
}

fn nanoseconds(ns: u128) -> Duration {
    let seconds = u64::try_from(ns / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::from_secs(seconds) + Duration::from_nanos((ns % 1_000_000_000) as u64)
}
