//! What the bridge acknowledged survives its death.

use cln_wasm_tests::soak::{BUDGET, Plan, run};

#[test]
fn no_acknowledged_write_is_lost_and_no_budget_exceeded() {
    let plan = Plan {
        rounds: 40,
        seed: 7,
        rounds_per_state: 20,
    };
    let report = run(&plan, |_, _| {}).unwrap();
    assert_eq!(report.kills, 40);
    // It was killed in the middle of things: some were done, some were not.
    assert!(report.acknowledged > 100, "{report:?}");
    assert!(report.open.0 > 0, "{report:?}");
    assert!(report.payments > 0 && report.refused > 0, "{report:?}");
    // The budget was used, and not passed.
    assert!(report.most_spent > BUDGET / 10, "{report:?}");
    assert!(report.most_spent <= BUDGET, "{report:?}");
}
