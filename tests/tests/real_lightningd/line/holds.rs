//! Payments that `holdinvoice` keeps waiting.

use super::forwards::{pay_by_hand, start_by_hand};
use crate::support::count;
use cln_wasm_tests::lab::{Lab, LabCall};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A payment that nobody but the test has the preimage of.
struct Held {
    preimage: String,
    hash: String,
    secret: String,
}

impl Held {
    fn new(number: u8) -> Self {
        Self {
            preimage: hex::encode([number; 32]),
            hash: hex::encode(Sha256::digest([number; 32])),
            secret: hex::encode([number ^ 0xff; 32]),
        }
    }

    /// Registers it at the node `to`, pays it from the first node, and waits until it is held.
    fn held(&self, lab: &Lab, to: usize, msat: u64) -> LabCall {
        let register = json!({
            "payment_hash": self.hash, "amount_msat": msat, "payment_secret": self.secret, "label": "a chair",
        });
        assert_eq!(
            lab.rpc(to, "holdinvoice", register).unwrap()["state"],
            "open"
        );
        start_by_hand(lab, to, msat, &self.hash, &self.secret);
        lab.wait_log(
            to,
            &format!("holdinvoice: {}: an HTLC of {msat}msat is held", self.hash),
        );
        let wait = json!({"payment_hash": self.hash, "timeout": 50});
        lab.start_rpc(0, "waitsendpay", wait)
    }

    fn looked_up(&self, lab: &Lab, node: usize) -> Value {
        let found = lab
            .rpc(
                node,
                "holdinvoicelookup",
                json!({"payment_hash": self.hash}),
            )
            .unwrap();
        found["holdinvoices"][0].clone()
    }

    fn settle(&self, lab: &Lab, node: usize) {
        let settled = lab
            .rpc(node, "holdinvoicesettle", json!([self.preimage]))
            .unwrap();
        assert_eq!(
            (&settled["state"], &settled["htlcs"]),
            (&json!("settled"), &json!(1)),
            "{settled}"
        );
    }
}

/// Why a payment failed.
fn failure(payment: LabCall) -> Value {
    payment.wait().unwrap_err().data.unwrap_or_default()
}

pub fn settled_and_cancelled(lab: &Lab) {
    let (first, second, third) = (Held::new(1), Held::new(2), Held::new(3));
    let mut paying = first.held(lab, 2, 40_000);
    let mut cancelled = second.held(lab, 2, 41_000);
    let last = third.held(lab, 2, 42_000);
    let seen = first.looked_up(lab, 2);
    assert_eq!(
        (&seen["state"], &seen["held_msat"], &seen["label"]),
        (&json!("accepted"), &json!(40_000), &json!("a chair")),
        "{seen}"
    );
    // The node and the guest go on meanwhile.
    assert_eq!(lab.rpc(2, "hello", json!([])).unwrap(), "Hello World");
    assert_eq!(pay_by_hand(lab, 15_000).unwrap()["status"], "complete");
    assert!(paying.is_pending() && cancelled.is_pending());

    // Not in the order in which they came.
    third.settle(lab, 2);
    assert_eq!(
        last.wait().unwrap()["payment_preimage"],
        json!(third.preimage)
    );
    let ended = lab
        .rpc(2, "holdinvoicecancel", json!([second.hash]))
        .unwrap();
    assert_eq!(ended["state"], "cancelled");
    let why = failure(cancelled);
    assert_eq!(
        why["failcodename"], "WIRE_INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS",
        "{why}"
    );
    assert_eq!(why["erring_node"], lab.node(2).id, "{why}");
    assert!(paying.is_pending());
    first.settle(lab, 2);
    assert_eq!(
        paying.wait().unwrap()["payment_preimage"],
        json!(first.preimage)
    );
    assert_eq!(first.looked_up(lab, 2)["state"], "settled");
    assert_eq!(
        lab.rpc(2, "holdinvoicesettle", json!([first.preimage]))
            .unwrap_err()
            .code,
        906
    );
    let accepted = lab
        .rpc(2, "event-log", json!(["holdinvoice_accepted"]))
        .unwrap();
    assert_eq!(
        accepted["events"].as_array().unwrap().len(),
        3,
        "{accepted}"
    );
}

/// The second node is stopped while it forwards one payment and holds another.
pub fn survive_a_restart(lab: &Lab) {
    let (forwarded, own) = (Held::new(4), Held::new(5));
    let mut beyond = forwarded.held(lab, 2, 43_000);
    let mut here = own.held(lab, 1, 44_000);
    let seen = |hash: &str| count(lab, 1, &format!("hello: HTLC {hash} of "));
    assert_eq!((seen(&forwarded.hash), seen(&own.hash)), (1, 1));

    lab.restart(1, None);
    for other in [0, 2] {
        lab.connect(1, other).unwrap();
    }
    // lightningd asks again about the HTLC that it held, and not about the one that is on its way.
    // The guest has kept what it knew, and holds it again.
    let held = format!("holdinvoice: {}: an HTLC of 44000msat is held", own.hash);
    while count(lab, 1, &held) < 2 {
        assert!(here.is_pending());
    }
    assert_eq!((seen(&forwarded.hash), seen(&own.hash)), (1, 2));
    own.settle(lab, 1);
    assert_eq!(
        here.wait().unwrap()["payment_preimage"],
        json!(own.preimage)
    );
    assert!(beyond.is_pending());
    forwarded.settle(lab, 2);
    assert_eq!(
        beyond.wait().unwrap()["payment_preimage"],
        json!(forwarded.preimage)
    );
}
