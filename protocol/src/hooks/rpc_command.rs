//! `rpc_command`: somebody called an RPC method of the node.
//!
//! `lightningd/jsonrpc.c`: `rpc_command_hook_callback` and `replace_command`.

use crate::hook::Hook;
use crate::json::{self, RawValue};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// The hook `rpc_command`. With `filters` it is called for those methods only.
#[derive(Debug)]
pub struct RpcCommand;

impl Hook for RpcCommand {
    const NAME: &'static str = "rpc_command";
    type Payload = RpcCommandPayload;
    type Action = RpcCommandAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, Deserialize)]
pub struct RpcCommandPayload {
    /// The request.
    pub rpc_command: RpcRequest,
}

/// A JSON-RPC request as the caller sent it. `Debug` does not show its parameters.
#[derive(Clone, Deserialize)]
pub struct RpcRequest {
    /// The caller's id: a string or a number.
    pub id: Value,
    /// The method.
    pub method: String,
    /// The parameters, an object or an array. Absent without the grant `params`.
    pub params: Option<RawValue>,
    /// Which members of the result the caller wants.
    pub filter: Option<RawValue>,
}

impl RpcRequest {
    /// Reads the parameters into a type of one's own. None when they are absent.
    pub fn params<T: DeserializeOwned>(&self) -> Option<Result<T, json::Error>> {
        self.params
            .as_ref()
            .map(|params| json::from_str(params.get()))
    }
}

impl std::fmt::Debug for RpcRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RpcRequest")
            .field("id", &self.id)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// An object or an array: what parameters and results can be. lightningd cannot hand on a
/// result that is a string: it loses its quotes on the way.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Structured {
    /// Named members.
    Object(Map<String, Value>),
    /// Values in a row.
    Array(Vec<Value>),
}

impl From<Map<String, Value>> for Structured {
    fn from(members: Map<String, Value>) -> Self {
        Structured::Object(members)
    }
}

impl From<Vec<Value>> for Structured {
    fn from(values: Vec<Value>) -> Self {
        Structured::Array(values)
    }
}

/// An error for the caller.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RpcCommandError {
    /// The code, as in JSON-RPC and lightningd's `common/jsonrpc_errors.h`.
    pub code: i32,
    /// What went wrong.
    pub message: String,
    /// More of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// What a plugin may answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RpcCommandAction {
    /// Run it as it is.
    Continue,
    /// Run another request in its place.
    Replace {
        /// The caller's id.
        id: Value,
        /// The method to run.
        method: String,
        /// Its parameters.
        params: Structured,
    },
    /// Give the caller this result; nothing is run.
    Return(Structured),
    /// Give the caller this error; nothing is run.
    Error(RpcCommandError),
}

impl RpcCommandAction {
    /// Run it as it is.
    pub fn pass() -> Self {
        RpcCommandAction::Continue
    }

    /// Run another method, or with other parameters, in place of this request.
    pub fn replace(
        request: &RpcRequest,
        method: impl Into<String>,
        params: impl Into<Structured>,
    ) -> Self {
        RpcCommandAction::Replace {
            id: request.id.clone(),
            method: method.into(),
            params: params.into(),
        }
    }

    /// Give the caller this result; nothing is run.
    pub fn return_result(result: impl Into<Structured>) -> Self {
        RpcCommandAction::Return(result.into())
    }

    /// Give the caller this error; nothing is run.
    pub fn return_error(code: i32, message: impl Into<String>) -> Self {
        RpcCommandAction::Error(RpcCommandError {
            code,
            message: message.into(),
            data: None,
        })
    }
}

impl Serialize for RpcCommandAction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "lowercase")]
        enum Wire<'a> {
            Result(&'static str),
            Replace {
                jsonrpc: &'static str,
                id: &'a Value,
                method: &'a str,
                params: &'a Structured,
            },
            Return(Returned<'a>),
        }
        #[derive(Serialize)]
        #[serde(rename_all = "lowercase")]
        enum Returned<'a> {
            Result(&'a Structured),
            Error(&'a RpcCommandError),
        }
        match self {
            RpcCommandAction::Continue => Wire::Result("continue"),
            RpcCommandAction::Replace { id, method, params } => Wire::Replace {
                jsonrpc: "2.0",
                id,
                method,
                params,
            },
            RpcCommandAction::Return(result) => Wire::Return(Returned::Result(result)),
            RpcCommandAction::Error(error) => Wire::Return(Returned::Error(error)),
        }
        .serialize(serializer)
    }
}

#[cfg(feature = "host")]
pub use host::{Intent, REPLACE, RETURN_RESULT, SPEC, intent};

#[cfg(feature = "host")]
mod host {
    use super::RpcCommand;
    use crate::hook::{
        Chain, Delivery, Filters, Flow, Hook, HookSpec, Invalid, Place, Secret, Stance, Taken,
    };
    use crate::hooks::answer::{CONTINUE, is_plain_continue, shown, unknown_result};
    use crate::hooks::raw;
    use crate::json::{self, RawStr};
    use serde_json::Value;
    use std::borrow::Cow;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    /// What the bridge knows about `rpc_command`.
    pub const SPEC: HookSpec = HookSpec {
        name: RpcCommand::NAME,
        filters: Filters::Methods,
        delivery: Delivery::InTurn,
        secrets: &[Secret {
            grant: "params",
            places: &[Place::Member("/rpc_command/params")],
        }],
        stance: Stance::Open,
        begin: |payload, _| {
            Box::new(RpcCommandChain {
                payload,
                change: None,
            })
        },
    };

    struct RpcCommandChain {
        payload: Arc<str>,
        /// What counts, once one guest changed the command.
        change: Option<Change>,
    }

    /// The grant for answers that run another command with the caller's authority.
    pub const REPLACE: &str = "replace";
    /// The grant for answers that give the caller a result of the guest's own making.
    pub const RETURN_RESULT: &str = "return.result";

    /// What an answer means to do. Passing a command on and refusing it is what the
    /// hook is for; the others act in the caller's or the node's name.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Intent {
        /// The command is run as it is, or the caller gets an error.
        PassOrRefuse,
        /// The caller gets this guest's result.
        ReturnResult,
        /// Another command is run.
        Replace {
            /// Its name.
            method: String,
            /// Its parameters as JSON text, an object or array.
            params: String,
        },
    }

    /// What this answer means to do, read as [`Chain::answer`] reads it.
    ///
    /// # Errors
    ///
    /// [`Chain::answer`] would refuse it.
    pub fn intent(answer: &str) -> Result<Intent, Invalid> {
        if is_plain_continue(answer) {
            return Ok(Intent::PassOrRefuse);
        }
        let answer = raw::compact(answer)?;
        Ok(match read(&members(&answer, "the answer")?)? {
            Read::Continue => Intent::PassOrRefuse,
            Read::Replace(request) => {
                let (method, params) = command(&request)?;
                Intent::Replace {
                    method,
                    params: params.to_owned(),
                }
            }
            Read::Return(given) => match given.contains_key("result") {
                true => Intent::ReturnResult,
                false => Intent::PassOrRefuse,
            },
        })
    }

    /// What the caller gets when a guest that guards a command has failed.
    const GUARD_FAILED: &str = r#"{"return":{"error":{"code":-1,"message":"A plugin that guards this command failed, so it was not run"}}}"#;

    /// The members of an object, as text.
    type Members<'a> = BTreeMap<Cow<'a, str>, RawStr<'a>>;

    fn members<'a>(text: &'a str, what: &str) -> Result<Members<'a>, Invalid> {
        match text.trim_ascii_start().starts_with('{') {
            true => json::from_str(text)
                .map_err(|reason| Invalid::new(format!("{what} is not JSON: {reason}"))),
            false => Err(Invalid::new(format!("{what} is not an object"))),
        }
    }

    impl Chain for RpcCommandChain {
        fn payload(&self) -> Arc<str> {
            self.payload.clone()
        }

        fn answer(&mut self, answer: &str) -> Result<Taken, Invalid> {
            if is_plain_continue(answer) {
                return Ok(Flow::Next.into());
            }
            // First of all, so that nothing after it meets hostile nesting.
            let answer = raw::compact(answer)?;
            let Some((change, note)) = self.change(&members(&answer, "the answer")?)? else {
                return Ok(Flow::Next.into());
            };
            // A second change would abort lightningd, which gets one answer from here: a
            // refusal, where there is one, and else what came first.
            let ignored = match &self.change {
                Some(Change::Refused(_)) => {
                    Some("the command was already refused by an earlier plugin".into())
                }
                Some(Change::Given(_)) if matches!(change, Change::Given(_)) => {
                    Some("the command was already changed by an earlier plugin".into())
                }
                earlier => {
                    let unused = earlier
                        .is_some()
                        .then(|| "the change by an earlier plugin is ignored".to_owned());
                    self.change = Some(change);
                    let notes: Vec<_> = unused.into_iter().chain(note).collect();
                    (!notes.is_empty()).then(|| notes.join("; "))
                }
            };
            // lightningd too asks the rest.
            Ok(Taken {
                flow: Flow::Next,
                ignored,
            })
        }

        fn fallback(&mut self, stance: Stance) -> Flow {
            if stance == Stance::Closed && !matches!(self.change, Some(Change::Refused(_))) {
                self.change = Some(Change::Refused(GUARD_FAILED.into()));
            }
            Flow::Next
        }

        fn finish(self: Box<Self>) -> String {
            match self.change {
                Some(Change::Given(answer) | Change::Refused(answer)) => answer,
                None => CONTINUE.into(),
            }
        }
    }

    /// A whole answer that is not `continue`.
    enum Change {
        /// The caller gets a result: of another command, or of the guest's making.
        Given(String),
        /// The caller gets an error.
        Refused(String),
    }

    /// What was left out of an answer, or filled in.
    type Note = Option<String>;

    /// An answer, by what lightningd looks at first.
    enum Read<'a> {
        Continue,
        Replace(Members<'a>),
        Return(Members<'a>),
    }

    fn read<'a>(answer: &Members<'a>) -> Result<Read<'a>, Invalid> {
        if let Some(result) = answer.get("result") {
            return match json::from_str(result.get()) {
                Ok(Value::String(text)) if text == "continue" => Ok(Read::Continue),
                Ok(Value::String(text)) => Err(unknown_result(Some(&text), "continue")),
                _ => Err(Invalid::new("result is not a string")),
            };
        }
        // As in v0.8.2.
        if answer.get("continue").is_some_and(|go| go.get() == "true") {
            return Ok(Read::Continue);
        }
        if let Some(replace) = answer.get("replace") {
            return members(replace.get(), "replace").map(Read::Replace);
        }
        if let Some(given) = answer.get("return") {
            return members(given.get(), "return").map(Read::Return);
        }
        Err(Invalid::new("there is no member result, replace or return"))
    }

    /// Method and parameters of a `replace`.
    fn command<'a>(request: &Members<'a>) -> Result<(String, &'a str), Invalid> {
        if let Some(version) = request.get("jsonrpc")
            && text(version).as_deref() != Some("2.0")
        {
            return Err(Invalid::new("replace.jsonrpc is not \"2.0\""));
        }
        let method = request
            .get("method")
            .ok_or_else(|| Invalid::new("replace has no method"))?;
        let method = text(method)
            .filter(|method| !method.is_empty())
            .ok_or_else(|| Invalid::new("replace.method is not the name of a method"))?;
        let params = request
            .get("params")
            .ok_or_else(|| Invalid::new("replace has no params"))?
            .get();
        if !params.starts_with(['{', '[']) {
            return Err(Invalid::new("replace.params is not an object or array"));
        }
        Ok((method, params))
    }

    impl RpcCommandChain {
        fn change(&self, answer: &Members) -> Result<Option<(Change, Note)>, Invalid> {
            match read(answer)? {
                Read::Continue => Ok(None),
                Read::Replace(request) => self.replace(&request).map(Some),
                Read::Return(given) => returned(&given).map(Some),
            }
        }

        fn replace(&self, request: &Members) -> Result<(Change, Note), Invalid> {
            let (method, params) = command(request)?;
            let method = Value::from(method);
            // The caller's id, whatever the guest made of it.
            let id = self.id().unwrap_or_else(|| "\"\"".into());
            // lightningd hands a plugin's method the request as it is given here.
            let filter = match request.get("filter") {
                Some(filter) if filter.get().starts_with('{') => {
                    format!(r#","filter":{filter}"#)
                }
                Some(_) => return Err(Invalid::new("replace.filter is not an object")),
                None => String::new(),
            };
            let known = ["jsonrpc", "id", "method", "params", "filter"];
            let note = request
                .keys()
                .find(|name| !known.contains(&name.as_ref()))
                .map(|name| format!("replace has a member {name:.64}, which was left out"));
            let text = format!(
                r#"{{"replace":{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}{filter}}}}}"#
            );
            Ok((Change::Given(text), note))
        }

        /// The id of the original request, as JSON.
        fn id(&self) -> Option<String> {
            let payload = members(&self.payload, "").ok()?;
            let request = members(payload.get("rpc_command")?.get(), "").ok()?;
            let id = request.get("id")?.get();
            Some(id.to_owned())
        }
    }

    fn returned(given: &Members) -> Result<(Change, Note), Invalid> {
        if let Some(result) = given.get("result") {
            // lightningd writes a string to the caller without its quotes.
            return match result.get().starts_with('"') {
                true => Err(Invalid::new(
                    "return.result is a string, which lightningd cannot hand on: use an object",
                )),
                false => {
                    let text = format!(r#"{{"return":{{"result":{result}}}}}"#);
                    Ok((Change::Given(text), None))
                }
            };
        }
        let Some(error) = given.get("error") else {
            return Err(Invalid::new("return has no result or error"));
        };
        let error = members(error.get(), "return.error")?;
        let mut filled = Vec::new();
        let code = match error.get("code") {
            None => {
                filled.push("code");
                -1
            }
            Some(code) => json::from_str::<i32>(code.get()).map_err(|_| {
                Invalid::new(format!(
                    "return.error.code is {:.64}, not an integer of 32 bits",
                    code.get()
                ))
            })?,
        };
        let message = match error.get("message") {
            None => {
                filled.push("message");
                "A plugin refused this command".into()
            }
            Some(message) => text(message).ok_or_else(|| {
                Invalid::new(format!(
                    "return.error.message is {}, not a string",
                    json::from_str(message.get()).map_or("too deep".into(), |v| shown(&v))
                ))
            })?,
        };
        let data = match error.get("data") {
            None => String::new(),
            Some(data) => format!(r#","data":{data}"#),
        };
        let message = Value::from(message);
        let text =
            format!(r#"{{"return":{{"error":{{"code":{code},"message":{message}{data}}}}}}}"#);
        let note = (!filled.is_empty())
            .then(|| format!("return.error has no {}: filled in", filled.join(" and ")));
        Ok((Change::Refused(text), note))
    }

    /// The text of a JSON string.
    fn text(string: &RawStr<'_>) -> Option<String> {
        json::from_str(string.get()).ok()
    }
}

#[cfg(test)]
mod tests;
