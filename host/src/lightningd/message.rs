//! One JSON-RPC 2.0 message from lightningd, its values kept as they were written.

use std::borrow::Cow;
use std::sync::Arc;

use cln_protocol::json;
use serde::Deserialize;
use serde_json::value::RawValue;

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
    pub method: Option<String>,
    /// JSON text, verbatim; absent when the message had none.
    pub params: Option<Arc<str>>,
    /// The caller's result filter, JSON text, verbatim.
    pub filter: Option<Arc<str>>,
    /// Who sent a plugin's own notification (since v25.09).
    pub origin: Option<String>,
}

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
    pub fn parse(bytes: &[u8]) -> Result<Message, Malformed> {
        match Self::walk(bytes) {
            Some(message) => Ok(message),
            None => Self::parse_thoroughly(bytes),
        }
    }

    /// The way of nearly all messages: `None` for whatever is unusual about one.
    fn walk(bytes: &[u8]) -> Option<Message> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut members = json::members(text)?;
        let (mut id, mut method, mut params) = (None, None, None);
        let (mut filter, mut origin) = (None, None);
        for member in members.by_ref() {
            let member = member.ok()?;
            let place = match member.key {
                "\"id\"" => &mut id,
                "\"method\"" => &mut method,
                "\"params\"" => &mut params,
                "\"filter\"" => &mut filter,
                "\"origin\"" => &mut origin,
                other if other.contains('\\') => return None,
                _ => continue,
            };
            if place.replace(member.value).is_some() {
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
            method: plain_text(method)?,
            params: json(params),
            filter: json(filter),
            origin: plain_text(origin)?,
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
            method: envelope.method.map(Cow::into_owned),
            params: envelope.params.map(|p| p.get().into()),
            filter: envelope.filter.map(|f| f.get().into()),
            origin: envelope.origin.map(Cow::into_owned),
        })
    }
}

fn is_id(token: &str) -> bool {
    token.starts_with(['"', '-']) || token.starts_with(|c: char| c.is_ascii_digit())
}

/// A member that is a string without escapes, or is not there; `None` for any other.
fn plain_text(value: Option<&str>) -> Option<Option<String>> {
    let Some(value) = value else {
        return Some(None);
    };
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then(|| Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let walked = Message::walk(text.as_bytes());
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
        assert!(Message::walk(usual).is_some());
    }

    #[test]
    fn ids_keep_their_bytes() {
        for token in [r#""cli:x#1/cln:y#2""#, "17", "-3", "1.50", r#""\u00e9\/""#] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{token},"method":"m","params":{{}}}}"#);
            let message = Message::parse(text.as_bytes()).unwrap();
            assert_eq!(message.id.unwrap().token(), token);
        }
    }

    #[test]
    fn params_keep_their_bytes_and_may_be_absent() {
        let raw = r#"{ "a" : [1e3,  "\u0041"] }"#;
        let message =
            Message::parse(format!(r#"{{"method":"m","params":{raw}}}"#).as_bytes()).unwrap();
        assert_eq!(message.params.as_deref(), Some(raw));
        assert!(
            Message::parse(br#"{"id":1,"method":"m"}"#)
                .unwrap()
                .params
                .is_none()
        );
    }

    #[test]
    fn what_json_rpc_says_of_malformed_input() {
        assert_eq!(Message::parse(b"{\"a\":").unwrap_err().code(), -32700);
        assert_eq!(Message::parse(b"[1]").unwrap_err().code(), -32600);
        assert_eq!(
            Message::parse(br#"{"id":{},"method":"m"}"#)
                .unwrap_err()
                .code(),
            -32600
        );
        assert_eq!(
            Message::parse(br#"{"id":1,"method":7}"#)
                .unwrap_err()
                .code(),
            -32600
        );
        assert_eq!(
            Message::parse(b"{\"method\":\"\xff\"}").unwrap_err().code(),
            -32700
        );
    }
}
