//! What one message from lightningd means.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::error::RpcSocketError;
use super::framing::outline_of;

/// A message, sorted.
#[derive(Debug)]
pub(super) enum Incoming<'a> {
    /// The outcome of one call.
    Answer {
        id: Cow<'a, str>,
        outcome: Result<&'a RawValue, RpcSocketError>,
    },
    /// `message`, `progress` or the like.
    Notification,
    /// An answer that names no call of ours: lightningd writes `"id":null` where it
    /// could not tell (`json_command_malformed` in `lightningd/jsonrpc.c`).
    Stray,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default, borrow, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ErrorObject<'a> {
    code: i64,
    message: String,
    #[serde(default, borrow, deserialize_with = "present")]
    data: Option<&'a RawValue>,
}

/// `null` is a value too; `Option` alone would take it for absence.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// Reads a whole message.
pub(super) fn read(message: &[u8]) -> Incoming<'_> {
    let parsed: Message<'_> = match object(message) {
        Ok(parsed) => parsed,
        Err(error) => {
            let why = error.to_string();
            return match outline_of(message).and_then(|outline| id_of_outline(&outline)) {
                Some(id) => Incoming::Answer {
                    id: Cow::Owned(id),
                    outcome: Err(RpcSocketError::BadAnswer { why }),
                },
                None => Incoming::Stray,
            };
        }
    };
    let Some(id) = parsed.id else {
        return match parsed.method {
            Some(_) => Incoming::Notification,
            None => Incoming::Stray,
        };
    };
    let Some(id) = string(id) else {
        return Incoming::Stray;
    };
    Incoming::Answer {
        id,
        outcome: outcome(parsed.result, parsed.error),
    }
}

fn outcome<'a>(
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
) -> Result<&'a RawValue, RpcSocketError> {
    // Some JSON-RPC 1.0 servers behind a plugin write both members, one of them null.
    match (result, error.filter(|error| error.get() != "null")) {
        (Some(result), None) => Ok(result),
        (_, Some(error)) => Err(match object::<ErrorObject<'_>>(error.get().as_bytes()) {
            Ok(error) => RpcSocketError::Rpc {
                code: error.code,
                message: error.message,
                data: error.data.map(ToOwned::to_owned),
            },
            Err(_) => RpcSocketError::BadAnswer {
                why: format!(
                    "`error` is not an object with code and message: {}",
                    clipped(error.get())
                ),
            },
        }),
        (None, None) => Err(RpcSocketError::BadAnswer {
            why: "neither result nor error".to_owned(),
        }),
    }
}

/// The id in the outline of a message, if it is a string.
pub(super) fn id_of_outline(outline: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    object(outline).ok().map(|Id { id }| id)
}

/// Reads an object. serde alone takes an array for one too, its members by their places.
fn object<'a, T: Deserialize<'a>>(text: &'a [u8]) -> serde_json::Result<T> {
    match text.trim_ascii_start().first() {
        Some(b'[') => Err(serde::de::Error::custom("an array, not an object")),
        _ => serde_json::from_slice(text),
    }
}

fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str(raw.get()).ok().map(|Text(text)| text)
}

/// The beginning of a text that may be of any length, for an error message.
fn clipped(text: &str) -> String {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.split_at(end).0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result_of(text: &str) -> (String, Result<String, RpcSocketError>) {
        match read(text.as_bytes()) {
            Incoming::Answer { id, outcome } => {
                (id.into_owned(), outcome.map(|raw| raw.get().to_owned()))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn results_keep_every_byte() {
        let result = "{ \"msat\" : 1.50e3,\"s\":\"\\u00fc\\/ü\", \"a\":1,\"a\":2 }";
        let (id, got) = result_of(&format!(
            "{{\"result\": {result} ,\"id\":\"a\\\"b\",\"jsonrpc\":\"2.0\"}}"
        ));
        assert_eq!(id, "a\"b");
        assert_eq!(got.unwrap(), result);
    }

    #[test]
    fn null_is_a_result() {
        assert_eq!(result_of(r#"{"id":"1","result":null}"#).1.unwrap(), "null");
        assert_eq!(
            result_of(r#"{"id":"1","result":3,"error":null}"#)
                .1
                .unwrap(),
            "3"
        );
    }

    #[test]
    fn errors_are_typed_and_data_is_kept() {
        let (_, got) = result_of(
            r#"{"jsonrpc":"2.0","id":"1","error":{"code":-1234,"message":"no","data":{"why":[ 1]}}}"#,
        );
        match got.unwrap_err() {
            RpcSocketError::Rpc {
                code,
                message,
                data,
            } => {
                assert_eq!((code, message.as_str()), (-1234, "no"));
                assert_eq!(data.unwrap().get(), r#"{"why":[ 1]}"#);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_no_answer_is_said_to_its_call() {
        for text in [
            r#"{"id":"1"}"#,
            r#"{"id":"1","error":"text"}"#,
            r#"{"id":"1","error":{"code":"x","message":"m"}}"#,
            r#"{"id":"1","error":[-1,"m"]}"#,
            r#"{"id":"1","result":{"x":[}]}}"#,
            r#"{"id":"1","result":1,"result":2}"#,
        ] {
            let (id, got) = result_of(text);
            assert_eq!(id, "1", "{text}");
            assert!(
                matches!(got, Err(RpcSocketError::BadAnswer { .. })),
                "{text}: {got:?}"
            );
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_fail_their_call_alone() {
        let mut text = br#"{"id":"1","result":{"x":"?"}}"#.to_vec();
        let at = text.iter().position(|b| *b == b'?').unwrap();
        text[at] = 0xff;
        assert!(matches!(
            read(&text),
            Incoming::Answer { id, outcome: Err(RpcSocketError::BadAnswer { .. }) } if id == "1"
        ));
    }

    #[test]
    fn notifications_and_strays_belong_to_no_call() {
        assert!(matches!(
            read(br#"{"jsonrpc":"2.0","method":"message","params":{"id":"1"}}"#),
            Incoming::Notification
        ));
        for text in [
            r#"{"id":7,"result":{}}"#,
            r#"{"id":null,"error":{"code":-32600,"message":"No id"}}"#,
            "{}",
            "[]",
            "[{\"id\":\"1\"}]",
            r#"["1","method",{},null]"#,
            r#"["1",null,{}"#,
        ] {
            assert!(matches!(read(text.as_bytes()), Incoming::Stray), "{text}");
        }
    }

    #[test]
    fn a_deeply_nested_result_is_no_danger() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        let (_, got) = result_of(&format!("{{\"id\":\"1\",\"result\":{deep}}}"));
        assert_eq!(got.unwrap().len(), deep.len());
    }
}
