//! How deep JSON may nest on its way to lightningd.
//!
//! lightningd checks every message with a function that calls itself for each level (`common/json_parse_simple.c`,
//! `validate_jsmn_datum`): a few hundred kilobytes of brackets end its stack, and the node. Most other readers of
//! JSON give up at 128 levels, so nothing honest is deeper.

/// The most levels of arrays and objects in a text that a guest hands over.
pub const DEEPEST: usize = 100;

/// Does this JSON, or what claims to be, nest deeper than that?
pub fn is_too_deep(json: &str) -> bool {
    let bytes = json.as_bytes();
    let (mut depth, mut at) = (0usize, 0usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > DEEPEST {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => at = end_of_string(bytes, at),
            _ => {}
        }
        at += 1;
    }
    false
}

/// Where the string that begins at `at` ends: at its quote, or behind the text.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            None => return bytes.len(),
            Some(next) if rest.get(next) == Some(&b'"') => return at + 1 + next,
            // The character behind a backslash is none that ends the string.
            Some(next) => at += next + 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted_and_brackets_in_strings_are_not() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(!is_too_deep(&nested(DEEPEST)));
        assert!(is_too_deep(&nested(DEEPEST + 1)));
        assert!(is_too_deep(&"{\"a\":".repeat(DEEPEST + 1)));
        assert!(!is_too_deep(&"[],".repeat(10 * DEEPEST)), "side by side");
        let text = |inside: &str| format!("[\"{inside}\"]");
        assert!(!is_too_deep(&text(&"[".repeat(1000))));
        assert!(!is_too_deep(&text(&"\\\"[".repeat(1000))));
        assert!(is_too_deep(&format!("[\"\\\\\"{}", "[".repeat(1000))));
        for odd in ["", "\"", "\"\\", "]", "\"\\\""] {
            assert!(!is_too_deep(odd), "{odd}");
        }
    }
}
