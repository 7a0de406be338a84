//! `invoice_creation`: an invoice was made.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/invoice_creation.json`.

use super::Topic;
use crate::primitives::{Amount, Preimage, Sha256};
use serde::Deserialize;

/// The topic `invoice_creation`: an invoice was made.
#[derive(Debug)]
pub struct InvoiceCreation;

impl Topic for InvoiceCreation {
    const NAME: &'static str = "invoice_creation";
    type Payload = InvoiceCreationPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct InvoiceCreationPayload {
    /// The amount. None where any will do.
    pub msat: Option<Amount>,
    /// The preimage. Absent without the grant `preimage`.
    pub preimage: Option<Preimage>,
    /// The invoice's label.
    pub label: String,
    /// The BOLT 12 offer that it is for. From v26.06.
    pub offer_id: Option<Sha256>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"invoice_creation":{"preimage":"6a1b85ac7a4f5277509cbd9e04f2d031235a00ed484624796449bbb9222f8907","label":"inv-3185674462102"}}"#,
        r#"{"invoice_creation":{"msat":1000,"preimage":"9b7bcfde559199f9d9872f19f3579a298448210ff0ab60fd99dacca6c8935d3d","label":"inv-3179788314757"}}"#,
        r#"{"invoice_creation":{"msat":2000,"preimage":"9352476d527509b2ebd231da2d32f177fc67945b1f2487227af58be487939270","label":"7859654a58b413bf7d361608c7a88c30fe9c733a65cfd6a2229fe705ea13642c-0283ec3758c770d5a1bd75d2b1576863c4d07b7eb89fa62a34c36541cc54629b1d-0","offer_id":"7859654a58b413bf7d361608c7a88c30fe9c733a65cfd6a2229fe705ea13642c"}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<InvoiceCreation>(params).expect(params))
            .collect();
        assert!(
            all.iter()
                .any(|p| p.msat.is_none() && p.label == "inv-3185674462102")
        );
        assert!(all.iter().any(|p| p.offer_id.is_some()));
        assert!(all.iter().all(|p| p.preimage.is_some()));
    }
}
