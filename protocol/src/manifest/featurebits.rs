//! `featurebits`: bits that a plugin adds to what the node announces
//! (`plugin_parse_getmanifest_response`, `feature_place_names` in
//! `common/features.c`).

use super::written::Written;

/// Bits by place, each a big-endian bit field as in BOLT 9: bit 0 is the lowest bit
/// of the last byte. Empty: none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeatureBits {
    /// In the `init` message.
    pub init: Vec<u8>,
    /// In `node_announcement`.
    pub node: Vec<u8>,
    /// In `channel_announcement`.
    pub channel: Vec<u8>,
    /// In BOLT 11 invoices.
    pub invoice: Vec<u8>,
    /// In BOLT 12 offers.
    pub bolt12_offer: Vec<u8>,
    /// In BOLT 12 invoice requests.
    pub bolt12_invreq: Vec<u8>,
    /// In BOLT 12 invoices.
    pub bolt12_invoice: Vec<u8>,
    /// In channel types.
    pub channel_type: Vec<u8>,
}

impl FeatureBits {
    /// Every place with its name in a manifest.
    pub fn places(&self) -> [(&'static str, &[u8]); 8] {
        [
            ("init", &self.init),
            ("node", &self.node),
            ("channel", &self.channel),
            ("invoice", &self.invoice),
            ("bolt12_offer", &self.bolt12_offer),
            ("bolt12_invreq", &self.bolt12_invreq),
            ("bolt12_invoice", &self.bolt12_invoice),
            ("channel_type", &self.channel_type),
        ]
    }

    fn places_mut(&mut self) -> [&mut Vec<u8>; 8] {
        [
            &mut self.init,
            &mut self.node,
            &mut self.channel,
            &mut self.invoice,
            &mut self.bolt12_offer,
            &mut self.bolt12_invreq,
            &mut self.bolt12_invoice,
            &mut self.channel_type,
        ]
    }

    /// Whether no place has a byte. lightningd counts bytes, not bits: a plugin that
    /// is `dynamic` may not have any.
    pub fn is_empty(&self) -> bool {
        self.places().iter().all(|(_, bytes)| bytes.is_empty())
    }

    /// The bits that are set, as place and number.
    pub fn set_bits(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.places()
            .into_iter()
            .flat_map(|(place, bytes)| set_bits(bytes).map(move |bit| (place, bit)))
    }

    /// The first bit that both set, or of which one sets the even and the other the
    /// odd bit: lightningd would refuse the second of them.
    pub fn clash(&self, other: &FeatureBits) -> Option<(&'static str, usize)> {
        let mine: Vec<_> = self
            .set_bits()
            .map(|(place, bit)| (place, bit & !1))
            .collect();
        other
            .set_bits()
            .find(|(place, bit)| mine.contains(&(*place, bit & !1)))
    }

    /// Adds the bits of the other.
    pub fn merge(&mut self, other: &FeatureBits) {
        for (mine, (_, theirs)) in self.places_mut().into_iter().zip(other.places()) {
            if mine.len() < theirs.len() {
                let zeros = vec![0; theirs.len() - mine.len()];
                mine.splice(0..0, zeros);
            }
            for (mine, theirs) in mine.iter_mut().rev().zip(theirs.iter().rev()) {
                *mine |= theirs;
            }
        }
    }

    #[inline(never)]
    pub(super) fn write(&self, text: &mut String) {
        Written::object(text, |written| {
            for (place, bytes) in self.places() {
                if !bytes.is_empty() {
                    written.text(place, &hex::encode(bytes));
                }
            }
        });
    }
}

/// The numbers of the bits that are set, lowest first.
fn set_bits(bytes: &[u8]) -> impl Iterator<Item = usize> {
    bytes.iter().rev().enumerate().flat_map(|(at, byte)| {
        (0..8)
            .filter(move |bit| byte >> bit & 1 == 1)
            .map(move |bit| at * 8 + bit)
    })
}

#[cfg(feature = "host")]
mod read {
    use super::{FeatureBits, set_bits};
    use crate::manifest::bounds;
    use crate::manifest::error::ManifestError;
    use crate::manifest::field::{Field, Members};
    use crate::native;

    /// Also under the name that the example in the documentation of v0.8.2 has.
    pub(in crate::manifest) fn featurebits(
        manifest: &Members,
        unknown: &mut Vec<String>,
    ) -> Result<FeatureBits, ManifestError> {
        let mut bits = FeatureBits::default();
        let both = (manifest.get("featurebits"), manifest.get("features"));
        let members = match both {
            (Some(field), None) | (None, Some(field)) => field.members()?,
            (Some(field), Some(_)) => {
                unknown.push("features".to_owned());
                field.members()?
            }
            (None, None) => return Ok(bits),
        };
        let names = bits.places().map(|(name, _)| name);
        members.note_unknown(&names, unknown);
        for (name, place) in names.into_iter().zip(bits.places_mut()) {
            if let Some(field) = members.get(name) {
                *place = one_place(name, &field)?;
            }
        }
        Ok(bits)
    }

    fn one_place(place: &str, field: &Field) -> Result<Vec<u8>, ManifestError> {
        let bytes = field
            .value()
            .as_str()
            .and_then(|text| hex::decode(text).ok())
            .ok_or_else(|| field.refuse("a string of hex digits, two for each byte"))?;
        let most = match place {
            "invoice" => bounds::INVOICE_FEATURE_BITS,
            _ => bounds::FEATURE_BITS,
        };
        if bytes.len() > most.div_ceil(8) || set_bits(&bytes).any(|bit| bit >= most) {
            return Err(field.refuse_as(
                format!("{} bits", bytes.len() * 8),
                format!("bits below {most}"),
            ));
        }
        if let Some(taken) = set_bits(&bytes).find(|bit| native::features::is_taken(place, *bit)) {
            return Err(field.refuse_as(
                format!("bit {taken}"),
                "bits that lightningd does not set itself, nor their twins",
            ));
        }
        Ok(bytes)
    }
}

#[cfg(feature = "host")]
pub(super) use read::featurebits as read;

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> FeatureBits {
        FeatureBits {
            node: hex::decode(text).unwrap(),
            ..FeatureBits::default()
        }
    }

    #[test]
    fn twins_clash_and_others_merge() {
        let (a, b) = (node("0200"), node("010000"));
        assert_eq!(a.set_bits().collect::<Vec<_>>(), [("node", 9)]);
        assert_eq!(
            a.clash(&node("0100")),
            Some(("node", 8)),
            "8 is the twin of 9"
        );
        assert_eq!(a.clash(&a), Some(("node", 9)));
        assert_eq!(a.clash(&b), None);
        for (mut first, second) in [(a.clone(), &b), (b.clone(), &a)] {
            first.merge(second);
            assert_eq!(first, node("010200"));
        }
        let elsewhere = FeatureBits {
            init: vec![2, 0],
            ..FeatureBits::default()
        };
        assert_eq!(a.clash(&elsewhere), None, "another place");
    }
}
