//! The key-value maps of a PSBT, and what each field may hold.

use crate::hooks::onion_payload::check_point;
use std::collections::HashSet;

/// 21 million bitcoin in satoshi.
pub(super) const MAX_SAT: u64 = 2_100_000_000_000_000;

/// Reads from the front. Every length is checked against what is there.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        self.0
            .split_off(..len)
            .ok_or_else(|| "it is cut short".into())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| "it is cut short".into())
    }

    pub(super) fn le32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn le64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn compact_size(&mut self) -> Result<u64, String> {
        let [first] = self.array()?;
        let (value, least) = match first {
            0xfd => (u16::from_le_bytes(self.array()?).into(), 0xfd),
            0xfe => (self.le32()?.into(), 0x1_0000),
            0xff => (self.le64()?, 0x1_0000_0000),
            small => return Ok(small.into()),
        };
        match value < least {
            true => Err("a length is not minimally encoded".into()),
            false => Ok(value),
        }
    }

    /// As many bytes as a compact size in front says.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], String> {
        let len = self.compact_size()?;
        self.take(usize::try_from(len).map_err(|_| "it is cut short")?)
    }

    /// One map, up to its separator.
    pub(super) fn map(&mut self) -> Result<Map<'a>, String> {
        let mut pairs: Vec<Pair> = Vec::new();
        let mut keys = HashSet::new();
        loop {
            let key = self.bytes()?;
            if key.is_empty() {
                return Ok(Map(pairs));
            }
            let mut data = Reader(key);
            let typ = data.compact_size()?;
            if !keys.insert(key) {
                return Err(format!("a field of type {typ:#x} is there twice"));
            }
            pairs.push(Pair {
                typ,
                key,
                data: data.0,
                value: self.bytes()?,
            });
        }
    }
}

/// One field.
pub(super) struct Pair<'a> {
    typ: u64,
    key: &'a [u8],
    /// The key after its type.
    data: &'a [u8],
    pub(super) value: &'a [u8],
}

impl Pair<'_> {
    pub(super) fn le32(&self) -> Result<u32, String> {
        match self.value.try_into() {
            Ok(bytes) => Ok(u32::from_le_bytes(bytes)),
            Err(_) => Err(self.wrong("is not four bytes")),
        }
    }

    pub(super) fn compact_size(&self) -> Result<u64, String> {
        let mut reader = Reader(self.value);
        let size = reader.compact_size()?;
        match reader.is_empty() {
            true => Ok(size),
            false => Err(self.wrong("is too long")),
        }
    }

    fn wrong(&self, why: &str) -> String {
        format!("field {:#x} {why}", self.typ)
    }

    fn must(&self, good: bool, why: &str) -> Result<(), String> {
        match good {
            true => Ok(()),
            false => Err(self.wrong(why)),
        }
    }

    fn no_key_data(&self) -> Result<(), String> {
        self.must(self.data.is_empty(), "has a key that is too long")
    }

    fn len_is(&self, allowed: &[usize]) -> Result<(), String> {
        self.no_key_data()?;
        self.must(allowed.contains(&self.value.len()), "has a wrong length")
    }

    fn is_not_empty(&self) -> Result<(), String> {
        self.no_key_data()?;
        self.must(!self.value.is_empty(), "is empty")
    }

    /// libwally keeps fields that it does not know, but refuses empty ones.
    fn is_unknown(&self) -> Result<(), String> {
        self.must(!self.value.is_empty(), "is empty")
    }

    fn key_is_point(&self) -> Result<(), String> {
        check_point(self.data).map_err(|why| self.wrong(&format!("has a key that {why}")))
    }

    fn key_is_x_only(&self) -> Result<(), String> {
        let mut point = vec![2];
        point.extend_from_slice(self.data);
        check_point(&point).map_err(|why| self.wrong(&format!("has a key that {why}")))
    }

    /// A fingerprint and a path.
    fn is_key_origin(&self, origin: &[u8]) -> Result<(), String> {
        self.must(
            origin.len() >= 4 && origin.len().is_multiple_of(4),
            "is not a fingerprint and a path",
        )
    }

    fn is_taproot_derivation(&self) -> Result<(), String> {
        self.key_is_x_only()?;
        let mut reader = Reader(self.value);
        let hashes = reader.compact_size()?;
        self.must(hashes <= 128, "has too many leaf hashes")?;
        reader.take(32 * hashes as usize)?;
        self.is_key_origin(reader.0)
    }
}

/// The fields of one map, each key once.
pub(super) struct Map<'a>(Vec<Pair<'a>>);

impl<'a> Map<'a> {
    pub(super) fn pairs(&self) -> &[Pair<'a>] {
        &self.0
    }

    /// The field of a type that has no key data.
    pub(super) fn get(&self, typ: u64) -> Option<&Pair<'a>> {
        self.0
            .iter()
            .find(|pair| pair.typ == typ && pair.data.is_empty())
    }

    /// What marks an input or output in a dual-funded open: `psbt_get_serial_id`.
    pub(super) fn serial_id(&self) -> Option<u64> {
        let pair = self.0.iter().find(|pair| pair.key == SERIAL_ID)?;
        Some(u64::from_be_bytes(pair.value.try_into().ok()?))
    }

    /// What may not change: all but scripts, signatures, key origins and utxos
    /// (`linearize_input` in `common/psbt_open.c`).
    pub(super) fn kept_of_input(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.kept(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 0x13, 0x16])
    }

    /// What may not change: all but scripts to spend it and key origins
    /// (`linearize_output` in `common/psbt_open.c`).
    pub(super) fn kept_of_output(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.kept(&[0, 1, 2, 7])
    }

    fn kept(&self, but: &[u64]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut kept: Vec<_> = self
            .0
            .iter()
            .filter(|pair| !but.contains(&pair.typ))
            .map(|pair| (pair.key.to_vec(), pair.value.to_vec()))
            .collect();
        kept.sort();
        kept
    }
}

/// Proprietary, `lightning`, type 1.
const SERIAL_ID: &[u8] = b"\xfc\x09lightning\x01";

pub(super) fn check_global(pair: &Pair, version: u32) -> Result<(), String> {
    match pair.typ {
        0 if version == 0 => pair.no_key_data(),
        0 => Err(pair.wrong("is not for version 2")),
        1 => check_xpub(pair),
        2..=6 if version == 0 => Err(pair.wrong("is not for version 0")),
        2 | 3 | 0xfb => pair.len_is(&[4]),
        4 | 5 => pair.no_key_data(),
        6 => {
            pair.len_is(&[1])?;
            pair.must(matches!(pair.value, [0..=7]), "has unknown flags")
        }
        _ => pair.is_unknown(),
    }
}

/// An extended public key, serialised as in BIP 32.
fn check_xpub(pair: &Pair) -> Result<(), String> {
    const MAIN: [u8; 4] = [0x04, 0x88, 0xb2, 0x1e];
    const TEST: [u8; 4] = [0x04, 0x35, 0x87, 0xcf];
    let mut key = Reader(pair.data);
    let version = key.take(4)?;
    pair.must(version == MAIN || version == TEST, "is not an xpub")?;
    let [depth] = key.array()?;
    let parent_and_child = key.take(8)?;
    pair.must(
        depth != 0 || parent_and_child == [0; 8],
        "is an xpub of depth 0 with a parent",
    )?;
    key.take(32)?;
    check_point(key.0).map_err(|why| pair.wrong(why))?;
    pair.is_key_origin(pair.value)?;
    pair.must(
        pair.value.len() / 4 - 1 == usize::from(depth),
        "has a path of another depth",
    )
}

pub(super) fn check_input(pair: &Pair, version: u32) -> Result<(), String> {
    match pair.typ {
        0x0e..=0x12 if version == 0 => Err(pair.wrong("is not for version 0")),
        0 => pair.no_key_data(),
        1 => {
            pair.no_key_data()?;
            let mut output = Reader(pair.value);
            let amount = output.le64()?;
            let script = output.bytes()?;
            pair.must(
                amount <= MAX_SAT && !script.is_empty() && output.is_empty(),
                "is not an output",
            )
        }
        2 => {
            pair.key_is_point()?;
            pair.must(is_der_and_sighash(pair.value), "is not a signature")
        }
        3 | 0x0f | 0x10 => pair.len_is(&[4]),
        4 | 5 | 7 | 9 => pair.is_not_empty(),
        6 => {
            pair.key_is_point()?;
            pair.is_key_origin(pair.value)
        }
        8 => {
            pair.no_key_data()?;
            let mut stack = Reader(pair.value);
            for _ in 0..stack.compact_size()? {
                stack.bytes()?;
            }
            pair.must(stack.is_empty(), "is too long")
        }
        0x0a..=0x0d => Err(pair.wrong("is a preimage, which is not supported")),
        0x0e | 0x17 | 0x18 => pair.len_is(&[32]),
        0x11 | 0x12 => Err(pair.wrong("is a locktime of its own, which is not supported")),
        0x13 => pair.len_is(&[64, 65]),
        0x14 => {
            pair.must(pair.data.len() == 64, "has a key of a wrong length")?;
            pair.must(matches!(pair.value.len(), 64 | 65), "has a wrong length")
        }
        0x15 => {
            let merkle = pair.data.len().checked_sub(33);
            pair.must(
                merkle.is_some_and(|len| len.is_multiple_of(32) && len <= 128 * 32),
                "has a key of a wrong length",
            )?;
            pair.must(!pair.value.is_empty(), "is empty")
        }
        0x16 => pair.is_taproot_derivation(),
        _ => pair.is_unknown(),
    }
}

pub(super) fn check_output(pair: &Pair, version: u32) -> Result<(), String> {
    match pair.typ {
        3 | 4 if version == 0 => Err(pair.wrong("is not for version 0")),
        0 | 1 | 4 => pair.is_not_empty(),
        2 => {
            pair.key_is_point()?;
            pair.is_key_origin(pair.value)
        }
        3 => {
            pair.len_is(&[8])?;
            pair.must(Reader(pair.value).le64()? <= MAX_SAT, "is too much")
        }
        5 => pair.len_is(&[32]),
        6 => Err(pair.wrong("is a taproot tree, which is not supported")),
        7 => pair.is_taproot_derivation(),
        _ => pair.is_unknown(),
    }
}

/// Where there is a sighash type, all signatures must have it.
pub(super) fn check_signatures_match_sighash(map: &Map) -> Result<(), String> {
    let sighash = map.get(3).map_or(Ok(0), Pair::le32)?;
    let matches = |pair: &Pair| pair.value.last().is_some_and(|&b| u32::from(b) == sighash);
    match sighash != 0 && !map.0.iter().all(|pair| pair.typ != 2 || matches(pair)) {
        true => Err("a signature has another sighash type".into()),
        false => Ok(()),
    }
}

/// An ECDSA signature in strict DER, and a byte of sighash type.
fn is_der_and_sighash(bytes: &[u8]) -> bool {
    fn integer(bytes: &[u8]) -> Option<&[u8]> {
        let [2, len, rest @ ..] = bytes else {
            return None;
        };
        let (value, rest) = rest.split_at_checked(usize::from(*len))?;
        let minimal = match value {
            [] | [0x80..=0xff, ..] => false,
            [0, next, ..] => *next >= 0x80,
            _ => true,
        };
        (minimal && value.len() <= 33).then_some(rest)
    }
    let Some((_, [0x30, len, rest @ ..])) = bytes.split_last() else {
        return false;
    };
    usize::from(*len) == rest.len()
        && integer(rest)
            .and_then(integer)
            .is_some_and(|rest| rest.is_empty())
}
