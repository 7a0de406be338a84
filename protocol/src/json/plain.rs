//! Where the plain part of a JSON string ends.

use wide::u8x16;

/// How many bytes are neither the end of a string, nor an escape, nor a control character.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    // Most strings, names above all, are short.
    match bytes.first_chunk().map(specials) {
        Some(found) if found != 0 => found.trailing_zeros() as usize,
        _ => plain_for_longer(bytes),
    }
}

#[inline(never)]
fn plain_for_longer(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks::<64>();
    for (nth, block) in blocks.iter().enumerate() {
        // Whether there is any in a block is quicker to see than where; most that are
        // longer end in the first.
        if nth == 0 || any_special(block) {
            let found = all_specials(block);
            if found != 0 {
                return nth * 64 + found.trailing_zeros() as usize;
            }
        }
    }
    let (chunks, last) = rest.as_chunks();
    for (nth, chunk) in chunks.iter().enumerate() {
        let found = specials(chunk);
        if found != 0 {
            return blocks.len() * 64 + nth * 16 + found.trailing_zeros() as usize;
        }
    }
    bytes.len() - last.len() + last.iter().position(special).unwrap_or(last.len())
}

/// Is there one that is not plain?
fn any_special(block: &[u8; 64]) -> bool {
    let (chunks, _) = block.as_chunks();
    let (lowest, backslashes) = chunks.iter().fold(
        (u8x16::MAX, u8x16::default()),
        |(lowest, backslashes), chunk| {
            let bytes = u8x16::new(*chunk);
            (
                lowest.min(bytes ^ SWAP),
                backslashes | bytes.simd_eq(BACKSLASH),
            )
        },
    );
    // What is left of what was low, which is quicker than a comparison.
    let found = (QUOTE + u8x16::ONE).saturating_sub(lowest) | backslashes;
    u128::from_ne_bytes(found.to_array()) != 0
}

/// A bit for each that is not plain.
fn all_specials(block: &[u8; 64]) -> u64 {
    let (chunks, _) = block.as_chunks();
    let later_first = chunks.iter().rev();
    later_first.fold(0, |found, chunk| found << 16 | u64::from(specials(chunk)))
}

/// A bit for each that is not plain.
fn specials(chunk: &[u8; 16]) -> u32 {
    let bytes = u8x16::new(*chunk);
    let swapped = bytes ^ SWAP;
    let low = swapped.min(QUOTE).simd_eq(swapped);
    (low | bytes.simd_eq(BACKSLASH)).to_bitmask()
}

/// Puts the quote (0x22) where the blank (0x20) was: above the control characters, below the rest.
const SWAP: u8x16 = u8x16::new([0x02; 16]);
/// The highest of those that are low then.
const QUOTE: u8x16 = u8x16::new([b'"' ^ 0x02; 16]);
const BACKSLASH: u8x16 = u8x16::new([b'\\'; 16]);

fn special(byte: &u8) -> bool {
    *byte < 0x20 || *byte == b'"' || *byte == b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place() {
        for length in (0..40).chain(60..100).chain([130]) {
            assert_eq!(plain(&vec![b'x'; length]), length);
            for place in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'x'; length];
                    bytes[place] = byte;
                    let expected = if special(&byte) { place } else { length };
                    assert_eq!(plain(&bytes), expected, "{byte} at {place} of {length}");
                }
            }
        }
    }
}
