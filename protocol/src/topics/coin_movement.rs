//! `coin_movement`: money moved into, out of, or between accounts.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/coin_movement.json`.

use super::Topic;
use crate::primitives::{Amount, PaymentHash, PublicKey, Txid};
use serde::Deserialize;

/// The topic `coin_movement`: money moved into, out of, or between accounts.
#[derive(Debug)]
pub struct CoinMovement;

impl Topic for CoinMovement {
    const NAME: &'static str = "coin_movement";
    type Payload = CoinMovementPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings. Which members are there depends on `movement_type`.
pub struct CoinMovementPayload {
    /// The version of this form: 2.
    pub version: u32,
    /// The prefix of BIP 173: `bc`, `bcrt` and so on.
    pub coin_type: String,
    /// Our node.
    pub node_id: PublicKey,
    /// In a channel, or in the chain.
    #[serde(rename = "type")]
    pub movement_type: MovementType,
    /// Counts movements of this type, from 1. From v25.09.
    pub created_index: Option<u64>,
    /// `wallet`, `external`, or the channel id of a channel.
    pub account_id: String,
    /// What came in.
    pub credit_msat: Amount,
    /// What went out.
    pub debit_msat: Amount,
    /// When, in seconds since 1970.
    pub timestamp: u64,
    /// What for: `deposit`, `invoice`, `routed` and so on.
    pub primary_tag: String,
    /// More about what for.
    #[serde(default)]
    pub extra_tags: Vec<String>,
    /// The payment, of an HTLC.
    pub payment_hash: Option<PaymentHash>,
    /// Channel: which part of the payment.
    pub part_id: Option<u64>,
    /// Channel: which attempt of the payment.
    pub group_id: Option<u64>,
    /// Channel: the fees in it.
    pub fees_msat: Option<Amount>,
    /// Chain: the output, as `txid:index`.
    pub utxo: Option<String>,
    /// Chain: the peer of the channel that is opened.
    pub peer_id: Option<PublicKey>,
    /// Chain: the account that the output came from.
    pub originating_account: Option<String>,
    /// Chain: the transaction that spends the output.
    pub spending_txid: Option<Txid>,
    /// Chain: the value of the output.
    pub output_msat: Option<Amount>,
    /// Chain: how many outputs the closing transaction has.
    pub output_count: Option<u32>,
    /// Chain: the height of the block.
    pub blockheight: Option<u32>,
}

text_enum! {
    /// Where money moved.
    pub enum MovementType {
        /// In a channel.
        ChannelMvt = "channel_mvt",
        /// In the chain.
        ChainMvt = "chain_mvt",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"coin_movement":{"version":2,"coin_type":"bcrt","node_id":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337","type":"channel_mvt","created_index":8,"account_id":"ea0b8a6e008d4c67bf560863ad46fe929cb18c1b69905f7fc4fcfb8a97a2499f","credit_msat":0,"debit_msat":100000000,"timestamp":1795376579,"primary_tag":"pushed","extra_tags":[],"fees_msat":0}}"#,
        r#"{"coin_movement":{"version":2,"coin_type":"bcrt","node_id":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337","type":"chain_mvt","created_index":5,"account_id":"wallet","credit_msat":3999210000,"debit_msat":0,"timestamp":1795376569,"primary_tag":"deposit","extra_tags":[],"utxo":"ae8c6330e32ac311a616dff41cfe5444cb182b7dcf45df00a962a69917c90a40:1","output_msat":3999210000,"blockheight":114}}"#,
        r#"{"coin_movement":{"version":2,"coin_type":"bcrt","node_id":"0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79","type":"channel_mvt","created_index":6,"account_id":"73014e38bc0e4acb1f96e5ed314eaf6f1a823a8e3fd4afe609d6d1f638b1d1eb","credit_msat":0,"debit_msat":7000,"timestamp":1795376560,"primary_tag":"routed","extra_tags":[],"payment_hash":"94c8cb897bb7e357cb566d8cdcaa94e6913d872264635eb83827bb636e319bfd","fees_msat":1}}"#,
        r#"{"coin_movement":{"version":2,"coin_type":"bcrt","node_id":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337","type":"channel_mvt","created_index":3,"account_id":"e1241e4f27878a9d30c8a769b61a1bf645bee39ca98f9f68152b87fe6863accd","credit_msat":0,"debit_msat":5000,"timestamp":1795376560,"primary_tag":"invoice","extra_tags":[],"payment_hash":"799b4a84d413787ce148eca78ba3911fb7fef9e5019e0a33ce5cff3529de2016","part_id":0,"group_id":1,"fees_msat":0}}"#,
        r#"{"coin_movement":{"version":2,"coin_type":"bcrt","node_id":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337","type":"chain_mvt","created_index":13,"account_id":"external","credit_msat":330000,"debit_msat":0,"timestamp":1795376584,"primary_tag":"anchor","extra_tags":[],"utxo":"9942ef52ea990d1aef97cafd8c6ee3336cfc962ab9ebb7cd24ecfbc6e29cd574:0","originating_account":"ea0b8a6e008d4c67bf560863ad46fe929cb18c1b69905f7fc4fcfb8a97a2499f","output_msat":330000,"blockheight":134}}"#,
        r#"{"coin_movement":{"version":2,"coin_type":"bcrt","node_id":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337","type":"chain_mvt","created_index":2,"account_id":"wallet","credit_msat":0,"debit_msat":20000000000,"timestamp":1795376552,"primary_tag":"withdrawal","extra_tags":[],"utxo":"435ce398a5cf66ec9f4bc0e1f63d46e6fb4c27703d7fde237c95e278d49b5fb7:0","spending_txid":"cdac6368fe872b15689f8fa99ce3be45f61b1ab669a7c8309d8a87274f1e24e1","output_msat":20000000000,"blockheight":103}}"#,
        r#"{"coin_movement":{"version":2,"coin_type":"bcrt","node_id":"0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79","type":"chain_mvt","created_index":2,"account_id":"e1241e4f27878a9d30c8a769b61a1bf645bee39ca98f9f68152b87fe6863accd","credit_msat":0,"debit_msat":0,"timestamp":1795376552,"primary_tag":"channel_open","extra_tags":[],"utxo":"cdac6368fe872b15689f8fa99ce3be45f61b1ab669a7c8309d8a87274f1e24e1:0","peer_id":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337","output_msat":5000000000,"blockheight":103}}"#,
        r#"{"coin_movement":{"version":2,"coin_type":"bcrt","node_id":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337","type":"chain_mvt","created_index":6,"account_id":"e1241e4f27878a9d30c8a769b61a1bf645bee39ca98f9f68152b87fe6863accd","credit_msat":0,"debit_msat":3999934995,"timestamp":1795376569,"primary_tag":"channel_close","extra_tags":[],"utxo":"cdac6368fe872b15689f8fa99ce3be45f61b1ab669a7c8309d8a87274f1e24e1:0","spending_txid":"ae8c6330e32ac311a616dff41cfe5444cb182b7dcf45df00a962a69917c90a40","output_msat":5000000000,"output_count":2,"blockheight":114}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<CoinMovement>(params).expect(params))
            .collect();
        let (chain, channel): (Vec<_>, Vec<_>) = all
            .iter()
            .partition(|p| p.movement_type == MovementType::ChainMvt);
        assert!(
            chain.len() > 2
                && chain
                    .iter()
                    .all(|p| p.utxo.is_some() && p.output_msat.is_some())
        );
        assert!(channel.len() > 1 && channel.iter().all(|p| p.fees_msat.is_some()));
        assert!(
            channel
                .iter()
                .any(|p| p.payment_hash.is_some() && p.part_id == Some(0))
        );
        assert!(all.iter().any(|p| p.primary_tag == "channel_close"));
    }
}
