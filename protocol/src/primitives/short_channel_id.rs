//! Short channel ids.

use super::fixed::ParseError;

/// Where a channel's funding output is in the chain, written `103x1x0`:
/// block height (24 bits), index of the transaction (24 bits), of the output (16 bits).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShortChannelId(u64);

impl ShortChannelId {
    /// From the 64 bits that BOLT 7 packs it into.
    pub const fn from_u64(packed: u64) -> Self {
        ShortChannelId(packed)
    }

    /// The 64 bits that BOLT 7 packs it into.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The height of the block.
    pub const fn block(self) -> u32 {
        (self.0 >> 40) as u32
    }

    /// The index of the transaction in the block.
    pub const fn txindex(self) -> u32 {
        ((self.0 >> 16) & 0xff_ffff) as u32
    }

    /// The index of the output in the transaction.
    pub const fn outnum(self) -> u16 {
        self.0 as u16
    }
}

impl std::str::FromStr for ShortChannelId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text).map(ShortChannelId).ok_or_else(|| {
            ParseError(format!(
                "{text:?} is not a short channel id such as 103x1x0"
            ))
        })
    }
}

/// One pass over the bytes: each HTLC has two of them.
fn parse(text: &str) -> Option<u64> {
    let mut bytes = text.bytes();
    let mut packed = 0;
    for (bits, end) in [(24, Some(b'x')), (24, Some(b'x')), (16, None)] {
        let (mut part, mut digits) = (0u64, 0);
        let stop = loop {
            match bytes.next() {
                Some(digit @ b'0'..=b'9') => {
                    part = part * 10 + u64::from(digit - b'0');
                    digits += 1;
                    if part >> bits != 0 {
                        return None;
                    }
                }
                other => break other,
            }
        };
        if stop != end || digits == 0 {
            return None;
        }
        packed = packed << bits | part;
    }
    Some(packed)
}

impl std::fmt::Display for ShortChannelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.block(), self.txindex(), self.outnum())
    }
}

impl std::fmt::Debug for ShortChannelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ShortChannelId({self})")
    }
}

impl serde::Serialize for ShortChannelId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ShortChannelId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::fixed::from_text(deserializer, "a short channel id")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_as_in_bolt_7() {
        let scid: ShortChannelId = "539268x845x1".parse().unwrap();
        assert_eq!(scid.as_u64(), 0x083a_8400_034d_0001);
        assert_eq!(
            (scid.block(), scid.txindex(), scid.outnum()),
            (539268, 845, 1)
        );
        assert_eq!(scid.to_string(), "539268x845x1");
    }

    #[test]
    fn bounds() {
        assert!("16777215x16777215x65535".parse::<ShortChannelId>().is_ok());
        for text in [
            "",
            "1x2",
            "1x2x3x4",
            "16777216x0x0",
            "0x16777216x0",
            "0x0x65536",
            "+1x2x3",
            "1x2x-3",
            "axbxc",
            "1x2x",
            "99999999999999999999999x1x1",
        ] {
            assert!(text.parse::<ShortChannelId>().is_err(), "{text}");
        }
    }
}
