//! What serde_json makes of a text is what is expected. For tests, and for fuzzing.

use std::fmt::Debug;

use serde::de::{Deserialize, IgnoredAny};

/// # Panics
/// When `ours` is another value, or another reason, than what serde_json finds.
pub fn assert_agrees<'a, T>(text: &'a str, ours: Result<T, impl std::error::Error>)
where
    T: Deserialize<'a> + Debug,
{
    let theirs = serde_json::from_str::<T>(text).map_err(|error| reason(&error));
    let ours = ours.map_err(|error| reason(&error));
    // A struct is read from an object alone: see `typed`.
    if let Err(reason) = &ours
        && reason.starts_with("invalid type: sequence, expected struct ")
    {
        return;
    }
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{text}"),
        // Of several things that are wrong, which is seen first may differ.
        Err(_) => assert_eq!((ours.is_err(), theirs.is_err()), (true, true), "{text}"),
    }
}

/// Without the place, which serde_json looks at after it has gone on in some cases. Of a name that
/// only begins as a number it says one of three things.
fn reason(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").expect("a place");
    match text.get(..end).expect("ASCII") {
        "expected `\"`" | "invalid number" => {
            "invalid value: expected key to be a number in quotes".to_owned()
        }
        reason => reason.to_owned(),
    }
}
