//! The restriction language of lightningd's runes.
//!
//! A restriction is one or more alternatives, of which one must hold:
//! `method=pay|method=xpay`. An alternative is a field, a condition and a value.
//! [`evaluate`] comes to the same result as lightningd's `checkrune`, in the same
//! words: `ccan/ccan/rune/rune.c` for the conditions, `lightningd/runes.c` for the
//! fields, `common/bolt11.c` and `common/bolt12.c` for what is inside an invoice.

mod bits;
pub mod bolt11;
pub mod bolt12;
mod condition;
mod evaluate;
mod fields;
mod lint;
mod restriction;
#[cfg(test)]
mod tests;

pub use evaluate::{Call, Refusal, evaluate};
pub use lint::lint;
pub use restriction::{Alternative, Condition, Restriction, RestrictionError, readonly};

pub(super) use fields::{Params, text_of};
