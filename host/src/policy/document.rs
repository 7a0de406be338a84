//! Reading a TOML document strictly: what is not known is a problem that names
//! its place and lists what would be right.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Problem;

/// The text being read, and what was wrong with it so far.
pub(super) struct Document<'t> {
    text: &'t str,
    problems: Vec<(usize, Problem)>,
}

/// A value and its place.
pub(super) type Value<'v, 'i> = &'v Spanned<DeValue<'i>>;

impl<'t> Document<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Document {
            text,
            problems: Vec::new(),
        }
    }

    /// Notes a problem at this place.
    pub(super) fn problem(&mut self, at: Range<usize>, message: impl Into<String>) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[line_start..].chars().count() + 1;
        let line = before.matches('\n').count() + 1;
        self.problems.push((
            at.start,
            Problem {
                line,
                column,
                message: message.into(),
            },
        ));
    }

    /// Whether the text at this place begins like that.
    pub(super) fn starts_with(&self, at: Range<usize>, prefix: &str) -> bool {
        self.text
            .get(at)
            .is_some_and(|text| text.starts_with(prefix))
    }

    /// The problems in the order of the file.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|(start, _)| *start);
        self.problems.into_iter().map(|(_, p)| p).collect()
    }

    /// Notes every key of `table` that is not in `valid`. `section` is how the
    /// operator writes it, such as `[grant]`.
    pub(super) fn only(&mut self, section: &str, table: &DeTable<'_>, valid: &[&str]) {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !valid.contains(&name) {
                self.problem(
                    key.span(),
                    unknown(&format!("key in {section}"), name, valid),
                );
            }
        }
    }

    /// Notes that `what` must be something else than the value that is there.
    pub(super) fn expected(&mut self, value: Value<'_, '_>, what: &str, wanted: &str) {
        let found = match value.get_ref() {
            DeValue::String(s) => format!("the string {}", quote(s)),
            DeValue::Integer(n) => format!("the number {n}"),
            DeValue::Float(n) => format!("the number {n}"),
            DeValue::Boolean(b) => b.to_string(),
            DeValue::Datetime(_) => "a date".to_string(),
            DeValue::Array(_) => "a list".to_string(),
            DeValue::Table(_) => "a table".to_string(),
        };
        self.problem(
            value.span(),
            format!("{what} must be {wanted}, not {found}"),
        );
    }

    pub(super) fn boolean(&mut self, value: Value<'_, '_>, what: &str) -> Option<bool> {
        let read = value.get_ref().as_bool();
        if read.is_none() {
            self.expected(value, what, "true or false");
        }
        read
    }

    pub(super) fn string<'v>(&mut self, value: Value<'v, '_>, what: &str) -> Option<&'v str> {
        let read = value.get_ref().as_str();
        if read.is_none() {
            self.expected(value, what, "a string");
        }
        read
    }

    /// A whole number of at least 0, such as `1`, `1_000` or `0x10`.
    pub(super) fn number(value: Value<'_, '_>) -> Option<u64> {
        let n = value.get_ref().as_integer()?;
        u64::from_str_radix(n.as_str(), n.radix()).ok()
    }

    pub(super) fn table<'v, 'i>(
        &mut self,
        value: Value<'v, 'i>,
        what: &str,
    ) -> Option<&'v DeTable<'i>> {
        let read = value.get_ref().as_table();
        if read.is_none() {
            self.expected(value, what, "a table");
        }
        read
    }

    /// A list of strings, each named once. What is not one is a problem and left out.
    pub(super) fn strings<'v>(
        &mut self,
        value: Value<'v, '_>,
        what: &str,
    ) -> Vec<(&'v str, Range<usize>)> {
        let Some(list) = value.get_ref().as_array() else {
            self.expected(value, what, "a list of strings");
            return Vec::new();
        };
        let mut read: Vec<(&str, Range<usize>)> = Vec::new();
        for item in list {
            match item.get_ref().as_str() {
                None => self.expected(item, &format!("each of {what}"), "a string"),
                Some(name) if read.iter().any(|(seen, _)| *seen == name) => {
                    self.problem(item.span(), format!("{} is twice in {what}", quote(name)));
                }
                Some(name) => read.push((name, item.span())),
            }
        }
        read
    }
}

/// "unknown WHAT "NAME": did you mean ...? Valid: ..."
pub(super) fn unknown(what: &str, name: &str, valid: &[&str]) -> String {
    let hint = match nearest(name, valid) {
        Some(near) => format!(", did you mean {}?", quote(near)),
        None => ";".to_string(),
    };
    format!(
        "unknown {what}: {}{hint} Valid are: {}",
        quote(name),
        valid.join(", ")
    )
}

/// A TOML basic string for `text`, which is also fit for a log line.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            // Bidirectional controls would show an operator another text than the one that counts.
            c if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') =>
            {
                let code = u32::from(c);
                if code <= 0xffff {
                    quoted.push_str(&format!("\\u{code:04X}"));
                } else {
                    quoted.push_str(&format!("\\U{code:08X}"));
                }
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The list as TOML: `["a", "b"]`.
pub(super) fn quote_list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.into_iter().map(quote).collect();
    format!("[{}]", names.join(", "))
}

/// The one of `valid` that `name` is most likely a slip for.
pub(super) fn nearest<'n>(name: &str, valid: &[&'n str]) -> Option<&'n str> {
    let fold = |s: &str| s.to_lowercase().replace('-', "_");
    let name = fold(name);
    valid
        .iter()
        .map(|candidate| {
            let folded = fold(candidate);
            let begun = name.len() >= 3 && folded.starts_with(&name);
            (if begun { 1 } else { edits(&name, &folded) }, *candidate)
        })
        .filter(|(distance, candidate)| *distance <= (name.len().min(candidate.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters must be put in, taken out, changed or swapped with their
/// neighbour to come from `a` to `b`.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        let valid = ["hooks", "subscriptions", "methods", "rpc"];
        assert_eq!(nearest("hook", &valid), Some("hooks"));
        assert_eq!(nearest("hoosk", &valid), Some("hooks"));
        assert_eq!(nearest("Methods", &valid), Some("methods"));
        assert_eq!(nearest("subscription", &valid), Some("subscriptions"));
        assert_eq!(nearest("sub", &valid), Some("subscriptions"));
        assert_eq!(nearest("banana", &valid), None);
        assert_eq!(nearest("", &valid), None);
    }

    #[test]
    fn a_quoted_text_reads_back_and_shows_no_controls() {
        for text in [
            "",
            "plain",
            "a\"b\\c",
            "line\nbreak\u{1b}[31m",
            "\u{202e}abc",
            "ünï",
            "\u{e0001}\u{85}",
        ] {
            let quoted = quote(text);
            assert!(!quoted.chars().any(|c| c.is_control()), "{quoted:?}");
            let table: toml::Table = format!("x = {quoted}").parse().unwrap();
            assert_eq!(table["x"].as_str(), Some(text));
        }
    }

    #[test]
    fn places_count_lines_and_characters() {
        let mut document = Document::new("a = 1\nü = 2\n");
        document.problem(6..8, "second");
        document.problem(11..12, "value");
        document.problem(0..1, "first");
        document.problem(999..1000, "past the end");
        let found: Vec<_> = document
            .finish()
            .into_iter()
            .map(|p| (p.line, p.column, p.message))
            .collect();
        assert_eq!(
            found,
            [
                (1, 1, "first".to_string()),
                (2, 1, "second".to_string()),
                (2, 5, "value".to_string()),
                (3, 1, "past the end".to_string()),
            ]
        );
    }
}
