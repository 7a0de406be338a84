//! The restriction language of lightningd's runes.
//!
//! A restriction is one or more alternatives, of which one must hold:
//! `method=pay|method=xpay`. An alternative is a field, a condition and a value.
//! [`evaluate`] comes to the same result as lightningd's `checkrune`, in the same
//! words: `ccan/ccan/rune/rune.c` for the conditions, `lightningd/runes.c` for the
//! fields, `common/bolt11.c` and `common/bolt12.c` for what is inside an invoice. It
//! takes no call with more than 1,000 parameters, and no invoice of more than 64 KiB.

/// The longest text that is read as an invoice, in bytes: forty times the longest that a QR code
/// holds. Who wrote it may be anybody.
const LONGEST_INVOICE: usize = 64 << 10;

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

pub use evaluate::{Call, Evaluation, Refusal, evaluate};
pub use lint::lint;
pub use restriction::{Alternative, Condition, Restriction, RestrictionError, readonly};

pub(super) use fields::{Params, text_of};
