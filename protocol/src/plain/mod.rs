//! JSON that every reader behind lightningd reads, and reads alike.
//!
//! lightningd passes on what a guest says byte for byte, and a plugin that gets it has a parser
//! of its own. Of a name that is there twice lightningd's rune check looks at the first and
//! Python keeps the last, and an escape in a name hides it from lightningd only. Rust plugins end
//! over half a surrogate pair and over a number that no double holds, and one that comes with
//! lightningd takes the node with it.

mod depth;

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::json::{self, RawStr};
pub use depth::{DEEPEST, is_too_deep};

/// Why a text is refused, to follow the word for what it is.
#[derive(Debug, thiserror::Error)]
pub enum NotPlain {
    /// Too many brackets in brackets.
    #[error("is nested deeper than {DEEPEST} levels")]
    TooDeep,
    /// Something in it that a reader would choke on or misread.
    #[error("cannot be sent: {0}")]
    Unreadable(#[from] json::Error),
}

/// What the names of the outermost object must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Each there once, and without escapes.
    Once,
    /// Anything.
    Any,
}

/// Is this text JSON, and what [`check`] lets pass under any names? One walk, without
/// the reasons.
pub fn is_plain(text: &str) -> bool {
    !is_too_deep(text) && json::from_str::<Plain>(text).is_ok()
}

/// The same with the reason, to follow the word for what it is: `is not JSON: ...`.
///
/// # Errors
///
/// Why it is not.
pub fn plain(text: &str) -> Result<(), String> {
    if is_plain(text) {
        return Ok(());
    }
    check(text, Names::Any).map_err(|error| {
        // Depth first: a reader that calls itself for each level is not for this text.
        let grammar = match error {
            NotPlain::TooDeep => None,
            NotPlain::Unreadable(_) => json::from_str::<RawStr<'_>>(text).err(),
        };
        grammar.map_or_else(|| error.to_string(), |why| format!("is not JSON: {why}"))
    })
}

/// Goes through a text.
///
/// # Errors
///
/// It is no JSON, has too many levels, a string that is no Unicode text, a number out of range, or a name that
/// readers would not agree about.
pub fn check(text: &str, names: Names) -> Result<(), NotPlain> {
    if is_too_deep(text) {
        return Err(NotPlain::TooDeep);
    }
    if names == Names::Once {
        once(text)?;
    }
    json::from_str::<Plain>(text)?;
    Ok(())
}

/// Looks at the names of the outermost object, if it is one.
fn once(text: &str) -> Result<(), json::Error> {
    let mut seen = HashSet::new();
    for member in json::members(text).into_iter().flatten() {
        let name = member.map_err(Error::custom)?.name;
        if name.escaped {
            return Err(Error::custom(format_args!(
                "the name {:.80} is written with an escape",
                name.key
            )));
        }
        if !seen.insert(name.key) {
            return Err(Error::custom(format_args!(
                "the name {:.80} is there twice",
                name.key
            )));
        }
    }
    Ok(())
}

/// Any value. `IgnoredAny` would look at the grammar only.
struct Plain;

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Plain;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON")
            }

            fn visit_unit<E>(self) -> Result<Plain, E> {
                Ok(Plain)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Plain, E> {
                Ok(Plain)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Plain, E> {
                Ok(Plain)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Plain, E> {
                Ok(Plain)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Plain, E> {
                Ok(Plain)
            }

            fn visit_str<E>(self, _: &str) -> Result<Plain, E> {
                Ok(Plain)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Plain, A::Error> {
                while let Some(Plain) = seq.next_element()? {}
                Ok(Plain)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Plain, A::Error> {
                while let Some((Plain, Plain)) = map.next_entry()? {}
                Ok(Plain)
            }
        }
        deserializer.deserialize_any(Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str, names: Names) -> Option<String> {
        check(text, names).err().map(|error| error.to_string())
    }

    #[test]
    fn what_readers_read_alike_passes() {
        for text in [
            r#"{"a":1,"b":{"c":[null,true,-5,1.5e3,"\u00e9\ud83d\ude00"],"c":2}}"#,
            "[1,2,{\"a\":18446744073709551615}]",
            "{}",
            r#"{"a":123456789012345678901234567890}"#,
        ] {
            assert_eq!(says(text, Names::Once), None, "{text}");
        }
        assert_eq!(says(r#"{"\u0061":1,"a":2,"a":3}"#, Names::Any), None);
    }

    #[test]
    fn what_some_would_choke_on_or_misread_does_not() {
        for (text, why) in [
            (r#"{"a":1,"a":2}"#, "the name \"a\" is there twice"),
            (r#"{"\u0061":1}"#, "is written with an escape"),
            (r#"{"a":"\ud800"}"#, "hex escape"),
            (r#"[["\udc00"]]"#, "hex escape"),
            (r#"{"a":{"\ud800":1}}"#, "hex escape"),
            (r#"{"a":1e999}"#, "out of range"),
            (r#"[-1e999]"#, "out of range"),
        ] {
            let said = says(text, Names::Once).expect(text);
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn a_quick_look_sees_the_same() {
        for text in [
            r#"{"a":1,"b":{"c":[null,true,-5,1.5e3,"\u00e9\ud83d\ude00"],"c":2}}"#,
            r#"{"\u0061":1,"a":2,"a":3}"#,
            r#"{"a":123456789012345678901234567890}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":{"\ud800":1}}"#,
            r#"{"a":1e999}"#,
            "[-1e999]",
            "[1,]",
            "1 2",
            "",
        ] {
            assert_eq!(is_plain(text), check(text, Names::Any).is_ok(), "{text}");
            assert_eq!(is_plain(text), plain(text).is_ok(), "{text}");
            let by_serde = serde_json::from_str::<Plain>(text).is_ok();
            assert_eq!(is_plain(text), by_serde, "{text}");
        }
        assert!(!is_plain(&format!(
            "{}{}",
            "[".repeat(101),
            "]".repeat(101)
        )));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |n: usize| format!("{}\"]\\\"[\"{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(says(&nested(100), Names::Any), None);
        let said = says(&nested(101), Names::Any);
        assert_eq!(said.as_deref(), Some("is nested deeper than 100 levels"));
        assert!(says(&nested(1_000_000), Names::Once).is_some());
    }
}
