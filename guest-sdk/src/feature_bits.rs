//! Feature bits that a guest announces.

use cln_protocol::manifest::FeatureBits;

/// Where feature bits are announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeaturePlace {
    /// In `init` messages to peers.
    Init,
    /// In the node's own announcement.
    Node,
    /// In channel announcements.
    Channel,
    /// In BOLT 11 invoices.
    Invoice,
    /// In BOLT 12 offers.
    Bolt12Offer,
    /// In BOLT 12 invoice requests.
    Bolt12Invreq,
    /// In BOLT 12 invoices.
    Bolt12Invoice,
    /// In channel types.
    ChannelType,
}

impl FeaturePlace {
    pub(crate) fn set(self, all: &mut FeatureBits, bits: impl IntoIterator<Item = u16>) {
        let field = self.of(all);
        for bit in bits {
            set_bit(field, bit);
        }
    }

    fn of(self, bits: &mut FeatureBits) -> &mut Vec<u8> {
        match self {
            FeaturePlace::Init => &mut bits.init,
            FeaturePlace::Node => &mut bits.node,
            FeaturePlace::Channel => &mut bits.channel,
            FeaturePlace::Invoice => &mut bits.invoice,
            FeaturePlace::Bolt12Offer => &mut bits.bolt12_offer,
            FeaturePlace::Bolt12Invreq => &mut bits.bolt12_invreq,
            FeaturePlace::Bolt12Invoice => &mut bits.bolt12_invoice,
            FeaturePlace::ChannelType => &mut bits.channel_type,
        }
    }
}

/// Sets a bit in a big-endian field: bit 0 is the lowest of the last byte.
fn set_bit(field: &mut Vec<u8>, bit: u16) {
    let from_the_end = usize::from(bit / 8);
    while field.len() <= from_the_end {
        field.insert(0, 0);
    }
    if let Some(byte) = field.iter_mut().rev().nth(from_the_end) {
        *byte |= 1 << (bit % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feature_bits_are_big_endian() {
        let field = |bits: &[u16]| {
            let mut field = Vec::new();
            bits.iter().for_each(|bit| set_bit(&mut field, *bit));
            field
        };
        assert_eq!(field(&[0]), [1]);
        assert_eq!(field(&[7, 8]), [1, 0x80]);
        assert_eq!(field(&[8, 7, 0]), [1, 0x81]);
        assert_eq!(field(&[103]), [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
