//! What lightningd would have done, and why a test ends.

use super::transcript::Transcript;
use serde_json::Value;

/// What lightningd does to a plugin, or what a plugin does to lightningd, when something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// lightningd sends SIGKILL and goes on without the plugin (`plugin_kill`).
    Killed {
        /// The plugin's file name.
        plugin: String,
        /// lightningd's words.
        reason: String,
    },
    /// lightningd itself dies (`fatal()`, an abort or a crash).
    NodeAborts {
        /// The plugin's file name.
        plugin: String,
        /// lightningd's words, or what it trips over.
        reason: String,
    },
    /// lightningd refuses to start with this plugin.
    NodeWillNotStart {
        /// The plugin's file name.
        plugin: String,
        /// lightningd's words.
        reason: String,
    },
    /// A NUL byte: lightningd never reads another message of this plugin.
    StreamHangs {
        /// The plugin's file name.
        plugin: String,
    },
}

impl Verdict {
    /// lightningd's words; empty for [`Verdict::StreamHangs`].
    pub fn reason(&self) -> &str {
        match self {
            Self::Killed { reason, .. }
            | Self::NodeAborts { reason, .. }
            | Self::NodeWillNotStart { reason, .. } => reason,
            Self::StreamHangs { .. } => "",
        }
    }

    /// Whether lightningd only killed the plugin.
    pub fn is_killed(&self) -> bool {
        matches!(self, Self::Killed { .. })
    }

    /// Whether lightningd itself died while running.
    pub fn is_node_abort(&self) -> bool {
        matches!(self, Self::NodeAborts { .. })
    }

    /// The file name of the plugin at fault.
    pub fn plugin(&self) -> &str {
        match self {
            Self::Killed { plugin, .. }
            | Self::NodeAborts { plugin, .. }
            | Self::NodeWillNotStart { plugin, .. }
            | Self::StreamHangs { plugin } => plugin,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Killed { plugin, reason } => write!(f, "lightningd kills {plugin}: {reason}"),
            Self::NodeAborts { plugin, reason } => {
                write!(f, "lightningd aborts because of {plugin}: {reason}")
            }
            Self::NodeWillNotStart { plugin, reason } => {
                write!(f, "lightningd does not start because of {plugin}: {reason}")
            }
            Self::StreamHangs { plugin } => {
                write!(f, "lightningd never reads {plugin} again after a NUL byte")
            }
        }
    }
}

/// A JSON-RPC error, as a caller of lightningd gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct RpcError {
    /// The code; -32601 is an unknown command, -4 a plugin that died.
    pub code: i64,
    /// The message.
    pub message: String,
    /// `data`, where there is any.
    pub data: Option<Value>,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }
}

impl std::fmt::Display for RpcError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

/// Why something asked of the simulated node did not come about. Its text ends with the transcript,
/// except for an error answer, which is often what a test wants.
#[derive(Clone, thiserror::Error)]
pub enum Failure {
    /// The call was answered with an error.
    #[error("error answer: {0}")]
    Rpc(RpcError),
    /// The call was answered with something that is neither a result nor an error, or not JSON.
    #[error("odd answer: {0}")]
    Odd(String),
    /// lightningd would have killed the plugin, or died.
    #[error("{verdict}\n{transcript}")]
    Verdict {
        /// What would have happened.
        verdict: Verdict,
        /// All that was said.
        transcript: String,
    },
    /// A deadline passed.
    #[error("no {what} within {seconds} s\n{transcript}")]
    Deadline {
        /// What was waited for.
        what: String,
        /// The deadline in seconds.
        seconds: f64,
        /// All that was said.
        transcript: String,
    },
    /// The plugin did something that lightningd does not mind, but that no plugin should do.
    #[error("{what}\n{transcript}")]
    Unclean {
        /// What it did.
        what: String,
        /// All that was said.
        transcript: String,
    },
    /// The simulation could not be set up, or was asked for something impossible.
    #[error("{0}")]
    Setup(String),
}

impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // `unwrap` prints this: a transcript in one escaped line would help nobody.
        std::fmt::Display::fmt(self, f)
    }
}

impl Failure {
    pub(crate) fn verdict_of(verdict: Verdict, transcript: &Transcript) -> Self {
        Self::Verdict {
            verdict,
            transcript: transcript.to_string(),
        }
    }

    pub(crate) fn unclean(what: impl Into<String>, transcript: &Transcript) -> Self {
        Self::Unclean {
            what: what.into(),
            transcript: transcript.to_string(),
        }
    }

    pub(crate) fn setup(what: impl std::fmt::Display) -> Self {
        Self::Setup(what.to_string())
    }

    /// The error answer, if that is what it is.
    pub fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Rpc(error) => Some(error),
            _ => None,
        }
    }

    /// The code of the error answer, if that is what it is.
    pub fn code(&self) -> Option<i64> {
        self.rpc().map(|error| error.code)
    }

    /// The verdict, if that is what it is.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Verdict { verdict, .. } => Some(verdict),
            _ => None,
        }
    }
}

/// What the simulator's methods give.
pub type Result<T> = std::result::Result<T, Failure>;
