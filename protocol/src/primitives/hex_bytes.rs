//! Byte strings of any length, written as hex.

use super::fixed::ParseError;

/// Bytes that read and write as hex.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct HexBytes(Vec<u8>);

impl HexBytes {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, owned.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// As lower-case hex.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }
}

impl From<Vec<u8>> for HexBytes {
    fn from(bytes: Vec<u8>) -> Self {
        HexBytes(bytes)
    }
}

impl std::str::FromStr for HexBytes {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut bytes = vec![0; text.len() / 2];
        match super::hex_digits::decode(text, &mut bytes) {
            Some(()) => Ok(HexBytes(bytes)),
            // Slower, and it knows what is wrong.
            None => hex::decode(text)
                .map(HexBytes)
                .map_err(|reason| ParseError(format!("not hex: {reason}"))),
        }
    }
}

impl std::fmt::Display for HexBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl std::fmt::Debug for HexBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HexBytes({self})")
    }
}

impl serde::Serialize for HexBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> serde::Deserialize<'de> for HexBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::fixed::from_text(deserializer, "hex")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let bytes: HexBytes = serde_json::from_str("\"00fF\"").unwrap();
        assert_eq!(bytes.as_bytes(), [0, 255]);
        assert_eq!(serde_json::to_string(&bytes).unwrap(), "\"00ff\"");
        assert!("abc".parse::<HexBytes>().is_err());
        assert!("zz".parse::<HexBytes>().is_err());
        assert_eq!("".parse::<HexBytes>().unwrap(), HexBytes::default());
    }
}
