//! Where the plain part of a JSON string ends.

/// Words of eight bytes that are looked at before a search begins, which is faster for
/// long strings, and costs more than most strings of lightningd's are long.
#[cfg(not(target_family = "wasm"))]
const WORDS: usize = 6;

/// How many bytes are neither the end of a string, nor an escape, nor a control character.
#[cfg(not(target_family = "wasm"))]
pub(super) fn plain(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks();
    for (nth, word) in words.iter().take(WORDS).enumerate() {
        let found = marked(u64::from_le_bytes(*word));
        if found != 0 {
            return nth * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let begun = words.len().min(WORDS) * 8;
    begun + search(bytes.get(begun..).unwrap_or_default())
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
pub(super) fn plain(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks();
    for (nth, chunk) in chunks.iter().enumerate() {
        let found = specials(chunk);
        if found != 0 {
            return nth * 16 + found.trailing_zeros() as usize;
        }
    }
    let last = rest.iter().position(special).unwrap_or(rest.len());
    chunks.len() * 16 + last
}

fn special(byte: &u8) -> bool {
    *byte < 0x20 || *byte == b'"' || *byte == b'\\'
}

/// A bit for each of the bytes that is not plain.
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
fn specials(chunk: &[u8; 16]) -> u32 {
    use core::arch::wasm32::{i64x2, u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, v128_or};

    let both = u128::from_le_bytes(*chunk);
    let bytes = i64x2(both as i64, (both >> 64) as i64);
    let quotes = u8x16_eq(bytes, u8x16_splat(b'"'));
    let escapes = u8x16_eq(bytes, u8x16_splat(b'\\'));
    let controls = u8x16_lt(bytes, u8x16_splat(0x20));
    u8x16_bitmask(v128_or(v128_or(quotes, escapes), controls)).into()
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
        for length in (0..40).chain(60..100) {
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
