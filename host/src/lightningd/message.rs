//! One JSON-RPC 2.0 message from lightningd, its values kept as they were written.

use std::borrow::Cow;
use std::sync::Arc;

use cln_protocol::json::{self, Members};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bridge::withhold::Withheld;

/// A request's id: the JSON token as lightningd wrote it, to be echoed byte for
/// byte (strings today, integers before v22.11).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// An id from its JSON token, which the caller knows to be a string or a number.
    pub fn from_token(token: impl Into<Arc<str>>) -> Self {
        RequestId(token.into())
    }

    /// The JSON token.
    pub fn token(&self) -> &str {
        &self.0
    }
}

/// A request (with an id) or a notification (without).
#[derive(Debug, Clone)]
pub struct Message {
    /// Present in requests.
    pub id: Option<RequestId>,
    /// Absent in answers, which lightningd never sends to a plugin.
    pub method: Option<Arc<str>>,
    /// JSON text, verbatim; absent when the message had none.
    pub params: Option<Arc<str>>,
    /// The caller's result filter, JSON text, verbatim.
    pub filter: Option<Arc<str>>,
    /// Who sent a plugin's own notification (since v25.09).
    pub origin: Option<String>,
    /// `params` without what is withheld from the first guest that is to see them, where that
    /// was known while they were read: they are long, and one walk is enough.
    pub shown: Option<Arc<str>>,
}

/// What is withheld from the first guest that a request of this method goes to.
pub type FirstWithheld<'r> = dyn Fn(&str) -> Option<&'r Withheld> + 'r;

/// Bytes that are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not JSON at all.
    #[error("not JSON: {reason}, in {excerpt:?}")]
    NotJson {
        /// The parser's word.
        reason: String,
        /// The first bytes, for the log.
        excerpt: String,
    },
    /// JSON, but no JSON-RPC 2.0 request.
    #[error("not a JSON-RPC 2.0 request: {0}")]
    NotRequest(String),
    /// Larger than any message may be.
    #[error("a message of over {0} bytes")]
    TooLarge(usize),
}

impl Malformed {
    pub(super) fn not_json(bytes: &[u8]) -> Self {
        Self::unparsable(bytes, "no object".to_owned())
    }

    fn unparsable(bytes: &[u8], reason: String) -> Self {
        let excerpt = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        Malformed::NotJson { reason, excerpt }
    }

    /// The error code that JSON-RPC 2.0 has for it.
    pub fn code(&self) -> i64 {
        match self {
            Malformed::NotJson { .. } | Malformed::TooLarge(_) => -32700,
            Malformed::NotRequest(_) => -32600,
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    filter: Option<&'a RawValue>,
    #[serde(borrow, default)]
    origin: Option<Cow<'a, str>>,
}

impl Message {
    /// Parses exactly one message.
    pub fn parse(bytes: &[u8], first: &FirstWithheld<'_>) -> Result<Message, Malformed> {
        match Self::walk(bytes, first) {
            Some(message) => Ok(message),
            None => Self::parse_thoroughly(bytes),
        }
    }

    /// The way of nearly all messages: `None` for whatever is unusual about one.
    fn walk(bytes: &[u8], first: &FirstWithheld<'_>) -> Option<Message> {
        let text = simdutf8::basic::from_utf8(bytes).ok()?;
        let mut members = json::members(text)?;
        let (mut id, mut method, mut params) = (None, None, None);
        let (mut filter, mut origin, mut shown) = (None, None, None);
        while let Some(name) = members.name() {
            let name = name.ok()?;
            let place = match name.key {
                "\"id\"" => &mut id,
                "\"method\"" => &mut method,
                "\"params\"" => {
                    let first = plain_text(method)?.and_then(first);
                    let (value, copy) = copied(text, &mut members, first)?;
                    shown = copy;
                    match params.replace(value) {
                        None => continue,
                        Some(_) => return None,
                    }
                }
                "\"filter\"" => &mut filter,
                "\"origin\"" => &mut origin,
                _ if name.escaped => return None,
                _ => continue,
            };
            if place.replace(members.value().ok()?).is_some() {
                return None;
            }
        }
        if !members.rest().trim_ascii().is_empty() {
            return None;
        }
        let id = match id {
            None => None,
            Some(token) if is_id(token) => Some(RequestId(token.into())),
            Some(_) => return None,
        };
        let json = |value: Option<&str>| match value {
            Some("null") | None => None,
            Some(value) => Some(value.into()),
        };
        Some(Message {
            id,
            method: plain_text(method)?.map(Arc::from),
            params: json(params),
            filter: json(filter),
            origin: plain_text(origin)?.map(str::to_owned),
            shown,
        })
    }

    fn parse_thoroughly(bytes: &[u8]) -> Result<Message, Malformed> {
        // serde would take an array for a struct's members in order.
        if bytes.trim_ascii_start().starts_with(b"[") {
            return Err(Malformed::NotRequest("a batch".to_owned()));
        }
        let envelope: Envelope<'_> = match serde_json::from_slice(bytes) {
            Ok(envelope) => envelope,
            Err(e) if e.is_data() => return Err(Malformed::NotRequest(e.to_string())),
            Err(e) => return Err(Malformed::unparsable(bytes, e.to_string())),
        };
        let id = match envelope.id.map(RawValue::get) {
            None => None,
            Some(token) if is_id(token) => Some(RequestId(token.into())),
            Some(token) => return Err(Malformed::NotRequest(format!("id {token:.40}"))),
        };
        Ok(Message {
            id,
            method: envelope.method.map(|method| (*method).into()),
            params: envelope.params.map(|p| p.get().into()),
            filter: envelope.filter.map(|f| f.get().into()),
            origin: envelope.origin.map(Cow::into_owned),
            shown: None,
        })
    }
}

fn is_id(token: &str) -> bool {
    token.starts_with(['"', '-']) || token.starts_with(|c: char| c.is_ascii_digit())
}

/// The value whose name was read, and the copy of it without what is withheld.
fn copied<'a>(
    text: &'a str,
    members: &mut Members<'a>,
    withheld: Option<&Withheld>,
) -> Option<(&'a str, Option<Arc<str>>)> {
    let Some((withheld, mut inner)) = withheld.zip(members.enter()) else {
        return Some((members.value().ok()?, None));
    };
    let from = members.reached();
    let mut copy = String::with_capacity(text.len() - from);
    withheld.copy(text, &mut inner, &mut copy).ok()?;
    members.leave(&inner).ok()?;
    let value = text.get(from..members.reached())?;
    Some((value, Some(copy.into())))
}

/// A member that is a string without escapes, or is not there; `None` for any other.
fn plain_text(value: Option<&str>) -> Option<Option<&str>> {
    let Some(value) = value else {
        return Some(None);
    };
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then_some(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cln_protocol::hook::Place;

    fn parse(bytes: &[u8]) -> Result<Message, Malformed> {
        Message::parse(bytes, &|_| None)
    }

    #[test]
    fn what_is_withheld_is_cut_out_while_params_are_read() {
        let mut withheld = Withheld::default();
        withheld.add("s", [Place::Member("/a/s")]);
        let first = |method: &str| (method == "h").then_some(&withheld);
        let shown = |text: &str| {
            let message = Message::parse(text.as_bytes(), &first).unwrap();
            let params = message.params.unwrap();
            assert_eq!(parse(text.as_bytes()).unwrap().params, Some(params.clone()));
            if let Some(shown) = &message.shown {
                assert_eq!(**shown, withheld.from(&params).unwrap());
            }
            message.shown.as_deref().map(str::to_owned)
        };
        assert_eq!(
            shown(r#"{"id":1,"method":"h","params":{"b":[1],"a":{"n":1,"s":"x"}},"filter":{}}"#),
            Some(r#"{"b":[1],"a":{"n":1}}"#.to_owned())
        );
        for other in [
            r#"{"id":1,"method":"other","params":{"a":{"s":"x"}}}"#,
            // Whose they are is not known when they are read.
            r#"{"id":1,"params":{"a":{"s":"x"}},"method":"h"}"#,
            r#"{"id":1,"method":"h","params":[{"s":"x"}]}"#,
            r#"{"id":1,"method":"h","params":7}"#,
        ] {
            assert_eq!(shown(other), None, "{other}");
        }
        for wrong in [
            r#"{"id":1,"method":"h","params":{"a":{"s":"x"}}"#,
            r#"{"id":1,"method":"h","params":{"a":{"s":"x"},}}"#,
            r#"{"id":1,"method":"h","params":{"a":{}},"params":{"a":{"s":"x"}}}"#,
        ] {
            assert!(Message::parse(wrong.as_bytes(), &first).is_err(), "{wrong}");
        }
    }

    /// The short way and the thorough one see the same.
    #[test]
    fn both_ways_lead_to_the_same() {
        for text in [
            r#"{"jsonrpc":"2.0","id":"a","method":"m","params":{"x":[1,"\u00e9"]},"filter":{"x":true}}"#,
            r#" { "method" : "m" , "origin" : "pay" } "#,
            r#"{"method":"m","params":null}"#,
            r#"{"method":"\u006d"}"#,
            r#"{"m\u0065thod":"m"}"#,
            r#"{"method":"m","method":"n"}"#,
            r#"{"method":"m"} x"#,
            r#"{"method":null}"#,
            r#"{"id":null,"method":"m"}"#,
            r#"{}"#,
        ] {
            let walked = Message::walk(text.as_bytes(), &|_| None);
            let parsed = Message::parse_thoroughly(text.as_bytes());
            if let Some(walked) = walked {
                assert_eq!(
                    format!("{walked:?}"),
                    format!("{:?}", parsed.unwrap()),
                    "{text}"
                );
            }
        }
        let usual = br#"{"jsonrpc":"2.0","id":"a","method":"m","params":{}}"#;
        assert!(Message::walk(usual, &|_| None).is_some());
    }

    #[test]
    fn ids_keep_their_bytes() {
        for token in [r#""cli:x#1/cln:y#2""#, "17", "-3", "1.50", r#""\u00e9\/""#] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{token},"method":"m","params":{{}}}}"#);
            let message = parse(text.as_bytes()).unwrap();
            assert_eq!(message.id.unwrap().token(), token);
        }
    }

    #[test]
    fn params_keep_their_bytes_and_may_be_absent() {
        let raw = r#"{ "a" : [1e3,  "\u0041"] }"#;
        let message = parse(format!(r#"{{"method":"m","params":{raw}}}"#).as_bytes()).unwrap();
        assert_eq!(message.params.as_deref(), Some(raw));
        assert!(parse(br#"{"id":1,"method":"m"}"#).unwrap().params.is_none());
    }

    #[test]
    fn what_json_rpc_says_of_malformed_input() {
        assert_eq!(parse(b"{\"a\":").unwrap_err().code(), -32700);
        assert_eq!(parse(b"[1]").unwrap_err().code(), -32600);
        assert_eq!(
            parse(br#"{"id":{},"method":"m"}"#).unwrap_err().code(),
            -32600
        );
        assert_eq!(parse(br#"{"id":1,"method":7}"#).unwrap_err().code(), -32600);
        assert_eq!(parse(b"{\"method\":\"\xff\"}").unwrap_err().code(), -32700);
    }
}
