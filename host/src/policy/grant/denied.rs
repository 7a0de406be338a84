//! A refusal that says how to lift it.

use std::fmt;

/// Something that the policy does not grant. The text says what to write into
/// which file, verbatim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What was asked for, such as `hook htlc_accepted`.
    pub what: String,
    /// The line of TOML that would grant it.
    pub line: String,
    /// Where it belongs: `[grant]` or a table below it.
    pub section: &'static str,
    /// Whether the line takes the place of one that is there.
    pub replaces: bool,
    /// The policy's file name.
    pub file: String,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.replaces { "change it to" } else { "add" };
        write!(
            f,
            "{} is not granted: {how} {} under {} in {}",
            self.what, self.line, self.section, self.file
        )
    }
}

impl std::error::Error for Denied {}
