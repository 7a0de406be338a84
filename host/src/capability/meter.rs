//! So much a second and no more.

use std::time::Instant;

/// A bucket that is filled anew every second.
#[derive(Debug)]
pub struct Meter {
    per_second: u64,
    left: u64,
    /// What passed beyond a full bucket and is not paid off: until then nothing passes.
    owed: u64,
    since: Option<Instant>,
    /// What did not pass since the last that did.
    dropped: u64,
    /// Something did not pass in this second.
    dry: bool,
}

impl Meter {
    /// Room for this much in each second, in the caller's unit.
    pub fn new(per_second: u64) -> Self {
        Meter {
            per_second,
            left: per_second,
            owed: 0,
            since: None,
            dropped: 0,
            dry: false,
        }
    }

    /// May this much pass? Then how many did not before it. A full bucket lets anything pass: what
    /// is larger than a second's worth is paid for by the seconds after it, so that a small
    /// rate delays and silences nobody.
    pub fn pass(&mut self, amount: u64, now: Instant) -> Option<u64> {
        let since = *self.since.get_or_insert(now);
        let seconds = now.duration_since(since).as_secs();
        if seconds >= 1 {
            let filled = self.per_second.saturating_mul(seconds);
            self.left = filled.saturating_sub(self.owed).min(self.per_second);
            self.owed = self.owed.saturating_sub(filled);
            self.since = Some(now);
            self.dry = false;
        }
        if amount > self.left && self.left < self.per_second {
            self.dropped += 1;
            return None;
        }
        self.owed += amount.saturating_sub(self.left);
        self.left = self.left.saturating_sub(amount);
        Some(std::mem::take(&mut self.dropped))
    }

    /// So many more did not pass, and were not even tried.
    pub fn drop_untried(&mut self, count: u64) {
        self.dropped += count;
    }

    /// Has been said in this second that something did not pass?
    pub fn is_dry(&self, now: Instant) -> bool {
        let fresh = |since| now.duration_since(since).as_secs() < 1;
        self.dry && self.since.is_some_and(fresh)
    }

    /// Is this the first word of it in this second that something did not pass?
    pub fn runs_dry(&mut self) -> bool {
        !std::mem::replace(&mut self.dry, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_flood_is_cut_and_counted_and_a_later_line_passes() {
        let mut meter = Meter::new(100);
        let start = Instant::now();
        assert_eq!(meter.pass(60, start), Some(0));
        assert_eq!(meter.pass(60, start), None);
        assert!(meter.runs_dry());
        assert_eq!(meter.pass(60, start), None);
        assert!(!meter.runs_dry(), "once a second");
        assert_eq!(meter.pass(60, start + Duration::from_secs(1)), Some(2));
        assert!(meter.runs_dry());
    }

    #[test]
    fn what_is_larger_than_a_second_passes_and_is_paid_for() {
        let mut meter = Meter::new(100);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(meter.pass(350, start), Some(0), "the bucket is full");
        assert_eq!(meter.pass(1, start), None);
        assert_eq!(meter.pass(1, after(2)), None, "50 are owed");
        assert_eq!(meter.pass(51, after(3)), None, "50 are left");
        assert_eq!(meter.pass(50, after(3)), Some(3));
        assert_eq!(meter.pass(101, after(4)), Some(0), "full again");
        assert_eq!(meter.pass(101, after(5)), None, "99 are left");
        assert_eq!(meter.pass(101, after(6)), Some(1));
    }

    #[test]
    fn it_is_dry_until_the_second_is_over() {
        let mut meter = Meter::new(100);
        let start = Instant::now();
        meter.pass(60, start);
        meter.pass(60, start);
        assert!(!meter.is_dry(start), "nobody has said so");
        meter.runs_dry();
        assert!(meter.is_dry(start));
        meter.drop_untried(7);
        let later = start + Duration::from_secs(1);
        assert!(!meter.is_dry(later));
        assert_eq!(meter.pass(60, later), Some(8));
    }
}
