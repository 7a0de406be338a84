//! The hooks, one file each.

pub mod htlc_accepted;
pub mod peer_connected;

#[cfg(feature = "host")]
mod answer;
#[cfg(feature = "host")]
mod failure_code;
#[cfg(feature = "host")]
mod onion_payload;
#[cfg(all(test, feature = "host"))]
mod testing;

pub use htlc_accepted::{Htlc, HtlcAccepted, HtlcAcceptedAction, HtlcAcceptedPayload, Onion};
pub use peer_connected::{ConnectedPeer, PeerConnected, PeerConnectedAction, PeerConnectedPayload};

#[cfg(feature = "host")]
use crate::hook::HookSpec;

/// Every hook of lightningd v26.06.
#[cfg(feature = "host")]
pub static HOOKS: &[&HookSpec] = &[&htlc_accepted::SPEC, &peer_connected::SPEC];

/// The hook that lightningd calls by this name.
#[cfg(feature = "host")]
pub fn find(name: &str) -> Option<&'static HookSpec> {
    HOOKS.iter().find(|spec| spec.name == name).copied()
}
