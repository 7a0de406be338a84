//! JSON that goes through as it is, but for white space.

use crate::hook::Invalid;

/// How deep values may be nested. lightningd walks them by recursion.
const MAX_DEPTH: usize = 100;

/// Takes the white space between tokens out of well-formed JSON: clients of lightningd
/// split messages at empty lines, which could hide there. Fails on deep nesting.
pub(super) fn compact(json: &str) -> Result<String, Invalid> {
    let mut compacted = String::with_capacity(json.len());
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for c in json.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else {
            match c {
                '"' => in_string = true,
                '{' | '[' => depth += 1,
                // Of ill-formed JSON, which is found out later, there may be more.
                '}' | ']' => depth = depth.saturating_sub(1),
                ' ' | '\t' | '\n' | '\r' => continue,
                _ => {}
            }
            if depth > MAX_DEPTH {
                return Err(Invalid::new(format!(
                    "the answer is nested more than {MAX_DEPTH} deep"
                )));
            }
        }
        compacted.push(c);
    }
    Ok(compacted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn keeps_what_is_in_strings() {
        for (json, compacted) in [
            (
                "{ \"a b\\\" \\\\\" :\n\n[ 1 ,\t2 ]\r}",
                "{\"a b\\\" \\\\\":[1,2]}",
            ),
            ("\"\\\\\" ", "\"\\\\\""),
            (" 1 ", "1"),
            ("]]] }", "]]]}"),
            ("\"\\ud800 é\"", "\"\\ud800 é\""),
        ] {
            assert_eq!(compact(json).unwrap(), compacted);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |n| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(compact(&nested(100)).is_ok());
        assert!(compact(&nested(101)).is_err());
        assert!(compact(&nested(1_000_000)).is_err());
        // Brackets in strings do not count, nor do those beside each other.
        assert!(compact(&format!("\"{}\"", "[".repeat(101))).is_ok());
        assert!(compact(&format!("[{}[]]", "[],".repeat(101))).is_ok());
    }

    proptest! {
        #[test]
        fn means_the_same(text in any::<String>(), number in any::<i64>()) {
            let value = serde_json::json!({ "k": [text, { "n": number, "": [] }] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let compacted = compact(&pretty).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&compacted).unwrap(), value.clone());
            prop_assert_eq!(compacted, value.to_string());
        }
    }
}
