//! What is left to serde_json.

use serde::de::{Expected, Unexpected};

/// This text is for serde_json. Why, it finds out by itself.
#[derive(Debug)]
pub struct Unread;

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("left to serde_json")
    }
}

impl std::error::Error for Unread {}

// None of the messages is shown: no time goes into one.
impl serde::de::Error for Unread {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Unread
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Unread
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Unread
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Unread
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Unread
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Unread
    }

    fn missing_field(_: &'static str) -> Self {
        Unread
    }

    fn duplicate_field(_: &'static str) -> Self {
        Unread
    }
}
