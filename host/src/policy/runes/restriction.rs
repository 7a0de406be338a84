//! Restrictions as text.

use std::fmt;

/// How a field is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `!`: the field is absent.
    Missing,
    /// `=`: it is this text.
    Equal,
    /// `/`: it is there and another text.
    NotEqual,
    /// `^`: it begins with this.
    Begins,
    /// `$`: it ends with this.
    Ends,
    /// `~`: this is somewhere in it.
    Contains,
    /// `<`: it is a whole number below this one.
    IntLess,
    /// `>`: it is a whole number above this one.
    IntGreater,
    /// `{`: its bytes sort before these.
    LexoBefore,
    /// `}`: its bytes sort after these.
    LexoAfter,
    /// `#`: a comment, which always holds.
    Comment,
}

const CONDITIONS: [(char, Condition); 11] = [
    ('!', Condition::Missing),
    ('=', Condition::Equal),
    ('/', Condition::NotEqual),
    ('^', Condition::Begins),
    ('$', Condition::Ends),
    ('~', Condition::Contains),
    ('<', Condition::IntLess),
    ('>', Condition::IntGreater),
    ('{', Condition::LexoBefore),
    ('}', Condition::LexoAfter),
    ('#', Condition::Comment),
];

impl Condition {
    /// The character that stands for it.
    pub fn as_char(self) -> char {
        CONDITIONS
            .iter()
            .find(|(_, condition)| *condition == self)
            .map_or('#', |(c, _)| *c)
    }

    fn from_char(c: char) -> Option<Condition> {
        CONDITIONS
            .iter()
            .find(|(known, _)| *known == c)
            .map(|(_, condition)| *condition)
    }
}

/// One way to satisfy a restriction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The field, such as `method` or `pnameamount_msat`. Never empty.
    pub field: String,
    /// How it is compared.
    pub condition: Condition,
    /// With what. May be empty.
    pub value: String,
}

/// One restriction: at least one alternative, of which one must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    alternatives: Vec<Alternative>,
}

/// A text that is no restriction, with what it should have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RestrictionError(String);

impl Restriction {
    /// Reads the form that is inside a rune: `method=pay|pnameamount_msat<1000`.
    /// A `|`, `&` or `\` that belongs to a value has a `\` before it
    /// (`ccan/ccan/rune/coding.c:rune_restr_from_string`).
    ///
    /// # Errors
    ///
    /// The text names the alternative and what it lacks.
    pub fn parse(text: &str) -> Result<Restriction, RestrictionError> {
        let mut alternatives = Vec::new();
        let mut rest = Some(text);
        while let Some(text) = rest {
            let (alternative, more) = read_encoded(text)?;
            alternatives.push(alternative);
            rest = more;
        }
        Ok(Restriction { alternatives })
    }

    /// Reads the form that `createrune` takes: each alternative a text of its own,
    /// without escapes (`lightningd/runes.c:rune_altern_from_json`).
    ///
    /// # Errors
    ///
    /// None at all, or one that is malformed.
    pub fn from_alternatives<'t>(
        texts: impl IntoIterator<Item = &'t str>,
    ) -> Result<Restriction, RestrictionError> {
        let mut alternatives = Vec::new();
        for text in texts {
            let (field, condition, value) = split(text, text)?;
            check_value(value)?;
            alternatives.push(Alternative {
                field: field.to_string(),
                condition,
                value: value.to_string(),
            });
        }
        if alternatives.is_empty() {
            return Err(RestrictionError(
                "a restriction without alternatives could never hold".into(),
            ));
        }
        Ok(Restriction { alternatives })
    }

    /// `method=A|method=B|...`: one of these methods. None without any.
    pub fn methods<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<Restriction> {
        let alternatives: Vec<Alternative> = names
            .into_iter()
            .map(|name| Alternative {
                field: "method".into(),
                condition: Condition::Equal,
                value: name.into(),
            })
            .collect();
        (!alternatives.is_empty()).then_some(Restriction { alternatives })
    }

    /// At least one.
    pub fn alternatives(&self) -> &[Alternative] {
        &self.alternatives
    }
}

/// What `createrune` means by `"readonly"`
/// (`lightningd/runes.c:readonly_restrictions`).
pub fn readonly() -> Vec<Restriction> {
    [
        "method^list|method^get|method=summary",
        "method/listdatastore",
    ]
    .iter()
    .filter_map(|text| Restriction::parse(text).ok())
    .collect()
}

/// The form inside a rune, which [`Restriction::parse`] reads back.
impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, alternative) in self.alternatives.iter().enumerate() {
            if i > 0 {
                f.write_str("|")?;
            }
            write!(
                f,
                "{}{}",
                alternative.field,
                alternative.condition.as_char()
            )?;
            for c in alternative.value.chars() {
                if matches!(c, '|' | '&' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

/// Reads up to an unescaped `|`; what follows it is returned too.
fn read_encoded(text: &str) -> Result<(Alternative, Option<&str>), RestrictionError> {
    let end = text
        .char_indices()
        .find(|(at, c)| *c == '|' && !is_escaped(text, *at))
        .map_or(text.len(), |(at, _)| at);
    let whole = &text[..end];
    let (field, condition, encoded) = split(whole, text)?;
    let mut value = String::with_capacity(encoded.len());
    let mut chars = encoded.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => value.push(chars.next().ok_or_else(|| {
                RestrictionError(format!(
                    "{whole:?} ends in \"\\\", which must have a character after it: write \"\\\\\" for itself"
                ))
            })?),
            '&' => {
                return Err(RestrictionError(format!(
                    "\"&\" in {whole:?} would begin another restriction: make it a text of its own, or write \"\\&\" for the character"
                )));
            }
            c => value.push(c),
        }
    }
    check_value(&value)?;
    let alternative = Alternative {
        field: field.to_string(),
        condition,
        value,
    };
    Ok((alternative, text.get(end + 1..)))
}

fn is_escaped(text: &str, at: usize) -> bool {
    text[..at].bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

fn split<'t>(
    whole: &'t str,
    context: &str,
) -> Result<(&'t str, Condition, &'t str), RestrictionError> {
    const SHAPE: &str = "write a field, a condition (one of ! = / ^ $ ~ < > { } #) and a value, as in method=listpeers or pnameamount_msat<1000";
    if whole.is_empty() {
        return Err(RestrictionError(format!(
            "{context:?} has an empty alternative: {SHAPE}"
        )));
    }
    let Some((at, c)) = whole
        .char_indices()
        .find(|(_, c)| c.is_ascii_punctuation() && *c != '_')
    else {
        return Err(RestrictionError(format!(
            "{whole:?} has no condition: {SHAPE}"
        )));
    };
    let Some(condition) = Condition::from_char(c) else {
        return Err(RestrictionError(format!(
            "{c:?} in {whole:?} is not a condition (a field's name has only letters, digits and \"_\"): {SHAPE}"
        )));
    };
    if at == 0 {
        return Err(RestrictionError(format!(
            "the condition in {whole:?} stands before its field: write method!, not !method"
        )));
    }
    let field = &whole[..at];
    if field.contains('\0') {
        return Err(RestrictionError("a field cannot hold a NUL".into()));
    }
    Ok((field, condition, &whole[at + 1..]))
}

fn check_value(value: &str) -> Result<(), RestrictionError> {
    if value.contains('\0') {
        return Err(RestrictionError("a value cannot hold a NUL".into()));
    }
    Ok(())
}
