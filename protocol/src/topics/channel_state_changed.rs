//! `channel_state_changed`: a channel went from one state to the next.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/channel_state_changed.json`.

use super::Topic;
use crate::primitives::{ChannelId, PublicKey, ShortChannelId};
use serde::Deserialize;

/// The topic `channel_state_changed`: a channel went from one state to the next.
#[derive(Debug)]
pub struct ChannelStateChanged;

impl Topic for ChannelStateChanged {
    const NAME: &'static str = "channel_state_changed";
    type Payload = ChannelStateChangedPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct ChannelStateChangedPayload {
    /// The peer.
    pub peer_id: PublicKey,
    /// The channel.
    pub channel_id: ChannelId,
    /// Where it is in the chain, once it is there.
    pub short_channel_id: Option<ShortChannelId>,
    /// When, such as `2023-01-05T18:27:12.145Z`.
    pub timestamp: String,
    /// The state that it was in. None of a new channel.
    pub old_state: Option<ChannelState>,
    /// The state that it is in now.
    pub new_state: ChannelState,
    /// Who or what caused it.
    pub cause: StateChangeCause,
    /// More about the cause.
    pub message: Option<String>,
}

text_enum! {
    /// The state of a channel (`lightningd/channel_state.h`).
    pub enum ChannelState {
        /// A v1 channel is being negotiated.
        Openingd = "OPENINGD",
        /// The funding transaction is out, and not deep enough.
        ChanneldAwaitingLockin = "CHANNELD_AWAITING_LOCKIN",
        /// In use.
        ChanneldNormal = "CHANNELD_NORMAL",
        /// Closing, once the pending HTLCs are resolved.
        ChanneldShuttingDown = "CHANNELD_SHUTTING_DOWN",
        /// Negotiating the closing transaction.
        ClosingdSigexchange = "CLOSINGD_SIGEXCHANGE",
        /// The closing transaction is agreed on.
        ClosingdComplete = "CLOSINGD_COMPLETE",
        /// Our commitment transaction is out.
        AwaitingUnilateral = "AWAITING_UNILATERAL",
        /// Somebody spent the funding output.
        FundingSpendSeen = "FUNDING_SPEND_SEEN",
        /// Being settled in the chain.
        Onchain = "ONCHAIN",
        /// Settled, or never opened.
        Closed = "CLOSED",
        /// A v2 channel is being negotiated.
        DualopendOpenInit = "DUALOPEND_OPEN_INIT",
        /// v2: ready to sign the first commitments.
        DualopendOpenCommitReady = "DUALOPEND_OPEN_COMMIT_READY",
        /// v2: commitments are signed.
        DualopendOpenCommitted = "DUALOPEND_OPEN_COMMITTED",
        /// v2: the funding transaction is out, and not deep enough.
        DualopendAwaitingLockin = "DUALOPEND_AWAITING_LOCKIN",
        /// A splice is out, and not deep enough.
        ChanneldAwaitingSplice = "CHANNELD_AWAITING_SPLICE",
    }
}

text_enum! {
    /// Who or what made a channel change (`enum state_change`).
    pub enum StateChangeCause {
        /// None of the others.
        Unknown = "unknown",
        /// Something inside lightningd.
        Local = "local",
        /// The operator, or a plugin.
        User = "user",
        /// The peer.
        Remote = "remote",
        /// A breach of the protocol.
        Protocol = "protocol",
        /// A transaction in the chain.
        Onchain = "onchain",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"channel_state_changed":{"peer_id":"02b6132569f0b018e764bddc811d262d287a0ce8d95f4c2a2c20e30574e87c79f1","channel_id":"be3e5fd3a3a921572941e63df9bed41386cbd3c5be9782c2554a53311b411d42","timestamp":"2026-11-22T19:43:11.069Z","old_state":"DUALOPEND_OPEN_INIT","new_state":"CLOSED","cause":"unknown"}}"#,
        r#"{"channel_state_changed":{"peer_id":"0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79","channel_id":"e1241e4f27878a9d30c8a769b61a1bf645bee39ca98f9f68152b87fe6863accd","timestamp":"2026-11-22T19:42:31.920Z","new_state":"CHANNELD_AWAITING_LOCKIN","cause":"user","message":"new channel opened"}}"#,
        r#"{"channel_state_changed":{"peer_id":"0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79","channel_id":"e1241e4f27878a9d30c8a769b61a1bf645bee39ca98f9f68152b87fe6863accd","short_channel_id":"103x1x0","timestamp":"2026-11-22T19:42:49.840Z","old_state":"FUNDING_SPEND_SEEN","new_state":"ONCHAIN","cause":"user","message":"Onchain init reply"}}"#,
        r#"{"channel_state_changed":{"peer_id":"02b6132569f0b018e764bddc811d262d287a0ce8d95f4c2a2c20e30574e87c79f1","channel_id":"376619eb7f792ddf7e92f08f69215862beed3bd7c5d5865931ad5b604cffb688","timestamp":"2026-11-22T19:43:09.459Z","old_state":"DUALOPEND_OPEN_INIT","new_state":"DUALOPEND_OPEN_COMMIT_READY","cause":"remote","message":"Ready to send our commitment sigs"}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<ChannelStateChanged>(params).expect(params))
            .collect();
        assert!(
            all.iter()
                .any(|p| p.old_state.is_none()
                    && p.new_state == ChannelState::ChanneldAwaitingLockin)
        );
        assert!(all.iter().any(|p| p.short_channel_id.is_some()));
        assert!(
            all.iter()
                .any(|p| p.message.is_none() && p.cause == StateChangeCause::Unknown)
        );
        let known = |state: &ChannelState| !matches!(state, ChannelState::Other(_));
        assert!(
            all.iter()
                .all(|p| known(&p.new_state) && p.old_state.as_ref().is_none_or(known))
        );
    }

    #[test]
    fn a_state_of_tomorrow_is_kept() {
        let state: ChannelState = serde_json::from_str("\"CHANNELD_DREAMING\"").unwrap();
        assert_eq!(state.as_str(), "CHANNELD_DREAMING");
        assert_eq!(state, ChannelState::Other("CHANNELD_DREAMING".into()));
    }

    #[test]
    fn null_reads_as_absent() {
        let text = RECORDED[0].replacen(
            "\"timestamp\"",
            "\"message\":null,\"short_channel_id\":null,\"timestamp\"",
            1,
        );
        let payload = super::super::payload::<ChannelStateChanged>(&text).unwrap();
        assert_eq!((payload.message, payload.short_channel_id), (None, None));
    }
}
