//! `sendpay_failure`: a part of a payment has failed.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/sendpay_failure.json`.

use super::PaymentStatus;
use super::Topic;
use crate::primitives::{Amount, HexBytes, PaymentHash, Preimage, PublicKey, ShortChannelId};
use serde::Deserialize;

/// The topic `sendpay_failure`: a part of a payment has failed.
#[derive(Debug)]
pub struct SendpayFailure;

impl Topic for SendpayFailure {
    const NAME: &'static str = "sendpay_failure";
    type Payload = SendpayFailurePayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings: the error that `waitsendpay` answers.
pub struct SendpayFailurePayload {
    /// The error's code, from 200 to 210.
    pub code: i64,
    /// The error's text.
    pub message: String,
    /// The payment, and where it failed.
    pub data: SendpayFailureData,
}

/// The payment, and where it failed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SendpayFailureData {
    /// Counts payments, from 1. From v23.11.
    pub created_index: Option<u64>,
    /// The same, before v23.11.
    pub id: Option<u64>,
    /// The payment.
    pub payment_hash: Option<PaymentHash>,
    /// Which attempt of it.
    pub groupid: Option<u64>,
    /// Counts changes of payments, from 1.
    pub updated_index: Option<u64>,
    /// Which part of it, where it has several.
    pub partid: Option<u64>,
    /// Who is paid.
    pub destination: Option<PublicKey>,
    /// What arrives, where that is known.
    pub amount_msat: Option<Amount>,
    /// What was sent, with fees.
    pub amount_sent_msat: Option<Amount>,
    /// When it was made, in seconds since 1970.
    pub created_at: Option<u64>,
    /// When it was done, in seconds since 1970.
    pub completed_at: Option<u64>,
    /// What became of it.
    pub status: Option<PaymentStatus>,
    /// The preimage: proof of payment. Absent without the grant `preimage`.
    pub payment_preimage: Option<Preimage>,
    /// The payer's label.
    pub label: Option<String>,
    /// The invoice that was paid.
    pub bolt11: Option<String>,
    /// The BOLT 12 invoice that was paid.
    pub bolt12: Option<String>,
    /// The description that the invoice has a hash of.
    pub description: Option<String>,
    /// The error onion, where the payer asked for it.
    pub erroronion: Option<HexBytes>,
    /// The reply that could not be read (code 202).
    pub onionreply: Option<HexBytes>,
    /// How many hops from us it failed.
    pub erring_index: Option<u32>,
    /// The code of BOLT 4.
    pub failcode: Option<u32>,
    /// The name of the code.
    pub failcodename: Option<String>,
    /// The node that failed it.
    pub erring_node: Option<PublicKey>,
    /// The channel that failed it.
    pub erring_channel: Option<ShortChannelId>,
    /// The direction in that channel: 0 or 1.
    pub erring_direction: Option<u8>,
    /// The failure message of BOLT 4.
    pub raw_message: Option<HexBytes>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"sendpay_failure":{"code":202,"message":"Malformed error reply","data":{"created_index":4,"id":4,"payment_hash":"91d91b215f1455272932600c89c6a0bd59f1029850ec32e5dc98af2738bfe073","groupid":2709727665093212719,"partid":1,"destination":"03536878dbfa0970843d6af0ed2ed1cd3d876f521272aa272c292479388d09296d","amount_msat":10000,"amount_sent_msat":10001,"created_at":1795376561,"status":"pending","onionreply":"57029e33d30ddb3f48ca79b0f1501dbe597aaf3b0082a8dffa004776fe5a40fcc47b427ccbe1e23b"}}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<SendpayFailure>(params).expect(params))
            .collect();
        assert_eq!(all[0].code, 202);
        assert!(all[0].data.onionreply.is_some());
        assert_eq!(all[0].data.status, Some(PaymentStatus::Pending));
    }
}
