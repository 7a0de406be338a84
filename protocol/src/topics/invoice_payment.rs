//! `invoice_payment`: an invoice was paid.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/invoice_payment.json`.

use super::Topic;
use crate::primitives::{Amount, Preimage};
use serde::Deserialize;

/// The topic `invoice_payment`: an invoice was paid.
#[derive(Debug)]
pub struct InvoicePayment;

impl Topic for InvoicePayment {
    const NAME: &'static str = "invoice_payment";
    type Payload = InvoicePaymentPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct InvoicePaymentPayload {
    /// What was paid.
    pub msat: Amount,
    /// The preimage. Absent without the grant `preimage`.
    pub preimage: Option<Preimage>,
    /// The invoice's label.
    pub label: String,
    /// The output, as `txid:index`, where it was paid in the chain.
    pub outpoint: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"invoice_payment":{"msat":5000,"preimage":"b66d5f70eac7cb3016b01c7dfe13cae9da2e14d02a992fab426f22aee904232b","label":"inv-3178732634614"}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<InvoicePayment>(params).expect(params))
            .collect();
        assert!(
            all.iter()
                .all(|p| p.msat > Amount::ZERO && p.preimage.is_some())
        );
        assert!(!all.is_empty());
    }
}
