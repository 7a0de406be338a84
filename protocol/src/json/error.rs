//! Why a text is not read, or a value not written.

use std::fmt;

use serde::{de, ser};

use super::Misread;

/// Why a text is not read as a type, or a value not written, in serde_json's words.
///
/// serde_json's own error would bring that crate's reader into each guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    reason: Box<str>,
    /// Line and column, both from 1.
    place: Option<(usize, usize)>,
}

impl Error {
    /// What is wrong, without the place.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// With the place in `text`, which is `at` in bytes.
    #[cold]
    #[inline(never)]
    pub(super) fn at(reason: &str, text: &str, at: usize) -> Self {
        let read = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
        let line = read.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = read.iter().rev().take_while(|byte| **byte != b'\n').count();
        Error {
            reason: reason.into(),
            place: Some((line, column)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match self.place {
            Some((line, column)) => write!(f, " at line {line} column {column}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Error {
            reason: reason.to_string().into(),
            place: None,
        }
    }
}

impl de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(reason: T) -> Self {
        ser::Error::custom(reason)
    }

    #[cold]
    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        ser::Error::custom(Misread::invalid_type(found, expected))
    }

    #[cold]
    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        ser::Error::custom(Misread::invalid_value(found, expected))
    }
}
