//! Payment preimages.

use super::fixed::{fixed_hex, never_shown};

fixed_hex! {
    /// What settles an HTLC: 32 bytes whose SHA-256 is the payment hash.
    /// Who has it can claim the payment, so `Debug` does not show it.
    Preimage, 32
}
never_shown!(Preimage);

#[cfg(feature = "host")]
impl Preimage {
    /// Its SHA-256.
    pub fn payment_hash(&self) -> super::PaymentHash {
        use sha2::Digest;
        super::PaymentHash::from_bytes(sha2::Sha256::digest(self.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_redacted() {
        assert_eq!(
            format!("{:?}", Preimage::from_bytes([7; 32])),
            "Preimage(…)"
        );
    }

    #[cfg(feature = "host")]
    #[test]
    fn hashes_to_the_payment_hash() {
        assert_eq!(
            Preimage::from_bytes([0; 32]).payment_hash().to_hex(),
            "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
        );
    }
}
