//! `forward_event`: a forward came in, or was resolved.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/forward_event.json`.

use super::Topic;
use crate::primitives::{Amount, PaymentHash, Preimage, ShortChannelId};
use serde::Deserialize;

/// The topic `forward_event`: a forward came in, or was resolved.
#[derive(Debug)]
pub struct ForwardEvent;

impl Topic for ForwardEvent {
    const NAME: &'static str = "forward_event";
    type Payload = ForwardEventPayload;
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
/// What the topic brings: a row of `listforwards`.
pub struct ForwardEventPayload {
    /// Counts forwards, from 1; of a new one.
    pub created_index: Option<u64>,
    /// Counts changes of forwards, from 1; of a changed one.
    pub updated_index: Option<u64>,
    /// The payment.
    pub payment_hash: PaymentHash,
    /// The channel that it came in on.
    pub in_channel: ShortChannelId,
    /// The number of the incoming HTLC. From v23.02.
    pub in_htlc_id: Option<u64>,
    /// The channel that it goes out on, where that is known.
    pub out_channel: Option<ShortChannelId>,
    /// What came in.
    pub in_msat: Amount,
    /// What goes out, where that is known.
    pub out_msat: Option<Amount>,
    /// The difference, ours.
    pub fee_msat: Option<Amount>,
    /// What became of it.
    pub status: ForwardStatus,
    /// `local_failed`: the code of BOLT 4.
    pub failcode: Option<u32>,
    /// `local_failed`: the name of the code.
    pub failreason: Option<String>,
    /// The form of the onion.
    pub style: Option<ForwardStyle>,
    /// When the HTLC came in, in seconds since 1970.
    pub received_time: f64,
    /// When it was resolved, in seconds since 1970.
    pub resolved_time: Option<f64>,
    /// The preimage, of a settled one, from v26.04. Absent without the grant `preimage`.
    pub preimage: Option<Preimage>,
}

text_enum! {
    /// What became of a forward.
    pub enum ForwardStatus {
        /// Sent on; nothing yet.
        Offered = "offered",
        /// Paid.
        Settled = "settled",
        /// Failed at a node behind us.
        Failed = "failed",
        /// Failed here, or at the link to the next node.
        LocalFailed = "local_failed",
    }
}

text_enum! {
    /// The form of an onion.
    pub enum ForwardStyle {
        /// Fixed members.
        Legacy = "legacy",
        /// TLVs.
        Tlv = "tlv",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"forward_event":{"created_index":7,"payment_hash":"d65ef77f087391cc50c46ea368641c2362a072f5360929242fbc270af539ed4e","in_channel":"103x1x0","in_htlc_id":6,"out_channel":"104x1x0","in_msat":1001,"out_msat":1000,"fee_msat":1,"status":"offered","style":"tlv","received_time":1795376568.002521}}"#,
        r#"{"forward_event":{"updated_index":4,"payment_hash":"91d91b215f1455272932600c89c6a0bd59f1029850ec32e5dc98af2738bfe073","in_channel":"103x1x0","in_htlc_id":3,"out_channel":"104x1x0","in_msat":10001,"out_msat":10000,"fee_msat":1,"status":"failed","style":"tlv","received_time":1795376561.1874092,"resolved_time":1795376561.2463129}}"#,
        r#"{"forward_event":{"created_index":5,"payment_hash":"0a78ce3e3da0ff65c52f8b5272d7c7fa605a7d6bc19956c9cf05499ec00d0fe9","in_channel":"103x1x0","in_htlc_id":4,"out_channel":"104x1x0","in_msat":2000100000,"status":"local_failed","failcode":4103,"failreason":"WIRE_TEMPORARY_CHANNEL_FAILURE","style":"tlv","received_time":1795376561.3982375}}"#,
        r#"{"forward_event":{"updated_index":2,"payment_hash":"94c8cb897bb7e357cb566d8cdcaa94e6913d872264635eb83827bb636e319bfd","in_channel":"103x1x0","in_htlc_id":2,"out_channel":"104x1x0","in_msat":7001,"out_msat":7000,"fee_msat":1,"status":"settled","style":"tlv","received_time":1795376560.4675434,"resolved_time":1795376560.53586,"preimage":"0d3dd7cfec38578c4092d00a23dc31418cf8a2ab5d2fb9c34d24ab8d0c7e13b4"}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<ForwardEvent>(params).expect(params))
            .collect();
        let with = |status: ForwardStatus| all.iter().filter(move |p| p.status == status);
        assert!(
            with(ForwardStatus::Settled).all(|p| p.preimage.is_some() && p.resolved_time.is_some())
        );
        assert!(
            with(ForwardStatus::LocalFailed)
                .all(|p| p.failcode == Some(4103) && p.out_msat.is_none())
        );
        assert!(with(ForwardStatus::Offered).any(|p| p.created_index.is_some()));
        assert_eq!(with(ForwardStatus::Failed).count(), 1);
    }
}
