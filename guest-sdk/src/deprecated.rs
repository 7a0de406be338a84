//! How lightningd deprecates methods and options: from one release on, until another.

use cln_protocol::manifest;

/// Whether a method or an option is on its way out.
///
/// The releases are lightningd's, such as `"v26.06"`: deprecated from the first
/// one on, and refused from the one after the second on unless the operator
/// allows deprecated things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deprecated {
    /// It is not.
    #[default]
    No,
    /// It is, from now on.
    Now,
    /// From this release on.
    From(&'static str),
    /// From the first release on, for the last time in the second.
    Range(&'static str, &'static str),
}

impl From<Deprecated> for manifest::Deprecated {
    fn from(deprecated: Deprecated) -> Self {
        match deprecated {
            Deprecated::No => manifest::Deprecated::No,
            Deprecated::Now => manifest::Deprecated::Yes,
            Deprecated::From(first) => manifest::Deprecated::Since(first.to_owned()),
            Deprecated::Range(first, last) => {
                manifest::Deprecated::Range(first.to_owned(), last.to_owned())
            }
        }
    }
}
