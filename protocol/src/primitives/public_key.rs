//! Node ids and other public keys.

use super::fixed::{ParseError, shown_as_hex};

/// A compressed secp256k1 public key: 33 bytes, the first 2 or 3. Whether it is a
/// point on the curve is not checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 33]);
shown_as_hex!(PublicKey);

impl PublicKey {
    /// From its bytes. Fails when the first is not 2 or 3.
    pub fn from_bytes(bytes: [u8; 33]) -> Result<Self, ParseError> {
        match bytes[0] {
            2 | 3 => Ok(PublicKey(bytes)),
            first => Err(ParseError(format!(
                "a compressed public key starts with 02 or 03, not {first:02x}"
            ))),
        }
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 33] {
        &self.0
    }

    /// As lower-case hex.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl std::str::FromStr for PublicKey {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut bytes = [0; 33];
        super::hex_digits::fill(&mut bytes, text)?;
        PublicKey::from_bytes(bytes)
    }
}

impl serde::Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> serde::Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::fixed::from_text(deserializer, "a public key of 66 hex digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "03864ef025fde8fb587d989186ce6a4a186895ee44a926bfc370e2c366597a3f8f";

    #[test]
    fn round_trips() {
        let key: PublicKey = serde_json::from_str(&format!("\"{KEY}\"")).unwrap();
        assert_eq!(key.to_string(), KEY);
        assert_eq!(serde_json::to_string(&key).unwrap(), format!("\"{KEY}\""));
    }

    #[test]
    fn refuses_other_prefixes_and_lengths() {
        for text in [&KEY.replacen("03", "04", 1), &KEY[2..], "", "xyz"] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
        }
    }
}
