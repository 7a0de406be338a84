//! What is common to all hooks.
//!
//! Source of the rules: `lightningd/plugin_hook.c` and the deserialiser of each
//! hook, at v26.06.

use serde::{Serialize, de::DeserializeOwned};

/// A hook as a guest author sees it.
pub trait Hook: 'static {
    /// lightningd's name for it.
    const NAME: &'static str;
    /// The payload, in today's shape.
    type Payload: DeserializeOwned;
    /// What a plugin may answer.
    type Action: Serialize;
}

#[cfg(feature = "host")]
pub use chain::*;

/// How the answers of several guests become the one that lightningd gets.
#[cfg(feature = "host")]
mod chain {
    use std::sync::Arc;

    /// All the bridge knows about one hook.
    #[derive(Debug)]
    pub struct HookSpec {
        /// lightningd's name for it.
        pub name: &'static str,
        /// What `filters` in a manifest may hold.
        pub filters: Filters,
        /// How the guests of one event are called.
        pub delivery: Delivery,
        /// Members of the payload that are secrets, each behind a grant of its own.
        pub secrets: &'static [Secret],
        /// Where the operator says nothing: open or closed.
        pub stance: Stance,
        /// Starts a chain on one payload. The payload is hostile only in the sense
        /// that a newer lightningd may have changed it: a chain must not fail for
        /// want of a member that it can do without, and parses nothing before it has to.
        pub begin: fn(payload: Arc<str>, node: &Node) -> Box<dyn Chain>,
    }

    /// What lightningd allows in a manifest's `filters` for this hook.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Filters {
        /// None: lightningd kills the plugin.
        Refused,
        /// Strings: exact names of RPC methods (`rpc_command`).
        Methods,
        /// Unsigned integers: message types (`custommsg`).
        MessageTypes,
    }

    /// How several guests see one event.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Delivery {
        /// One after another, each seeing what those before it changed.
        InTurn,
        /// All at the same time (`db_write`).
        AllAtOnce,
    }

    /// One secret that a hook pushes into a guest.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Secret {
        /// The name of the grant, such as `preimage`.
        pub grant: &'static str,
        /// Everywhere that it is in the payload.
        pub places: &'static [Place],
    }

    /// Where a secret is, and so what is left out.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Place {
        /// A member (RFC 6901 JSON pointer), such as `/payment/preimage`.
        Member(&'static str),
        /// A record of the TLV stream that a member holds as hex, with the stream's
        /// length (BigSize) in front.
        Record {
            /// The member, by its JSON pointer.
            member: &'static str,
            /// The type of the record.
            typ: u64,
        },
    }

    /// What the bridge does in place of a guest that failed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Stance {
        /// As if the guest were not there.
        Open,
        /// The safe refusal, where the hook has one.
        Closed,
    }

    /// What a chain must know about the node.
    #[derive(Debug, Clone, Default)]
    pub struct Node {
        /// `configuration.network` of `init`: `bitcoin`, `testnet`, `testnet4`, `signet`,
        /// `regtest`, `liquid`, `liquid-regtest`. None before `init`.
        pub network: Option<String>,
    }

    /// What happens after an answer.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Flow {
        /// The next guest is asked.
        Next,
        /// The chain has ended; [`Chain::finish`] has the answer.
        Done,
    }

    /// An answer that was taken.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Taken {
        /// Whether the chain goes on.
        pub flow: Flow,
        /// What of the answer had no effect, for the operator's log, where
        /// lightningd too would log it: "close_to was already set by an earlier plugin".
        pub ignored: Option<String>,
    }

    impl From<Flow> for Taken {
        fn from(flow: Flow) -> Self {
            Taken {
                flow,
                ignored: None,
            }
        }
    }

    /// An answer that lightningd would not accept, and why. The bridge counts it as
    /// a fault and puts the fallback in its place.
    #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
    #[error("{0}")]
    pub struct Invalid(pub String);

    impl Invalid {
        /// An answer refused for this reason.
        pub fn new(reason: impl Into<String>) -> Self {
            Invalid(reason.into())
        }
    }

    /// One event on its way through the guests that hook it.
    ///
    /// The bridge asks each guest in turn with [`payload`](Chain::payload) and hands
    /// its answer to [`answer`](Chain::answer); when that is refused, or there is no
    /// answer, it calls [`fallback`](Chain::fallback). At the end
    /// [`finish`](Chain::finish) builds the `result` member for lightningd, from
    /// checked values only: never a guest's bytes unchecked.
    pub trait Chain: Send {
        /// What the next guest is shown: the original until somebody rewrote it.
        fn payload(&self) -> Arc<str>;

        /// Takes one guest's answer: the `result` member as JSON text, in today's form
        /// or in that of v0.8.2. A refused answer leaves the chain as it was.
        fn answer(&mut self, answer: &str) -> Result<Taken, Invalid>;

        /// The answer of a guest that was not shown these records of the payload, with
        /// the records that it therefore could not keep put back. None where nothing of
        /// the answer changes.
        fn restore(&self, _answer: &str, _records: &[u64]) -> Option<String> {
            None
        }

        /// Takes the place of a guest that did not answer.
        fn fallback(&mut self, stance: Stance) -> Flow;

        /// The one answer, as the JSON text of `result`. Always one that lightningd
        /// accepts, also when no guest was asked.
        fn finish(self: Box<Self>) -> String;
    }
}
