//! What runes and budgets must know of a BOLT 11 invoice, read as strictly as
//! lightningd reads it (`common/bolt11.c:bolt11_decode`, without the feature check,
//! which `checkrune` does not make either).

use bech32::primitives::checksum::Checksum;
use bech32::primitives::decode::UncheckedHrpstring;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, Secp256k1};
use sha2::{Digest, Sha256};

use super::{LONGEST_INVOICE, bits};

/// An invoice whose signature is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bolt11 {
    /// In msat; None where the payer is to choose.
    pub amount_msat: Option<u64>,
    /// Up to its first NUL, as C sees it. None where there is only its hash.
    pub description: Option<Vec<u8>>,
    /// Who is paid.
    pub node_id: [u8; 33],
}

/// Bech32 without the limit of 90 characters.
struct Unlimited;

impl Checksum for Unlimited {
    type MidstateRepr = <bech32::Bech32 as Checksum>::MidstateRepr;
    type CorrectionField = <bech32::Bech32 as Checksum>::CorrectionField;
    const ROOT_GENERATOR: Self::CorrectionField = bech32::Bech32::ROOT_GENERATOR;
    const ROOT_EXPONENTS: std::ops::RangeInclusive<usize> = bech32::Bech32::ROOT_EXPONENTS;
    const CODE_LENGTH: usize = usize::MAX;
    const CHECKSUM_LENGTH: usize = bech32::Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [Self::MidstateRepr; 5] = bech32::Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: Self::MidstateRepr = bech32::Bech32::TARGET_RESIDUE;
}

/// Reads an invoice, without a `lightning:` before it.
///
/// # Errors
///
/// lightningd's own words for what is wrong.
pub fn decode(text: &str) -> Result<Bolt11, String> {
    let bad = || "Bad bech32 string".to_string();
    if text.len() < 8 {
        return Err(bad());
    }
    if text.len() > LONGEST_INVOICE {
        return Err(format!("longer than {LONGEST_INVOICE} characters"));
    }
    let unchecked = UncheckedHrpstring::new(text).map_err(|_| bad())?;
    unchecked
        .validate_checksum::<Unlimited>()
        .map_err(|_| bad())?;
    let checked = unchecked.remove_checksum::<Unlimited>();
    let hrp = checked.hrp().to_lowercase();
    let groups: Vec<u8> = checked.fe32_iter().map(|group| group.to_u8()).collect();

    let amount_msat = read_hrp(&hrp)?;
    let fields = read_fields(&groups)?;

    let mut hasher = Sha256::new();
    hasher.update(hrp.as_bytes());
    hasher.update(bits::bytes(fields.signed, true).unwrap_or_default());
    let message = Message::from_digest(hasher.finalize().into());
    Ok(Bolt11 {
        amount_msat,
        description: fields.description.clone(),
        node_id: check_signature(&message, &fields)?,
    })
}

fn read_hrp(hrp: &str) -> Result<Option<u64>, String> {
    let digits = hrp.find(|c: char| c.is_ascii_digit()).unwrap_or(hrp.len());
    let (prefix, amount) = hrp.split_at(digits);
    let Some(chain) = prefix.strip_prefix("ln") else {
        return Err(format!("Prefix '{prefix}' does not start with ln"));
    };
    if !["bc", "bcrt", "tbs", "tb", "ert", "ex"].contains(&chain) {
        return Err(format!("Unknown chain {chain}"));
    }
    if amount.is_empty() {
        return Ok(None);
    }
    // In tenths of a msat, of which a pico-bitcoin is one.
    let (number, unit) = match amount.char_indices().next_back() {
        Some((at, 'm')) => (&amount[..at], 1_000_000_000),
        Some((at, 'u')) => (&amount[..at], 1_000_000),
        Some((at, 'n')) => (&amount[..at], 1_000),
        Some((at, 'p')) => (&amount[..at], 1),
        _ => (amount, 1_000_000_000_000u64),
    };
    let end = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    let Ok(n) = number[..end].parse::<u64>() else {
        return Err(format!("Invalid amount '{number}'"));
    };
    if end < number.len() {
        return Err(format!("Invalid amount postfix '{}'", &number[end..]));
    }
    // lightningd lets this wrap, and then pays the wrapped amount.
    let tenths = n.wrapping_mul(unit);
    if tenths % 10 != 0 {
        return Err(format!("Invalid sub-millisatoshi amount '{number}p'"));
    }
    Ok(Some(tenths / 10))
}

struct Fields<'g> {
    description: Option<Vec<u8>>,
    node: Option<PublicKey>,
    signed: &'g [u8],
    signature: &'g [u8],
}

/// Groups of the signature and its recovery id.
const SIGNATURE: usize = 520 / 5;

fn read_fields(groups: &[u8]) -> Result<Fields<'_>, String> {
    let mut rest = groups
        .get(7..)
        .ok_or("Can't get 35-bit timestamp: truncated")?;
    let (mut description, mut node) = (None, None);
    let mut seen = [false; 32];
    while rest.len() > SIGNATURE {
        let [tag, high, low, after @ ..] = rest else {
            return Err("Can't get length: truncated".into());
        };
        let letter = letter(*tag);
        let length = usize::from(*high) * 32 + usize::from(*low);
        let Some((data, next)) = after.split_at_checked(length) else {
            return Err(format!("{letter}: truncated"));
        };
        rest = next;
        let Some(seen) = seen.get_mut(usize::from(*tag)) else {
            return Err(format!("{letter}: truncated"));
        };
        if *seen && !matches!(letter, 'f' | 'r') {
            continue;
        }
        let trailing = || "non-zero trailing bits".to_string();
        match letter {
            'p' | 'h' | 's' if length == 52 => {
                *seen = true;
                bits::bytes(data, false).ok_or_else(trailing)?;
            }
            'n' if length == 53 => {
                *seen = true;
                let bytes = bits::bytes(data, false);
                let key = bytes.as_deref().map(PublicKey::from_slice);
                match (key, bytes.as_deref()) {
                    (Some(Ok(key)), _) => node = Some(key),
                    (_, Some(bytes)) => {
                        return Err(format!("invalid public key {}", hex::encode(bytes)));
                    }
                    _ => return Err(trailing()),
                }
            }
            'd' => {
                *seen = true;
                let text = bits::bytes(data, false).ok_or_else(trailing)?;
                if std::str::from_utf8(&text).is_err() {
                    return Err("d: invalid utf8".into());
                }
                let end = text.iter().position(|b| *b == 0).unwrap_or(text.len());
                description = text.get(..end).map(<[u8]>::to_vec);
            }
            'x' => {
                *seen = true;
                minimal(data).map_err(|why| format!("x: {why}"))?;
            }
            'c' => {
                *seen = true;
                let n = minimal(data).map_err(|why| format!("c: {why}"))?;
                if u32::try_from(n).is_err() {
                    return Err(format!("c: {n} is too large"));
                }
            }
            'f' => check_fallback(data)?,
            'r' => check_route(data)?,
            '9' => {
                *seen = true;
                if bits::bytes(data, true).is_some_and(|bytes| bytes.first() == Some(&0)) {
                    return Err("9: non-minimal length (begins with 0)".into());
                }
            }
            'm' => {
                *seen = true;
                bits::bytes(data, false).ok_or_else(trailing)?;
            }
            _ => {}
        }
    }
    let has = |wanted: char| {
        (0u8..32)
            .zip(seen)
            .any(|(tag, seen)| seen && letter(tag) == wanted)
    };
    if !has('p') {
        return Err("No valid 'p' field found".into());
    }
    if !has('s') {
        return Err("Missing required payment secret (s field)".into());
    }
    if !has('d') && !has('h') {
        return Err("must have either 'd' or 'h' field".into());
    }
    let (signed, signature) = groups.split_at(groups.len() - rest.len());
    Ok(Fields {
        description,
        node,
        signed,
        signature,
    })
}

fn letter(group: u8) -> char {
    bech32::Fe32::try_from(group).map_or('?', |group| group.to_char())
}

fn minimal(data: &[u8]) -> Result<u64, &'static str> {
    if data.len() * 5 > 64 {
        return Err("integer too large");
    }
    if data.len() > 1 && data.first() == Some(&0) {
        return Err("not a minimal value");
    }
    bits::number(data).ok_or("integer too large")
}

fn check_fallback(data: &[u8]) -> Result<(), String> {
    let Some((version, program)) = data.split_first() else {
        return Err("f: truncated".into());
    };
    if *version > 18 {
        return Ok(());
    }
    let length = bits::bytes(program, false)
        .ok_or("non-zero trailing bits")?
        .len();
    match version {
        17 if length != 20 => Err(format!("f: pkhash length {length}")),
        18 if length != 20 => Err(format!("f: p2sh length {length}")),
        0 if length != 20 && length != 32 => Err(format!("f: witness v0 bad length {length}")),
        1 if length != 32 => Err(format!("f: witness v1 bad length {length}")),
        0..=16 if !(2..=40).contains(&length) => {
            Err(format!("f: witness v{version} bad length {length}"))
        }
        _ => Ok(()),
    }
}

fn check_route(data: &[u8]) -> Result<(), String> {
    const HOP: usize = 33 + 8 + 4 + 4 + 2;
    let bytes = bits::bytes(data, false).ok_or("non-zero trailing bits")?;
    if bytes.is_empty() {
        return Err("r: hop 0 truncated".into());
    }
    for (n, hop) in bytes.chunks(HOP).enumerate() {
        let key = hop.get(..33).filter(|_| hop.len() == HOP);
        let key = key.ok_or_else(|| format!("r: hop {n} truncated"))?;
        PublicKey::from_slice(key).map_err(|_| format!("r: hop {n} pubkey invalid"))?;
    }
    Ok(())
}

fn check_signature(message: &Message, fields: &Fields<'_>) -> Result<[u8; 33], String> {
    let truncated = || "can't read signature: truncated".to_string();
    let groups = fields.signature.get(..SIGNATURE).ok_or_else(truncated)?;
    let bytes = bits::bytes(groups, false).ok_or_else(truncated)?;
    let (recovery, compact) = bytes.split_last().ok_or_else(truncated)?;
    let recovery_id = RecoveryId::try_from(i32::from(*recovery))
        .map_err(|_| format!("invalid recovery ID: {recovery}"))?;
    let signature = RecoverableSignature::from_compact(compact, recovery_id)
        .map_err(|_| "signature invalid".to_string())?;
    let secp = Secp256k1::verification_only();
    let key = match fields.node {
        Some(key) => {
            secp.verify_ecdsa(*message, &signature.to_standard(), &key)
                .map_err(|_| "invalid signature".to_string())?;
            key
        }
        None => secp
            .recover_ecdsa(*message, &signature)
            .map_err(|_| "signature recovery failed".to_string())?,
    };
    Ok(key.serialize())
}
