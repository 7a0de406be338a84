//! Hex digits to bytes, by a table.

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

/// Fills `bytes` with what `text` says. None when it is not two digits for each byte.
pub(crate) fn decode(text: &str, bytes: &mut [u8]) -> Option<()> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    if !odd.is_empty() || pairs.len() != bytes.len() {
        return None;
    }
    let mut all = 0;
    for (&[high, low], byte) in pairs.iter().zip(bytes) {
        let (high, low) = (VALUES[usize::from(high)], VALUES[usize::from(low)]);
        // One look at the end instead of one at each digit.
        all |= high | low;
        *byte = high << 4 | (low & 0xf);
    }
    (all < 16).then_some(())
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
