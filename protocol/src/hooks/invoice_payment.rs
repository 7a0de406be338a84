//! `invoice_payment`: a payment of an unpaid invoice is about to be accepted.
//!
//! `lightningd/invoice.c`: `hook_gives_failmsg`.

use crate::hook::Hook;
use crate::primitives::{Amount, FailureMessage, Preimage};
use serde::{Deserialize, Serialize};

/// The hook `invoice_payment`.
#[derive(Debug)]
pub struct InvoicePayment;

impl Hook for InvoicePayment {
    const NAME: &'static str = "invoice_payment";
    type Payload = InvoicePaymentPayload;
    type Action = InvoicePaymentAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InvoicePaymentPayload {
    /// The payment.
    pub payment: Payment,
}

/// A payment of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Payment {
    /// The label of the invoice.
    pub label: String,
    /// What will settle it. Absent without the grant `preimage`.
    pub preimage: Option<Preimage>,
    /// The amount paid.
    pub msat: Amount,
    /// Records of the onion that lightningd does not know. Only of a node in developer mode.
    pub extratlvs: Option<Vec<ExtraTlv>>,
}

/// A record of an onion that lightningd does not know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ExtraTlv {
    /// Its type.
    #[serde(rename = "type")]
    pub typ: u64,
    /// The length of its value in bytes.
    pub length: u64,
    /// Its value, as hex.
    pub value: String,
}

/// What a plugin may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct InvoicePaymentAction(Answer);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Answer {
    Result { result: &'static str },
    Failure { failure_message: FailureMessage },
}

impl InvoicePaymentAction {
    /// Accept it.
    pub fn pass() -> Self {
        InvoicePaymentAction(Answer::Result { result: "continue" })
    }

    /// Refuse it, as if there were no such invoice (0x400f, with the amount and height of
    /// each HTLC).
    pub fn reject() -> Self {
        InvoicePaymentAction(Answer::Result { result: "reject" })
    }

    /// Refuse it for a reason of BOLT 4.
    pub fn fail(message: FailureMessage) -> Self {
        InvoicePaymentAction(Answer::Failure {
            failure_message: message,
        })
    }
}

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::*;
    use crate::hook::{
        Chain, Delivery, Filters, Flow, HookSpec, Invalid, Place, Secret, Stance, Taken,
    };
    use crate::hooks::answer::{Answer, CONTINUE, is_plain_continue, unknown_result};
    use crate::hooks::failure_code::{HtlcFacts, message_of_code};
    use std::sync::Arc;

    /// What the bridge knows about `invoice_payment`.
    pub const SPEC: HookSpec = HookSpec {
        name: InvoicePayment::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[Secret {
            grant: "preimage",
            places: &[Place::Member("/payment/preimage")],
        }],
        stance: Stance::Open,
        begin: |payload, _| {
            Box::new(InvoicePaymentChain {
                payload,
                action: InvoicePaymentAction::pass(),
            })
        },
    };

    struct InvoicePaymentChain {
        payload: Arc<str>,
        action: InvoicePaymentAction,
    }

    const INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS: u64 = 0x400f;

    impl Chain for InvoicePaymentChain {
        fn payload(&self) -> Arc<str> {
            self.payload.clone()
        }

        fn answer(&mut self, answer: &str) -> Result<Taken, Invalid> {
            if is_plain_continue(answer) {
                return Ok(Flow::Next.into());
            }
            let answer = Answer::parse(answer)?;
            let refusal = match answer.result()? {
                Some("continue") => None,
                Some("reject") => Some(InvoicePaymentAction::reject()),
                Some(other) => {
                    return Err(unknown_result(Some(other), "continue or reject"));
                }
                None => self.failure(&answer)?,
            };
            match refusal {
                None => Ok(Flow::Next.into()),
                Some(action) => {
                    self.action = action;
                    Ok(Flow::Done.into())
                }
            }
        }

        fn fallback(&mut self, stance: Stance) -> Flow {
            match stance {
                Stance::Open => Flow::Next,
                Stance::Closed => {
                    self.action = InvoicePaymentAction::reject();
                    Flow::Done
                }
            }
        }

        fn finish(self: Box<Self>) -> String {
            // Writing a string of this kind cannot fail; if it did, the node goes on.
            serde_json::to_string(&self.action).unwrap_or_else(|_| CONTINUE.into())
        }
    }

    impl InvoicePaymentChain {
        /// An answer without `result`: a failure, or, as in v0.8.2, none.
        fn failure(&self, answer: &Answer) -> Result<Option<InvoicePaymentAction>, Invalid> {
            if answer.has("failure_message") {
                // lightningd takes an empty message for a plain reject.
                return match answer.text::<String>("failure_message")?.as_deref() {
                    Some("") => Ok(Some(InvoicePaymentAction::reject())),
                    _ => Ok(answer
                        .text("failure_message")?
                        .map(InvoicePaymentAction::fail)),
                };
            }
            match answer.number("failure_code")? {
                None | Some(0) => Ok(None),
                Some(INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS) => {
                    Ok(Some(InvoicePaymentAction::reject()))
                }
                Some(code) => {
                    let facts = HtlcFacts {
                        amount: self.amount(),
                        ..HtlcFacts::default()
                    };
                    message_of_code(code, facts).map(|m| Some(InvoicePaymentAction::fail(m)))
                }
            }
        }

        fn amount(&self) -> Option<Amount> {
            #[derive(Deserialize)]
            struct Seen {
                payment: SeenPayment,
            }
            #[derive(Deserialize)]
            struct SeenPayment {
                msat: Amount,
            }
            let seen: Seen = serde_json::from_str(&self.payload).ok()?;
            Some(seen.payment.msat)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/invoice_payment.jsonl");

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: InvoicePaymentPayload = serde_json::from_str(FIXTURE).unwrap();
        assert!(payload.payment.preimage.is_some());
        assert!(payload.payment.msat > Amount::ZERO);
        let tlvs: Payment = serde_json::from_str(
            r#"{"label":"a","msat":1,"extratlvs":[{"type":65537,"length":1,"value":"ff"}]}"#,
        )
        .unwrap();
        assert_eq!(tlvs.extratlvs.unwrap()[0].typ, 65537);
        assert_eq!(tlvs.preimage, None);
    }

    #[test]
    fn writes_actions() {
        for (action, json) in [
            (InvoicePaymentAction::pass(), r#"{"result":"continue"}"#),
            (InvoicePaymentAction::reject(), r#"{"result":"reject"}"#),
            (
                InvoicePaymentAction::fail(FailureMessage::temporary_node_failure()),
                r#"{"failure_message":"2002"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&action).unwrap(), json);
        }
    }
}

#[cfg(all(test, feature = "host"))]
mod chain_tests {
    use super::*;
    use crate::hook::{Flow, Stance};
    use crate::hooks::testing::{fallen_back, finished, refusals, run};

    const PLAIN: &str = r#"{"result":"continue"}"#;
    const REJECT: &str = r#"{"result":"reject"}"#;
    const PAYLOAD: &str = r#"{"payment":{"label":"a","preimage":"00","msat":258}}"#;

    #[test]
    fn the_first_refusal_ends_the_chain() {
        let fail = r#"{"failure_message":"2002"}"#;
        assert_eq!(finished(&SPEC, PAYLOAD, &[]), PLAIN);
        assert_eq!(run(&SPEC, PAYLOAD, &[PLAIN, PLAIN]), (PLAIN.into(), 2));
        assert_eq!(
            run(&SPEC, PAYLOAD, &[PLAIN, REJECT, fail]),
            (REJECT.into(), 2)
        );
        assert_eq!(run(&SPEC, PAYLOAD, &[fail, REJECT]), (fail.into(), 1));
    }

    // With a result lightningd does not look at failure_message; an empty one is a reject.
    #[test]
    fn reads_answers_as_lightningd_does() {
        for (answer, json) in [
            (r#"{"result":"continue","failure_message":"zz"}"#, PLAIN),
            (r#"{"result":"reject","failure_message":"2002"}"#, REJECT),
            (r#"{"failure_message":""}"#, REJECT),
            (
                r#"{"failure_message":"2002","failure_code":1}"#,
                r#"{"failure_message":"2002"}"#,
            ),
        ] {
            assert_eq!(finished(&SPEC, PAYLOAD, &[answer]), json, "{answer}");
        }
    }

    #[test]
    fn reads_answers_of_v0_8_2() {
        for (answer, json) in [
            ("{}", PLAIN),
            (r#"{"failure_code":0}"#, PLAIN),
            (r#"{"failure_code":16399}"#, REJECT),
            (r#"{"failure_code":8194}"#, r#"{"failure_message":"2002"}"#),
            (
                r#"{"failure_code":19}"#,
                r#"{"failure_message":"00130000000000000102"}"#,
            ),
        ] {
            assert_eq!(finished(&SPEC, PAYLOAD, &[answer]), json, "{answer}");
        }
    }

    #[test]
    fn refuses() {
        refusals(
            &SPEC,
            PAYLOAD,
            &[
                ("[]", "not an object"),
                (
                    r#"{"result":"fail"}"#,
                    "result is \"fail\", not continue or reject",
                ),
                (r#"{"result":1}"#, "result is 1"),
                (r#"{"failure_message":"20"}"#, "2 to 256 bytes"),
                (r#"{"failure_message":"2"}"#, "not hex"),
                (r#"{"failure_message":8194}"#, "failure_message is 8194"),
                (r#"{"failure_code":65536}"#, "16 bits"),
                (r#"{"failure_code":"x"}"#, "failure_code is \"x\""),
                (r#"{"failure_code":18}"#, "needs the expiry"),
            ],
        );
    }

    #[test]
    fn falls_back() {
        assert_eq!(SPEC.stance, Stance::Open);
        assert_eq!(
            fallen_back(&SPEC, PAYLOAD, Stance::Open),
            (PLAIN.into(), Flow::Next)
        );
        assert_eq!(
            fallen_back(&SPEC, PAYLOAD, Stance::Closed),
            (REJECT.into(), Flow::Done)
        );
    }
}
