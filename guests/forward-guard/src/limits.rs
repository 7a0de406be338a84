//! What a forward must keep to, by its amounts alone.

use cln_guest::prelude::*;

/// The operator's limits, in msat and millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Limits {
    /// The least to forward.
    pub min_msat: u64,
    /// The most to forward. None is without bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_msat: Option<u64>,
    /// The fee for each forward.
    pub min_fee_base_msat: u64,
    /// The fee on top, in millionths of what is forwarded.
    pub min_fee_ppm: u64,
}

/// Why a forward is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// Too little is forwarded.
    BelowMinimum,
    /// Too much is forwarded.
    AboveMaximum,
    /// Too little is left for us.
    FeeTooSmall,
}

impl Limits {
    /// Checks a forward of which `incoming` comes in and `outgoing` goes on.
    pub fn check(&self, incoming: Amount, outgoing: Amount) -> Result<(), Excess> {
        if outgoing.msat() < self.min_msat {
            return Err(Excess::BelowMinimum);
        }
        if self.max_msat.is_some_and(|most| outgoing.msat() > most) {
            return Err(Excess::AboveMaximum);
        }
        // In 128 bits nothing can overflow: 2^64 times 2^64, and one more 2^64.
        let wanted = u128::from(self.min_fee_base_msat)
            + u128::from(outgoing.msat()) * u128::from(self.min_fee_ppm) / 1_000_000;
        let fee = incoming.msat().saturating_sub(outgoing.msat());
        if u128::from(fee) < wanted {
            return Err(Excess::FeeTooSmall);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limits: Limits, incoming: u64, outgoing: u64) -> Result<(), Excess> {
        limits.check(Amount::from_msat(incoming), Amount::from_msat(outgoing))
    }

    const NONE: Limits = Limits {
        min_msat: 0,
        max_msat: None,
        min_fee_base_msat: 0,
        min_fee_ppm: 0,
    };

    #[test]
    fn the_fee_is_rounded_down_as_lightningd_does() {
        let limits = Limits {
            min_fee_base_msat: 1000,
            min_fee_ppm: 10,
            ..NONE
        };
        // 1000 + 999_999 * 10 / 1_000_000 = 1009.99…
        assert_eq!(check(limits, 1_001_008, 999_999), Ok(()));
        assert_eq!(check(limits, 1_001_007, 999_999), Err(Excess::FeeTooSmall));
        assert_eq!(check(limits, 999_998, 999_999), Err(Excess::FeeTooSmall));
    }

    #[test]
    fn the_ends_are_inside() {
        let limits = Limits {
            min_msat: 10,
            max_msat: Some(20),
            ..NONE
        };
        assert_eq!(check(limits, 10, 9), Err(Excess::BelowMinimum));
        assert_eq!(check(limits, 10, 10), Ok(()));
        assert_eq!(check(limits, 20, 20), Ok(()));
        assert_eq!(check(limits, 21, 21), Err(Excess::AboveMaximum));
    }

    #[test]
    fn amounts_as_large_as_they_get_do_not_overflow() {
        let limits = Limits {
            min_fee_base_msat: u64::MAX,
            min_fee_ppm: u64::MAX,
            ..NONE
        };
        assert_eq!(check(limits, u64::MAX, u64::MAX), Err(Excess::FeeTooSmall));
        assert_eq!(check(NONE, u64::MAX, u64::MAX), Ok(()));
    }
}
