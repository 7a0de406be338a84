//! JSON that goes through as it is, but for white space.

use crate::hook::Invalid;
use crate::plain::plain;

/// Takes the white space between tokens out of JSON: clients of lightningd split messages
/// at empty lines, which could hide there. Fails on what readers behind lightningd would choke
/// on, and on text that is no JSON: without the space, `1 000` would be.
pub(super) fn compact(json: &str) -> Result<String, Invalid> {
    plain(json).map_err(|why| Invalid::new(format!("the answer {why}")))?;
    let mut compacted = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else {
            match c {
                '"' => in_string = true,
                ' ' | '\t' | '\n' | '\r' => continue,
                _ => {}
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
            ("\"\\ud83d\\ude00 é\"", "\"\\ud83d\\ude00 é\""),
        ] {
            assert_eq!(compact(json).unwrap(), compacted);
        }
    }

    #[test]
    fn joins_no_tokens() {
        for json in [
            "",
            "]]] }",
            "1 000",
            "[tr ue]",
            "{\"a\":-\n1}",
            "[1 .5]",
            "[\"\\ u0031\"]",
            "[1]\t2",
        ] {
            let refused = compact(json).unwrap_err();
            assert!(refused.0.starts_with("the answer is not JSON"), "{json}");
        }
    }

    #[test]
    fn what_readers_choke_on_does_not_go_through() {
        for json in ["\"\\ud800 é\"", "{\"a\\udc00\":[1]}", "[1e999]"] {
            let refused = compact(json).unwrap_err();
            assert!(refused.0.starts_with("the answer cannot be sent"), "{json}");
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
