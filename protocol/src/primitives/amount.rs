//! Amounts of money.

use super::fixed::ParseError;
use serde::de::{Error, Visitor};

/// An amount in millisatoshi. Reads integers (today's form) and strings such as
/// `"1000msat"` or `"5sat"` (that of older versions); writes an integer.
///
/// `+` and `-` do not exist: what would wrap must be decided on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Amount {
    msat: u64,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount { msat: 0 };

    /// From millisatoshi.
    pub const fn from_msat(msat: u64) -> Self {
        Amount { msat }
    }

    /// From satoshi. None when it does not fit (more than 184 million bitcoin).
    pub const fn from_sat(sat: u64) -> Option<Self> {
        match sat.checked_mul(1000) {
            Some(msat) => Some(Amount { msat }),
            None => None,
        }
    }

    /// In millisatoshi.
    pub const fn msat(self) -> u64 {
        self.msat
    }

    /// In satoshi, rounded down.
    pub const fn sat_rounded_down(self) -> u64 {
        self.msat / 1000
    }

    /// The sum, unless it does not fit.
    pub const fn checked_add(self, other: Amount) -> Option<Amount> {
        match self.msat.checked_add(other.msat) {
            Some(msat) => Some(Amount { msat }),
            None => None,
        }
    }

    /// The difference, unless it is negative.
    pub const fn checked_sub(self, other: Amount) -> Option<Amount> {
        match self.msat.checked_sub(other.msat) {
            Some(msat) => Some(Amount { msat }),
            None => None,
        }
    }

    /// The product, unless it does not fit.
    pub const fn checked_mul(self, factor: u64) -> Option<Amount> {
        match self.msat.checked_mul(factor) {
            Some(msat) => Some(Amount { msat }),
            None => None,
        }
    }
}

impl std::str::FromStr for Amount {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || {
            ParseError(format!(
                "{text:?} is not an amount such as 1000msat or 1sat"
            ))
        };
        let (digits, factor) = match text.strip_suffix("msat") {
            Some(digits) => (digits, 1),
            None => match text.strip_suffix("sat") {
                Some(digits) => (digits, 1000),
                None => (text, 1),
            },
        };
        // `parse` alone would take a sign.
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let amount: u64 = digits.parse().map_err(|_| bad())?;
        Amount::from_msat(amount)
            .checked_mul(factor)
            .ok_or_else(bad)
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}msat", self.msat)
    }
}

impl std::fmt::Debug for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Amount({self})")
    }
}

impl serde::Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.msat)
    }
}

impl<'de> serde::Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Amount;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an amount in msat")
            }

            fn visit_u64<E: Error>(self, msat: u64) -> Result<Amount, E> {
                Ok(Amount { msat })
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        for (json, msat) in [
            ("0", 0),
            ("18446744073709551615", u64::MAX),
            ("\"1000msat\"", 1000),
            ("\"5sat\"", 5000),
            ("\"7\"", 7),
        ] {
            let amount: Amount = serde_json::from_str(json).unwrap();
            assert_eq!(amount.msat(), msat, "{json}");
        }
        assert_eq!(serde_json::to_string(&Amount::from_msat(7)).unwrap(), "7");
    }

    #[test]
    fn refuses_the_rest() {
        for json in [
            "-1",
            "1.5",
            "1e3",
            "null",
            "true",
            "\"\"",
            "\"msat\"",
            "\"+1msat\"",
            "\"-1\"",
            "\"1.5sat\"",
            "\"1btc\"",
            "18446744073709551616",
            "\"18446744073709551616msat\"",
            "\"18446744073709552sat\"",
        ] {
            assert!(serde_json::from_str::<Amount>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn arithmetic_is_checked() {
        let (one, max) = (Amount::from_msat(1), Amount::from_msat(u64::MAX));
        assert_eq!(max.checked_add(one), None);
        assert_eq!(Amount::ZERO.checked_sub(one), None);
        assert_eq!(max.checked_mul(2), None);
        assert_eq!(Amount::from_sat(u64::MAX), None);
        assert_eq!(one.checked_add(one), Some(Amount::from_msat(2)));
        assert_eq!(Amount::from_sat(3).map(Amount::msat), Some(3000));
        assert_eq!(Amount::from_msat(1999).sat_rounded_down(), 1);
    }
}
