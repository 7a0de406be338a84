//! Where the plain part of a JSON string ends.

/// Words of eight bytes that are looked at before a search begins, which is faster for
/// long strings, and costs more than most strings of lightningd's are long.
#[cfg(not(target_family = "wasm"))]
const WORDS: usize = 6;

/// How many bytes are neither the end of a string, nor an escape, nor a control character.
#[cfg(not(target_family = "wasm"))]
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    // Most strings, names above all, are short.
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let found = marked(u64::from_le_bytes(*word));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
        if at == WORDS * 8 {
            return at + search(bytes.get(at..).unwrap_or_default());
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(special).unwrap_or(rest.len())
}

/// The highest bit of each byte that is not plain; above the first one also of others.
#[cfg(not(target_family = "wasm"))]
fn marked(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let below = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte));
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & !word & (ONES * 0x80)
}

#[cfg(not(target_family = "wasm"))]
fn search(bytes: &[u8]) -> usize {
    let length = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
    let run = bytes.get(..length).unwrap_or_default();
    // Without a branch for each byte, so that it is done many at a time.
    let least = run.iter().fold(u8::MAX, |least, byte| least.min(*byte));
    match least {
        0x20.. => length,
        _ => run.iter().position(special).unwrap_or(length),
    }
}

/// How many bytes are neither the end of a string, nor an escape, nor a control character.
#[cfg(target_family = "wasm")]
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    // Most strings, names above all, are short.
    if let Some(chunk) = bytes.first_chunk() {
        let found = specials(chunk);
        if found != 0 {
            return found.trailing_zeros() as usize;
        }
    }
    plain_for_longer(bytes)
}

#[cfg(target_family = "wasm")]
#[inline(never)]
fn plain_for_longer(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<64>();
    // Whether there is any in a block is quicker to see than where.
    let blocks = blocks
        .iter()
        .take_while(|block| !any_special(block))
        .count();
    let (chunks, rest) = bytes.get(blocks * 64..).unwrap_or_default().as_chunks();
    for (nth, chunk) in chunks.iter().enumerate() {
        let found = specials(chunk);
        if found != 0 {
            return blocks * 64 + nth * 16 + found.trailing_zeros() as usize;
        }
    }
    let last = rest.iter().position(special).unwrap_or(rest.len());
    blocks * 64 + chunks.len() * 16 + last
}

fn special(byte: &u8) -> bool {
    *byte < 0x20 || *byte == b'"' || *byte == b'\\'
}

#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
use wide::{any_special, specials};

#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
mod wide {
    use core::arch::wasm32::{
        u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, u8x16_sub_sat, u64x2, v128, v128_any_true,
        v128_or,
    };

    /// Is there one that is not plain?
    pub(super) fn any_special(block: &[u8; 64]) -> bool {
        let (chunks, _) = block.as_chunks();
        let marked = |chunk| {
            let bytes = load(chunk);
            // What is left of a control character, which is quicker than a comparison.
            v128_or(special(bytes), u8x16_sub_sat(u8x16_splat(0x20), bytes))
        };
        let found = chunks.iter().map(marked).reduce(|a, b| v128_or(a, b));
        found.is_some_and(|found| v128_any_true(found))
    }

    /// A bit for each of the bytes that is not plain.
    pub(super) fn specials(chunk: &[u8; 16]) -> u32 {
        let bytes = load(chunk);
        let controls = u8x16_lt(bytes, u8x16_splat(0x20));
        u8x16_bitmask(v128_or(special(bytes), controls)).into()
    }

    fn load(chunk: &[u8; 16]) -> v128 {
        let both = u128::from_le_bytes(*chunk);
        u64x2(both as u64, (both >> 64) as u64)
    }

    /// Quotes and backslashes.
    fn special(bytes: v128) -> v128 {
        let quotes = u8x16_eq(bytes, u8x16_splat(b'"'));
        v128_or(quotes, u8x16_eq(bytes, u8x16_splat(b'\\')))
    }
}

#[cfg(all(target_family = "wasm", not(target_feature = "simd128")))]
fn any_special(block: &[u8; 64]) -> bool {
    block.iter().any(special)
}

/// A bit for each of the bytes that is not plain.
#[cfg(all(target_family = "wasm", not(target_feature = "simd128")))]
fn specials(chunk: &[u8; 16]) -> u32 {
    let bit = |(nth, byte)| u32::from(special(byte)) << nth;
    let bits = chunk.iter().enumerate().map(bit);
    bits.fold(0, |all, bit| all | bit)
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
