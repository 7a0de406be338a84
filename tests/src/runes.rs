//! lightningd's restriction language once more, as an oracle: what `checkrune` would say of a call.
//!
//! Written from lightningd's C and from nothing of this project's: `ccan/ccan/rune/coding.c` (the text),
//! `ccan/ccan/rune/rune.c` (the conditions), `check_condition` in `lightningd/runes.c` (the fields). It
//! reads params with [`crate::simulator::json`], which is lightningd's tokenizer, and keeps lightningd's
//! own structure: a map of fields that the first to come wins.

use crate::simulator::json::{Doc, Json, Kind};
use std::collections::HashMap;

/// One alternative, as bytes: a field, one of the condition characters, a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The field.
    pub field: String,
    /// One of ``! = / ^ $ ~ < > { } #``.
    pub condition: char,
    /// What it is compared with.
    pub value: String,
}

/// What restrictions are asked about.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The method, between the quotes of its JSON string.
    pub method: &'a str,
    /// The params as JSON text.
    pub params: &'a str,
    /// Seconds since 1970.
    pub time: i64,
    /// Nanoseconds since the last call that passed; none before the first.
    pub since: Option<u128>,
    /// What is inside the invoices that occur: the fields of `pinv`.
    pub invoices: &'a [Invoice],
}

/// An invoice that a test knows.
#[derive(Clone, Debug)]
pub struct Invoice {
    /// As it is written in a call.
    pub text: String,
    /// Its amount in msat; none for one of any amount.
    pub amount_msat: Option<i64>,
    /// Its description; none where it has only a hash of it.
    pub description: Option<String>,
    /// The node id of who is paid, in hex.
    pub node: String,
}

/// Reads one restriction in the form inside runes (`rune_restr_from_string`); none where lightningd
/// refuses it.
pub fn parse(text: &str) -> Option<Vec<Alternative>> {
    let mut all = Vec::new();
    let mut rest = text.chars();
    loop {
        let (mut field, mut value) = (String::new(), String::new());
        let condition = loop {
            let c = rest.next()?;
            if c.is_ascii_punctuation() && c != '_' {
                break c;
            }
            field.push(c);
        };
        // The empty field is the rune's own number, which is no restriction.
        if !"!=/^$~<>{}#".contains(condition) || field.is_empty() {
            return None;
        }
        let mut more = false;
        while let Some(c) = rest.next() {
            match c {
                '|' => {
                    more = true;
                    break;
                }
                // Another restriction begins: this is not one.
                '&' => return None,
                '\\' => value.push(rest.next()?),
                c => value.push(c),
            }
        }
        // What C would take for the end of a string.
        if field.contains('\0') || value.contains('\0') {
            return None;
        }
        all.push(Alternative {
            field,
            condition,
            value,
        });
        if !more {
            return Some(all);
        }
    }
}

/// Whether every restriction has an alternative that holds (`rune_meets_criteria_`).
pub fn permits(restrictions: &[Vec<Alternative>], asked: &Asked<'_>) -> bool {
    let Some(doc) = Doc::parse(asked.params) else {
        return false;
    };
    let params = doc.root();
    if !matches!(params.kind(), Kind::Object | Kind::Array) {
        return false;
    }
    let cached = cached_params(params);
    let holds = |alternative: &Alternative| check_condition(alternative, asked, params, &cached);
    restrictions
        .iter()
        .all(|alternatives| alternatives.iter().any(holds))
}

/// `cinfo->cached_params`: each name as it is, then without its punctuation.
fn cached_params<'a>(params: Json<'a>) -> HashMap<String, Json<'a>> {
    let mut cached = HashMap::new();
    if params.kind() == Kind::Array {
        for (i, item) in params.elements().enumerate() {
            cached.insert(format!("parr{i}"), item);
        }
        return cached;
    }
    for (name, value) in params.members() {
        let bare: String = name
            .text()
            .chars()
            .filter(|c| !c.is_ascii_punctuation())
            .collect();
        for name in [name.text(), &bare] {
            cached.entry(format!("pname{name}")).or_insert(value);
        }
    }
    cached
}

/// A field's value: text, or a number that is compared as text too.
enum Field {
    Missing,
    Text(Vec<u8>),
    Int(i64),
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Field::Text(text.as_bytes().to_vec())
    }
}

fn check_condition(
    alternative: &Alternative,
    asked: &Asked<'_>,
    params: Json<'_>,
    cached: &HashMap<String, Json<'_>>,
) -> bool {
    let field = match alternative.field.as_str() {
        "time" => Field::Int(asked.time),
        // A guest is no peer.
        "id" => Field::Missing,
        "method" => asked.method.into(),
        "pnum" => Field::Int(i64::try_from(params.size()).unwrap_or(i64::MAX)),
        "rate" => return waited(alternative, asked, |n| Some(60_000_000_000 / n), &[("", 1)]),
        "per" => {
            const S: u128 = 1_000_000_000;
            let units = [
                ("", S),
                ("sec", S),
                ("nsec", 1),
                ("usec", 1_000),
                ("msec", 1_000_000),
                ("min", 60 * S),
                ("hour", 3600 * S),
                ("day", 86400 * S),
            ];
            return waited(alternative, asked, Some, &units);
        }
        name => match name.strip_prefix("pinv") {
            Some(of_invoice) => match invoice_field(of_invoice, asked, cached) {
                Some(field) => field,
                None => return false,
            },
            None => match cached.get(name) {
                None => Field::Missing,
                Some(value) => match (value.kind(), strtol(value.text())) {
                    // strtoll alone would take white space and a plus, which JSON does not have there.
                    (Kind::Primitive, Some(n)) => Field::Int(n),
                    _ => value.text().into(),
                },
            },
        },
    };
    single(alternative, &field)
}

/// `rune_alt_single`
fn single(alternative: &Alternative, field: &Field) -> bool {
    let value = alternative.value.as_bytes();
    let text = match field {
        Field::Missing => return "!#".contains(alternative.condition),
        Field::Text(text) => text.clone(),
        Field::Int(n) => n.to_string().into_bytes(),
    };
    let below = |swap: bool| match (field, strtol(&alternative.value)) {
        (Field::Int(n), Some(bound)) if swap => *n > bound,
        (Field::Int(n), Some(bound)) => *n < bound,
        _ => false,
    };
    match alternative.condition {
        '!' => false,
        '=' => text == value,
        '/' => text != value,
        '^' => text.get(..value.len()) == Some(value),
        '$' => text.len() >= value.len() && text.get(text.len() - value.len()..) == Some(value),
        '~' => (0..=text.len()).any(|at| text.get(at..at + value.len()) == Some(value)),
        '<' => below(false),
        '>' => below(true),
        '{' => text.as_slice() < value,
        '}' => text.as_slice() > value,
        '#' => true,
        _ => false,
    }
}

/// `check_inv_condition`; none where there is no such field or no such invoice.
fn invoice_field(
    name: &str,
    asked: &Asked<'_>,
    cached: &HashMap<String, Json<'_>>,
) -> Option<Field> {
    let (param, which) = ["_amount", "_description", "_node"]
        .iter()
        .find_map(|which| Some((name.strip_suffix(which)?, *which)))?;
    let text = cached.get(&format!("pname{param}"))?.text();
    let text = ["lightning:", "LIGHTNING:"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(text);
    let invoice = asked.invoices.iter().find(|known| known.text == text)?;
    Some(match which {
        "_amount" => invoice.amount_msat.map_or(Field::Missing, Field::Int),
        "_description" => invoice
            .description
            .as_deref()
            .map_or(Field::Missing, Field::from),
        _ => invoice.node.as_str().into(),
    })
}

/// `rate_limit_check` and `per_time_check`
fn waited(
    alternative: &Alternative,
    asked: &Asked<'_>,
    apart: impl Fn(u128) -> Option<u128>,
    units: &[(&str, u128)],
) -> bool {
    let text = alternative.value.trim_start_matches(is_space);
    let (minus, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let Ok(number) = number.parse::<u64>() else {
        return false;
    };
    let number = if minus { number.wrapping_neg() } else { number };
    let Some((_, unit)) = units.iter().find(|(name, _)| *name == unit) else {
        return false;
    };
    if alternative.condition != '=' || !(1..u64::from(u32::MAX)).contains(&number) {
        return false;
    }
    let Some(wait) = apart(u128::from(number) * unit) else {
        return false;
    };
    u64::try_from(wait).is_ok() && asked.since.is_none_or(|since| since >= wait)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

/// C's `strtol` of a whole text, none where it stops early or does not fit.
fn strtol(text: &str) -> Option<i64> {
    let text = text.trim_start_matches(is_space);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1i128, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0i128;
    for digit in digits.chars() {
        number = number * 10 + i128::from(digit.to_digit(10)?);
        if number > 1 << 64 {
            return None;
        }
    }
    i64::try_from(sign * number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(restriction: &str, params: &str) -> bool {
        let asked = Asked {
            method: "pay",
            params,
            time: 1_700_000_000,
            since: Some(1_000_000_000),
            invoices: &[],
        };
        permits(&[parse(restriction).expect(restriction)], &asked)
    }

    #[test]
    fn the_examples_of_lightningds_documentation() {
        assert!(says("method=pay|method=xpay", "{}"));
        assert!(!says("method^list|method^get|method=summary", "{}"));
        assert!(says("pnameamount_msat<10000", r#"{"amount_msat":9999}"#));
        assert!(says("pnameamountmsat<10000", r#"{"amount_msat":9999}"#));
        assert!(!says("pnameamount_msat<10000", r#"{"amount_msat":"9999"}"#));
        assert!(says("parr0=x", r#"["x"]"#) && !says("parr0=x", r#"{"parr0":"x"}"#));
        assert!(says("pnum=0", "[]") && says("pnum<3", r#"{"a":1,"a":2}"#));
        assert!(says("time>1656675211", "{}") && !says("time<1656675211", "{}"));
        assert!(says("per=1sec", "{}") && !says("per=2sec", "{}"));
        assert!(says("rate=60", "{}") && !says("rate=59", "{}"));
    }

    #[test]
    fn what_is_compared_is_the_text_as_sent() {
        assert!(!says("pnamea=b", r#"{"a":"\u0062"}"#));
        assert!(says("pnamea!", r#"{"\u0061":"b"}"#));
        assert!(says("pnamea=1", r#"{"a":1,"a":2}"#));
        assert!(says("pnamea=1e3", r#"{"a":1e3}"#) && !says("pnamea>0", r#"{"a":1e3}"#));
        assert!(says("pnamea={}", r#"{"a":{}}"#));
        assert!(says(r"pnamea=x\|y", r#"{"a":"x|y"}"#));
    }

    #[test]
    fn texts_that_are_no_restriction() {
        for text in ["", "method", "=1", "method-x", "a=1|", "a=1&b=2", "a=\\"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
