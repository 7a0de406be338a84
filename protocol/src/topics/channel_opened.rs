//! `channel_opened`: a peer has funded a channel to us.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/channel_opened.json`.

use super::Topic;
use crate::primitives::{Amount, PublicKey, Txid};
use serde::Deserialize;

/// The topic `channel_opened`: a peer has funded a channel to us.
#[derive(Debug)]
pub struct ChannelOpened;

impl Topic for ChannelOpened {
    const NAME: &'static str = "channel_opened";
    type Payload = ChannelOpenedPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct ChannelOpenedPayload {
    /// The peer.
    pub id: PublicKey,
    /// What it put in.
    pub funding_msat: Amount,
    /// The funding transaction.
    pub funding_txid: Txid,
    /// Whether the channel can be used already.
    pub channel_ready: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"channel_opened":{"id":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337","funding_msat":5000000000,"funding_txid":"cdac6368fe872b15689f8fa99ce3be45f61b1ab669a7c8309d8a87274f1e24e1","channel_ready":false}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<ChannelOpened>(params).expect(params))
            .collect();
        assert_eq!(all[0].funding_msat, Amount::from_msat(5_000_000_000));
        assert!(!all[0].channel_ready);
    }
}
