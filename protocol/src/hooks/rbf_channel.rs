//! `rbf_channel`: a peer wants to replace the funding transaction of a dual-funded channel
//! with one that pays more fees.
//!
//! `lightningd/dual_open_control.c`: `rbf_channel_hook_deserialize`.

use crate::hook::Hook;
use crate::primitives::{Amount, ChannelId, Psbt, PublicKey};
use serde::{Deserialize, Serialize};

/// The hook `rbf_channel`.
#[derive(Debug)]
pub struct RbfChannel;

impl Hook for RbfChannel {
    const NAME: &'static str = "rbf_channel";
    type Payload = RbfChannelPayload;
    type Action = RbfChannelAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RbfChannelPayload {
    /// The offer.
    pub rbf_channel: RbfChannelOffer,
}

/// A peer's `tx_init_rbf` (BOLT 2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RbfChannelOffer {
    /// The peer.
    pub id: PublicKey,
    /// The channel.
    pub channel_id: ChannelId,
    /// What they put in last time.
    pub their_last_funding_msat: Amount,
    /// What they put in now.
    pub their_funding_msat: Amount,
    /// What we put in last time.
    pub our_last_funding_msat: Amount,
    /// The locktime of the funding transaction.
    pub locktime: u32,
    /// The highest feerate that we would take, sat per kw.
    pub feerate_our_max: u32,
    /// The lowest feerate that we would take, sat per kw.
    pub feerate_our_min: u32,
    /// The feerate of the funding transaction, sat per kw.
    pub funding_feerate_per_kw: u32,
    /// The most that the channel may hold.
    pub channel_max_msat: Amount,
    /// What they want to lease of us.
    pub requested_lease_msat: Option<Amount>,
    /// Whether only confirmed inputs will do.
    #[serde(default)]
    pub require_confirmed_inputs: bool,
}

/// What a plugin may answer. A rejection carries nothing else, and a contribution is a
/// PSBT with its amount: lightningd would abort on the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RbfChannelAction(Answer);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result")]
enum Answer {
    #[serde(rename = "continue")]
    Continue,
    #[serde(rename = "continue")]
    Fund {
        psbt: Psbt,
        our_funding_msat: Amount,
    },
    #[serde(rename = "reject")]
    Reject {
        #[serde(skip_serializing_if = "Option::is_none")]
        error_message: Option<String>,
    },
}

impl RbfChannelAction {
    /// Go along, without funds of ours.
    pub fn accept() -> Self {
        RbfChannelAction(Answer::Continue)
    }

    /// Go along, with this much of ours (at least one satoshi) from the inputs of this
    /// PSBT. Each input needs its whole previous transaction.
    pub fn fund(psbt: Psbt, amount: Amount) -> Self {
        RbfChannelAction(Answer::Fund {
            psbt,
            our_funding_msat: amount,
        })
    }

    /// Do not, and tell the peer nothing more.
    pub fn reject() -> Self {
        RbfChannelAction(Answer::Reject {
            error_message: None,
        })
    }

    /// Do not, and tell the peer why.
    pub fn reject_with(error_message: impl Into<String>) -> Self {
        RbfChannelAction(Answer::Reject {
            error_message: Some(error_message.into()),
        })
    }
}

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::RbfChannel;
    use crate::hook::{Chain, Delivery, Filters, Flow, Hook, HookSpec, Invalid, Stance, Taken};
    use crate::hooks::answer::{Answer, CONTINUE, is_plain_continue, unknown_result};
    use crate::hooks::contribution;
    use serde_json::{Map, Value};
    use std::sync::Arc;

    /// What the bridge knows about `rbf_channel`.
    pub const SPEC: HookSpec = HookSpec {
        name: RbfChannel::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[],
        stance: Stance::Closed,
        begin: |payload, _| {
            Box::new(RbfChannelChain {
                payload,
                contribution: Map::new(),
                rejected: None,
            })
        },
    };

    struct RbfChannelChain {
        payload: Arc<str>,
        contribution: Map<String, Value>,
        /// The whole answer, once one guest rejected.
        rejected: Option<Map<String, Value>>,
    }

    impl Chain for RbfChannelChain {
        fn payload(&self) -> Arc<str> {
            self.payload.clone()
        }

        fn answer(&mut self, answer: &str) -> Result<Taken, Invalid> {
            if is_plain_continue(answer) {
                return Ok(Flow::Next.into());
            }
            let answer = Answer::parse(answer)?;
            match answer.result()? {
                Some("continue") => {
                    let mut given = Map::new();
                    contribution::take(&answer, &mut given)?;
                    let ignored = contribution::add(given, &mut self.contribution);
                    Ok(Taken {
                        flow: Flow::Next,
                        ignored: contribution::note(&ignored),
                    })
                }
                Some("reject") => {
                    contribution::check_reject(&answer, &[])?;
                    let (message, ignored) = answer.error_message()?;
                    self.rejected = Some(contribution::rejection(message));
                    Ok(Taken {
                        flow: Flow::Done,
                        ignored,
                    })
                }
                other => Err(unknown_result(other, "continue or reject")),
            }
        }

        fn fallback(&mut self, stance: Stance) -> Flow {
            match stance {
                Stance::Open => Flow::Next,
                Stance::Closed => {
                    self.rejected = Some(contribution::rejection(None));
                    Flow::Done
                }
            }
        }

        fn finish(self: Box<Self>) -> String {
            match self.rejected {
                Some(rejection) => Value::Object(rejection).to_string(),
                None if self.contribution.is_empty() => CONTINUE.into(),
                None => {
                    let mut answer = self.contribution;
                    answer.insert("result".into(), "continue".into());
                    Value::Object(answer).to_string()
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/rbf_channel.jsonl");

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: RbfChannelPayload = serde_json::from_str(FIXTURE).unwrap();
        assert_eq!(payload.rbf_channel.funding_feerate_per_kw, 1953);
    }

    #[test]
    fn writes_actions() {
        let psbt: Psbt = "cHNidP8B".parse().unwrap();
        for (action, json) in [
            (RbfChannelAction::accept(), r#"{"result":"continue"}"#),
            (
                RbfChannelAction::fund(psbt, Amount::from_msat(1000)),
                r#"{"result":"continue","psbt":"cHNidP8B","our_funding_msat":1000}"#,
            ),
            (RbfChannelAction::reject(), r#"{"result":"reject"}"#),
            (
                RbfChannelAction::reject_with("no"),
                r#"{"result":"reject","error_message":"no"}"#,
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
    use crate::hooks::testing::{
        fallen_back, finished_json, psbts, refusals, run, unwritable_psbts,
    };
    use serde_json::{Value, json};

    const PLAIN: &str = r#"{"result":"continue"}"#;
    const REJECT: &str = r#"{"result":"reject"}"#;

    #[test]
    fn every_action_comes_out_as_it_went_in() {
        let [psbt, _] = psbts();
        for action in [
            RbfChannelAction::accept(),
            RbfChannelAction::fund(psbt.parse().unwrap(), Amount::from_msat(1000)),
            RbfChannelAction::reject(),
            RbfChannelAction::reject_with("no"),
        ] {
            let text = serde_json::to_string(&action).unwrap();
            let expected: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(finished_json(&SPEC, "{}", &[&text]), expected);
        }
    }

    #[test]
    fn a_plain_continue_erases_nothing_and_a_reject_ends_the_chain() {
        let [one, other] = psbts();
        let fund = |psbt: &str, msat: u64| json!({"result": "continue", "psbt": psbt, "our_funding_msat": msat});
        let (first, second) = (fund(&one, 1000), fund(&other, 2000));
        assert_eq!(
            finished_json(&SPEC, "{}", &[&first.to_string(), PLAIN]),
            first
        );
        assert_eq!(
            finished_json(&SPEC, "{}", &[&first.to_string(), &second.to_string()]),
            second
        );
        assert_eq!(
            run(&SPEC, "{}", &[&first.to_string(), REJECT, PLAIN]),
            (REJECT.into(), 2)
        );
        let mut chain = (SPEC.begin)("{}".into(), &Default::default());
        for (answer, ignored) in [
            (first.to_string(), None),
            (r#"{"result":"continue","our_funding_msat":0}"#.into(), None),
            (
                second.to_string(),
                Some("ignored: the contribution of an earlier plugin"),
            ),
        ] {
            let taken = chain.answer(&answer).unwrap();
            assert_eq!(taken.ignored.as_deref(), ignored, "{answer}");
        }
    }

    #[test]
    fn refuses() {
        let [psbt, _] = psbts();
        refusals(
            &SPEC,
            "{}",
            &[
                ("{}", "no member result"),
                (r#"{"result":"abort"}"#, "not continue or reject"),
                (r#"{"result":"reject","psbt":""}"#, "a reject has no psbt"),
                (
                    r#"{"result":"reject","our_funding_msat":1}"#,
                    "has no our_funding_msat",
                ),
                (
                    &json!({"result": "continue", "psbt": psbt}).to_string(),
                    "needs our_funding",
                ),
                (
                    r#"{"result":"continue","our_funding_msat":1000}"#,
                    "there is no psbt",
                ),
                (
                    r#"{"result":"continue","our_funding_msat":1000,"psbt":"AAAA"}"#,
                    "psbt is wrong",
                ),
            ],
        );
    }

    // psbt_get_bytes
    #[test]
    fn refuses_what_lightningd_cannot_write() {
        for (psbt, reason) in unwritable_psbts() {
            let answer = json!({"result": "continue", "psbt": psbt, "our_funding_msat": 1000});
            refusals(&SPEC, "{}", &[(&answer.to_string(), reason)]);
        }
    }

    #[test]
    fn falls_back() {
        assert_eq!(SPEC.stance, Stance::Closed);
        assert_eq!(
            fallen_back(&SPEC, "{}", Stance::Open),
            (PLAIN.into(), Flow::Next)
        );
        assert_eq!(
            fallen_back(&SPEC, "{}", Stance::Closed),
            (REJECT.into(), Flow::Done)
        );
    }
}
