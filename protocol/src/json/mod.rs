//! Walks JSON text that only passes through, without building values, and reads what does not
//! into its type.
//!
//! What passes is checked as strictly as a parser would, and strings, which are most of
//! what lightningd sends, at the speed of memory.

mod error;
mod escapes;
mod however_deep;
mod plain;
mod raw_value;
mod typed;
mod written;

use std::borrow::Cow;

pub use error::Error;
use escapes::unescape;
use plain::plain;
pub use raw_value::{RawStr, RawValue};
pub use typed::{Misread, Reader, from_slice, from_str, read};
pub(crate) use written::{Items, push_signed, push_unsigned};
pub use written::{push_string, to_string};

/// One member of an object, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// The name.
    pub name: Name<'a>,
    /// The value.
    pub value: &'a str,
    /// Where the value ends in the text, in bytes.
    pub end: usize,
}

impl Member<'_> {
    /// Is it its name, however it is escaped?
    pub fn is(&self, name: &str) -> bool {
        self.name.is(name)
    }
}

/// The text cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no JSON object at byte {0}")]
pub struct Malformed(pub usize);

/// The members of an object, in their order: one after another as an iterator, or
/// step by step with [`name`](Members::name) and what is to become of its value.
#[derive(Debug, Clone)]
pub struct Members<'a> {
    text: &'a str,
    at: usize,
    next: Next,
    /// Of what is inside the object.
    depth: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    First,
    Another,
    /// The value of a member whose name was read.
    Value,
    Over,
}

/// The name of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// As it is written, with its quotes and escapes.
    pub key: &'a str,
    /// Whether there are escapes in it.
    pub escaped: bool,
    /// Where it begins in the text, in bytes.
    pub start: usize,
}

impl<'a> Name<'a> {
    /// Is it this, however it is escaped?
    pub fn is(&self, name: &str) -> bool {
        self.text().is_some_and(|text| text == name)
    }

    /// What it says; `None` if its escapes stand for no text, such as half a surrogate pair.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        let written = self.key.strip_prefix('"')?.strip_suffix('"')?;
        match self.escaped {
            false => Some(Cow::Borrowed(written)),
            true => unescape(written).ok().map(Cow::Owned),
        }
    }
}

/// The members of the object that `text` is. `None` when it is no object.
pub fn members(text: &str) -> Option<Members<'_>> {
    Members::begin(text, white_space(text.as_bytes(), 0), 1)
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<Member<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let name = match self.name()? {
            Ok(name) => name,
            Err(error) => return Some(Err(error)),
        };
        Some(self.value().map(|value| Member {
            name,
            value,
            end: self.at,
        }))
    }
}

impl<'a> Members<'a> {
    fn begin(text: &'a str, at: usize, depth: usize) -> Option<Members<'a>> {
        let next = Next::First;
        (text.as_bytes().get(at) == Some(&b'{')).then_some(Members {
            text,
            at: at + 1,
            next,
            depth,
        })
    }

    /// What comes after the object, once all members were read.
    pub fn rest(&self) -> &'a str {
        match self.next {
            Next::Over => self.text.get(self.at..).unwrap_or_default(),
            _ => "",
        }
    }

    /// The name of the next member, whose value is then to be read; that of the last one is
    /// passed over if it was not.
    pub fn name(&mut self) -> Option<Result<Name<'a>, Malformed>> {
        let read = match self.next {
            Next::Over => return None,
            Next::Value => self.value().and_then(|_| self.read_name()),
            Next::First | Next::Another => self.read_name(),
        };
        if !matches!(read, Ok(Some(_))) {
            self.next = Next::Over;
        }
        read.transpose()
    }

    /// The value of the member whose name was read.
    pub fn value(&mut self) -> Result<&'a str, Malformed> {
        let from = self.at;
        let end = match self.next {
            Next::Value => value(self.text.as_bytes(), from, self.depth),
            _ => None,
        };
        // Strings end at quotes, everything else at ASCII: never inside a character.
        let Some((end, value)) = end.and_then(|end| Some((end, self.text.get(from..end)?))) else {
            self.next = Next::Over;
            return Err(Malformed(from));
        };
        self.at = end;
        self.next = Next::Another;
        Ok(value)
    }

    /// The members of that value, if it is an object. When all of them were read,
    /// [`leave`](Members::leave) goes on behind it.
    pub fn enter(&self) -> Option<Members<'a>> {
        match self.next {
            Next::Value if self.depth < DEEPEST => {
                Members::begin(self.text, self.at, self.depth + 1)
            }
            _ => None,
        }
    }

    /// Goes on behind the value whose members `inner` has read.
    pub fn leave(&mut self, inner: &Members<'a>) -> Result<(), Malformed> {
        if self.next != Next::Value || inner.next != Next::Over {
            self.next = Next::Over;
            return Err(Malformed(inner.at));
        }
        self.at = inner.at;
        self.next = Next::Another;
        Ok(())
    }

    /// How far the text was read, in bytes.
    pub fn reached(&self) -> usize {
        self.at
    }

    fn read_name(&mut self) -> Result<Option<Name<'a>>, Malformed> {
        let bytes = self.text.as_bytes();
        let mut at = white_space(bytes, self.at);
        match (bytes.get(at), self.next) {
            (Some(b'}'), _) => {
                self.at = at + 1;
                return Ok(None);
            }
            (Some(b','), Next::Another) => at = white_space(bytes, at + 1),
            (_, Next::First) => {}
            _ => return Err(Malformed(at)),
        }
        let (name, end) = name_and_colon(self.text, at)?;
        self.at = end;
        self.next = Next::Value;
        Ok(Some(name))
    }
}

/// The name that begins at `at`, and where the value behind its colon begins.
#[inline]
pub(crate) fn name_and_colon(text: &str, at: usize) -> Result<(Name<'_>, usize), Malformed> {
    let bytes = text.as_bytes();
    if bytes.get(at) != Some(&b'"') {
        return Err(Malformed(at));
    }
    let (after_key, escaped) = string_and_escapes(bytes, at).ok_or(Malformed(at))?;
    let colon = white_space(bytes, after_key);
    if bytes.get(colon) != Some(&b':') {
        return Err(Malformed(colon));
    }
    let name = Name {
        key: text.get(at..after_key).ok_or(Malformed(at))?,
        escaped,
        start: at,
    };
    Ok((name, white_space(bytes, colon + 1)))
}

pub(crate) fn white_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// Containers inside one another.
pub(crate) const DEEPEST: usize = 128;

/// Where the string that begins at `at` ends.
fn string(bytes: &[u8], at: usize) -> Option<usize> {
    string_and_escapes(bytes, at).map(|(end, _)| end)
}

/// The same, and whether there are escapes in it.
fn string_and_escapes(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    let mut at = at + 1;
    let mut escaped = false;
    loop {
        at += plain(bytes.get(at..)?);
        match bytes.get(at)? {
            b'"' => return Some((at + 1, escaped)),
            b'\\' => (at, escaped) = (escape(bytes, at + 1)?, true),
            _ => return None,
        }
    }
}

fn escape(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => {
            let digits = bytes.get(at + 1..at + 5)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 5)
        }
        _ => None,
    }
}

/// Where the value that begins at `at` ends, inside of `depth` objects and arrays.
pub(crate) fn value(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    let literal = |word: &[u8]| {
        bytes
            .get(at..)?
            .starts_with(word)
            .then_some(at + word.len())
    };
    match bytes.get(at)? {
        b'"' => string(bytes, at),
        b'{' | b'[' if depth >= DEEPEST => None,
        b'{' => object(bytes, at + 1, depth + 1),
        b'[' => array(bytes, at + 1, depth + 1),
        b't' => literal(b"true"),
        b'f' => literal(b"false"),
        b'n' => literal(b"null"),
        _ => number(bytes, at),
    }
}

fn object(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    let mut at = white_space(bytes, at);
    if bytes.get(at)? == &b'}' {
        return Some(at + 1);
    }
    loop {
        if bytes.get(at)? != &b'"' {
            return None;
        }
        at = white_space(bytes, string(bytes, at)?);
        if bytes.get(at)? != &b':' {
            return None;
        }
        at = white_space(bytes, at + 1);
        at = white_space(bytes, value(bytes, at, depth)?);
        match bytes.get(at)? {
            b',' => at = white_space(bytes, at + 1),
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

fn array(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    let mut at = white_space(bytes, at);
    if bytes.get(at)? == &b']' {
        return Some(at + 1);
    }
    loop {
        at = white_space(bytes, value(bytes, at, depth)?);
        match bytes.get(at)? {
            b',' => at = white_space(bytes, at + 1),
            b']' => return Some(at + 1),
            _ => return None,
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = |at: usize| {
        let rest = bytes.get(at..)?;
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        (count > 0).then_some(at + count)
    };
    let mut at = at + usize::from(bytes.get(at) == Some(&b'-'));
    at = match bytes.get(at)? {
        b'0' => at + 1,
        _ => digits(at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = digits(at)?;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn all(text: &str) -> Result<Vec<(&str, &str)>, Malformed> {
        let members = members(text).ok_or(Malformed(0))?;
        members.map(|m| m.map(|m| (m.name.key, m.value))).collect()
    }

    #[test]
    fn members_are_shown_as_they_are_written() {
        assert_eq!(
            all(" { \"a\" : [1, {\"b\":\"]}\"}] ,\"\\u0062\":\"x\\\"y\\\\\",\"é\":-1e3 } "),
            Ok(vec![
                ("\"a\"", "[1, {\"b\":\"]}\"}]"),
                ("\"\\u0062\"", "\"x\\\"y\\\\\""),
                ("\"é\"", "-1e3"),
            ])
        );
        assert_eq!(all("{}"), Ok(Vec::new()));
        let escaped = members("{\"co\\u0064ex32\":1}").unwrap().next();
        assert!(escaped.unwrap().unwrap().is("codex32"));
        let half = members("{\"\\ud800\":1}").unwrap().next().unwrap().unwrap();
        assert!(
            half.name.text().is_none() && !half.is(""),
            "it is no name at all"
        );
        let plain = members("{\"codex32\":1}").unwrap().next().unwrap().unwrap();
        assert!(plain.is("codex32") && !plain.is("codex3"));
    }

    #[test]
    fn an_object_inside_is_entered_and_left() {
        let text = r#"{"a":{"b":1,"c":{}},"d":2,"e":3} "#;
        let mut outer = members(text).unwrap();
        assert!(outer.name().unwrap().unwrap().is("a"));
        let mut inner = outer.enter().unwrap();
        assert!(inner.name().unwrap().unwrap().is("b"));
        assert!(inner.enter().is_none(), "a number");
        assert!(inner.name().unwrap().unwrap().is("c"), "b is passed over");
        assert!(outer.clone().leave(&inner).is_err(), "not read to its end");
        assert!(inner.name().is_none());
        outer.leave(&inner).unwrap();
        assert_eq!(text.get(..outer.reached()), Some(r#"{"a":{"b":1,"c":{}}"#));
        let rest: Vec<_> = outer.by_ref().map(|m| m.unwrap().value).collect();
        assert_eq!((rest, outer.rest()), (vec!["2", "3"], " "));
        assert!(outer.value().is_err(), "there is none");
    }

    #[test]
    fn entering_does_not_reach_deeper_than_walking() {
        let text = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
        let mut depth = 0;
        let mut at = members(&text);
        while let Some(mut members) = at {
            depth += 1;
            assert!(members.name().unwrap().is_ok());
            at = members.enter();
        }
        assert_eq!(depth, DEEPEST);
    }

    #[test]
    fn what_is_no_object_is_not_followed() {
        for text in ["", "[1]", "\"{\"", "7", " "] {
            assert!(members(text).is_none(), "{text}");
        }
        for text in [
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{1:2}",
            "{,}",
            "{\"a\" 1}",
            "{\"a\":}",
            "{\"a\":[1}",
            "{\"a\":\"x}",
            "{\"a\":\"\\",
            "{\"a\\",
        ] {
            assert!(all(text).is_err(), "{text}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\[\\]{}\",:\\\\ ]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-c\"\\\\{}é]{0,3}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_sees_what_a_parser_sees(value in json(), pretty: bool) {
            let value = serde_json::json!({ "top": value, "again": [value] });
            let text = match pretty {
                true => serde_json::to_string_pretty(&value).unwrap(),
                false => value.to_string(),
            };
            let seen: serde_json::Map<String, Value> = members(&text)
                .unwrap()
                .map(|member| {
                    let member = member.unwrap();
                    prop_assert!(text[member.name.start..member.end].starts_with(member.name.key));
                    prop_assert!(text[member.name.start..member.end].ends_with(member.value));
                    Ok((
                        serde_json::from_str(member.name.key).unwrap(),
                        serde_json::from_str(member.value).unwrap(),
                    ))
                })
                .collect::<Result<_, TestCaseError>>()?;
            prop_assert_eq!(Value::Object(seen), value);
        }

        #[test]
        fn it_takes_what_a_parser_takes(inner in "[\\[\\]{}\",:\\\\ a1é.eE0tu+-]{0,12}") {
            for text in [inner.clone(), format!("{{\"a\":{inner}}}"), format!("{{\"a\":\"{inner}\"}}")] {
                let Some(mut members) = members(&text) else { continue };
                let valid = members.by_ref().all(|member| member.is_ok())
                    && members.rest().trim_ascii().is_empty();
                let parsed = serde_json::from_str::<serde::de::IgnoredAny>(&text);
                prop_assert_eq!(valid, parsed.is_ok(), "{}", text);
            }
        }
    }
}
