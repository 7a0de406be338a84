//! Why a call over the socket has no result.

use std::sync::Arc;

use serde_json::value::RawValue;

/// What a limit was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The request: nothing of it was sent.
    Request,
    /// The answer: lightningd has carried the call out.
    Answer,
    /// What the answer says, its result or its error, which has this many bytes: the
    /// caller wants no more than the limit.
    Outcome(usize),
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Side::Request => "request",
            Side::Answer | Side::Outcome(_) => "answer",
        })
    }
}

/// Why a call has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RpcSocketError {
    /// lightningd, or the plugin that owns the method, answered with an error.
    #[error("{message} (code {code})")]
    Rpc {
        /// `error.code`: see `common/jsonrpc_errors.h`.
        code: i64,
        /// `error.message`.
        message: String,
        /// `error.data` as it came, where there is one.
        data: Option<Box<RawValue>>,
    },

    /// No answer before the deadline.
    #[error("no answer before the deadline{}", taken_effect(*.sent))]
    Timeout {
        /// Whether lightningd may have got the request, so that it may still take effect.
        sent: bool,
    },

    /// lightningd cannot be asked, or the connection broke before the answer.
    #[error("{why}{}", taken_effect(*.sent))]
    Unavailable {
        /// The reason.
        why: Arc<str>,
        /// Whether lightningd may have got the request, so that it may have taken effect.
        sent: bool,
    },

    /// More bytes than allowed.
    #[error("the {side} is larger than {limit} bytes")]
    TooLarge {
        /// Which of them.
        side: Side,
        /// The limit, in bytes of the whole JSON-RPC message; for [`Side::Outcome`] of
        /// the result, or of the error's message and data.
        limit: usize,
    },

    /// The request is not one that may be sent; nothing was.
    #[error("{why}")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },

    /// What came back under this call's id is not an answer of JSON-RPC 2.0.
    #[error("malformed answer: {why}")]
    BadAnswer {
        /// What is wrong with it.
        why: String,
    },
}

impl RpcSocketError {
    /// Whether the call may have had, or may yet have, an effect on the node. An
    /// error answer is no proof of the contrary: `pay` may fail after parts of it
    /// have left.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            RpcSocketError::Timeout { sent } | RpcSocketError::Unavailable { sent, .. } => *sent,
            RpcSocketError::TooLarge { side, .. } => *side != Side::Request,
            RpcSocketError::Malformed { .. } => false,
            RpcSocketError::Rpc { .. } | RpcSocketError::BadAnswer { .. } => true,
        }
    }
}

fn taken_effect(sent: bool) -> &'static str {
    if sent {
        "; the call may have taken effect"
    } else {
        "; the call was not sent"
    }
}
