use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const NOW: Duration = Duration::from_secs(1_700_000_000);

/// A disk: it outlives budgets, and may fail.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<(Vec<Record>, bool)>>);

impl BudgetStore for Disk {
    fn load(&mut self) -> Result<Vec<Record>, StoreError> {
        Ok(self.0.lock().unwrap().0.clone())
    }

    fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        let mut disk = self.0.lock().unwrap();
        if disk.1 {
            return Err(StoreError("full".into()));
        }
        disk.0.push(*record);
        Ok(())
    }

    fn forget(&mut self, ids: &[u64]) {
        let ids: BTreeSet<u64> = ids.iter().copied().collect();
        self.0
            .lock()
            .unwrap()
            .0
            .retain(|record| !ids.contains(&id_of(record)));
    }
}

fn id_of(record: &Record) -> u64 {
    let (Record::Reserved { id, .. } | Record::Settled { id, .. }) = record;
    *id
}

impl Disk {
    fn failing(&self, failing: bool) {
        self.0.lock().unwrap().1 = failing;
    }

    fn open(&self, limits: BudgetLimits, now: Duration) -> Arc<Budget> {
        Budget::open(limits, Box::new(self.clone()), now).unwrap()
    }
}

const HOURLY: BudgetLimits = BudgetLimits {
    per_call_msat: None,
    per_hour_msat: Some(1000),
    per_day_msat: Some(3000),
    onchain_fee_msat: None,
};

fn hours(n: u64) -> Duration {
    NOW + Duration::from_secs(3600 * n)
}

#[test]
fn a_window_rolls() {
    let budget = Disk::default().open(HOURLY, NOW);
    budget
        .reserve(1000, NOW)
        .unwrap()
        .settle(1000, NOW)
        .unwrap();
    let just_before = hours(1) - Duration::from_nanos(1);
    assert_eq!(
        budget.reserve(1, just_before).unwrap_err(),
        BudgetRefusal::Exhausted {
            asked: 1,
            limit: 1000,
            left: 0,
            window: Window::Hour
        }
    );
    budget
        .reserve(1000, hours(1))
        .unwrap()
        .settle(1000, hours(1))
        .unwrap();
    budget
        .reserve(1000, hours(2))
        .unwrap()
        .settle(1000, hours(2))
        .unwrap();
    assert_eq!(
        budget.reserve(1, hours(3)).unwrap_err(),
        BudgetRefusal::Exhausted {
            asked: 1,
            limit: 3000,
            left: 0,
            window: Window::Day
        }
    );
    assert_eq!(budget.used(hours(3)), (0, 3000));
    assert!(budget.reserve(1000, hours(24)).is_ok());
}

#[test]
fn a_reservation_counts_as_long_as_it_is_open() {
    let budget = Disk::default().open(HOURLY, NOW);
    let long = budget.reserve(1000, NOW).unwrap();
    assert!(budget.reserve(1, hours(30)).is_err());
    long.settle(400, hours(30)).unwrap();
    assert_eq!(budget.used(hours(30)), (400, 400));
    budget
        .reserve(600, hours(30))
        .unwrap()
        .release(hours(30))
        .unwrap();
    assert_eq!(budget.used(hours(30)), (400, 400));
}

#[test]
fn what_is_dropped_or_lost_in_a_crash_counts_in_full_from_then_on() {
    let disk = Disk::default();
    let budget = disk.open(HOURLY, NOW);
    drop(budget.reserve(600, NOW).unwrap());
    assert_eq!(budget.used(hours(5)), (600, 600));
    assert!(budget.reserve(500, hours(5)).is_err());
    assert!(
        budget
            .reserve(500, hours(5) + Duration::from_secs(3599))
            .is_err()
    );
    std::mem::forget(budget.reserve(1000, hours(6)).unwrap());

    let again = disk.open(HOURLY, hours(7));
    assert_eq!(again.used(hours(7)), (1000, 1600));
    // The first look after the crash dated it; a second crash does not date it anew.
    let third = disk.open(HOURLY, hours(8));
    assert_eq!(third.used(hours(8)), (0, 1600));
}

#[test]
fn a_disk_that_fails_permits_nothing_and_gives_nothing_back() {
    let disk = Disk::default();
    let budget = disk.open(HOURLY, NOW);
    let open = budget.reserve(600, NOW).unwrap();
    disk.failing(true);
    assert!(matches!(
        budget.reserve(1, NOW),
        Err(BudgetRefusal::Store(_))
    ));
    assert!(open.release(NOW).is_err());
    assert_eq!(budget.used(NOW).0, 600);
    disk.failing(false);
    assert_eq!(disk.open(HOURLY, NOW).used(NOW).0, 600);
}

#[test]
fn history_is_forgotten_when_no_window_reaches_it() {
    let disk = Disk::default();
    let budget = disk.open(HOURLY, NOW);
    for n in 0..200 {
        budget
            .reserve(1000, hours(24 * n))
            .unwrap()
            .settle(900, hours(24 * n))
            .unwrap();
    }
    assert!(disk.0.lock().unwrap().0.len() <= 6);
    assert_eq!(budget.used(hours(24 * 199)), (900, 900));
}

/// Fails the test when it is asked for anything.
struct Untouched;

impl BudgetStore for Untouched {
    fn load(&mut self) -> Result<Vec<Record>, StoreError> {
        panic!("the history was read")
    }

    fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        panic!("{record:?} was kept")
    }

    fn forget(&mut self, ids: &[u64]) {
        panic!("{ids:?} were forgotten")
    }
}

#[test]
fn a_limit_of_each_call_alone_remembers_nothing() {
    let limits = BudgetLimits {
        per_call_msat: Some(1000),
        ..BudgetLimits::default()
    };
    let budget = Budget::open(limits, Box::new(Untouched), NOW).unwrap();
    let open: Vec<Reservation> = (0..50)
        .map(|_| budget.reserve(1000, NOW).unwrap())
        .collect();
    for (n, reservation) in open.into_iter().enumerate() {
        assert_eq!(reservation.msat(), 1000);
        match n % 3 {
            0 => reservation.settle(1000, NOW).unwrap(),
            1 => reservation.release(NOW).unwrap(),
            _ => drop(reservation),
        }
    }
    assert_eq!(budget.used(NOW), (0, 0));
    assert_eq!(
        budget.reserve(1001, NOW).unwrap_err(),
        BudgetRefusal::PerCall {
            asked: 1001,
            limit: 1000
        }
    );
}

#[test]
fn one_window_is_enough_to_remember() {
    for limits in [
        BudgetLimits {
            per_hour_msat: Some(1000),
            ..BudgetLimits::default()
        },
        BudgetLimits {
            per_day_msat: Some(1000),
            ..BudgetLimits::default()
        },
    ] {
        let disk = Disk::default();
        let budget = disk.open(limits, NOW);
        budget.reserve(700, NOW).unwrap().settle(700, NOW).unwrap();
        drop(budget);
        assert!(disk.open(limits, NOW).reserve(301, NOW).is_err());
    }
}

#[test]
fn what_is_remembered_has_a_bound_and_ages() {
    let limits = BudgetLimits {
        per_day_msat: Some(u64::MAX),
        ..BudgetLimits::default()
    };
    let disk = Disk::default();
    let all_but_one = 1..window::MOST_ENTRIES as u64;
    disk.0.lock().unwrap().0 = all_but_one
        .map(|id| Record::Settled {
            id,
            msat: 1,
            at: NOW,
        })
        .collect();
    let budget = disk.open(limits, NOW);
    let last = budget.reserve(1, NOW).unwrap();
    let refusal = budget.reserve(1, NOW).unwrap_err();
    assert_eq!(refusal, BudgetRefusal::TooMany);
    let text = refusal.to_string();
    assert!(text.starts_with("100000 calls that spent"), "{text}");
    // What gave everything back needs no place.
    last.release(NOW).unwrap();
    let last = budget.reserve(1, hours(1)).unwrap();
    last.settle(1, hours(1)).unwrap();
    // A restart makes no room, nor does waiting for less than a day.
    let again = disk.open(limits, hours(1));
    let just_before = hours(24) - Duration::from_nanos(1);
    for now in [hours(1), just_before] {
        assert_eq!(again.reserve(1, now).unwrap_err(), BudgetRefusal::TooMany);
    }
    again
        .reserve(1, hours(24))
        .unwrap()
        .settle(1, hours(24))
        .unwrap();
    assert_eq!(again.used(hours(24)).1, 2);
    let kept: BTreeSet<u64> = disk.0.lock().unwrap().0.iter().map(id_of).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    drop(again);
    // A start removes what is past as well, without a call.
    drop(disk.open(limits, hours(48)));
    assert_eq!(disk.0.lock().unwrap().0, []);
}

#[test]
fn spending_more_than_was_set_aside_is_not_hidden() {
    let budget = Disk::default().open(HOURLY, NOW);
    budget.reserve(100, NOW).unwrap().settle(5000, NOW).unwrap();
    assert_eq!(budget.used(NOW), (5000, 5000));
    assert!(budget.reserve(1, NOW).is_err());
}

#[test]
fn many_at_once_do_not_exceed_it() {
    let budget = Disk::default().open(HOURLY, NOW);
    let kept: u64 = std::thread::scope(|scope| {
        let spenders: Vec<_> = (0..8u64)
            .map(|n| {
                let budget = &budget;
                scope.spawn(move || {
                    let mut kept = 0;
                    for i in 0..200u64 {
                        let Ok(reservation) = budget.reserve(1 + (i * 7 + n) % 13, NOW) else {
                            continue;
                        };
                        if (i + n) % 3 == 0 {
                            reservation.release(NOW).unwrap();
                        } else {
                            let spent = reservation.msat();
                            reservation.settle(spent, NOW).unwrap();
                            kept += spent;
                        }
                    }
                    kept
                })
            })
            .collect();
        spenders
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(budget.used(NOW).0, kept);
    assert!(kept > 900 && kept <= 1000, "{kept}");
}

#[derive(Debug, Clone)]
enum Step {
    Reserve(u64),
    /// Which open reservation, and how much of it was spent, in percent.
    Settle(usize, u64),
    Release(usize),
    Drop(usize),
    Wait(u64),
    Disk(bool),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u64..700).prop_map(Step::Reserve),
        4 => (0usize..8, 0u64..=100).prop_map(|(n, part)| Step::Settle(n, part)),
        1 => (0usize..8).prop_map(Step::Release),
        1 => (0usize..8).prop_map(Step::Drop),
        4 => (0u64..5000).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::Disk),
        1 => Just(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Money leaves at some moment between a reservation and its end, and in full
    /// when nobody knows. Whatever the order of things, no hour and no day sees
    /// more of it than the budget.
    #[test]
    fn no_history_exceeds_the_budget(steps in prop::collection::vec(step(), 0..60), late in any::<bool>()) {
        let disk = Disk::default();
        let mut now = NOW;
        let mut budget = disk.open(HOURLY, now);
        let mut open: Vec<(Reservation, Duration)> = Vec::new();
        // When, and how much. The earliest and the latest moment are the worst.
        let mut left: Vec<(Duration, u64)> = Vec::new();
        let mut leave = |began: Duration, ended: Duration, msat: u64| {
            left.push((if late { ended } else { began }, msat));
        };
        for step in steps {
            match step {
                Step::Reserve(msat) => {
                    if let Ok(reservation) = budget.reserve(msat, now) {
                        open.push((reservation, now));
                    }
                }
                Step::Settle(n, part) if n < open.len() => {
                    let (reservation, began) = open.remove(n);
                    let spent = reservation.msat() * part / 100;
                    leave(began, now, spent);
                    let _ = reservation.settle(spent, now);
                }
                Step::Release(n) if n < open.len() => {
                    let _ = open.remove(n).0.release(now);
                }
                Step::Drop(n) if n < open.len() => {
                    let (reservation, began) = open.remove(n);
                    leave(began, now, reservation.msat());
                }
                Step::Wait(seconds) => now += Duration::from_secs(seconds),
                Step::Disk(failing) => disk.failing(failing),
                Step::Crash => {
                    for (reservation, began) in open.drain(..) {
                        leave(began, now, reservation.msat());
                        std::mem::forget(reservation);
                    }
                    budget = disk.open(HOURLY, now);
                }
                Step::Settle(..) | Step::Release(_) | Step::Drop(_) => {}
            }
        }
        for (reservation, began) in open.drain(..) {
            leave(began, now, reservation.msat());
        }
        for (start, _) in &left {
            for (length, limit) in [(3600, 1000), (86_400, 3000)] {
                let end = *start + Duration::from_secs(length);
                let sum: u64 = left
                    .iter()
                    .filter(|(at, _)| at >= start && *at < end)
                    .map(|(_, msat)| msat)
                    .sum();
                prop_assert!(sum <= limit, "{sum} msat in {length} s from {start:?}: {left:?}");
            }
        }
    }
}
