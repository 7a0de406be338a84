//! Hex digits to bytes: by a table, in WebAssembly thirty-two at a time.

use super::fixed::ParseError;

/// What each digit stands for; more than fifteen for what is none.
const VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value] as usize] = value as u8;
        values[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// Fills `bytes` with what `text` says.
///
/// Errors: it is not two digits for each byte.
pub(crate) fn fill(bytes: &mut [u8], text: &str) -> Result<(), ParseError> {
    decode(text, bytes).ok_or_else(|| not_digits(2 * bytes.len(), text.len()))
}

#[cold]
#[inline(never)]
fn not_digits(wanted: usize, given: usize) -> ParseError {
    ParseError(format!("not {wanted} hex digits ({given} given)"))
}

/// Fills `bytes` with what `text` says. None when it is not two digits for each byte.
// Once in a guest, not once for each of its types.
#[inline(never)]
pub(crate) fn decode(text: &str, bytes: &mut [u8]) -> Option<()> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    if !odd.is_empty() || pairs.len() != bytes.len() {
        return None;
    }
    #[cfg(all(target_family = "wasm", target_feature = "simd128"))]
    let (pairs, bytes) = wide::decode(pairs, bytes)?;
    let mut all = 0;
    for (&[high, low], byte) in pairs.iter().zip(bytes) {
        let (high, low) = (VALUES[usize::from(high)], VALUES[usize::from(low)]);
        // One look at the end instead of one at each digit.
        all |= high | low;
        *byte = high << 4 | (low & 0xf);
    }
    (all < 16).then_some(())
}

#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
mod wide {
    use core::arch::wasm32::{
        u8x16_add, u8x16_all_true, u8x16_lt, u8x16_narrow_i16x8, u8x16_splat, u8x16_sub, u16x8_shl,
        u16x8_shr, u16x8_splat, u64x2, u64x2_extract_lane, v128, v128_and, v128_or,
    };

    /// Decodes as many as there are sixteens of, and gives back the rest of both.
    pub(super) fn decode<'a>(
        pairs: &'a [[u8; 2]],
        bytes: &'a mut [u8],
    ) -> Option<(&'a [[u8; 2]], &'a mut [u8])> {
        let (sixteens, pairs) = pairs.as_chunks::<16>();
        let (places, bytes) = bytes.as_chunks_mut::<16>();
        let mut digits = u8x16_splat(0xff);
        for (sixteen, place) in sixteens.iter().zip(places) {
            let [a, b, c, d] = sixteen.as_flattened().as_chunks::<8>().0 else {
                return None;
            };
            let (first, good) = values(a, b);
            let (second, too) = values(c, d);
            digits = v128_and(digits, v128_and(good, too));
            let both = u8x16_narrow_i16x8(joined(first), joined(second));
            let (low, high) = (u64x2_extract_lane::<0>(both), u64x2_extract_lane::<1>(both));
            *place = (u128::from(high) << 64 | u128::from(low)).to_le_bytes();
        }
        u8x16_all_true(digits).then_some((pairs, bytes))
    }

    /// What sixteen digits stand for, and which of them are digits.
    fn values(first: &[u8; 8], second: &[u8; 8]) -> (v128, v128) {
        let text = u64x2(u64::from_le_bytes(*first), u64::from_le_bytes(*second));
        let numeral = u8x16_lt(u8x16_sub(text, u8x16_splat(b'0')), u8x16_splat(10));
        let lower = v128_or(text, u8x16_splat(0x20));
        let letter = u8x16_lt(u8x16_sub(lower, u8x16_splat(b'a')), u8x16_splat(6));
        // The last four bits of `0` are 0, those of `a` are 1.
        let low = v128_and(text, u8x16_splat(0x0f));
        let more = v128_and(letter, u8x16_splat(9));
        (u8x16_add(low, more), v128_or(numeral, letter))
    }

    /// Each two digits as one byte, in sixteen bits. The first of the two is in the lower half.
    fn joined(digits: v128) -> v128 {
        let both = v128_or(u16x8_shl(digits, 4), u16x8_shr(digits, 8));
        v128_and(both, u16x8_splat(0x00ff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_characters() {
        for high in 0..=255u8 {
            for low in 0..=255u8 {
                let text = [b'0', b'1', high, low];
                let Ok(text) = std::str::from_utf8(&text) else {
                    continue;
                };
                let mut ours = [0; 2];
                let mut theirs = [0; 2];
                let right = hex::decode_to_slice(text, &mut theirs).is_ok();
                assert_eq!(decode(text, &mut ours).is_some(), right, "{text:?}");
                assert!(!right || ours == theirs, "{text:?}");
            }
        }
    }

    #[test]
    fn lengths() {
        assert_eq!(decode("", &mut []), Some(()));
        for text in ["", "0", "000", "0000"] {
            assert_eq!(decode(text, &mut [0]), None, "{text}");
        }
    }
}
