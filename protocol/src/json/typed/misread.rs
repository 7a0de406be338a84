//! Why a text cannot be read.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::json::however_deep::{self, Flaw};
use crate::json::{Error, to_string};

/// Why a text cannot be read as a type, or none where it is no JSON: the text itself says why.
#[derive(Debug)]
pub struct Misread(Option<Box<str>>);

impl Misread {
    pub(super) const NO_JSON: Misread = Misread(None);

    #[cold]
    #[inline(never)]
    pub(super) fn because(reason: &str) -> Self {
        Misread(Some(reason.into()))
    }

    /// Is there a reason beside the text?
    pub(super) fn is_reasoned(&self) -> bool {
        self.0.is_some()
    }

    /// This, where there is no other reason.
    #[cold]
    pub(super) fn or(self, reason: &str) -> Self {
        Misread(self.0.or_else(|| Some(reason.into())))
    }

    /// In serde_json's words, with the place that reading has come to.
    #[cold]
    #[inline(never)]
    pub(super) fn explain(self, text: &str, at: usize) -> Error {
        match self.0 {
            Some(reason) => Error::at(&reason, text, at),
            None => match however_deep::end(text.as_bytes(), 0) {
                // The byte that is wrong counts, for serde_json.
                Err(Flaw { reason, at }) => Error::at(reason, text, at + 1),
                Ok(_) => Error::at("expected value", text, at),
            },
        }
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("not JSON"))
    }
}

impl std::error::Error for Misread {}

impl de::Error for Misread {
    #[cold]
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Misread::because(&reason.to_string())
    }

    #[cold]
    #[inline(never)]
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = Found(found);
        Misread::because(&format!("invalid type: {found}, expected {expected}"))
    }

    #[cold]
    #[inline(never)]
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = Found(found);
        Misread::because(&format!("invalid value: {found}, expected {expected}"))
    }
}

/// What was there, as serde_json names it. serde's own words for it know every way to write a
/// fraction, which is a twentieth of a guest's code.
struct Found<'a>(Unexpected<'a>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Unexpected::Bool(value) => return write!(f, "boolean `{value}`"),
            Unexpected::Unsigned(value) => return write!(f, "integer `{value}`"),
            Unexpected::Signed(value) => return write!(f, "integer `{value}`"),
            Unexpected::Float(value) => {
                let written = to_string(&value).unwrap_or_default();
                return write!(f, "floating point `{written}`");
            }
            Unexpected::Char(value) => return write!(f, "character `{value}`"),
            Unexpected::Str(value) => return write!(f, "string {value:?}"),
            Unexpected::Other(value) => value,
            Unexpected::Bytes(_) => "byte array",
            Unexpected::Unit => "null",
            Unexpected::Option => "Option value",
            Unexpected::NewtypeStruct => "newtype struct",
            Unexpected::Seq => "sequence",
            Unexpected::Map => "map",
            Unexpected::Enum => "enum",
            Unexpected::UnitVariant => "unit variant",
            Unexpected::NewtypeVariant => "newtype variant",
            Unexpected::TupleVariant => "tuple variant",
            Unexpected::StructVariant => "struct variant",
        })
    }
}
