//! Shared and payment secrets.

use super::fixed::{fixed_hex, never_shown};

fixed_hex! {
    /// A secret of 32 bytes: of an onion layer, an invoice, a blinded path.
    /// `Debug` does not show it.
    Secret, 32
}
never_shown!(Secret);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_redacted() {
        assert_eq!(format!("{:?}", Secret::from_bytes([7; 32])), "Secret(…)");
    }
}
