//! A budget over time: what is set aside counts as spent until it is known.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::BudgetLimits;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// The most calls whose spending is remembered at once. Each call that spends walks
/// through all of them, and each has a record on the disk that is read at the start:
/// a guest that spends 1 msat at a time must not fill memory, nor make the next call
/// wait. With this many it is about 5 MB and 2 ms, and one call a second reaches
/// 86,400 in a day.
pub(super) const MOST_ENTRIES: usize = 100_000;

/// One line of a budget's history. Times are since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// Set aside before a call.
    Reserved {
        /// Names the reservation.
        id: u64,
        /// How much.
        msat: u64,
        /// When.
        at: Duration,
    },
    /// What the call spent after all.
    Settled {
        /// Which reservation.
        id: u64,
        /// How much; 0 gives all of it back.
        msat: u64,
        /// When.
        at: Duration,
    },
}

/// Why a budget could not be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the budget's history cannot be kept: {0}")]
pub struct StoreError(pub String);

/// Keeps the history of one budget across restarts.
pub trait BudgetStore: Send {
    /// Every record since the beginning, in the order appended, but for those
    /// that were [forgotten](Self::forget).
    ///
    /// # Errors
    ///
    /// The store cannot be read. The budget then permits nothing.
    fn load(&mut self) -> Result<Vec<Record>, StoreError>;

    /// Keeps one more. When this returns the record must survive kill -9 and power loss.
    ///
    /// # Errors
    ///
    /// It is not certain that it was kept.
    fn append(&mut self, record: &Record) -> Result<(), StoreError>;

    /// These reservations count no more: their records may be dropped.
    fn forget(&mut self, _ids: &[u64]) {}
}

/// Why a reservation was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BudgetRefusal {
    /// The call alone is above the limit of one call.
    #[error("up to {asked} msat, above the budget of {limit} msat per call")]
    PerCall {
        /// What the call may spend, in msat.
        asked: u64,
        /// The limit, in msat.
        limit: u64,
    },
    /// There is not enough left.
    #[error(
        "up to {asked} msat, but of the budget of {limit} msat per {window} only {left} msat are left"
    )]
    Exhausted {
        /// What the call may spend, in msat.
        asked: u64,
        /// The limit, in msat.
        limit: u64,
        /// What is left of it now, in msat.
        left: u64,
        /// Over which time.
        window: Window,
    },
    /// There is room in the budget, and none to remember one call more.
    #[error(
        "{MOST_ENTRIES} calls that spent are remembered under this budget, and no more can be: wait until the oldest of them is a day old"
    )]
    TooMany,
    /// What is spent cannot be remembered.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A stretch of time over which spending is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Any 3600 s.
    Hour,
    /// Any 86400 s.
    Day,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Window::Hour => "hour",
            Window::Day => "day",
        })
    }
}

/// A budget and what was spent of it. Shared by all calls under one grant.
pub struct Budget {
    limits: BudgetLimits,
    /// None where neither an hour nor a day has a limit: what was spent decides nothing.
    state: Option<Mutex<State>>,
}

struct State {
    store: Box<dyn BudgetStore>,
    entries: BTreeMap<u64, Entry>,
    next_id: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    msat: u64,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The call is under way: it may spend at any time, so it counts in every window.
    Open,
    /// Nobody will say what became of it: it counts in full, from the next look at the clock on.
    Abandoned,
    /// It was spent, at the latest then.
    Settled(Duration),
}

impl Budget {
    /// Takes up a budget where its history ends. Reservations that were open
    /// count as spent in full, now: the calls may have gone through.
    ///
    /// Without a limit of an hour or a day nothing is read or kept.
    ///
    /// # Errors
    ///
    /// The store fails.
    pub fn open(
        limits: BudgetLimits,
        mut store: Box<dyn BudgetStore>,
        now: Duration,
    ) -> Result<Arc<Budget>, StoreError> {
        if limits.per_hour_msat.is_none() && limits.per_day_msat.is_none() {
            return Ok(Arc::new(Budget {
                limits,
                state: None,
            }));
        }
        let mut entries: BTreeMap<u64, Entry> = BTreeMap::new();
        let mut next_id = 1;
        for record in store.load()? {
            let (id, msat, phase) = match record {
                Record::Reserved { id, msat, .. } => (id, msat, Phase::Abandoned),
                Record::Settled { id, msat, at } => (id, msat, Phase::Settled(at)),
            };
            next_id = next_id.max(id.saturating_add(1));
            entries.insert(id, Entry { msat, phase });
        }
        let mut state = State {
            store,
            entries,
            next_id,
        };
        state.age(now);
        Ok(Arc::new(Budget {
            limits,
            state: Some(Mutex::new(state)),
        }))
    }

    /// What this budget allows.
    pub fn limits(&self) -> BudgetLimits {
        self.limits
    }

    /// Sets `msat` aside for one call. What is set aside counts as spent until the
    /// reservation is settled or released.
    ///
    /// # Errors
    ///
    /// A limit would be exceeded, too many calls are remembered, or the store fails.
    pub fn reserve(
        self: &Arc<Self>,
        msat: u64,
        now: Duration,
    ) -> Result<Reservation, BudgetRefusal> {
        if let Some(limit) = self.limits.per_call_msat.filter(|limit| msat > *limit) {
            return Err(BudgetRefusal::PerCall { asked: msat, limit });
        }
        let Some(mut state) = self.lock() else {
            return Ok(self.reservation(None, msat));
        };
        state.age(now);
        for (limit, window, length) in [
            (self.limits.per_hour_msat, Window::Hour, HOUR),
            (self.limits.per_day_msat, Window::Day, DAY),
        ] {
            let Some(limit) = limit else {
                continue;
            };
            let left = limit.saturating_sub(state.used(length, now));
            if msat > left {
                return Err(BudgetRefusal::Exhausted {
                    asked: msat,
                    limit,
                    left,
                    window,
                });
            }
        }
        if state.entries.len() >= MOST_ENTRIES {
            return Err(BudgetRefusal::TooMany);
        }
        let id = state.next_id;
        let next_id = id
            .checked_add(1)
            .ok_or_else(|| StoreError("too many reservations".into()))?;
        // Also when this fails: it may have been kept all the same.
        state.next_id = next_id;
        state
            .store
            .append(&Record::Reserved { id, msat, at: now })?;
        let phase = Phase::Open;
        state.entries.insert(id, Entry { msat, phase });
        drop(state);
        Ok(self.reservation(Some(id), msat))
    }

    fn reservation(self: &Arc<Self>, id: Option<u64>, msat: u64) -> Reservation {
        Reservation {
            budget: Arc::clone(self),
            id,
            msat,
            done: false,
        }
    }

    /// What counts as spent in the hour and in the day that end now, in msat. Nothing
    /// where neither has a limit.
    pub fn used(&self, now: Duration) -> (u64, u64) {
        match self.lock() {
            None => (0, 0),
            Some(state) => (state.used(HOUR, now), state.used(DAY, now)),
        }
    }

    fn lock(&self) -> Option<MutexGuard<'_, State>> {
        // No step leaves the state half changed, so a panic elsewhere takes nothing away.
        let state = self.state.as_ref()?;
        Some(state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn settle(&self, id: u64, spent: u64, now: Duration) -> Result<(), StoreError> {
        let Some(mut state) = self.lock() else {
            return Ok(());
        };
        let kept = state.store.append(&Record::Settled {
            id,
            msat: spent,
            at: now,
        });
        if let Some(entry) = state.entries.get_mut(&id) {
            if kept.is_err() {
                // A restart would count what was set aside: count no less now.
                entry.msat = entry.msat.max(spent);
            } else {
                entry.msat = spent;
            }
            entry.phase = Phase::Settled(now);
        }
        kept
    }

    fn abandon(&self, id: u64) {
        if let Some(mut state) = self.lock()
            && let Some(entry) = state.entries.get_mut(&id)
        {
            entry.phase = Phase::Abandoned;
        }
    }
}

impl State {
    fn used(&self, length: Duration, now: Duration) -> u64 {
        self.entries
            .values()
            .filter(|entry| match entry.phase {
                Phase::Open | Phase::Abandoned => true,
                // An entry from the future (the clock was set back) counts as well.
                Phase::Settled(at) => at.saturating_add(length) > now,
            })
            .fold(0u64, |sum, entry| sum.saturating_add(entry.msat))
    }

    /// Dates what was abandoned, and drops what no window reaches any more.
    fn age(&mut self, now: Duration) {
        let mut gone = Vec::new();
        for (id, entry) in &mut self.entries {
            match entry.phase {
                Phase::Open => {}
                Phase::Abandoned => {
                    let record = Record::Settled {
                        id: *id,
                        msat: entry.msat,
                        at: now,
                    };
                    if self.store.append(&record).is_ok() {
                        entry.phase = Phase::Settled(now);
                    }
                }
                Phase::Settled(at) if entry.msat == 0 || at.saturating_add(DAY) <= now => {
                    gone.push(*id);
                }
                Phase::Settled(_) => {}
            }
        }
        for id in &gone {
            self.entries.remove(id);
        }
        if !gone.is_empty() {
            self.store.forget(&gone);
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// An amount that is set aside for one call. Dropped without a word, it counts as
/// spent in full.
#[derive(Debug)]
#[must_use = "dropped, it counts as spent in full"]
pub struct Reservation {
    budget: Arc<Budget>,
    /// None where the budget remembers nothing.
    id: Option<u64>,
    msat: u64,
    done: bool,
}

impl Reservation {
    /// What is set aside, in msat.
    pub fn msat(&self) -> u64 {
        self.msat
    }

    /// The call spent this much, in msat. More than was set aside counts in full.
    ///
    /// # Errors
    ///
    /// The store fails; then at least what was set aside counts as spent.
    pub fn settle(mut self, spent: u64, now: Duration) -> Result<(), StoreError> {
        self.done = true;
        match self.id {
            None => Ok(()),
            Some(id) => self.budget.settle(id, spent, now),
        }
    }

    /// The call certainly spent nothing.
    ///
    /// # Errors
    ///
    /// The store fails; then what was set aside counts as spent.
    pub fn release(self, now: Duration) -> Result<(), StoreError> {
        self.settle(0, now)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.done
            && let Some(id) = self.id
        {
            self.budget.abandon(id);
        }
    }
}
