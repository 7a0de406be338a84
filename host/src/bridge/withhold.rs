//! Leaves secrets out of a payload, every other byte as it was.

use cln_protocol::hook::Place;
use cln_protocol::json::{self, Malformed, Members, Name};
use cln_protocol::primitives::TlvStream;

/// What one guest is not shown of one kind of payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Withheld {
    /// The names of the secrets, for the guest to know.
    pub secrets: Vec<&'static str>,
    root: Cuts,
    record_types: Vec<u64>,
}

/// What is cut out of one value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Cuts {
    /// All of it.
    whole: bool,
    /// Records of these types, where it is a TLV stream.
    records: Vec<u64>,
    /// What is cut out of its members, where it is an object.
    members: Vec<(String, Cuts)>,
}

impl Cuts {
    /// The place at the end of this path (RFC 6901, object members only).
    fn at(&mut self, pointer: &str) -> &mut Cuts {
        let mut cuts = self;
        for name in pointer.trim_start_matches('/').split('/') {
            let known = cuts.members.iter().position(|(known, _)| known == name);
            let index = known.unwrap_or_else(|| {
                cuts.members.push((name.to_owned(), Cuts::default()));
                cuts.members.len() - 1
            });
            cuts = &mut cuts.members[index].1;
        }
        cuts
    }

    /// What is cut out of the member of this name, if anything.
    fn below(&self, name: &Name<'_>) -> Option<&Cuts> {
        let text = name.text()?;
        let (_, cuts) = self.members.iter().find(|(known, _)| *known == text)?;
        Some(cuts)
    }

    fn is_empty(&self) -> bool {
        *self == Cuts::default()
    }
}

impl Withheld {
    /// One more secret, with its places.
    pub fn add(&mut self, secret: &'static str, places: impl IntoIterator<Item = Place>) {
        self.secrets.push(secret);
        for place in places {
            match place {
                Place::Member(pointer) => self.root.at(pointer).whole = true,
                Place::Record { member, typ } => {
                    self.root.at(member).records.push(typ);
                    self.record_types.push(typ);
                }
            }
        }
    }

    /// One more secret, which is the member `secret` of the payload under `topic`.
    pub fn add_of_topic(&mut self, topic: &str, secret: &'static str) {
        self.secrets.push(secret);
        self.root.at(topic).at(secret).whole = true;
    }

    /// Is nothing withheld?
    pub fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// The types of the records that are not shown.
    pub fn record_types(&self) -> &[u64] {
        &self.record_types
    }

    /// Appends an object of `json` whose members are about to be read, without what is withheld.
    ///
    /// # Errors
    ///
    /// It is no JSON.
    pub fn copy<'a>(
        &self,
        json: &'a str,
        members: &mut Members<'a>,
        out: &mut String,
    ) -> Result<(), Malformed> {
        copy_members(json, members, &self.root, out)
    }

    /// `json` without what is withheld (of objects only).
    ///
    /// # Errors
    ///
    /// `json` is no JSON: then nothing of it may be shown.
    pub fn from(&self, json: &str) -> Result<String, Malformed> {
        let mut out = String::with_capacity(json.len());
        copy(json, &self.root, &mut out)?;
        Ok(out)
    }
}

/// Appends the stream without these records, or an empty text when it is no stream: what
/// lightningd could not read, a guest should not either.
fn push_without_records(json: &str, types: &[u64], out: &mut String) {
    // Most streams have none of them.
    let inner = json.strip_prefix('"').and_then(|s| s.strip_suffix('"'));
    let has = inner.and_then(|inner| TlvStream::has_any_in_prefixed_hex(inner, types));
    if has == Some(false) {
        return out.push_str(json);
    }
    let text: String = serde_json::from_str(json).unwrap_or_default();
    let Some(mut stream) = TlvStream::from_prefixed_hex(&text) else {
        return out.push_str("\"\"");
    };
    let mut removed = false;
    for typ in types {
        removed |= stream.remove(*typ).is_some();
    }
    match removed {
        true => out.extend(["\"", &stream.to_prefixed_hex(), "\""]),
        false => out.push_str(json),
    }
}

fn copy(json: &str, cuts: &Cuts, out: &mut String) -> Result<(), Malformed> {
    // What is no object has no members to withhold.
    let Some(mut members) = json::members(json).filter(|_| !cuts.members.is_empty()) else {
        out.push_str(json);
        return Ok(());
    };
    copy_members(json, &mut members, cuts, out)?;
    match members.rest().trim_ascii().is_empty() {
        true => Ok(()),
        false => Err(Malformed(json.len())),
    }
}

/// In one walk: what is cut out of a member is found while that member is passed.
fn copy_members<'a>(
    json: &'a str,
    members: &mut Members<'a>,
    cuts: &Cuts,
    out: &mut String,
) -> Result<(), Malformed> {
    out.push('{');
    let mut run = Run::default();
    while let Some(name) = members.name() {
        let name = name?;
        let Some(below) = cuts.below(&name) else {
            members.value()?;
            run.keep(name.start, members.reached());
            continue;
        };
        if below.whole {
            run.copy(json, out);
            continue;
        }
        run.keep(name.start, members.reached());
        run.copy(json, out);
        if !below.records.is_empty() {
            push_without_records(members.value()?, &below.records, out);
        } else if let Some(mut inner) = members.enter() {
            copy_members(json, &mut inner, below, out)?;
            members.leave(&inner)?;
        } else {
            out.push_str(members.value()?);
        }
    }
    run.copy(json, out);
    out.push('}');
    Ok(())
}

/// Members that are kept, one after another: most are, and they are copied at once.
#[derive(Debug, Default)]
struct Run {
    from: Option<usize>,
    to: usize,
    /// Something was copied before.
    another: bool,
}

impl Run {
    fn keep(&mut self, from: usize, to: usize) {
        self.from.get_or_insert(from);
        self.to = to;
    }

    fn copy(&mut self, json: &str, out: &mut String) {
        let Some(from) = self.from.take() else { return };
        if std::mem::replace(&mut self.another, true) {
            out.push(',');
        }
        out.push_str(json.get(from..self.to).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withhold(json: &str, pointers: &[&'static str]) -> Result<String, Malformed> {
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
    fn commas_stand_between_what_is_left_of_runs() {
        let shown = |json| withhold(json, &["/x", "/o/x"]).unwrap();
        for (json, left) in [
            (
                r#"{"x":1,"a":2,"b":3,"x":4,"c":5,"x":6}"#,
                r#"{"a":2,"b":3,"c":5}"#,
            ),
            (r#"{"x":1,"x":2}"#, "{}"),
            (
                r#"{"a":1,"o":{"x":1},"o":{"a":1,"x":2,"b":3},"c":4}"#,
                r#"{"a":1,"o":{},"o":{"a":1,"b":3},"c":4}"#,
            ),
            (r#"{"o":{"x":1,"b":2},"x":3}"#, r#"{"o":{"b":2}}"#),
            (r#"{"x":1,"o":[1]}"#, r#"{"o":[1]}"#),
            (
                "{ \"a\" : 1 , \"b\" : 2 , \"x\" : 3 , \"o\" : { \"x\" : 4 } }",
                "{\"a\" : 1 , \"b\" : 2,\"o\" : {}}",
            ),
        ] {
            assert_eq!(shown(json), left, "{json}");
        }
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
        assert!(withhold("{\"a\":1} {\"b\":2}", &["/a"]).is_err());
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
            // Not a text, though its middle could be a stream.
            ("1001", "\"\""),
        ] {
            let expected = format!(r#"{{"onion":{{"payload":{left},"n":2}}}}"#);
            assert_eq!(shown(payload), expected, "{payload}");
        }
    }
}
