//! SHA-256 hashes.

use super::fixed::{fixed_hex, shown_as_hex};

fixed_hex! {
    /// A SHA-256 hash: 32 bytes, 64 hex digits.
    Sha256, 32
}
shown_as_hex!(Sha256);

/// The hash whose preimage settles an HTLC.
pub type PaymentHash = Sha256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_cases_and_writes_lower_case() {
        let hash: Sha256 = serde_json::from_str(&format!("\"{}\"", "aB".repeat(32))).unwrap();
        assert_eq!(hash.as_bytes(), &[0xab; 32]);
        assert_eq!(
            serde_json::to_string(&hash).unwrap(),
            format!("\"{}\"", "ab".repeat(32))
        );
    }

    #[test]
    fn refuses_what_is_not_64_hex_digits() {
        for text in ["", "ab", &"ab".repeat(33), &"zz".repeat(32)] {
            assert!(text.parse::<Sha256>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Sha256>("7").is_err());
    }
}
