//! Groups of five bits, as bech32 carries them.

/// Five-bit groups as bytes. What does not fill a byte is cut off if it is zero and
/// less than a group, with `pad` filled up; None if it is neither
/// (`common/bech32.c:bech32_convert_bits`).
pub(super) fn bytes(groups: &[u8], pad: bool) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(groups.len() * 5 / 8 + 1);
    let (mut held, mut bits) = (0u32, 0u32);
    for group in groups {
        held = (held << 5) | u32::from(*group);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    if pad {
        if bits > 0 {
            bytes.push((held << (8 - bits)) as u8);
        }
    } else if bits >= 5 || held != 0 {
        return None;
    }
    Some(bytes)
}

/// Five-bit groups as one big-endian number; None above 64 bits.
pub(super) fn number(groups: &[u8]) -> Option<u64> {
    if groups.len() * 5 > 64 {
        return None;
    }
    Some(
        groups
            .iter()
            .fold(0, |n, group| (n << 5) | u64::from(*group)),
    )
}
