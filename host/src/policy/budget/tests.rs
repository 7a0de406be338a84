use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

const NOW: Duration = Duration::from_secs(1_700_000_000);

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.into()).unwrap()
}

fn priced(method: &str, params: &str) -> Result<u64, String> {
    price(method, Some(&raw(params)), Some(1_000_000)).map_err(|why| why.to_string())
}

/// BOLT 11's example of 250,000,000 msat.
const COFFEE: &str = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";
/// BOLT 11's example without an amount.
const DONATION: &str = "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql";

#[test]
fn prices_are_the_most_that_a_call_can_spend() {
    for (method, params, msat) in [
        // Half a percent or 5 sat in pay itself, 1 % or 5 sat where xpay handles it.
        ("pay", format!("{{\"bolt11\":\"{COFFEE}\"}}"), 252_500_000),
        ("pay", format!("[\"{COFFEE}\"]"), 252_500_000),
        (
            "pay",
            format!("{{\"invstring\":\"lightning:{COFFEE}\"}}"),
            252_500_000,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfee\":7}}"),
            250_000_007,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfeepercent\":\"0.1\",\"exemptfee\":1}}"),
            250_250_000,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfeepercent\":0}}"),
            250_005_000,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"exemptfee\":\"9000sat\"}}"),
            259_000_000,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"partial_msat\":1000}}"),
            2_501_000,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{DONATION}\",\"amount_msat\":1000}}"),
            6000,
        ),
        (
            "pay",
            format!("[\"{DONATION}\",\"1sat\",null,null,100]"),
            6000,
        ),
        ("xpay", format!("[\"{COFFEE}\",null,\"3sat\"]"), 250_003_000),
        (
            "xpay",
            format!("{{\"invstring\":\"{DONATION}\",\"amount_msat\":1000000}}"),
            1_010_000,
        ),
        (
            "renepay",
            format!("{{\"invstring\":\"{COFFEE}\"}}"),
            252_500_000,
        ),
        ("xkeysend", "[\"02\",1000]".into(), 6000),
        ("keysend", "[\"02\",1000,null,null,60,9,0]".into(), 1005),
        (
            "sendamount",
            "{\"invstring\":\"x\",\"amount_msat\":1000}".into(),
            1000,
        ),
        (
            "sendpay",
            "[[{\"amount_msat\":1001,\"id\":\"02\"},{\"amount_msat\":1000}],\"00\"]".into(),
            1001,
        ),
        (
            "sendpay",
            "{\"route\":[{\"amount_out_msat\":5,\"amount_msat\":9}]}".into(),
            9,
        ),
        (
            "sendonion",
            "{\"first_hop\":{\"amount_msat\":\"5msat\"}}".into(),
            5,
        ),
        ("withdraw", "[\"bc1\",\"5sat\"]".into(), 1_005_000),
        ("withdraw", "[\"bc1\",5]".into(), 1_005_000),
        ("withdraw", "{\"satoshi\":\"5000msat\"}".into(), 1_005_000),
        (
            "multiwithdraw",
            "{\"outputs\":[{\"a\":5},{\"b\":\"0.00000001btc\"}]}".into(),
            1_006_000,
        ),
        ("txprepare", "[[{\"a\":5,\"a\":5}]]".into(), 1_010_000),
        ("fundchannel", "[\"02\",100000]".into(), 101_000_000),
        (
            "multifundchannel",
            "[[{\"id\":\"02\",\"amount\":7},{\"id\":\"03\",\"amount\":\"8sat\"}]]".into(),
            1_015_000,
        ),
        ("listpays", "{\"amount_msat\":5}".into(), 0),
        ("getinfo", "[]".into(), 0),
    ] {
        assert_eq!(priced(method, &params), Ok(msat), "{method} {params}");
    }
}

#[test]
fn what_cannot_be_known_is_refused_with_the_reason() {
    for (method, params, says) in [
        (
            "withdraw",
            "[\"bc1\",\"all\"]".to_string(),
            "satoshi is \"all\"",
        ),
        (
            "fundchannel",
            "{\"id\":\"02\",\"amount\":\"all\"}".into(),
            "\"all\"",
        ),
        (
            "fundchannel",
            "{\"id\":\"02\",\"amount\":5,\"request_amt\":5}".into(),
            "lease",
        ),
        (
            "fundchannel",
            "[\"02\",5,null,null,null,null,null,null,5]".into(),
            "lease",
        ),
        (
            "multifundchannel",
            "[[{\"amount\":5,\"request_amt\":1}]]".into(),
            "lease",
        ),
        (
            "multifundchannel",
            "[[{\"id\":\"02\"}]]".into(),
            "without amount",
        ),
        ("multiwithdraw", "[[{\"a\":\"all\"}]]".into(), "\"all\""),
        ("multiwithdraw", "[5]".into(), "a list was expected"),
        ("multiwithdraw", "[[5]]".into(), "an object was expected"),
        ("pay", "{}".into(), "bolt11 or invstring is missing"),
        ("pay", "{\"bolt11\":\"lno1xyz\"}".into(), "fetchinvoice"),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"invstring\":\"{COFFEE}\"}}"),
            "are both there",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"bolt11\":\"x\"}}"),
            "bolt11 is there twice",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfee\":1,\"maxfee\":2}}"),
            "maxfee is there twice",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfee\":-1}}"),
            "maxfee is not an amount",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfeepercent\":-1}}"),
            "maxfeepercent",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfeepercent\":1e9}}"),
            "maxfeepercent",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{DONATION}\"}}"),
            "has no amount, and amount_msat is missing",
        ),
        (
            "xpay",
            format!("{{\"invstring\":\"{DONATION}\",\"amount_msat\":\"any\"}}"),
            "amount_msat is not an amount",
        ),
        (
            "xkeysend",
            "[\"02\",18446744073709551615]".into(),
            "above 2^64 msat",
        ),
        ("xkeysend", "[\"02\",1e3]".into(), "not an amount"),
        ("sendpay", "[[]]".into(), "route is empty"),
        ("sendpay", "[[{}]]".into(), "is missing"),
        (
            "sendpay",
            "[[{\"amount_msat\":1,\"amount_msat\":2}]]".into(),
            "there twice",
        ),
        ("sendonion", "[\"00\",5]".into(), "an object was expected"),
        ("sendpay", "5".into(), "neither an object nor an array"),
        ("sendpsbt", "{}".into(), "inside the PSBT"),
        ("signpsbt", "{}".into(), "may be sent by anyone"),
        ("createrune", "{}".into(), "without this budget"),
        ("plugin", "{}".into(), "without this budget"),
        ("close", "{}".into(), "not known before"),
        ("some-plugins-method", "{}".into(), "not known whether"),
        ("Pay", "{}".into(), "not known whether"),
    ] {
        let error = priced(method, &params).expect_err(&params);
        assert!(error.contains(says), "{method} {params}: {error}");
    }
    let without = price("withdraw", Some(&raw("[\"bc1\",5]")), None).unwrap_err();
    assert!(without.to_string().contains("set onchain_fee_msat"));
    assert!(price("pay", None, None).is_err());
}

#[test]
fn each_method_is_there_once_and_each_that_needs_positions_has_them() {
    let mut names: Vec<&str> = methods::METHODS.iter().map(|(name, _)| *name).collect();
    for (name, how) in methods::METHODS {
        let needs = !matches!(how, price::How::Free | price::How::Unknowable(_));
        let has = methods::POSITIONS.iter().any(|(known, _)| known == name);
        assert_eq!(needs, has, "{name}");
    }
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn what_was_spent_is_read_from_what_is_complete() {
    let result = |text: &str| spent("pay", &raw(text));
    assert_eq!(
        result("{\"status\":\"complete\",\"amount_sent_msat\":5}"),
        Some(5)
    );
    assert_eq!(
        result("{\"status\":\"pending\",\"amount_sent_msat\":5}"),
        None
    );
    assert_eq!(result("{\"status\":\"complete\"}"), None);
    assert_eq!(result("[]"), None);
    assert_eq!(spent("xpay", &raw("{\"amount_sent_msat\":5}")), Some(5));
    assert_eq!(
        spent(
            "sendpay",
            &raw("{\"status\":\"complete\",\"amount_sent_msat\":5}")
        ),
        None
    );
    assert!(nothing_was_sent(-32602));
    assert!(!nothing_was_sent(210));
}

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
        self.0.lock().unwrap().0.retain(|record| {
            let (Record::Reserved { id, .. } | Record::Settled { id, .. }) = record;
            !ids.contains(id)
        });
    }
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

    #[test]
    fn any_parameters_have_a_price_or_none_without_panic(method in "(pay|xpay|keysend|sendpay|sendonion|withdraw|multiwithdraw|fundchannel|multifundchannel)", params in "[\\[{]{1,2}(\"(route|amount_msat|satoshi|outputs|amount|destinations|first_hop)\":)?[\\[{]?[0-9\".a-z:,]{0,12}[\\]}]{0,3}") {
        if let Ok(params) = RawValue::from_string(params) {
            let _ = price(&method, Some(&params), Some(u64::MAX));
        }
    }
}
