//! Errors: what a method answers, and why a call to lightningd has no result.

use std::error::Error;
use std::fmt;

use cln_protocol::json::RawValue;
use serde::{Deserialize, Serialize};

/// The error object of JSON-RPC 2.0: what a method answers when it fails.
///
/// It is not a [`std::error::Error`] itself. That is what lets `?` turn any
/// error into one, with [`RpcError::INTERNAL`] as its code; a [`CallError`]
/// that carries an error of lightningd keeps that error's code, message and
/// data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RpcError {
    /// The code. JSON-RPC keeps −32768 to −32000 for itself; lightningd's own
    /// are in `common/jsonrpc_errors.h`.
    pub code: i64,
    /// What went wrong, in one line for the operator.
    pub message: String,
    /// More about it, any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<RawValue>,
}

impl RpcError {
    /// The parameters are wrong (`JSONRPC2_INVALID_PARAMS`).
    pub const INVALID_PARAMS: i64 = -32602;
    /// No such method (`JSONRPC2_METHOD_NOT_FOUND`).
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The method failed for a reason that has no code of its own.
    pub const INTERNAL: i64 = -32603;

    /// An error with this code and message.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        RpcError {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// An error with code −32602: the caller's parameters are wrong.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        RpcError::new(RpcError::INVALID_PARAMS, message)
    }

    /// An error with code −32603, from anything that can be shown: the way for
    /// `String`, `&str` and `anyhow::Error`, which are no errors to Rust.
    pub fn internal(message: impl fmt::Display) -> Self {
        // The alternate form shows the whole chain of an `anyhow::Error`.
        RpcError::new(RpcError::INTERNAL, format!("{message:#}"))
    }

    /// The same error with this as its `data`. What does not serialise is left out.
    pub fn with_data(mut self, data: &(impl Serialize + ?Sized)) -> Self {
        self.data = RawValue::of(data).ok();
        self
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

impl<E: Error + 'static> From<E> for RpcError {
    fn from(error: E) -> Self {
        let mut link: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(current) = link {
            if let Some(CallError::Rpc(answer)) = current.downcast_ref::<CallError>() {
                return answer.clone();
            }
            link = current.source();
        }
        RpcError::internal(Chain(&error))
    }
}

/// A search of the standard library's is many times the code.
fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// An error with its causes, in one line.
struct Chain<'a>(&'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut shown = self.0.to_string();
        let mut link = self.0.source();
        while let Some(cause) = link {
            let text = cause.to_string();
            // Many errors already say what their cause says.
            if !contains(&shown, &text) {
                write!(f, ": {text}")?;
            }
            shown = text;
            link = cause.source();
        }
        Ok(())
    }
}

/// Why a call to lightningd has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// lightningd, or the plugin that owns the method, answered with an error.
    #[error("{0}")]
    Rpc(RpcError),
    /// The operator's grant does not cover the call; the text says what would.
    #[error("not granted: {0}")]
    Denied(String),
    /// No answer before the deadline. The call may still take effect.
    #[error("no answer before the deadline; the call may still take effect")]
    Timeout,
    /// lightningd cannot be asked now: before `init`, in shutdown, or the
    /// connection broke. The text says which.
    #[error("lightningd cannot be asked now: {0}")]
    Unavailable(String),
    /// Too many calls of this guest are waiting, or the request or the answer
    /// is too large. The text names the limit.
    #[error("past a limit: {0}")]
    Limit(String),
    /// The parameters or the filter are not what JSON-RPC allows.
    #[error("malformed call: {0}")]
    Malformed(String),
    /// The parameters cannot be written as JSON. Nothing was sent.
    #[error("parameters of `{method}` cannot be written as JSON: {reason}")]
    Encode {
        /// The method that was to be called.
        method: String,
        /// What the serialiser said.
        reason: String,
    },
    /// The answer is not of the expected type. The call has taken effect.
    #[error("answer of `{method}` is not as expected: {reason}")]
    Decode {
        /// The method that was called.
        method: String,
        /// What the deserialiser said.
        reason: String,
    },
}

impl CallError {
    /// The code of the error that was answered, if there was an answer.
    pub fn code(&self) -> Option<i64> {
        match self {
            CallError::Rpc(error) => Some(error.code),
            _ => None,
        }
    }
}

/// Why a notification was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// The topic is not declared in the manifest, or not granted.
    #[error("not granted: {0}")]
    Denied(String),
    /// Too many notifications at once, or one that is too large.
    #[error("past a limit: {0}")]
    Limit(String),
    /// The payload is no JSON object or array.
    #[error("malformed notification: {0}")]
    Malformed(String),
}

/// Why the store did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KvError {
    /// The operator grants no store; the text says what would.
    #[error("not granted: {0}")]
    Denied(String),
    /// There is no room, or a value is too large. Nothing was changed. The text
    /// names the limit.
    #[error("past a limit: {0}")]
    Limit(String),
    /// The store cannot be used now: before `init`, or its file is locked, damaged or on a
    /// full disk. A write may or may not have been kept.
    #[error("the store cannot be used now: {0}")]
    Unavailable(String),
    /// The key is empty or has more than 512 bytes.
    #[error("malformed key: {0}")]
    Malformed(String),
    /// The value cannot be written as JSON. Nothing was changed.
    #[error("the value of `{key}` cannot be written as JSON: {reason}")]
    Encode {
        /// The key.
        key: String,
        /// What the serialiser said.
        reason: String,
    },
    /// The value is not of the expected type.
    #[error("the value of `{key}` is not as expected: {reason}")]
    Decode {
        /// The key.
        key: String,
        /// What the deserialiser said.
        reason: String,
    },
}

/// Why an HTTP request has no answer, or none that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The operator's grant does not cover the host, or the address that it has; the
    /// text says what would.
    #[error("not granted: {0}")]
    Denied(String),
    /// No whole answer before the deadline. The request may still have taken effect.
    #[error("no answer before the deadline; the request may still have taken effect")]
    Timeout,
    /// Before `init`, in shutdown, or the host cannot be reached. The text says which.
    #[error("cannot be reached: {0}")]
    Unavailable(String),
    /// Too many requests of this guest are waiting, the request or the answer is too
    /// large, or too many redirects. The text names the limit.
    #[error("past a limit: {0}")]
    Limit(String),
    /// The method, the URL, a header or the body cannot be sent. Nothing was sent.
    #[error("malformed request: {0}")]
    Malformed(String),
    /// The answer's status is not 200 to 299 ([`HttpResponse::success`](crate::HttpResponse::success)).
    #[error("answered with status {status}")]
    Status {
        /// The status.
        status: u16,
        /// Where a redirect leads. One to another host is a request of its own.
        location: Option<String>,
    },
    /// The body of the answer is not as expected. The request has taken effect.
    #[error("the answer is not as expected: {0}")]
    Decode(String),
}

/// Why a timer was not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimerError {
    /// The guest does not [ask](crate::Guest::request) for `timer`, or the operator
    /// does not grant it; the text says which.
    #[error("not granted: {0}")]
    Denied(String),
    /// Too many timers are set. The text names the limit.
    #[error("past a limit: {0}")]
    Limit(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot pay")]
    struct Wrapped(#[source] CallError);

    fn fails(error: impl Error + 'static) -> Result<(), RpcError> {
        Err(error)?;
        Ok(())
    }

    #[test]
    fn any_error_becomes_an_internal_one() {
        let error = fails("x".parse::<u8>().unwrap_err()).unwrap_err();
        assert_eq!(
            error,
            RpcError::new(-32603, "invalid digit found in string")
        );
    }

    #[test]
    fn an_answer_of_lightningd_keeps_its_code_through_other_errors() {
        let answer = RpcError::new(205, "no route").with_data(&serde_json::json!({"erring": 1}));
        let call = CallError::Rpc(answer.clone());
        assert_eq!(fails(call.clone()).unwrap_err(), answer);
        assert_eq!(fails(Wrapped(call)).unwrap_err(), answer);
        let late = fails(Wrapped(CallError::Timeout)).unwrap_err();
        assert_eq!(late.code, RpcError::INTERNAL);
        assert!(late.message.starts_with("cannot pay: no answer"), "{late}");
    }
}
