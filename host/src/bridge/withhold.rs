//! Leaves secrets out of a payload, every other byte as it was.

use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of one JSON object, values as text.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Vec<(&'de RawValue, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(MembersVisitor).map(Members)
    }
}

/// `json` without the members at these pointers (RFC 6901, object members only).
///
/// Errors when `json` is no JSON: then nothing of it may be shown.
pub fn withhold(json: &str, pointers: &[&str]) -> serde_json::Result<String> {
    let paths: Vec<Vec<&str>> = pointers
        .iter()
        .map(|pointer| pointer.trim_start_matches('/').split('/').collect())
        .collect();
    let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
    let mut out = String::with_capacity(json.len());
    copy(json, &paths, &mut out)?;
    Ok(out)
}

fn copy(json: &str, paths: &[&[&str]], out: &mut String) -> serde_json::Result<()> {
    // What is no object has no members to withhold.
    if paths.is_empty() || !json.trim_start().starts_with('{') {
        out.push_str(json);
        return Ok(());
    }
    let members: Members<'_> = serde_json::from_str(json)?;
    out.push('{');
    let mut first = true;
    for (key, value) in members.0 {
        let name: String = serde_json::from_str(key.get())?;
        let below: Vec<&[&str]> = paths
            .iter()
            .filter_map(|path| match path.split_first() {
                Some((head, rest)) if *head == name => Some(rest),
                _ => None,
            })
            .collect();
        if below.iter().any(|rest| rest.is_empty()) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        out.push_str(key.get());
        out.push(':');
        copy(value.get(), &below, out)?;
    }
    out.push('}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_goes() {
        let json = r#"{"onion":{"payload":"00","shared_secret":"aa","n":18446744073709551615},"htlc":{"shared_secret":"kept"}}"#;
        assert_eq!(
            withhold(json, &["/onion/shared_secret", "/onion/absent"]).unwrap(),
            r#"{"onion":{"payload":"00","n":18446744073709551615},"htlc":{"shared_secret":"kept"}}"#
        );
        assert_eq!(withhold(json, &["/onion", "/htlc"]).unwrap(), "{}");
    }

    #[test]
    fn an_escaped_name_is_the_same_name() {
        assert_eq!(
            withhold(r#"{"co\u0064ex32":"cl1","a":[1]}"#, &["/codex32"]).unwrap(),
            r#"{"a":[1]}"#
        );
    }

    #[test]
    fn what_is_no_json_is_not_shown() {
        assert!(withhold("{\"a\":", &["/a"]).is_err());
        assert_eq!(withhold("[1]", &["/a"]).unwrap(), "[1]");
    }
}
