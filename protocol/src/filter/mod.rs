//! The `filter` of a JSON-RPC request: which members of the result its caller wants.
//!
//! lightningd passes a filter on to the plugin that owns the method and leaves it
//! to that plugin (`common/json_filter.c` is what it does for its own commands).

mod apply;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::json::{self, Malformed, RawStr};

/// A filter nested deeper than this is refused: it is walked by recursion.
const DEPTH: usize = 64;

/// Where a filter did not fit, in the member of this name of what is left of the result.
const WARNING: &str = "warning_parameter_filter";

/// A filter that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Wanted);

/// What is wanted of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// All of it.
    All,
    /// It is an array: this of each element.
    Array(Box<Wanted>),
    /// It is an object: these members, in the order of their names.
    Object(Vec<(String, Wanted)>),
}

/// A text that is no filter, with what it should have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter: {0}")]
pub struct NoFilter(String);

impl Filter {
    /// Reads the `filter` of a request: an object, whose members are `true`, objects like itself,
    /// or arrays of one of these. An empty object takes all.
    ///
    /// # Errors
    ///
    /// The text says what is wrong with which part, for lightningd's error -32602.
    pub fn parse(text: &str) -> Result<Filter, NoFilter> {
        let text = text.trim_ascii();
        match text.starts_with('{') {
            true => Wanted::parse(text, 0).map(Filter),
            false => Err(bad("Expected object", text)),
        }
    }

    /// What the filter leaves of `result`: every byte of what is wanted as it was, in one walk. A
    /// value of another shape than the filter's is left out, and the first of them is named in the
    /// member `warning_parameter_filter`; one that is there already stays.
    ///
    /// # Errors
    ///
    /// `result` is no JSON, or nested deeper than 128 levels.
    pub fn apply(&self, result: &str) -> Result<String, Malformed> {
        apply::apply(&self.0, result)
    }
}

fn bad(what: impl fmt::Display, text: &str) -> NoFilter {
    NoFilter(format!("{what}: invalid token '{text}'"))
}

impl Wanted {
    fn parse(text: &str, depth: usize) -> Result<Wanted, NoFilter> {
        if depth > DEPTH {
            return Err(NoFilter(format!("nested deeper than {DEPTH}")));
        }
        match text.as_bytes().first() {
            Some(b'{') => {
                let mut members = Vec::new();
                let mut object = json::members(text).ok_or_else(|| bad("no object", text))?;
                for member in object.by_ref() {
                    let member = member.map_err(|error| bad(error, text))?;
                    let name = member.name.text();
                    let name = name.ok_or_else(|| bad("a name that is no text", text))?;
                    members.push((name.into_owned(), Wanted::parse(member.value, depth + 1)?));
                }
                if !object.rest().trim_ascii().is_empty() {
                    return Err(bad("trailing characters", text));
                }
                if members.is_empty() {
                    return Ok(Wanted::All);
                }
                // Of a name that is there twice the first counts.
                members.sort_by(|(a, _), (b, _)| a.cmp(b));
                members.dedup_by(|(later, _), (earlier, _)| later == earlier);
                Ok(Wanted::Object(members))
            }
            Some(b'[') => {
                let elements: Vec<RawStr<'_>> =
                    json::from_str(text).map_err(|error| bad(error, text))?;
                match elements.as_slice() {
                    [element] => {
                        let element = Wanted::parse(element.get(), depth + 1)?;
                        Ok(Wanted::Array(Box::new(element)))
                    }
                    _ => Err(bad("Arrays can only have one element", text)),
                }
            }
            _ if text == "true" => Ok(Wanted::All),
            _ => Err(bad("value must be true", text)),
        }
    }
}
