//! One condition on one field (`ccan/ccan/rune/rune.c:rune_alt_single`).

use super::restriction::{Alternative, Condition};

/// What a field is, for comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field<'c> {
    /// The call has no such field.
    Missing,
    /// JSON text as sent: what is between the quotes, or a whole value.
    Text(&'c [u8]),
    /// A whole number.
    Int(i64),
}

/// The complaint when the alternative does not hold.
pub(super) fn test(alternative: &Alternative, field: &Field<'_>) -> Result<(), String> {
    let shown;
    let text: &[u8] = match field {
        Field::Missing => {
            return match alternative.condition {
                Condition::Missing | Condition::Comment => Ok(()),
                _ => Err(format!("{} not present", alternative.field)),
            };
        }
        Field::Text(text) => text,
        Field::Int(n) => {
            shown = n.to_string();
            shown.as_bytes()
        }
    };
    let value = alternative.value.as_bytes();
    let (holds, complaint) = match alternative.condition {
        Condition::Missing => return Err(format!("{} is present", alternative.field)),
        Condition::Comment => return Ok(()),
        Condition::Equal => (text == value, "is not equal to"),
        Condition::NotEqual => (text != value, "is equal to"),
        Condition::Begins => (text.starts_with(value), "does not start with"),
        Condition::Ends => (text.ends_with(value), "does not end with"),
        Condition::Contains => (contains(text, value), "does not contain"),
        Condition::IntLess => {
            let (n, bound) = integers(alternative, field)?;
            (n < bound, "is greater or equal to")
        }
        Condition::IntGreater => {
            let (n, bound) = integers(alternative, field)?;
            (n > bound, "is less or equal to")
        }
        Condition::LexoBefore => (text < value, "is equal to or ordered after"),
        Condition::LexoAfter => (text > value, "is equal to or ordered before"),
    };
    if holds {
        Ok(())
    } else {
        Err(format!(
            "{} {complaint} {}",
            alternative.field, alternative.value
        ))
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    // Linear in both, whatever they are.
    memchr::memmem::find(text, part).is_some()
}

fn integers(alternative: &Alternative, field: &Field<'_>) -> Result<(i64, i64), String> {
    let Field::Int(n) = field else {
        return Err(format!("{} is not an integer field", alternative.field));
    };
    match strtol(&alternative.value) {
        Some(bound) => Ok((*n, bound)),
        None => Err(format!("{} is not a valid integer", alternative.value)),
    }
}

/// A whole decimal number as C's `strtol` reads it: white space and a sign may
/// come first, nothing may follow.
pub(super) fn strtol(text: &str) -> Option<i64> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A JSON primitive as `common/json_parse_simple.c:json_to_s64` reads it. C takes
/// a leading 0 for octal, but JSON does not allow one.
pub(super) fn json_to_s64(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    // JSON has no leading zeros: what is longer is out of range.
    let plain = (1..=19).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}
