//! Many hooks and many faults in one life of the bridge: nothing is lost, and nothing piles up.

use cln_wasm_tests::soak::traffic::{Plan, run};

#[test]
fn every_hook_is_answered_every_fault_is_counted_and_memory_stays_flat() {
    let plan = Plan {
        hooks: 30_000,
        faults: 600,
        looks: 24,
    };
    let report = run(&plan, |_, _, _| {}).unwrap();
    assert!(report.hooks >= plan.hooks, "{report:?}");
    assert!(report.held >= 300 && report.rpc > 1_000, "{report:?}");
    // Every way to fail was taken, and each more than once.
    assert_eq!(report.faults.len(), 13, "{report:?}");
    assert!(report.faults.values().all(|times| *times > 1), "{report:?}");
    assert!(
        report.faults.values().sum::<u64>() >= plan.faults,
        "{report:?}"
    );
    assert!(
        report.restarts > 100 && report.fallbacks > 100,
        "{report:?}"
    );
    // One observer keeps up, the other does not; neither loses any quietly.
    let (sent, delivered, dropped) = report.notifications;
    assert!(sent > 1_000 && delivered[0] > sent / 2, "{report:?}");
    assert!(delivered[1] > 0 && dropped[1] > 0, "{report:?}");
}
