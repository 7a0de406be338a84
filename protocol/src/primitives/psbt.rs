//! Partially signed transactions.

use super::fixed::ParseError;

/// A PSBT (BIP 174, BIP 370) in base64, as lightningd's commands give and take it.
/// Only its beginning is checked here; the bridge checks the rest.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Psbt(String);

impl Psbt {
    /// In base64.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Psbt {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        // `psbt` or, on Liquid, `pset`, and four bits of 0xff that follow.
        if !text.starts_with("cHNidP") && !text.starts_with("cHNldP") {
            return Err(ParseError("not a PSBT in base64".into()));
        }
        let alphabet = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
        let unpadded = text.trim_end_matches('=');
        if !text.len().is_multiple_of(4)
            || text.len() - unpadded.len() > 2
            || !unpadded.bytes().all(alphabet)
        {
            return Err(ParseError("not base64".into()));
        }
        Ok(Psbt(text.to_owned()))
    }
}

impl std::fmt::Display for Psbt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Psbt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Psbt({self})")
    }
}

impl serde::Serialize for Psbt {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Psbt {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::fixed::from_text(deserializer, "a PSBT in base64")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_starts_as_a_psbt() {
        for text in ["cHNidP8B", "cHNldP8B", "cHNidP8BAA==", "cHNidP8BAAA="] {
            assert_eq!(text.parse::<Psbt>().unwrap().as_str(), text);
        }
        for text in [
            "",
            "AAAA",
            "cHNidP8",
            "cHNidP8BA===",
            "cHNi=P8B",
            "cHNidP8B!AAA",
        ] {
            assert!(text.parse::<Psbt>().is_err(), "{text}");
        }
    }
}
