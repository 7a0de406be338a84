//! What runes and budgets must know of a BOLT 12 invoice, read as strictly as
//! lightningd reads it (`common/bolt12.c:invoice_decode`).

use secp256k1::{PublicKey, Secp256k1, schnorr};
use sha2::{Digest, Sha256};

use super::{LONGEST_INVOICE, bits};

/// An invoice whose signature is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bolt12 {
    /// `invoice_amount`, in msat.
    pub amount_msat: u64,
    /// `offer_description`.
    pub description: Option<Vec<u8>>,
    /// `offer_issuer_id`: what `pinvX_node` means for BOLT 12.
    pub issuer_id: Option<[u8; 33]>,
}

/// Reads an invoice (`lni1…`).
///
/// # Errors
///
/// lightningd's own words for what is wrong.
pub fn decode(text: &str) -> Result<Bolt12, String> {
    if text.len() > LONGEST_INVOICE {
        return Err(format!("longer than {LONGEST_INVOICE} characters"));
    }
    let data = read_string(text)?;
    let fields = read_stream(&data).ok_or("invalid invoice data")?;
    let get = |wanted: u64| {
        fields
            .iter()
            .find(|field| field.number == wanted)
            .map(|field| field.value)
    };
    check_signature(&fields, get(INVOICE_NODE_ID), get(SIGNATURE))?;
    let amount_msat = get(INVOICE_AMOUNT).ok_or("missing invoice_amount")?;
    get(INVOICE_CREATED_AT).ok_or("missing invoice_created_at")?;
    get(INVOICE_PAYMENT_HASH).ok_or("missing invoice_payment_hash")?;
    let hops = get(INVOICE_PATHS)
        .and_then(path_lengths)
        .unwrap_or_default();
    if hops.is_empty() {
        return Err("missing/empty invoice_paths".into());
    }
    if let Some(n) = hops.iter().position(|hops| *hops == 0) {
        return Err(format!("zero num_hops in path {n}/{}", hops.len()));
    }
    let payinfos = get(INVOICE_BLINDEDPAY).and_then(payinfo_count).unwrap_or(0);
    if payinfos != hops.len() {
        return Err(format!(
            "expected {} payinfo but found {payinfos}",
            hops.len()
        ));
    }
    Ok(Bolt12 {
        amount_msat: truncated_number(amount_msat).ok_or("invalid invoice data")?,
        description: get(OFFER_DESCRIPTION).map(<[u8]>::to_vec),
        issuer_id: get(OFFER_ISSUER_ID).and_then(|id| id.try_into().ok()),
    })
}

const OFFER_DESCRIPTION: u64 = 10;
const OFFER_ISSUER_ID: u64 = 22;
const INVOICE_PATHS: u64 = 160;
const INVOICE_BLINDEDPAY: u64 = 162;
const INVOICE_CREATED_AT: u64 = 164;
const INVOICE_PAYMENT_HASH: u64 = 168;
const INVOICE_AMOUNT: u64 = 170;
const INVOICE_NODE_ID: u64 = 176;
const SIGNATURE: u64 = 240;

/// What a field may hold.
#[derive(Clone, Copy)]
enum Shape {
    Bytes,
    Utf8,
    Tu64,
    Tu32,
    Point,
    Exactly(usize),
    Multiple(usize),
    Paths,
    PayInfos,
    Fallbacks,
    Bip353Name,
}

/// The fields of an invoice (`wire/bolt12_wire.csv`); others must be odd.
const FIELDS: &[(u64, Shape)] = &[
    (0, Shape::Bytes),
    (2, Shape::Multiple(32)),
    (4, Shape::Bytes),
    (6, Shape::Utf8),
    (8, Shape::Tu64),
    (OFFER_DESCRIPTION, Shape::Utf8),
    (12, Shape::Bytes),
    (14, Shape::Tu64),
    (16, Shape::Paths),
    (18, Shape::Utf8),
    (20, Shape::Tu64),
    (OFFER_ISSUER_ID, Shape::Point),
    (80, Shape::Exactly(32)),
    (82, Shape::Tu64),
    (84, Shape::Bytes),
    (86, Shape::Tu64),
    (88, Shape::Point),
    (89, Shape::Utf8),
    (90, Shape::Paths),
    (91, Shape::Bip353Name),
    (INVOICE_PATHS, Shape::Paths),
    (INVOICE_BLINDEDPAY, Shape::PayInfos),
    (INVOICE_CREATED_AT, Shape::Tu64),
    (166, Shape::Tu32),
    (INVOICE_PAYMENT_HASH, Shape::Exactly(32)),
    (INVOICE_AMOUNT, Shape::Tu64),
    (172, Shape::Fallbacks),
    (174, Shape::Bytes),
    (INVOICE_NODE_ID, Shape::Point),
    (SIGNATURE, Shape::Exactly(64)),
    (1_000_000_024, Shape::Bytes),
    (1_000_000_026, Shape::Bytes),
    (2_000_000_092, Shape::Tu32),
    (2_000_000_094, Shape::Exactly(0)),
];

struct Field<'d> {
    number: u64,
    /// The field as it stands in the stream.
    whole: &'d [u8],
    value: &'d [u8],
}

/// bech32 without a checksum, in parts joined by `+` and white space
/// (`common/bolt12.c:b12_string_to_data`).
fn read_string(text: &str) -> Result<Vec<u8>, String> {
    let mut joined = Vec::with_capacity(text.len());
    let mut after_plus = false;
    let length = text.len();
    for (i, byte) in text.bytes().enumerate() {
        if i != 0 && i + 1 != length && !after_plus && byte == b'+' {
            after_plus = true;
            continue;
        }
        if after_plus && matches!(byte, b' ' | b'\t'..=b'\r') {
            continue;
        }
        after_plus = false;
        joined.push(byte);
    }
    if after_plus {
        return Err("unfinished string".into());
    }
    let invalid = || "invalid bech32 string".to_string();
    let separator = joined.iter().position(|b| *b == b'1').ok_or_else(invalid)?;
    let (hrp, data) = joined.split_at(separator);
    let groups: Option<Vec<u8>> = data
        .iter()
        .skip(1)
        .map(|b| {
            bech32::Fe32::from_char(char::from(*b))
                .ok()
                .map(|group| group.to_u8())
        })
        .collect();
    let upper = joined.iter().any(u8::is_ascii_uppercase);
    let lower = joined.iter().any(u8::is_ascii_lowercase);
    let groups = groups.filter(|_| !(upper && lower)).ok_or_else(invalid)?;
    let bytes = bits::bytes(&groups, false).ok_or_else(invalid)?;
    if !hrp.eq_ignore_ascii_case(b"lni") {
        return Err(format!(
            "unexpected prefix {}",
            String::from_utf8_lossy(hrp).to_lowercase()
        ));
    }
    Ok(bytes)
}

/// A TLV stream: numbers rise, sizes are minimal, known fields have their shape.
fn read_stream(data: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut fields: Vec<Field<'_>> = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let start = rest;
        let number = bigsize(&mut rest)?;
        let length = usize::try_from(bigsize(&mut rest)?).ok()?;
        let value = take(&mut rest, length)?;
        if fields.last().is_some_and(|last| last.number >= number) {
            return None;
        }
        match FIELDS.iter().find(|(known, _)| *known == number) {
            Some((_, shape)) if !shape.fits(value) => return None,
            None if number % 2 == 0 => return None,
            _ => {}
        }
        let whole = start.get(..start.len() - rest.len())?;
        fields.push(Field {
            number,
            whole,
            value,
        });
    }
    Some(fields)
}

impl Shape {
    fn fits(self, value: &[u8]) -> bool {
        match self {
            Shape::Bytes => true,
            Shape::Utf8 => std::str::from_utf8(value).is_ok(),
            Shape::Tu64 => truncated_number(value).is_some(),
            Shape::Tu32 => truncated_number(value).is_some_and(|n| u32::try_from(n).is_ok()),
            Shape::Point => value.len() == 33 && PublicKey::from_slice(value).is_ok(),
            Shape::Exactly(length) => value.len() == length,
            Shape::Multiple(length) => value.len().is_multiple_of(length),
            Shape::Paths => path_lengths(value).is_some(),
            Shape::PayInfos => payinfo_count(value).is_some(),
            Shape::Fallbacks => all(value, |rest| {
                take(rest, 1)?;
                let length = big_endian(take(rest, 2)?);
                take(rest, length)
            })
            .is_some(),
            Shape::Bip353Name => {
                let mut rest = value;
                let read = (|| {
                    let name = big_endian(take(&mut rest, 1)?);
                    take(&mut rest, name)?;
                    let domain = big_endian(take(&mut rest, 1)?);
                    take(&mut rest, domain)
                })();
                read.is_some() && rest.is_empty()
            }
        }
    }
}

/// The number of hops of each blinded path.
fn path_lengths(value: &[u8]) -> Option<Vec<usize>> {
    all(value, |rest| {
        // A node id, or one byte for the direction and a short channel id.
        let first = match rest.first()? {
            0 | 1 => take(rest, 9)?,
            _ => take(rest, 33)?,
        };
        if first.len() == 33 {
            PublicKey::from_slice(first).ok()?;
        }
        PublicKey::from_slice(take(rest, 33)?).ok()?;
        let hops = big_endian(take(rest, 1)?);
        for _ in 0..hops {
            PublicKey::from_slice(take(rest, 33)?).ok()?;
            let length = big_endian(take(rest, 2)?);
            take(rest, length)?;
        }
        Some(hops)
    })
}

fn payinfo_count(value: &[u8]) -> Option<usize> {
    all(value, |rest| {
        take(rest, 4 + 4 + 2 + 8 + 8)?;
        let length = big_endian(take(rest, 2)?);
        take(rest, length)
    })
    .map(|infos| infos.len())
}

/// Reads items until nothing is left.
fn all<'d, T>(value: &'d [u8], mut read: impl FnMut(&mut &'d [u8]) -> Option<T>) -> Option<Vec<T>> {
    let mut rest = value;
    let mut items = Vec::new();
    while !rest.is_empty() {
        items.push(read(&mut rest)?);
    }
    Some(items)
}

fn take<'d>(rest: &mut &'d [u8], length: usize) -> Option<&'d [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

/// At most four bytes.
fn big_endian(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |n, b| (n << 8) | usize::from(*b))
}

/// At most eight bytes, without a zero in front.
fn truncated_number(value: &[u8]) -> Option<u64> {
    if value.len() > 8 || value.first() == Some(&0) {
        return None;
    }
    Some(value.iter().fold(0, |n, b| (n << 8) | u64::from(*b)))
}

fn bigsize(rest: &mut &[u8]) -> Option<u64> {
    let first = *take(rest, 1)?.first()?;
    let (length, least) = match first {
        0xfd => (2, 0xfd),
        0xfe => (4, 0x1_0000),
        0xff => (8, 0x1_0000_0000),
        _ => return Some(u64::from(first)),
    };
    let n = take(rest, length)?
        .iter()
        .fold(0u64, |n, b| (n << 8) | u64::from(*b));
    (n >= least).then_some(n)
}

fn check_signature(
    fields: &[Field<'_>],
    node_id: Option<&[u8]>,
    signature: Option<&[u8]>,
) -> Result<(), String> {
    let node_id = node_id.ok_or("Missing node_id")?;
    let signature = signature.ok_or("Missing signature")?;
    let invalid = || "Invalid signature".to_string();
    let root = merkle_root(fields).ok_or_else(invalid)?;
    let message = tagged(b"lightninginvoicesignature", &[&root]);
    let key = PublicKey::from_slice(node_id).map_err(|_| invalid())?;
    let signature: [u8; 64] = signature.try_into().map_err(|_| invalid())?;
    let signature = schnorr::Signature::from_byte_array(signature);
    Secp256k1::verification_only()
        .verify_schnorr(&signature, &message, &key.x_only_public_key().0)
        .map_err(|_| invalid())
}

/// The root over all fields but the signatures, 240 to 1000 (BOLT 12, "Signature
/// Calculation").
fn merkle_root(fields: &[Field<'_>]) -> Option<[u8; 32]> {
    let mut nonce_tag = b"LnNonce".to_vec();
    nonce_tag.extend_from_slice(fields.first()?.whole);
    let mut row: Vec<[u8; 32]> = fields
        .iter()
        .filter(|field| !(240..=1000).contains(&field.number))
        .map(|field| {
            let leaf = tagged(b"LnLeaf", &[field.whole]);
            let nonce = tagged(&nonce_tag, &[&to_bigsize(field.number)]);
            branch(&leaf, &nonce)
        })
        .collect();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => branch(left, right),
                [alone, ..] => *alone,
                [] => [0; 32],
            })
            .collect();
    }
    row.first().copied()
}

fn branch(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
    tagged(b"LnBranch", &[a.min(b), a.max(b)])
}

fn tagged(tag: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let tag = Sha256::digest(tag);
    let mut hasher = Sha256::new();
    hasher.update(tag);
    hasher.update(tag);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn to_bigsize(n: u64) -> Vec<u8> {
    let bytes = n.to_be_bytes();
    let (first, length): (Option<u8>, usize) = match n {
        0..=0xfc => (None, 1),
        0xfd..=0xffff => (Some(0xfd), 2),
        0x1_0000..=0xffff_ffff => (Some(0xfe), 4),
        _ => (Some(0xff), 8),
    };
    first
        .into_iter()
        .chain(bytes.into_iter().skip(8 - length))
        .collect()
}
