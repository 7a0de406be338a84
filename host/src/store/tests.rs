use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::policy::budget::{Budget, BudgetLimits, BudgetStore, Record};

/// A folder, and what its stores reported.
struct Place {
    folder: tempfile::TempDir,
    reported: Arc<Mutex<Vec<StoreFault>>>,
}

impl Place {
    fn new() -> Place {
        Place {
            folder: tempfile::tempdir().unwrap(),
            reported: Arc::default(),
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn store(&self, quota: u64) -> Store {
        let reported = Arc::clone(&self.reported);
        Store::new(&self.state(), "g", quota, move |fault| {
            reported.lock().unwrap().push(fault.clone());
        })
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// A file can be opened again when the last user of the store before is gone: its thread may not have ended.
fn reopened(place: &Place, quota: u64) -> Store {
    let old = place.store(quota);
    loop {
        match run(old.get("x".into())) {
            Err(StoreError::Fault(StoreFault::Locked(_))) => std::thread::yield_now(),
            _ => return old,
        }
    }
}

const KIB: u64 = 1024;

#[test]
fn nothing_is_made_before_it_is_used_and_then_for_this_user_alone() {
    let place = Place::new();
    let store = place.store(KIB);
    assert!(!place.state().exists());
    assert_eq!(run(store.get("a".into())), Ok(None));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&place.state()), 0o700);
    assert_eq!(mode(&store.path()), 0o600);
    assert_eq!(store.path(), place.state().join("g.redb"));
}

#[test]
fn values_come_back_also_from_another_process() {
    let place = Place::new();
    let store = place.store(64 * KIB);
    run(async {
        store.set("a".into(), b"1".to_vec()).await.unwrap();
        store.set("b".into(), Vec::new()).await.unwrap();
        store.set("a".into(), b"2".to_vec()).await.unwrap();
        assert!(store.delete("b".into()).await.unwrap());
        assert!(!store.delete("b".into()).await.unwrap());
        assert_eq!(store.get("a".into()).await, Ok(Some(b"2".to_vec())));
        assert_eq!(store.get("b".into()).await, Ok(None));
    });
    drop(store);
    let store = reopened(&place, 64 * KIB);
    assert_eq!(run(store.get("a".into())), Ok(Some(b"2".to_vec())));
}

#[test]
fn a_swap_needs_what_it_expects() {
    let store = Place::new();
    let store = store.store(64 * KIB);
    let one = || Some(b"1".to_vec());
    let two = || Some(b"2".to_vec());
    let swap = |expected, new| run(store.swap("a".into(), expected, new)).unwrap();
    assert_eq!(swap(one(), two()), Swap::Differs(None));
    assert_eq!(swap(None, one()), Swap::Swapped);
    assert_eq!(swap(None, two()), Swap::Differs(one()));
    assert_eq!(swap(one(), two()), Swap::Swapped);
    assert_eq!(swap(one(), None), Swap::Differs(two()));
    assert_eq!(swap(two(), None), Swap::Swapped);
    assert_eq!(swap(None, None), Swap::Swapped);
    assert_eq!(run(store.get("a".into())), Ok(None));
}

#[test]
fn of_many_swaps_at_once_one_wins() {
    let place = Place::new();
    let store = place.store(64 * KIB);
    let swaps = (0..50u8).map(|n| store.swap("a".into(), None, Some(vec![n])));
    let outcomes = run(futures::future::join_all(swaps));
    let won = |outcome: &&Result<Swap, StoreError>| matches!(outcome, Ok(Swap::Swapped));
    assert_eq!(outcomes.iter().filter(won).count(), 1);
}

/// Polls each once, in their order, and lets none of them be carried out before.
fn begin<F: Future + Unpin>(store: &Store, all: &mut [F]) {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let begun = store.0.file.with(|database| {
        // There is one at a time.
        let writing = database.begin_write()?;
        for one in all {
            assert!(std::pin::Pin::new(one).poll(&mut context).is_pending());
        }
        Ok(writing.abort()?)
    });
    begun.unwrap();
}

#[test]
fn swaps_at_once_hold_few_copies_of_what_is_there() {
    let place = Place::new();
    let store = place.store(64 * KIB);
    run(store.set("a".into(), b"1".to_vec())).unwrap();
    let mut swaps: Vec<_> = (0..64)
        .map(|_| Box::pin(store.swap("a".into(), None, None)))
        .collect();
    begin(&store, &mut swaps);
    // Nobody takes an outcome. A ledger waits for none of them: when it has written,
    // all that were let in before it are done.
    let budget = Budget::open(HOURLY, Box::new(Ledger::new(store.clone(), "b")), NOW).unwrap();
    budget.reserve(400, NOW).unwrap().settle(400, NOW).unwrap();
    // The first last: each outcome that is taken lets another swap in.
    let differs = Ok(Swap::Differs(Some(b"1".to_vec())));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut waiting = Vec::new();
    let mut there = 0;
    for mut swap in swaps.into_iter().rev() {
        match swap.as_mut().poll(&mut context) {
            std::task::Poll::Ready(outcome) => {
                assert_eq!(outcome, differs);
                there += 1;
            }
            std::task::Poll::Pending => waiting.push(swap),
        }
    }
    assert_eq!(there, SWAPS);
    let all = run(futures::future::join_all(waiting));
    assert_eq!(all, vec![differs; 64 - SWAPS]);
}

#[test]
fn writes_keep_their_order_while_swaps_wait_for_a_place() {
    let place = Place::new();
    let store = place.store(64 * KIB);
    let text = |n: usize| Some(n.to_string().into_bytes());
    // Each needs the one before it, and would differ after the writes that are last.
    let swaps = (0..40).map(|n| store.swap("a".into(), text(n).filter(|_| n > 0), text(n + 1)));
    let swaps = futures::future::join_all(swaps);
    let last = async {
        let (deleted, set) = futures::join!(
            store.delete("a".into()),
            store.set("a".into(), b"x".to_vec())
        );
        (deleted.unwrap(), set.unwrap())
    };
    let (swapped, last) = run(async { futures::join!(swaps, last) });
    assert!(swapped.iter().all(|swap| *swap == Ok(Swap::Swapped)));
    assert_eq!(last, (true, ()));
    assert_eq!(run(store.get("a".into())), Ok(Some(b"x".to_vec())));
}

#[test]
fn a_swap_that_is_given_up_gives_its_place_and_its_turn_back() {
    let place = Place::new();
    let store = place.store(64 * KIB);
    let mut swaps: Vec<_> = (0..SWAPS + 3)
        .map(|_| Box::pin(store.swap("a".into(), None, None)))
        .collect();
    begin(&store, &mut swaps);
    drop(swaps);
    run(store.set("a".into(), b"1".to_vec())).unwrap();
    let swap = run(store.swap("a".into(), Some(b"1".to_vec()), None));
    assert_eq!(swap, Ok(Swap::Swapped));
}

#[test]
fn pages_follow_each_other() {
    let place = Place::new();
    let store = place.store(64 * KIB);
    run(async {
        for key in ["a", "p/1", "p/2", "p/3", "p/é", "q"] {
            store.set(key.into(), vec![7; 10]).await.unwrap();
        }
        let list = |prefix: &str, after: Option<&str>, limit, bytes| {
            let range = Range {
                prefix: prefix.into(),
                after: after.map(Into::into),
                limit,
                bytes,
                values: true,
            };
            let store = store.clone();
            async move {
                let page = store.list(range).await.unwrap();
                let keys: Vec<String> = page.entries.into_iter().map(|(key, _)| key).collect();
                (keys.join(" "), page.more)
            }
        };
        assert_eq!(list("p/", None, 2, KIB).await, ("p/1 p/2".into(), true));
        let rest = ("p/3 p/é".into(), false);
        assert_eq!(list("p/", Some("p/2"), 2, KIB).await, rest);
        assert_eq!(
            list("p/", Some("p/é"), 2, KIB).await,
            (String::new(), false)
        );
        // One that is not there, and one before the prefix.
        assert_eq!(list("p/", Some("p/25"), 9, KIB).await.0, "p/3 p/é");
        assert_eq!(list("p/", Some("a"), 1, KIB).await, ("p/1".into(), true));
        assert_eq!(list("", None, 9, KIB).await.0, "a p/1 p/2 p/3 p/é q");
        // Each takes 13 bytes: always one, and no more than fit.
        assert_eq!(list("p/", None, 9, 26).await, ("p/1 p/2".into(), true));
        assert_eq!(list("p/", None, 9, 1).await, ("p/1".into(), true));
        assert_eq!(list("p/", None, 0, KIB).await, (String::new(), true));
        let keys = Range {
            prefix: "q".into(),
            limit: 9,
            ..Range::default()
        };
        let page = store.list(keys).await.unwrap();
        assert_eq!(page.entries, [("q".to_owned(), None)]);
    });
}

#[test]
fn the_quota_holds_to_the_byte_and_over_a_restart() {
    let place = Place::new();
    let entry = |value: usize| 1 + value as u64 + ENTRY_OVERHEAD;
    let quota = entry(100) + entry(50);
    let store = place.store(quota);
    let set = |store: &Store, key: &str, bytes: usize| run(store.set(key.into(), vec![0; bytes]));
    let over = |needed| Err(StoreError::Quota { quota, needed });
    set(&store, "a", 100).unwrap();
    assert_eq!(set(&store, "b", 51), over(quota + 1));
    set(&store, "b", 50).unwrap();
    assert_eq!(set(&store, "c", 0), over(quota + entry(0)));
    assert_eq!(set(&store, "a", 101), over(quota + 1));
    drop(store);
    let store = reopened(&place, quota);
    assert_eq!(set(&store, "c", 0), over(quota + entry(0)));
    set(&store, "a", 99).unwrap();
    assert_eq!(set(&store, "b", 52), over(quota + 1));
    assert!(run(store.delete("b".into())).unwrap());
    set(&store, "b", 51).unwrap();
    let swap = run(store.swap("b".into(), Some(vec![0; 51]), Some(vec![0; 52])));
    assert_eq!(
        swap,
        Err(StoreError::Quota {
            quota,
            needed: quota + 1
        })
    );
    drop(store);
    // The operator has lowered it: what takes less than before is let in.
    let store = reopened(&place, 10);
    set(&store, "a", 98).unwrap();
    assert!(set(&store, "a", 99).is_err());
    assert!(run(store.delete("a".into())).unwrap());
}

#[test]
fn the_quota_holds_among_many_at_once() {
    let place = Place::new();
    let room = 20 * (3 + 8 + ENTRY_OVERHEAD) + 7;
    let store = place.store(room);
    let sets = (100..200).map(|n| store.set(n.to_string(), vec![0; 8]));
    let outcomes = run(futures::future::join_all(sets));
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 20);
    let all = Range {
        limit: 1_000,
        bytes: KIB,
        ..Range::default()
    };
    assert_eq!(run(store.list(all)).unwrap().entries.len(), 20);
}

#[test]
fn the_file_stays_near_its_quota_whatever_is_written() {
    let place = Place::new();
    let quota = 4 << 20;
    let store = place.store(quota);
    for round in 0..60u32 {
        // Sizes that fit no page well.
        let size = 5_000 + (round as usize * 7_919) % 900_000;
        let key = format!("{}", round % 5);
        match run(store.set(key, vec![1; size])) {
            Ok(()) | Err(StoreError::Quota { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let size = store.path().metadata().unwrap().len();
    assert!(size < 6 * quota, "{size}");
}

#[test]
fn a_damaged_file_is_told_and_costs_nothing_else() {
    let place = Place::new();
    let store = place.store(1 << 20);
    for n in 0..50 {
        run(store.set(format!("key {n}"), vec![n; 3_000])).unwrap();
    }
    let path = store.path();
    drop(store);
    drop(reopened(&place, KIB));
    let whole = std::fs::read(&path).unwrap();
    let mut damages: Vec<(String, Vec<u8>)> = vec![
        (
            "text".into(),
            b"this is no database, but a letter".repeat(400),
        ),
        ("cut".into(), whole[..whole.len() / 3].to_vec()),
    ];
    // Every page once, in turn.
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        for byte in bytes.iter_mut().skip(at).take(64) {
            *byte ^= 0xa5;
        }
        damages.push((format!("at {at}"), bytes));
    }
    let mut seen = 0;
    for (what, bytes) in damages {
        std::fs::write(&path, bytes).unwrap();
        place.reported.lock().unwrap().clear();
        let store = place.store(1 << 20);
        // Damage where nothing was kept need not be seen; what is given must be true.
        for n in 0..50u8 {
            match run(store.get(format!("key {n}"))) {
                Ok(value) => assert_eq!(value, Some(vec![n; 3_000]), "{what}"),
                Err(StoreError::Fault(StoreFault::Damaged { .. })) => {
                    seen += 1;
                    let told = place.reported.lock().unwrap().clone();
                    let text = told.first().map(ToString::to_string).unwrap_or_default();
                    assert!(text.contains("move it away"), "{what}: {text}");
                    assert_eq!(told.len(), 1, "{what}: once, not for each call");
                    break;
                }
                Err(other) => panic!("{what}: {other}"),
            }
        }
    }
    assert!(seen >= 2, "{seen}");
}

#[test]
fn a_file_that_another_has_open_is_named_and_works_later() {
    let place = Place::new();
    let (mine, theirs) = (place.store(KIB), place.store(KIB));
    run(theirs.get("a".into())).unwrap();
    let refused = run(mine.get("a".into())).unwrap_err();
    assert_eq!(refused, StoreError::Fault(StoreFault::Locked(mine.path())));
    assert!(refused.to_string().contains("a guest of this name"));
    drop(theirs);
    run(mine.set("a".into(), Vec::new())).unwrap();
}

#[test]
fn what_others_could_read_is_not_used() {
    let place = Place::new();
    let store = place.store(KIB);
    run(store.get("a".into())).unwrap();
    let path = store.path();
    drop(store);
    let open_to = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open_to(&path, 0o640);
    let refused = run(place.store(KIB).get("a".into()))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("open to others (mode 640)"), "{refused}");
    open_to(&path, 0o600);
    open_to(&place.state(), 0o755);
    let refused = run(place.store(KIB).get("a".into()))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("with mode 700"), "{refused}");
    open_to(&place.state(), 0o700);
    let elsewhere = place.folder.path().join("elsewhere");
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    run(place.store(KIB).get("a".into())).unwrap_err();
}

#[test]
fn a_full_disk_says_so() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let fault = StoreFault::of(Path::new("g.redb"), redb::Error::Io(full));
    assert_eq!(fault, StoreFault::DiskFull("g.redb".into()));
    assert!(fault.to_string().contains("make room"));
}

const NOW: Duration = Duration::from_secs(1_700_000_000);
const HOURLY: BudgetLimits = BudgetLimits {
    per_call_msat: None,
    per_hour_msat: Some(1_000),
    per_day_msat: None,
    onchain_fee_msat: None,
};

#[test]
fn a_budget_goes_on_where_it_was_left() {
    let place = Place::new();
    let store = place.store(KIB);
    let open = |store: &Store, name: &str| {
        Budget::open(HOURLY, Box::new(Ledger::new(store.clone(), name)), NOW).unwrap()
    };
    let (one, other) = (open(&store, "method=pay"), open(&store, "method=keysend"));
    one.reserve(400, NOW).unwrap().settle(300, NOW).unwrap();
    one.reserve(100, NOW).unwrap().release(NOW).unwrap();
    // The process is gone before this one has its outcome.
    drop(one.reserve(500, NOW).unwrap());
    other.reserve(1_000, NOW).unwrap().settle(1, NOW).unwrap();
    assert_eq!((one.used(NOW).0, other.used(NOW).0), (800, 1));
    drop((one, other, store));
    let store = reopened(&place, KIB);
    let (one, other) = (open(&store, "method=pay"), open(&store, "method=keysend"));
    assert_eq!((one.used(NOW).0, other.used(NOW).0), (800, 1));
    assert_eq!(open(&store, "method=other").used(NOW).0, 0);
    let next_day = NOW + Duration::from_secs(90_000);
    one.reserve(1_000, next_day)
        .unwrap()
        .settle(1_000, next_day)
        .unwrap();
    // What no window reaches is forgotten, in order with what is written after it.
    other
        .reserve(1, next_day)
        .unwrap()
        .settle(1, next_day)
        .unwrap();
    let kept = Ledger::new(store, "method=keysend").load().unwrap();
    let ids: Vec<u64> = kept
        .iter()
        .map(|(Record::Reserved { id, .. } | Record::Settled { id, .. })| *id)
        .collect();
    assert_eq!(ids, [2]);
}

#[test]
fn values_and_budgets_share_a_file_and_no_names() {
    let place = Place::new();
    let store = place.store(KIB);
    let budget = Budget::open(HOURLY, Box::new(Ledger::new(store.clone(), "b")), NOW).unwrap();
    budget.reserve(400, NOW).unwrap().settle(400, NOW).unwrap();
    let all = Range {
        limit: 10,
        bytes: KIB,
        ..Range::default()
    };
    assert_eq!(run(store.list(all)), Ok(Page::default()));
    assert_eq!(run(store.delete("b".into())), Ok(false));
    assert_eq!(budget.used(NOW).0, 400);
}
