//! How lightningd deprecates methods and options: from one release on, until another.

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
