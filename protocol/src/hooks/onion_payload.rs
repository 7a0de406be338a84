//! Reads an onion's payload as lightningd does, to show a rewritten one to the next guest.
//!
//! `common/onion_decode.c`. A blinded payload needs the node's key to be read, so it
//! counts as one that cannot be decoded, and its fields are not shown.

use crate::primitives::{PublicKey, ShortChannelId, TlvStream};
use serde_json::{Map, Value, json};

const AMT_TO_FORWARD: u64 = 2;
const OUTGOING_CLTV_VALUE: u64 = 4;
const SHORT_CHANNEL_ID: u64 = 6;
/// Payment secret and total amount.
pub(super) const PAYMENT_DATA: u64 = 8;
const ENCRYPTED_RECIPIENT_DATA: u64 = 10;
const CURRENT_PATH_KEY: u64 = 12;
const PAYMENT_METADATA: u64 = 16;
const TOTAL_AMOUNT_MSAT: u64 = 18;
/// The preimage of a spontaneous payment (keysend).
pub(super) const KEYSEND_PREIMAGE: u64 = 5_482_373_484;

/// The members of `onion` that come from the payload.
pub(super) const DECODED: [&str; 8] = [
    "type",
    "short_channel_id",
    "next_node_id",
    "forward_msat",
    "outgoing_cltv_value",
    "total_msat",
    "payment_secret",
    "payment_metadata",
];

/// Reads a payload (without a length in front) into the members that lightningd shows
/// for it. None when lightningd would show none. `last` is whether this node is the
/// payment's last hop.
pub(super) fn decode(payload: &[u8], last: bool) -> Option<Map<String, Value>> {
    let tlvs = TlvStream::from_bytes(payload).ok()?;
    let unknown_even = |typ: u64| typ.is_multiple_of(2) && !KNOWN.contains(&typ);
    if tlvs.entries().iter().any(|entry| unknown_even(entry.typ))
        || tlvs.get(ENCRYPTED_RECIPIENT_DATA).is_some()
        || tlvs.get(CURRENT_PATH_KEY).is_some()
        || tlvs
            .get(TOTAL_AMOUNT_MSAT)
            .is_some_and(|v| tu64(v).is_none())
    {
        return None;
    }
    let mut shown = Map::new();
    shown.insert("type".into(), "tlv".into());
    shown.insert(
        "forward_msat".into(),
        tu64(tlvs.get(AMT_TO_FORWARD)?)?.into(),
    );
    let cltv = u32::try_from(tu64(tlvs.get(OUTGOING_CLTV_VALUE)?)?).ok()?;
    shown.insert("outgoing_cltv_value".into(), cltv.into());
    // Well-formed where it is present, shown where it is used.
    let scid = match tlvs.get(SHORT_CHANNEL_ID) {
        Some(bytes) => Some(ShortChannelId::from_u64(u64::from_be_bytes(
            bytes.try_into().ok()?,
        ))),
        None => None,
    };
    if !last {
        shown.insert("short_channel_id".into(), json!(scid?));
    }
    if let Some(data) = tlvs.get(PAYMENT_DATA) {
        let (secret, total) = data.split_at_checked(32)?;
        shown.insert("total_msat".into(), tu64(total)?.into());
        shown.insert("payment_secret".into(), hex::encode(secret).into());
    }
    if let Some(metadata) = tlvs.get(PAYMENT_METADATA) {
        shown.insert("payment_metadata".into(), hex::encode(metadata).into());
    }
    Some(shown)
}

const KNOWN: [u64; 8] = [
    AMT_TO_FORWARD,
    OUTGOING_CLTV_VALUE,
    SHORT_CHANNEL_ID,
    PAYMENT_DATA,
    ENCRYPTED_RECIPIENT_DATA,
    CURRENT_PATH_KEY,
    PAYMENT_METADATA,
    TOTAL_AMOUNT_MSAT,
];

/// A truncated integer: big-endian, no leading zeros.
fn tu64(bytes: &[u8]) -> Option<u64> {
    match bytes.first() {
        Some(0) => None,
        _ if bytes.len() > 8 => None,
        _ => Some(bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b))),
    }
}

/// Whether `next_onion` says that there is no next hop: its HMAC is all zeros.
pub(super) fn is_last(next_onion: &str) -> bool {
    next_onion.len() == 2 * ONION_LEN && next_onion.ends_with(&"0".repeat(64))
}

/// Version, key, 1300 bytes of hops, HMAC.
const ONION_LEN: usize = 1 + 33 + 1300 + 32;

/// The largest `extra_tlvs` that an `update_add_htlc` (1452 bytes without them) has room for.
const EXTRA_TLVS_MAX: usize = 65535 - 1452;

/// Checks the TLVs that would go with a forwarded HTLC: a well-formed stream, of odd
/// types but for 0, the blinded path's key, which must be a point on the curve.
pub(super) fn check_extra_tlvs(bytes: &[u8]) -> Result<(), String> {
    let tlvs = TlvStream::from_bytes(bytes).map_err(|reason| reason.to_string())?;
    if bytes.len() > EXTRA_TLVS_MAX {
        return Err(format!(
            "{} bytes do not fit a message of at most {EXTRA_TLVS_MAX}",
            bytes.len()
        ));
    }
    for entry in tlvs.entries() {
        match entry.typ {
            0 => check_point(&entry.value).map_err(|why| format!("TLV type 0 {why}"))?,
            typ if typ.is_multiple_of(2) => {
                return Err(format!("TLV type {typ} is even and unknown"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Checks that this is a public key that lightningd can read.
pub(super) fn check_point(bytes: &[u8]) -> Result<(), &'static str> {
    let compressed: [u8; 33] = bytes.try_into().map_err(|_| "is not 33 bytes")?;
    PublicKey::from_bytes(compressed).map_err(|_| "is not a compressed public key")?;
    match k256::PublicKey::from_sec1_bytes(&compressed) {
        Ok(_) => Ok(()),
        Err(_) => Err("is not a point on the curve"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(hex: &str, last: bool) -> Option<Value> {
        decode(&hex::decode(hex).unwrap(), last).map(Value::Object)
    }

    #[test]
    fn forwards_show_the_channel() {
        let payload = "020207d004017806080000680000010000";
        assert_eq!(
            decoded(payload, false).unwrap(),
            json!({"type": "tlv", "short_channel_id": "104x1x0", "forward_msat": 2000,
                   "outgoing_cltv_value": 120})
        );
        assert_eq!(
            decoded(payload, true).unwrap(),
            json!({"type": "tlv", "forward_msat": 2000, "outgoing_cltv_value": 120})
        );
        assert_eq!(decoded("020207d0040178", false), None);
    }

    #[test]
    fn last_hops_show_payment_data() {
        let secret = "11".repeat(32);
        assert_eq!(
            decoded(&format!("020207d00401780822{secret}07d01001ab"), true).unwrap(),
            json!({"type": "tlv", "forward_msat": 2000, "outgoing_cltv_value": 120,
                   "total_msat": 2000, "payment_secret": secret, "payment_metadata": "ab"})
        );
        // A total of zero is written with no bytes.
        let zero = decoded(&format!("020207d00401780820{secret}"), true).unwrap();
        assert_eq!(zero["total_msat"], 0);
    }

    #[test]
    fn what_lightningd_cannot_decode_shows_nothing() {
        for payload in [
            "",                                   // nothing in it
            "ff",                                 // not a stream
            "040178",                             // no amount
            "020207d0",                           // no expiry
            "0203000001040178",                   // leading zeros
            "020207d00405ffffffffff",             // expiry of five bytes
            "020207d00401780601ff",               // short channel id of one byte
            "020207d00401780801ff",               // payment data too short
            "020207d00401780a0101",               // blinded
            "020207d004017812020001",             // total amount with a leading zero
            "020207d0040178ff0000000146c6616c00", // even and unknown (keysend)
            "0209010203040506070809040178",       // amount of nine bytes
        ] {
            assert_eq!(decoded(payload, true), None, "{payload}");
        }
    }

    #[test]
    fn extra_tlvs() {
        let point = "0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79";
        for good in ["", "0100", "fe00010001020102", &format!("0021{point}")] {
            assert_eq!(
                check_extra_tlvs(&hex::decode(good).unwrap()),
                Ok(()),
                "{good}"
            );
        }
        for (bad, reason) in [
            ("01", "cut short"),
            ("03000100", "out of order"),
            ("0200", "TLV type 2 is even and unknown"),
            ("0020", "cut short"),
            ("0001ff", "TLV type 0 is not 33 bytes"),
            (
                &format!("0021{}", "02".repeat(33).replacen("02", "05", 1)),
                "compressed",
            ),
            (&format!("002102{}", "ff".repeat(32)), "not a point"),
            (&format!("01fe00010000{}", "00".repeat(65536)), "do not fit"),
        ] {
            let refused = check_extra_tlvs(&hex::decode(bad).unwrap()).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
    }

    #[test]
    fn the_last_hop_has_an_empty_hmac() {
        assert!(is_last(&"0".repeat(2 * 1366)));
        assert!(!is_last(&"1".repeat(2 * 1366)));
        assert!(!is_last(""));
    }
}
