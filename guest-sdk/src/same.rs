//! Comparing short texts.

/// Are they the same? The `memcmp` of wasi-libc, which `==` calls, goes byte by byte, at 17
/// instructions each.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let ((words, rest), (other_words, other_rest)) = (
        one.as_bytes().as_chunks::<8>(),
        other.as_bytes().as_chunks::<8>(),
    );
    one.len() == other.len()
        && words.iter().zip(other_words).all(|(a, b)| a == b)
        && rest.iter().zip(other_rest).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn they_are_the_same_or_not_as_for_everybody() {
        let texts = [
            "",
            "a",
            "block_added",
            "block_adder",
            "rlock_added",
            "htlc_accepted",
            "12345678",
            "1234567",
        ];
        for one in texts {
            for other in texts {
                assert_eq!(same(one, other), one == other, "{one} {other}");
            }
        }
    }
}
