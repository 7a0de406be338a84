//! Why a manifest is refused.

/// A manifest that lightningd, or the bridge, would not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {got}; allowed: {allowed}")]
pub struct ManifestError {
    /// Where, such as `options[2].type`; `manifest` for the whole.
    pub member: String,
    /// What was there: a value, shortened and escaped, or `missing`.
    pub got: String,
    /// What may be there.
    pub allowed: String,
}

#[cfg(feature = "host")]
impl ManifestError {
    /// An error at this member.
    pub(super) fn new(
        member: impl Into<String>,
        got: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        ManifestError {
            member: member.into(),
            got: got.into(),
            allowed: allowed.into(),
        }
    }
}

/// The start of a hostile text, fit for a log line.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(super::bounds::QUOTED)
        .flat_map(|c| {
            // Quotes and backslashes harm no line; doubling them makes it unreadable.
            let plain = matches!(c, '"' | '\'' | '\\').then_some(c);
            let escaped = plain.is_none().then(|| c.escape_debug());
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect();
    if text.chars().nth(super::bounds::QUOTED).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_short_and_without_control_characters() {
        assert_eq!(quoted("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
        assert_eq!(quoted(&"ü".repeat(1000)), format!("{}…", "ü".repeat(80)));
    }

    #[cfg(feature = "host")]
    #[test]
    fn says_where_what_and_what_else() {
        let error = ManifestError::new("options[2].type", "\"number\"", "string, int");
        assert_eq!(
            error.to_string(),
            "options[2].type: \"number\"; allowed: string, int"
        );
    }
}
