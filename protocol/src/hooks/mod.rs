//! The hooks, one file each.

pub mod commitment_revocation;
pub mod custommsg;
pub mod db_write;
pub mod htlc_accepted;
pub mod invoice_payment;
pub mod onion_message_recv;
pub mod onion_message_recv_secret;
pub mod openchannel;
pub mod openchannel2;
pub mod openchannel2_changed;
pub mod openchannel2_sign;
pub mod peer_connected;
pub mod rbf_channel;
pub mod recover;
pub mod rpc_command;

#[cfg(feature = "host")]
mod address;
#[cfg(feature = "host")]
mod answer;
#[cfg(feature = "host")]
mod contribution;
#[cfg(feature = "host")]
mod failure_code;
#[cfg(feature = "host")]
mod observed;
#[cfg(feature = "host")]
mod onion_payload;
#[cfg(feature = "host")]
mod psbt;
#[cfg(feature = "host")]
mod psbt_round;
#[cfg(feature = "host")]
mod raw;
#[cfg(all(test, feature = "host"))]
mod testing;

pub use commitment_revocation::{
    CommitmentRevocation, CommitmentRevocationAction, CommitmentRevocationPayload,
};
pub use custommsg::{Custommsg, CustommsgAction, CustommsgPayload};
pub use db_write::{DbWrite, DbWriteAction, DbWritePayload};
pub use htlc_accepted::{Htlc, HtlcAccepted, HtlcAcceptedAction, HtlcAcceptedPayload, Onion};
pub use invoice_payment::{
    ExtraTlv, InvoicePayment, InvoicePaymentAction, InvoicePaymentPayload, Payment,
};
pub use onion_message_recv::{
    BlindedHop, BlindedPath, OnionMessage, OnionMessageAction, OnionMessagePayload,
    OnionMessageRecv, UnknownField,
};
pub use onion_message_recv_secret::OnionMessageRecvSecret;
pub use openchannel::{
    ChannelType, OpenChannel, OpenChannelAction, OpenChannelOffer, OpenChannelPayload,
};
pub use openchannel2::{
    LeaseRates, OpenChannel2, OpenChannel2Action, OpenChannel2Offer, OpenChannel2Payload,
};
pub use openchannel2_changed::{
    ChangedPsbt, OpenChannel2Changed, OpenChannel2ChangedAction, OpenChannel2ChangedPayload,
};
pub use openchannel2_sign::{
    OpenChannel2Sign, OpenChannel2SignAction, OpenChannel2SignPayload, UnsignedPsbt,
};
pub use peer_connected::{ConnectedPeer, PeerConnected, PeerConnectedAction, PeerConnectedPayload};
pub use rbf_channel::{RbfChannel, RbfChannelAction, RbfChannelOffer, RbfChannelPayload};
pub use recover::{Recover, RecoverAction, RecoverPayload};
pub use rpc_command::{
    RpcCommand, RpcCommandAction, RpcCommandError, RpcCommandPayload, RpcRequest, Structured,
};

#[cfg(feature = "host")]
use crate::hook::HookSpec;

/// Every hook of lightningd v26.06.
#[cfg(feature = "host")]
pub static HOOKS: &[&HookSpec] = &[
    &commitment_revocation::SPEC,
    &custommsg::SPEC,
    &db_write::SPEC,
    &htlc_accepted::SPEC,
    &invoice_payment::SPEC,
    &onion_message_recv::SPEC,
    &onion_message_recv_secret::SPEC,
    &openchannel::SPEC,
    &openchannel2::SPEC,
    &openchannel2_changed::SPEC,
    &openchannel2_sign::SPEC,
    &peer_connected::SPEC,
    &rbf_channel::SPEC,
    &recover::SPEC,
    &rpc_command::SPEC,
];

/// The hook that lightningd calls by this name.
#[cfg(feature = "host")]
pub fn find(name: &str) -> Option<&'static HookSpec> {
    HOOKS.iter().find(|spec| spec.name == name).copied()
}
