//! The hook's payload as lightningd itself reads the request in it.

use std::fmt;

use cln_guest::Hook;
use cln_guest::json::{self, RawValue};
use cln_guest::prelude::*;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// `rpc_command`, with a payload that a client cannot make unreadable.
///
/// A client may name a member of its request twice. lightningd shows it so to the hook
/// and runs the first one (`common/json_parse_simple.c:json_get_member`). If that made the
/// guest fail, the command could run as if there were no rules.
#[derive(Debug)]
pub struct Command;

impl Hook for Command {
    const NAME: &'static str = RpcCommand::NAME;
    type Payload = CommandPayload;
    type Action = RpcCommandAction;
}

/// What the hook is called with.
#[derive(Debug, serde::Deserialize)]
pub struct CommandPayload {
    rpc_command: FirstWins,
}

impl CommandPayload {
    /// The request.
    pub fn into_request(self) -> RpcRequest {
        self.rpc_command.0
    }
}

#[derive(Debug)]
struct FirstWins(RpcRequest);

impl<'de> Deserialize<'de> for FirstWins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Request;

        impl<'de> Visitor<'de> for Request {
            type Value = FirstWins;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON-RPC request")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<FirstWins, A::Error> {
                let (mut id, mut method, mut params) = (None, None, None);
                while let Some((name, value)) = members.next_entry::<String, RawValue>()? {
                    let member = match name.as_str() {
                        "id" => &mut id,
                        "method" => &mut method,
                        "params" => &mut params,
                        _ => continue,
                    };
                    member.get_or_insert(value);
                }
                let method = method.ok_or_else(|| A::Error::missing_field("method"))?;
                let id = match id {
                    Some(id) => json::from_str(id.get()).map_err(A::Error::custom)?,
                    None => Value::Null,
                };
                Ok(FirstWins(RpcRequest {
                    id,
                    method: json::from_str(method.get()).map_err(A::Error::custom)?,
                    params,
                    filter: None,
                }))
            }
        }

        deserializer.deserialize_map(Request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_two_members_counts() {
        let text = r#"{"rpc_command":{"id":"a","method":"withdraw","params":{"satoshi":1},
            "jsonrpc":"2.0","method":"help","params":[],"id":2,"filter":{},"filter":{}}}"#;
        let payload: CommandPayload = json::from_str(text).unwrap();
        let request = payload.into_request();
        assert_eq!(
            (request.id, request.method.as_str()),
            (json!("a"), "withdraw")
        );
        assert_eq!(request.params.unwrap().get(), r#"{"satoshi":1}"#);
    }

    #[test]
    fn what_is_no_request_is_an_error() {
        for text in [
            r#"{"rpc_command":{"id":1}}"#,
            r#"{"rpc_command":{"id":1,"method":2}}"#,
            r#"{"rpc_command":[]}"#,
            "{}",
        ] {
            assert!(json::from_str::<CommandPayload>(text).is_err(), "{text}");
        }
    }
}
