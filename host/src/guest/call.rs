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

/// What a call was, without its values: cheap to keep beside the call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Label {
    /// A name that the bridge gives.
    Fixed(&'static str),
    /// A hook.
    Hook(&'static str),
    /// A kind and a name out of lightningd's message.
    Named(&'static str, Arc<str>),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Fixed(name) => f.write_str(name),
            Label::Hook(name) => write!(f, "hook {name}"),
            Label::Named(kind, name) => write!(f, "{kind} {name}"),
        }
    }
}

impl Call {
    /// What it is, for log lines.
    pub fn label(&self) -> Label {
        match self {
            Call::Manifest { .. } => Label::Fixed("getmanifest"),
            Call::Init { .. } => Label::Fixed("init"),
            Call::Run => Label::Fixed("its background task"),
            Call::Method { method, .. } => Label::Named("method", Arc::clone(method)),
            Call::Check { method, .. } => Label::Named("check of method", Arc::clone(method)),
            Call::SetConfig { option, .. } => Label::Named("setconfig of", Arc::clone(option)),
            Call::Notification { topic, .. } => Label::Named("notification", Arc::clone(topic)),
            Call::Hook { hook, .. } => Label::Hook(hook),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.label().fmt(f)
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
    /// No answer in time, which is this many ms.
    #[error("did not answer within {0} ms")]
    Deadline(u64),
    /// An answer that cannot be used.
    #[error("answered what cannot be used: {0}")]
    Answer(String),
    /// The guest is not there: it waits for its restart, or was refused.
    #[error("is not running: {0}")]
    Absent(Arc<str>),
    /// It failed too often: it is not started again until the bridge is.
    #[error("is in quarantine until the bridge starts again: {0}")]
    Quarantined(Arc<str>),
    /// It disabled itself in `init`: as with a plugin that did, it counts as not there, unless
    /// the operator chose `closed` for the hook.
    #[error("is disabled: {0}")]
    Disabled(Arc<str>),
}
