//! What a guest may spend: what runes lack.
//!
//! Before a call under a budget is made, the most that it can spend is read from
//! its parameters ([`price`]) and set aside ([`Budget::reserve`]); afterwards what it
//! did spend is settled. A call whose price cannot be known before is refused.

mod methods;
mod price;
#[cfg(test)]
mod price_tests;
mod window;
#[cfg(test)]
mod window_tests;

pub use price::{Unpriced, nothing_was_sent, price, spent};
pub use window::{Budget, BudgetRefusal, BudgetStore, Record, Reservation, StoreError, Window};

use super::document::{Document, Value};
use super::quantity;

/// `budget` of a grant of rpc, in msat. At least one of the first three is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BudgetLimits {
    /// The most that one call may spend, fees included.
    pub per_call_msat: Option<u64>,
    /// The most in any stretch of one hour.
    pub per_hour_msat: Option<u64>,
    /// The most in any stretch of one day.
    pub per_day_msat: Option<u64>,
    /// What to set aside for the on-chain fee of each call that makes a
    /// transaction. Without it such calls are refused: their fee is not known before.
    /// With it those are refused that choose their fee rate.
    pub onchain_fee_msat: Option<u64>,
}

impl BudgetLimits {
    pub(super) fn read(document: &mut Document<'_>, value: Value<'_, '_>) -> Option<BudgetLimits> {
        let table = document.table(value, "budget")?;
        let keys = [
            "per_call_msat",
            "per_hour_msat",
            "per_day_msat",
            "onchain_fee_msat",
        ];
        document.only("budget", table, &keys);
        let mut limits = BudgetLimits::default();
        let mut any = false;
        for (key, field) in keys.into_iter().zip([
            &mut limits.per_call_msat,
            &mut limits.per_hour_msat,
            &mut limits.per_day_msat,
            &mut limits.onchain_fee_msat,
        ]) {
            let Some(value) = table.get(key) else {
                continue;
            };
            any |= key != "onchain_fee_msat";
            let read = match value.get_ref().as_str() {
                Some(text) => quantity::msat(text),
                None => Document::number(value),
            };
            if read.is_none() {
                document.expected(
                    value,
                    key,
                    "an amount in msat, or one with its unit such as \"5000sat\"",
                );
            }
            *field = read;
        }
        if !any {
            document.problem(
                value.span(),
                "a budget needs at least one of per_call_msat, per_hour_msat, per_day_msat",
            );
        }
        Some(limits)
    }
}
