//! One delivery to a guest, and what comes back.

use std::fmt;
use std::sync::Arc;

use crate::lightningd::output::RpcError;

/// Names one open call of one guest. Never reused within the life of the bridge.
pub type CallId = u64;

/// What is asked of a guest. JSON is text, verbatim.
#[derive(Debug, Clone)]
pub enum Call {
    /// Its manifest. `request` are lightningd's params.
    Manifest {
        /// `{"allow-deprecated-apis": bool}`
        request: Arc<str>,
    },
    /// `init`, with this guest's options only.
    Init {
        /// `{"options": …, "configuration": …}`
        init: Arc<str>,
    },
    /// The background task, which need not end.
    Run,
    /// One of its RPC methods.
    Method {
        /// The method's name.
        method: Arc<str>,
        /// An array or an object.
        params: Arc<str>,
        /// The caller's result filter.
        filter: Option<Arc<str>>,
        /// May this caller use deprecated parameters?
        deprecated_ok: bool,
    },
    /// Would it take these params?
    Check {
        /// The method's name.
        method: Arc<str>,
        /// An array or an object, without `command_to_check`.
        params: Arc<str>,
    },
    /// A new value of a dynamic option.
    SetConfig {
        /// The option's name.
        option: Arc<str>,
        /// The value, of the option's type; none for a flag.
        value: Option<Arc<str>>,
        /// Only ask whether it would be taken.
        check_only: bool,
    },
    /// An event.
    Notification {
        /// The topic.
        topic: Arc<str>,
        /// In today's shape.
        params: Arc<str>,
        /// The plugin or guest that sent it; none for lightningd itself.
        origin: Option<Arc<str>>,
    },
    /// A hook.
    Hook {
        /// lightningd's name for it.
        hook: &'static str,
        /// In today's shape.
        payload: Arc<str>,
    },
}

impl fmt::Display for Call {
    /// For log lines: what it was, without its values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Manifest { .. } => f.write_str("getmanifest"),
            Call::Init { .. } => f.write_str("init"),
            Call::Run => f.write_str("its background task"),
            Call::Method { method, .. } => write!(f, "method {method}"),
            Call::Check { method, .. } => write!(f, "check of method {method}"),
            Call::SetConfig { option, .. } => write!(f, "setconfig of {option}"),
            Call::Notification { topic, .. } => write!(f, "notification {topic}"),
            Call::Hook { hook, .. } => write!(f, "hook {hook}"),
        }
    }
}

/// A guest's answer, not yet checked for what lightningd accepts.
#[derive(Debug, Clone)]
pub enum Answer {
    /// JSON text, or what claims to be: a manifest, a result, a hook's answer.
    Json(String),
    /// It is done, there is nothing to say.
    Done,
    /// An error result, legitimate for methods, `check` and `setconfig`.
    Error(RpcError),
    /// The guest says that it cannot answer: its reason to disable itself in
    /// `init`, or to leave a hook to the bridge's fallback.
    Declined(String),
}

/// Why a guest did not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// WebAssembly trapped: a panic, an out-of-bounds access, an exhausted limit.
    #[error("trapped: {0}")]
    Trap(Arc<str>),
    /// Another call of the same guest trapped, and took this one with it.
    #[error("was stopped while this call was open, because {0}")]
    Stopped(Arc<str>),
    /// No answer in time.
    #[error("did not answer within {0} ms")]
    Deadline(u64),
    /// An answer that cannot be used.
    #[error("answered what cannot be used: {0}")]
    Answer(String),
    /// The guest is not there: it waits for its restart, is quarantined, or
    /// disabled itself.
    #[error("is not running: {0}")]
    Absent(Arc<str>),
}
