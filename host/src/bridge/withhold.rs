//! Leaves secrets out of a payload, every other byte as it was.

use std::fmt;

use cln_protocol::hook::Place;
use cln_protocol::primitives::TlvStream;
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

/// What one guest is not shown of one kind of payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Withheld {
    /// The names of the secrets, for the guest to know.
    pub secrets: Vec<&'static str>,
    members: Vec<Vec<String>>,
    /// Each with the type of the record.
    records: Vec<(Vec<String>, u64)>,
}

/// What is cut out at the end of a path.
#[derive(Clone, Copy)]
enum Cut {
    Member,
    Record(u64),
}

/// The names that lead to a place in the payload, and what is cut out there.
type Path<'a> = (&'a [String], Cut);

impl Withheld {
    /// One more secret, with its places.
    pub fn add(&mut self, secret: &'static str, places: impl IntoIterator<Item = Place>) {
        self.secrets.push(secret);
        for place in places {
            match place {
                Place::Member(pointer) => self.members.push(names(pointer)),
                Place::Record { member, typ } => self.records.push((names(member), typ)),
            }
        }
    }

    /// One more secret, which is the member `secret` of the payload under `topic`.
    pub fn add_of_topic(&mut self, topic: &str, secret: &'static str) {
        self.secrets.push(secret);
        self.members.push(vec![topic.to_owned(), secret.to_owned()]);
    }

    /// Is nothing withheld?
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.records.is_empty()
    }

    /// The types of the records that are not shown.
    pub fn record_types(&self) -> Vec<u64> {
        self.records.iter().map(|(_, typ)| *typ).collect()
    }

    /// `json` without what is withheld (of objects only).
    ///
    /// Errors when `json` is no JSON: then nothing of it may be shown.
    pub fn from(&self, json: &str) -> serde_json::Result<String> {
        let members = self.members.iter().map(|path| (&path[..], Cut::Member));
        let records = self
            .records
            .iter()
            .map(|(path, typ)| (&path[..], Cut::Record(*typ)));
        let paths: Vec<Path<'_>> = members.chain(records).collect();
        let mut out = String::with_capacity(json.len());
        copy(json, &paths, &mut out)?;
        Ok(out)
    }
}

fn names(pointer: &str) -> Vec<String> {
    let names = pointer.trim_start_matches('/').split('/');
    names.map(str::to_owned).collect()
}

/// The stream without these records, or an empty text when it is no stream: what
/// lightningd could not read, a guest should not either.
fn without_records(json: &str, types: &[u64]) -> String {
    let text: String = serde_json::from_str(json).unwrap_or_default();
    let Some(mut stream) = TlvStream::from_prefixed_hex(&text) else {
        return "\"\"".to_owned();
    };
    let mut removed = false;
    for typ in types {
        removed |= stream.remove(*typ).is_some();
    }
    match removed {
        true => format!("\"{}\"", stream.to_prefixed_hex()),
        false => json.to_owned(),
    }
}

fn copy(json: &str, paths: &[Path<'_>], out: &mut String) -> serde_json::Result<()> {
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
        let below: Vec<Path<'_>> = paths
            .iter()
            .filter_map(|(path, cut)| match path.split_first() {
                Some((head, rest)) if *head == name => Some((rest, *cut)),
                _ => None,
            })
            .collect();
        let mut records = Vec::new();
        let mut whole = false;
        for (rest, cut) in &below {
            match cut {
                _ if !rest.is_empty() => {}
                Cut::Member => whole = true,
                Cut::Record(typ) => records.push(*typ),
            }
        }
        if whole {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        out.push_str(key.get());
        out.push(':');
        if records.is_empty() {
            copy(value.get(), &below, out)?;
        } else {
            out.push_str(&without_records(value.get(), &records));
        }
    }
    out.push('}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withhold(json: &str, pointers: &[&'static str]) -> serde_json::Result<String> {
        let mut withheld = Withheld::default();
        withheld.add("s", pointers.iter().map(|pointer| Place::Member(pointer)));
        withheld.from(json)
    }

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

    #[test]
    fn a_record_goes_and_the_others_stay() {
        let mut withheld = Withheld::default();
        let member = "/onion/payload";
        withheld.add(
            "a",
            [Place::Record { member, typ: 8 }, Place::Member("/onion/a")],
        );
        withheld.add("b", [Place::Record { member, typ: 9 }]);
        assert_eq!(withheld.secrets, ["a", "b"]);
        assert_eq!(withheld.record_types(), [8, 9]);
        let shown = |payload: &str| {
            let json = format!(r#"{{"onion":{{"a":1,"payload":{payload},"n":2}}}}"#);
            withheld.from(&json).unwrap()
        };
        for (payload, left) in [
            ("\"0a0201ff0802aaaa0901bb\"", "\"030201ff\""),
            ("\"060201ff0901bb\"", "\"030201ff\""),
            // Untouched, in its own spelling.
            ("\"030201FF\"", "\"030201FF\""),
            // What is no stream may hold the secret anywhere.
            ("\"0b0201ff0802aaaa0901bb\"", "\"\""),
            ("\"0802aaaa\"", "\"\""),
            ("\"zz\"", "\"\""),
            ("[8]", "\"\""),
        ] {
            let expected = format!(r#"{{"onion":{{"payload":{left},"n":2}}}}"#);
            assert_eq!(shown(payload), expected, "{payload}");
        }
    }
}
