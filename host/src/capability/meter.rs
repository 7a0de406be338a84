//! So much a second and no more.

use std::time::Instant;

/// A bucket that is filled anew every second.
#[derive(Debug)]
pub struct Meter {
    per_second: u64,
    left: u64,
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
            since: None,
            dropped: 0,
            dry: false,
        }
    }

    /// May this much pass? Then how many did not before it.
    pub fn pass(&mut self, amount: u64, now: Instant) -> Option<u64> {
        let since = *self.since.get_or_insert(now);
        if now.duration_since(since).as_secs() >= 1 {
            self.left = self.per_second;
            self.since = Some(now);
            self.dry = false;
        }
        match self.left.checked_sub(amount) {
            Some(left) => {
                self.left = left;
                Some(std::mem::take(&mut self.dropped))
            }
            None => {
                self.dropped += 1;
                None
            }
        }
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
}
