//! Answers that cannot be used, in a row.
//!
//! One bad or late answer says little: a machine stalls, a peer sends what nobody
//! thought of. A guest that gives nothing else is broken, and only starting it again,
//! and at last leaving it out, can help. Rows are counted for each hook and method by
//! itself, so that a guest that answers one of them well cannot hide another.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::guest::call::Label;

/// Hooks and methods whose rows are counted at the same time. No manifest has more.
const LABELS: usize = 4_096;

/// The rows of one guest.
#[derive(Debug, Default)]
pub struct Runs {
    any: AtomicBool,
    table: Mutex<HashMap<Label, Run>>,
}

#[derive(Debug, Default)]
struct Run {
    bad: u64,
    late: u64,
    /// When the last late answer was counted.
    counted: Option<Instant>,
}

impl Runs {
    /// An answer in time that could be used: both rows end.
    pub fn good(&self, what: &Label) {
        if self.any.load(Ordering::Relaxed) {
            self.lock().remove(what);
        }
    }

    /// An answer in time that could not be used; how many in a row.
    pub fn bad(&self, what: &Label) -> u64 {
        self.with(what, |run| {
            run.late = 0;
            run.counted = None;
            run.bad += 1;
            run.bad
        })
    }

    /// No answer in time to a call that began then; how many in a row. Calls that
    /// were open side by side are late together, for one reason, and count once.
    pub fn late(&self, what: &Label, began: Instant, now: Instant) -> u64 {
        self.with(what, |run| {
            if run.counted.is_none_or(|counted| began >= counted) {
                run.late += 1;
                run.counted = Some(now);
            }
            run.late
        })
    }

    /// Begins anew, with the guest.
    pub fn clear(&self) {
        self.lock().clear();
        self.any.store(false, Ordering::Relaxed);
    }

    fn with(&self, what: &Label, count: impl FnOnce(&mut Run) -> u64) -> u64 {
        let mut table = self.lock();
        if table.len() >= LABELS && !table.contains_key(what) {
            return 0;
        }
        self.any.store(true, Ordering::Relaxed);
        count(table.entry(what.clone()).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Label, Run>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const A: Label = Label::Hook("openchannel");
    const B: Label = Label::Hook("custommsg");

    #[test]
    fn a_good_answer_ends_the_row_of_its_own_hook_only() {
        let runs = Runs::default();
        runs.good(&A);
        assert_eq!((runs.bad(&A), runs.bad(&A), runs.bad(&B)), (1, 2, 1));
        runs.good(&B);
        assert_eq!((runs.bad(&A), runs.bad(&B)), (3, 1));
        runs.clear();
        assert_eq!(runs.bad(&A), 1);
    }

    #[test]
    fn calls_that_were_late_together_count_once() {
        let runs = Runs::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        for _ in 0..100 {
            assert_eq!(runs.late(&A, at(0), at(5_000)), 1, "one stall");
        }
        assert_eq!(runs.late(&A, at(4_999), at(9_999)), 1);
        assert_eq!(runs.late(&A, at(5_000), at(10_000)), 2, "a later call");
        assert_eq!(runs.bad(&A), 1, "bad, but in time");
        assert_eq!(runs.late(&A, at(5_000), at(10_000)), 1);
    }
}
