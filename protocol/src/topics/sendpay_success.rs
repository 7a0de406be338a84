//! `sendpay_success`: a part of a payment has arrived.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/sendpay_success.json`.

use super::Topic;
use crate::primitives::{Amount, HexBytes, PaymentHash, Preimage, PublicKey};
use serde::Deserialize;

/// The topic `sendpay_success`: a part of a payment has arrived.
#[derive(Debug)]
pub struct SendpaySuccess;

impl Topic for SendpaySuccess {
    const NAME: &'static str = "sendpay_success";
    type Payload = SendpaySuccessPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings: a row of `listsendpays`.
pub struct SendpaySuccessPayload {
    /// Counts payments, from 1. From v23.11.
    pub created_index: Option<u64>,
    /// The same, before v23.11.
    pub id: Option<u64>,
    /// The payment.
    pub payment_hash: PaymentHash,
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
    pub amount_sent_msat: Amount,
    /// When it was made, in seconds since 1970.
    pub created_at: u64,
    /// When it was done, in seconds since 1970.
    pub completed_at: Option<u64>,
    /// What became of it.
    pub status: PaymentStatus,
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
}

text_enum! {
    /// What became of a part of a payment.
    pub enum PaymentStatus {
        /// Nothing yet.
        Pending = "pending",
        /// It arrived.
        Complete = "complete",
        /// It did not.
        Failed = "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"sendpay_success":{"created_index":2,"id":2,"payment_hash":"799b4a84d413787ce148eca78ba3911fb7fef9e5019e0a33ce5cff3529de2016","groupid":1,"updated_index":2,"destination":"0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79","amount_msat":5000,"amount_sent_msat":5000,"created_at":1795376560,"completed_at":1795376560,"status":"complete","payment_preimage":"b66d5f70eac7cb3016b01c7dfe13cae9da2e14d02a992fab426f22aee904232b"}}"#,
        r#"{"sendpay_success":{"created_index":6,"id":6,"payment_hash":"c5e3a15af046a51e0afb8cb4b99289c8eded893b044896c76585eab552db2db2","groupid":5585492663580635220,"updated_index":6,"partid":1,"destination":"03536878dbfa0970843d6af0ed2ed1cd3d876f521272aa272c292479388d09296d","amount_msat":2000,"amount_sent_msat":2001,"created_at":1795376562,"completed_at":1795376562,"status":"complete","payment_preimage":"9352476d527509b2ebd231da2d32f177fc67945b1f2487227af58be487939270"}}"#,
        r#"{"sendpay_success":{"created_index":7,"id":7,"payment_hash":"d65ef77f087391cc50c46ea368641c2362a072f5360929242fbc270af539ed4e","groupid":8525516617096068975,"updated_index":7,"partid":1,"destination":"03536878dbfa0970843d6af0ed2ed1cd3d876f521272aa272c292479388d09296d","amount_msat":1000,"amount_sent_msat":1001,"created_at":1795376567,"completed_at":1795376568,"status":"complete","payment_preimage":"348bda227cdb3335c1ed654678c511e0ede5a1d40cf6054aaf940506bc5c8daf","bolt11":"lnbcrt10n1p4sx3dhsp5z68q4y3078qtckupxr5yulyy739078a5lsjy88w3qtkwtn99swgspp56e00wlcgwwguc5xyd63ksequyd32quh4xcyjjfp0hsns4afea48qdq8w3jhxaqxqyjw5qcqp2rzjqgyuzl9yy3d7ex05mz9vyq3n7k5927750ruc2tc2dur9g0ddzpw8jqqqdqqqqqgqqqqqqqqpqqqqqzsqqc9qxpqysgq3fl0pygld9m4n4n3g7yfhu04vwjkxc2y3w6e3sqw9vtsjfkcf3sr8wlzjxk34x22aucn4057570l3w94f404mcmlwj03zx2cnzc0yrsqtcv7nf"}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<SendpaySuccess>(params).expect(params))
            .collect();
        assert!(
            all.iter()
                .all(|p| p.status == PaymentStatus::Complete && p.payment_preimage.is_some())
        );
        assert!(all.iter().any(|p| p.partid.is_none()));
        assert!(all.iter().any(|p| p.amount_msat < Some(p.amount_sent_msat)));
    }
}
