//! Why a module is not taken, in the operator's words.

/// Why a module is not taken. Its text is for the operator; names that come out of
/// the module are escaped and shortened in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,

    /// Not WebAssembly. Says what it looks like.
    #[error("not WebAssembly: {0}")]
    NotWasm(String),

    /// WebAssembly that breaks off or breaks its own rules, or uses a proposal that is
    /// turned off.
    #[error("invalid WebAssembly at byte {offset}: {why}")]
    Invalid {
        /// Where in the file.
        offset: u64,
        /// What is wrong.
        why: String,
    },

    /// More of something than a guest may have.
    #[error("{found} {what}, more than the {limit} allowed")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How much, counted up to the first past the limit.
        found: u64,
        /// The limit.
        limit: u64,
    },

    /// A core module without the section that says which world it was built for.
    #[error(
        "a core module without `component-type` section, so not a guest of {wanted}: build it with the guest SDK or wit-bindgen, or give a component. {seen}"
    )]
    NoWorld {
        /// The world that a guest is built for.
        wanted: String,
        /// What the module exports instead.
        seen: String,
    },

    /// An import that the bridge does not offer.
    #[error("imports {name}, which is not offered; offered are {offered}")]
    UnknownImport {
        /// Interface, or module and name.
        name: String,
        /// What could be imported.
        offered: String,
    },

    /// An export that a guest must have is missing.
    #[error("does not export {missing}; it exports {exported}")]
    MissingExport {
        /// Interface, or function of it.
        missing: String,
        /// What it exports.
        exported: String,
    },

    /// The section that describes the module's world cannot be read.
    #[error("its component type cannot be read: {0}")]
    BadWorld(String),

    /// A core module that does not fit the world it names.
    #[error("cannot be made a component: {0}")]
    Unwrappable(String),

    /// The compiler refused it.
    #[error("cannot be compiled: {0}")]
    Uncompilable(String),
}

/// A name from a module, fit for one line of a log.
pub(super) fn shown(name: &str) -> String {
    const SHOWN: usize = 120;
    let mut text: String = name
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}

/// Some names, fit for one line of a log.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 40;
    let mut names = names.into_iter();
    let mut text: Vec<String> = names.by_ref().take(SHOWN).map(shown).collect();
    match names.count() {
        0 if text.is_empty() => return "nothing".to_owned(),
        0 => {}
        more => text.push(format!("{more} more")),
    }
    text.join(", ")
}

/// An error with its causes, on one line.
pub(super) fn chain(error: &anyhow::Error) -> String {
    let text: Vec<String> = error
        .chain()
        .map(|cause| {
            cause
                .to_string()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    clipped(&text.join(": "))
}

/// The beginning of a text of any length, control characters escaped.
pub(super) fn clipped(text: &str) -> String {
    const SHOWN: usize = 1000;
    let mut clipped: String = text
        .chars()
        .take(SHOWN)
        .flat_map(|c| {
            let escape = c.is_control().then(|| c.escape_default());
            let plain = escape.is_none().then_some(c);
            escape.into_iter().flatten().chain(plain)
        })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        clipped.push('…');
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_the_line_nor_fill_the_log() {
        assert_eq!(shown("a\n\u{1b}[31mb"), "a\\n\\u{1b}[31mb");
        assert_eq!(shown(&"x".repeat(10_000)).chars().count(), 121);
        assert_eq!(clipped("a\tb\u{7f}ü"), "a\\tb\\u{7f}ü");
        assert_eq!(clipped(&"x".repeat(10_000)).chars().count(), 1001);
    }

    #[test]
    fn lists_say_how_many_are_left_out() {
        assert_eq!(listed([]), "nothing");
        assert_eq!(listed(["a", "b"]), "a, b");
        assert!(listed(std::iter::repeat_n("a", 50)).ends_with("a, 10 more"));
    }
}
