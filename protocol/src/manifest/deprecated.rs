//! `deprecated` of an option or a method: a bool, or the releases between which it
//! goes away (`json_parse_deprecated` in `lightningd/plugin.c`).

use super::written::Written;
use crate::json;

/// Whether, and from when, an option or a method is on its way out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Deprecated {
    /// It is not.
    #[default]
    No,
    /// From the next release of lightningd.
    Yes,
    /// From this release, such as `v25.09`.
    Since(String),
    /// From the first release until it is gone in the second.
    Range(String, String),
}

impl Deprecated {
    /// Whether it is, or will be.
    pub fn is_deprecated(&self) -> bool {
        *self != Deprecated::No
    }

    /// As a member of an option or a method, left out where it is not.
    #[inline(never)]
    pub(super) fn write(&self, written: &mut Written<'_>) {
        let releases: &[&String] = match self {
            Deprecated::No => return,
            Deprecated::Yes => return written.bool("deprecated", true),
            Deprecated::Since(start) => &[start],
            Deprecated::Range(start, end) => &[start, end],
        };
        written.list("deprecated", releases, |release, text| {
            json::push_string(text, release);
        });
    }
}

#[cfg(feature = "host")]
mod read {
    use super::Deprecated;
    use crate::manifest::error::ManifestError;
    use crate::manifest::field::{Field, Members};
    use serde_json::Value;

    impl Deprecated {
        pub(in crate::manifest) fn read(members: &Members) -> Result<Self, ManifestError> {
            const ALLOWED: &str = "true, false, or an array of one or two releases";
            let Some(field) = members.get("deprecated") else {
                return Ok(Deprecated::No);
            };
            if let Value::Bool(deprecated) = field.value() {
                return Ok(if *deprecated {
                    Deprecated::Yes
                } else {
                    Deprecated::No
                });
            }
            if !field.value().is_array() {
                return Err(field.refuse(ALLOWED));
            }
            let releases = field.elements(2)?;
            match releases.as_slice() {
                [start] => Ok(Deprecated::Since(release(start)?.0)),
                [start, end] => {
                    let ((start, from), (end, until)) = (release(start)?, release(end)?);
                    // lightningd asserts this and would end itself.
                    if until < from {
                        return Err(field.refuse("an end that is not before the start"));
                    }
                    Ok(Deprecated::Range(start, end))
                }
                _ => Err(field.refuse(ALLOWED)),
            }
        }
    }

    /// A release as `version_to_number` (`common/deprecation.c`) takes it, and its
    /// order: year up to 99, month 1 to 12, patch below 10.
    fn release(field: &Field) -> Result<(String, [u16; 3]), ManifestError> {
        let parse = |text: &str| {
            let mut parts = text.strip_prefix('v')?.split('.');
            let mut number = |most: u16| -> Option<u16> {
                let part = parts.next()?;
                let digits =
                    (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
                part.parse().ok().filter(|n| digits && *n <= most)
            };
            let (year, month) = (number(99)?, number(12).filter(|month| *month > 0)?);
            let patch = match text.split('.').count() {
                2 => 0,
                3 => number(9)?,
                _ => return None,
            };
            Some([year, month, patch])
        };
        field
            .value()
            .as_str()
            .and_then(|text| Some((text.to_owned(), parse(text)?)))
            .ok_or_else(|| field.refuse("a release such as \"v25.09\" or \"v25.09.1\""))
    }
}
