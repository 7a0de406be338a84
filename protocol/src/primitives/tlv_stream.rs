//! TLV streams (BOLT 1).

use super::fixed::ParseError;
use super::hex_bytes::HexBytes;

/// One record of a [`TlvStream`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TlvEntry {
    /// What it is.
    pub typ: u64,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// A TLV stream: records in strictly increasing order of type. Reads and writes as
/// hex of the encoded stream, without a length in front.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TlvStream {
    entries: Vec<TlvEntry>,
}

impl TlvStream {
    /// An empty stream.
    pub fn new() -> Self {
        TlvStream::default()
    }

    /// The records, in order.
    pub fn entries(&self) -> &[TlvEntry] {
        &self.entries
    }

    /// The value of one type.
    pub fn get(&self, typ: u64) -> Option<&[u8]> {
        let at = self.entries.binary_search_by_key(&typ, |e| e.typ).ok()?;
        self.entries.get(at).map(|entry| entry.value.as_slice())
    }

    /// Sets one record, in its place in the order.
    pub fn insert(&mut self, typ: u64, value: impl Into<Vec<u8>>) {
        let entry = TlvEntry {
            typ,
            value: value.into(),
        };
        match self.entries.binary_search_by_key(&typ, |e| e.typ) {
            Ok(at) => self.entries[at] = entry,
            Err(at) => self.entries.insert(at, entry),
        }
    }

    /// The same, for chaining.
    #[must_use]
    pub fn with(mut self, typ: u64, value: impl Into<Vec<u8>>) -> Self {
        self.insert(typ, value);
        self
    }

    /// Takes one record out.
    pub fn remove(&mut self, typ: u64) -> Option<Vec<u8>> {
        let at = self.entries.binary_search_by_key(&typ, |e| e.typ).ok()?;
        Some(self.entries.remove(at).value)
    }

    /// Reads an encoded stream. Fails, as BOLT 1 asks, when types are not strictly
    /// increasing, a type or length is not minimally encoded, or bytes are missing.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let entry = |(typ, value): (u64, &[u8])| TlvEntry {
            typ,
            value: value.to_vec(),
        };
        let entries = records(bytes).map(|record| record.map(entry));
        Ok(TlvStream {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// Reads an encoded stream with its length (BigSize) in front, as hex: the form of
    /// an onion's payload in `htlc_accepted`. None when it is anything else.
    pub fn from_prefixed_hex(text: &str) -> Option<Self> {
        let bytes: HexBytes = text.parse().ok()?;
        TlvStream::from_bytes(without_prefix(bytes.as_bytes())?).ok()
    }

    /// Does the stream that [`from_prefixed_hex`](Self::from_prefixed_hex) would read have a
    /// record of one of these types? None when it would read none.
    pub fn has_any_in_prefixed_hex(text: &str, types: &[u64]) -> Option<bool> {
        let bytes: HexBytes = text.parse().ok()?;
        records(without_prefix(bytes.as_bytes())?)
            .try_fold(false, |any, record| {
                record.map(|(typ, _)| any | types.contains(&typ))
            })
            .ok()
    }

    /// What [`from_prefixed_hex`](Self::from_prefixed_hex) reads.
    pub fn to_prefixed_hex(&self) -> String {
        let stream = self.to_bytes();
        let mut bytes = Vec::with_capacity(stream.len() + 9);
        write_bigsize(&mut bytes, stream.len() as u64);
        bytes.extend(stream);
        hex::encode(bytes)
    }

    /// The encoded stream.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in &self.entries {
            write_bigsize(&mut bytes, entry.typ);
            write_bigsize(&mut bytes, entry.value.len() as u64);
            bytes.extend_from_slice(&entry.value);
        }
        bytes
    }
}

/// The records of an encoded stream, in order. Nothing after an error means anything.
fn records(mut bytes: &[u8]) -> impl Iterator<Item = Result<(u64, &[u8]), ParseError>> {
    let mut last = None;
    std::iter::from_fn(move || {
        (!bytes.is_empty()).then(|| {
            let typ = read_bigsize(&mut bytes)?;
            if last.replace(typ) >= Some(typ) {
                return Err(ParseError(format!("TLV type {typ} is out of order")));
            }
            let len = read_bigsize(&mut bytes)?;
            let value = usize::try_from(len)
                .ok()
                .and_then(|len| bytes.split_off(..len))
                .ok_or_else(|| ParseError(format!("TLV type {typ} is cut short")))?;
            Ok((typ, value))
        })
    })
}

/// What comes after a length (BigSize), if it is so long.
fn without_prefix(mut bytes: &[u8]) -> Option<&[u8]> {
    let len = read_bigsize(&mut bytes).ok()?;
    (len == bytes.len() as u64).then_some(bytes)
}

/// Reads a BigSize off the front.
pub(crate) fn read_bigsize(bytes: &mut &[u8]) -> Result<u64, ParseError> {
    let short = || ParseError("a BigSize is cut short".into());
    let &first = bytes.split_off_first().ok_or_else(short)?;
    let (len, least) = match first {
        0xfd => (2, 0xfd),
        0xfe => (4, 0x1_0000),
        0xff => (8, 0x1_0000_0000),
        small => return Ok(small.into()),
    };
    let rest = bytes.split_off(..len).ok_or_else(short)?;
    let value = rest.iter().fold(0, |value, &b| value << 8 | u64::from(b));
    match value < least {
        true => Err(ParseError("a BigSize is not minimally encoded".into())),
        false => Ok(value),
    }
}

/// Appends a BigSize.
pub(crate) fn write_bigsize(bytes: &mut Vec<u8>, value: u64) {
    let (prefix, len) = match value {
        0..0xfd => (None, 1),
        0xfd..0x1_0000 => (Some(0xfd), 2),
        0x1_0000..0x1_0000_0000 => (Some(0xfe), 4),
        _ => (Some(0xff), 8),
    };
    bytes.extend(prefix);
    bytes.extend_from_slice(&value.to_be_bytes()[8 - len..]);
}

impl std::str::FromStr for TlvStream {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes: HexBytes = text.parse()?;
        TlvStream::from_bytes(bytes.as_bytes())
    }
}

impl serde::Serialize for TlvStream {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.to_bytes()))
    }
}

impl<'de> serde::Deserialize<'de> for TlvStream {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::fixed::from_text(deserializer, "a TLV stream as hex")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_a_payload() {
        let stream: TlvStream = "020207d004017806080000680000010000".parse().unwrap();
        assert_eq!(stream.get(2), Some(&[0x07, 0xd0][..]));
        assert_eq!(stream.get(4), Some(&[0x78][..]));
        assert_eq!(stream.get(3), None);
        assert_eq!(
            serde_json::to_string(&stream).unwrap(),
            "\"020207d004017806080000680000010000\""
        );
    }

    // The cases of BOLT 1's appendix A and B.
    #[test]
    fn refuses_malformed_streams() {
        for text in [
            "02",           // no length
            "0202",         // value missing
            "020207",       // value cut short
            "04000200",     // out of order
            "02000200",     // twice
            "fd00fc00",     // type not minimal
            "fe0000ffff00", // type not minimal
            "02fd0001",     // length not minimal
            "ff00000000ffffffff",
            "fd",
            "fe00",
            "ff0000",
            "0",
        ] {
            assert!(text.parse::<TlvStream>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_look_says_what_is_there() {
        let has = TlvStream::has_any_in_prefixed_hex;
        let payload = "11020207d004017806080000680000010000";
        assert_eq!(has(payload, &[8]), Some(false));
        assert_eq!(has(payload, &[8, 6]), Some(true));
        assert_eq!(has("00", &[0]), Some(false));
        for none in [
            "",
            "0",
            "01",
            "0101",
            "020102",
            "0402000200",
            "zz",
            "é0",
            "01é",
        ] {
            assert_eq!(has(none, &[2]), None, "{none}");
        }
    }

    #[test]
    fn keeps_its_order() {
        let mut stream = TlvStream::new().with(6, [1]).with(2, [2]).with(4, [3]);
        stream.insert(4, [4]);
        assert_eq!(hex::encode(stream.to_bytes()), "020102040104060101");
        assert_eq!(stream.remove(4), Some(vec![4]));
        assert_eq!(stream.remove(4), None);
    }

    proptest! {
        #[test]
        fn round_trips(entries in prop::collection::btree_map(any::<u64>(), prop::collection::vec(any::<u8>(), 0..300), 0..8)) {
            let mut stream = TlvStream::new();
            for (typ, value) in entries.into_iter().rev() {
                stream.insert(typ, value);
            }
            prop_assert_eq!(TlvStream::from_bytes(&stream.to_bytes()), Ok(stream));
        }

        #[test]
        fn never_panics_and_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(stream) = TlvStream::from_bytes(&bytes) {
                prop_assert_eq!(stream.to_bytes(), bytes);
            }
        }

        #[test]
        fn a_look_sees_what_a_reader_sees(
            bytes in prop::collection::vec(prop_oneof![0u8..6, any::<u8>()], 0..24),
            lies in 0u8..20,
            odd in "[0-9a-fA-Fg]{0,1}",
            types in prop::collection::vec(0u64..8, 0..3),
        ) {
            let len = if lies == 0 { 7 } else { bytes.len() as u8 };
            let text = format!("{len:02x}{}{odd}", hex::encode_upper(bytes));
            let read = TlvStream::from_prefixed_hex(&text);
            let has = read.map(|stream| types.iter().any(|typ| stream.get(*typ).is_some()));
            prop_assert_eq!(TlvStream::has_any_in_prefixed_hex(&text, &types), has);
        }
    }
}
