//! Failure messages of BOLT 4.

use super::Amount;
use super::fixed::ParseError;

/// Why a payment failed, for its sender: a code of two bytes and the data that BOLT 4
/// asks for with that code. Writes as hex.
///
/// Codes of malformed onions (BADONION) have no constructor: they are for whoever
/// cannot read the onion, and lightningd has read it before any hook is called.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FailureMessage(Vec<u8>);

impl FailureMessage {
    /// The most bytes that fit: lightningd aborts on more (`create_onionreply` in
    /// `common/sphinx.c` fills a field of fixed size and asserts that it did).
    pub const MAX_LEN: usize = 256;

    const NODE: u16 = 0x2000;
    const PERM: u16 = 0x4000;
    const UPDATE: u16 = 0x1000;

    /// Any code with any data. Fails when it has fewer than two bytes or more than
    /// [`MAX_LEN`](Self::MAX_LEN).
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ParseError> {
        match bytes.len() {
            2..=Self::MAX_LEN => Ok(FailureMessage(bytes)),
            len => Err(ParseError(format!(
                "a failure message has 2 to {} bytes, not {len}",
                Self::MAX_LEN
            ))),
        }
    }

    /// The code.
    pub fn code(&self) -> u16 {
        match self.0[..] {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            _ => 0,
        }
    }

    /// Code and data.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As lower-case hex.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }

    pub(crate) fn new(code: u16, data: &[&[u8]]) -> Self {
        let mut bytes = code.to_be_bytes().to_vec();
        for part in data {
            bytes.extend_from_slice(part);
        }
        FailureMessage(bytes)
    }

    /// The node has a passing problem (0x2002).
    pub fn temporary_node_failure() -> Self {
        Self::new(Self::NODE | 2, &[])
    }

    /// The node has a lasting problem (0x6002).
    pub fn permanent_node_failure() -> Self {
        Self::new(Self::PERM | Self::NODE | 2, &[])
    }

    /// The node needs a feature that the payment does not use (0x6003).
    pub fn required_node_feature_missing() -> Self {
        Self::new(Self::PERM | Self::NODE | 3, &[])
    }

    /// The outgoing channel cannot carry it now (0x1007), without a `channel_update`.
    pub fn temporary_channel_failure() -> Self {
        Self::new(Self::UPDATE | 7, &[&NO_CHANNEL_UPDATE])
    }

    /// The outgoing channel is gone for good (0x4008).
    pub fn permanent_channel_failure() -> Self {
        Self::new(Self::PERM | 8, &[])
    }

    /// The outgoing channel needs a feature that the payment does not use (0x4009).
    pub fn required_channel_feature_missing() -> Self {
        Self::new(Self::PERM | 9, &[])
    }

    /// There is no such outgoing channel (0x400a).
    pub fn unknown_next_peer() -> Self {
        Self::new(Self::PERM | 10, &[])
    }

    /// The HTLC is smaller than the channel takes (0x100b).
    pub fn amount_below_minimum(htlc: Amount) -> Self {
        let htlc = htlc.msat().to_be_bytes();
        Self::new(Self::UPDATE | 11, &[&htlc, &NO_CHANNEL_UPDATE])
    }

    /// The fee is too small (0x100c).
    pub fn fee_insufficient(htlc: Amount) -> Self {
        let htlc = htlc.msat().to_be_bytes();
        Self::new(Self::UPDATE | 12, &[&htlc, &NO_CHANNEL_UPDATE])
    }

    /// The outgoing expiry leaves too few blocks (0x100d).
    pub fn incorrect_cltv_expiry(cltv_expiry: u32) -> Self {
        let cltv_expiry = cltv_expiry.to_be_bytes();
        Self::new(Self::UPDATE | 13, &[&cltv_expiry, &NO_CHANNEL_UPDATE])
    }

    /// The HTLC expires too soon to forward (0x100e).
    pub fn expiry_too_soon() -> Self {
        Self::new(Self::UPDATE | 14, &[&NO_CHANNEL_UPDATE])
    }

    /// The final node knows no such payment, or not for this amount (0x400f).
    /// `height` is the block height when the HTLC came.
    pub fn incorrect_or_unknown_payment_details(htlc: Amount, height: u32) -> Self {
        let htlc = htlc.msat().to_be_bytes();
        Self::new(Self::PERM | 15, &[&htlc, &height.to_be_bytes()])
    }

    /// The final node got another expiry than the onion says (0x0012).
    pub fn final_incorrect_cltv_expiry(cltv_expiry: u32) -> Self {
        Self::new(18, &[&cltv_expiry.to_be_bytes()])
    }

    /// The final node got another amount than the onion says (0x0013).
    pub fn final_incorrect_htlc_amount(htlc: Amount) -> Self {
        Self::new(19, &[&htlc.msat().to_be_bytes()])
    }

    /// The outgoing channel is disabled (0x1014).
    pub fn channel_disabled() -> Self {
        Self::new(Self::UPDATE | 20, &[&[0; 2], &NO_CHANNEL_UPDATE])
    }

    /// The HTLC expires too far in the future (0x0015).
    pub fn expiry_too_far() -> Self {
        Self::new(21, &[])
    }

    /// A record of the onion's payload is wrong (0x4016): its TLV type, and the offset
    /// in bytes where it starts.
    pub fn invalid_onion_payload(typ: u64, offset: u16) -> Self {
        let mut bigsize = Vec::new();
        super::tlv_stream::write_bigsize(&mut bigsize, typ);
        Self::new(Self::PERM | 22, &[&bigsize, &offset.to_be_bytes()])
    }

    /// Not all parts of the payment came in time (0x0017).
    pub fn mpp_timeout() -> Self {
        Self::new(23, &[])
    }
}

/// BOLT 4 allows to leave the `channel_update` out by a length of zero.
pub(crate) const NO_CHANNEL_UPDATE: [u8; 2] = [0; 2];

impl std::str::FromStr for FailureMessage {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes = hex::decode(text).map_err(|reason| ParseError(format!("not hex: {reason}")))?;
        FailureMessage::from_bytes(bytes)
    }
}

impl std::fmt::Debug for FailureMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FailureMessage({})", self.to_hex())
    }
}

impl serde::Serialize for FailureMessage {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> serde::Deserialize<'de> for FailureMessage {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::fixed::from_text(deserializer, "a failure message as hex")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_data_are_those_of_bolt_4() {
        let msat = Amount::from_msat(0x0102);
        for (message, hex) in [
            (FailureMessage::temporary_node_failure(), "2002"),
            (FailureMessage::permanent_node_failure(), "6002"),
            (FailureMessage::required_node_feature_missing(), "6003"),
            (FailureMessage::temporary_channel_failure(), "10070000"),
            (FailureMessage::permanent_channel_failure(), "4008"),
            (FailureMessage::required_channel_feature_missing(), "4009"),
            (FailureMessage::unknown_next_peer(), "400a"),
            (
                FailureMessage::amount_below_minimum(msat),
                "100b00000000000001020000",
            ),
            (
                FailureMessage::fee_insufficient(msat),
                "100c00000000000001020000",
            ),
            (FailureMessage::incorrect_cltv_expiry(3), "100d000000030000"),
            (FailureMessage::expiry_too_soon(), "100e0000"),
            (
                FailureMessage::incorrect_or_unknown_payment_details(msat, 9),
                "400f000000000000010200000009",
            ),
            (
                FailureMessage::final_incorrect_cltv_expiry(3),
                "001200000003",
            ),
            (
                FailureMessage::final_incorrect_htlc_amount(msat),
                "00130000000000000102",
            ),
            (FailureMessage::channel_disabled(), "101400000000"),
            (FailureMessage::expiry_too_far(), "0015"),
            (
                FailureMessage::invalid_onion_payload(300, 5),
                "4016fd012c0005",
            ),
            (FailureMessage::mpp_timeout(), "0017"),
        ] {
            assert_eq!(message.to_hex(), hex);
            assert_eq!(hex.parse(), Ok(message.clone()));
            assert_eq!(format!("{:04x}", message.code()), hex[..4]);
        }
    }

    #[test]
    fn length_is_bounded() {
        assert!("".parse::<FailureMessage>().is_err());
        assert!("20".parse::<FailureMessage>().is_err());
        assert!("200".parse::<FailureMessage>().is_err());
        assert!("20".repeat(256).parse::<FailureMessage>().is_ok());
        assert!("20".repeat(257).parse::<FailureMessage>().is_err());
    }
}
