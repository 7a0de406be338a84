//! `openchannel2`: a peer wants to open a dual-funded channel with us (v2).
//!
//! `lightningd/dual_open_control.c`: `openchannel2_hook_deserialize`.

use super::openchannel::ChannelType;
use crate::hook::Hook;
use crate::primitives::{Amount, ChannelId, Psbt, PublicKey};
use serde::{Deserialize, Serialize};

/// The hook `openchannel2`.
#[derive(Debug)]
pub struct OpenChannel2;

impl Hook for OpenChannel2 {
    const NAME: &'static str = "openchannel2";
    type Payload = OpenChannel2Payload;
    type Action = OpenChannel2Action;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpenChannel2Payload {
    /// The offer.
    pub openchannel2: OpenChannel2Offer,
}

/// A peer's `open_channel2` (BOLT 2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpenChannel2Offer {
    /// Who opens it.
    pub id: PublicKey,
    /// The channel.
    pub channel_id: ChannelId,
    /// What they put in.
    pub their_funding_msat: Amount,
    /// Their dust limit.
    pub dust_limit_msat: Amount,
    /// The most that may be under way to them.
    pub max_htlc_value_in_flight_msat: Amount,
    /// The smallest HTLC that they take.
    pub htlc_minimum_msat: Amount,
    /// The feerate of the funding transaction, sat per kw.
    pub funding_feerate_per_kw: u32,
    /// The feerate of the commitments, sat per kw.
    pub commitment_feerate_per_kw: u32,
    /// The highest feerate that we would take.
    pub feerate_our_max: u32,
    /// The lowest feerate that we would take.
    pub feerate_our_min: u32,
    /// How long we must wait for our own output, in blocks.
    pub to_self_delay: u16,
    /// The most HTLCs under way to them.
    pub max_accepted_htlcs: u16,
    /// Bit 0: the channel is to be announced.
    pub channel_flags: u8,
    /// The locktime of the funding transaction.
    pub locktime: u32,
    /// Where they want their funds on a mutual close, as hex.
    pub shutdown_scriptpubkey: Option<String>,
    /// The most that the channel may hold.
    pub channel_max_msat: Amount,
    /// What they want to lease of us.
    pub requested_lease_msat: Option<Amount>,
    /// When the lease would start, a block height.
    pub lease_blockheight_start: Option<u32>,
    /// The block height here.
    pub node_blockheight: Option<u32>,
    /// Whether only confirmed inputs will do.
    #[serde(default)]
    pub require_confirmed_inputs: bool,
    /// The type of the channel.
    pub channel_type: Option<ChannelType>,
}

/// What a plugin may answer. A rejection carries nothing else, and a contribution is a
/// PSBT with its amount: lightningd would abort on the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OpenChannel2Action(Answer);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Answer {
    Continue(Box<Wishes>),
    Reject {
        #[serde(skip_serializing_if = "Option::is_none")]
        error_message: Option<String>,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Wishes {
    #[serde(flatten)]
    contribution: Option<Contribution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_to: Option<String>,
    #[serde(flatten)]
    lease: Option<LeaseRates>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Contribution {
    psbt: Psbt,
    our_funding_msat: Amount,
}

/// What we ask for the lease of our funds (`option_will_fund`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LeaseRates {
    /// A flat fee: whole satoshi, at most 32 bits of them.
    pub lease_fee_base_msat: Amount,
    /// A share of the lease, in ten-thousandths.
    pub lease_fee_basis: u16,
    /// The most that we will charge as base fee for routing: at most 32 bits of msat.
    pub channel_fee_max_base_msat: Amount,
    /// The most that we will charge as share for routing, in thousandths.
    pub channel_fee_max_proportional_thousandths: u16,
    /// The weight of our inputs and outputs that the opener pays for.
    pub funding_weight: u16,
}

impl OpenChannel2Action {
    /// Open it, without funds of ours.
    pub fn accept() -> Self {
        OpenChannel2Action(Answer::Continue(Box::default()))
    }

    /// Do not, and tell the peer nothing more.
    pub fn reject() -> Self {
        OpenChannel2Action(Answer::Reject {
            error_message: None,
        })
    }

    /// Do not, and tell the peer why.
    pub fn reject_with(error_message: impl Into<String>) -> Self {
        OpenChannel2Action(Answer::Reject {
            error_message: Some(error_message.into()),
        })
    }

    /// Put this much of ours in (at least one satoshi), from the inputs of this PSBT. Each
    /// input needs its whole previous transaction. No effect on a rejection.
    #[must_use]
    pub fn fund(self, psbt: Psbt, amount: Amount) -> Self {
        self.wish(|wishes| {
            wishes.contribution = Some(Contribution {
                psbt,
                our_funding_msat: amount,
            });
        })
    }

    /// Where our funds go on a mutual close: an address of the node's network. The first
    /// plugin that sets it wins. No effect on a rejection.
    #[must_use]
    pub fn close_to(self, address: impl Into<String>) -> Self {
        self.wish(|wishes| wishes.close_to = Some(address.into()))
    }

    /// What we ask for a lease. No effect on a rejection.
    #[must_use]
    pub fn lease_rates(self, rates: LeaseRates) -> Self {
        self.wish(|wishes| wishes.lease = Some(rates))
    }

    fn wish(mut self, wish: impl FnOnce(&mut Wishes)) -> Self {
        if let Answer::Continue(wishes) = &mut self.0 {
            wish(wishes);
        }
        self
    }
}

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::OpenChannel2;
    use crate::hook::{
        Chain, Delivery, Filters, Flow, Hook, HookSpec, Invalid, Node, Stance, Taken,
    };
    use crate::hooks::answer::{Answer, CONTINUE, is_plain_continue, unknown_result};
    use crate::hooks::{address, contribution};
    use serde_json::{Map, Value};
    use std::sync::Arc;

    /// What the bridge knows about `openchannel2`.
    pub const SPEC: HookSpec = HookSpec {
        name: OpenChannel2::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[],
        stance: Stance::Closed,
        begin: |payload, node| {
            Box::new(OpenChannel2Chain {
                payload,
                node: node.clone(),
                wishes: Map::new(),
                rejected: None,
            })
        },
    };

    struct OpenChannel2Chain {
        payload: Arc<str>,
        node: Node,
        /// All that goes with a `continue`.
        wishes: Map<String, Value>,
        /// The whole answer, once one guest rejected.
        rejected: Option<Map<String, Value>>,
    }

    impl Chain for OpenChannel2Chain {
        fn payload(&self) -> Arc<str> {
            self.payload.clone()
        }

        fn answer(&mut self, answer: &str) -> Result<Taken, Invalid> {
            if is_plain_continue(answer) {
                return Ok(Flow::Next.into());
            }
            let answer = Answer::parse(answer)?;
            match answer.result()? {
                Some("continue") => self.accept(&answer),
                Some("reject") => {
                    contribution::check_reject(&answer, &["close_to"])?;
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
                None if self.wishes.is_empty() => CONTINUE.into(),
                None => {
                    let mut answer = self.wishes;
                    answer.insert("result".into(), "continue".into());
                    Value::Object(answer).to_string()
                }
            }
        }
    }

    impl OpenChannel2Chain {
        fn accept(&mut self, answer: &Answer) -> Result<Taken, Invalid> {
            let mut given = Map::new();
            let mut ignored = Vec::new();
            contribution::take(answer, &mut given)?;
            ignored.extend(contribution::take_lease(answer, &mut given)?);
            if let Some(address) = answer.text::<String>("close_to")? {
                address::check(&address, &self.node)?;
                match self.wishes.contains_key("close_to") {
                    true => ignored.push("close_to, already set by an earlier plugin".into()),
                    false => {
                        given.insert("close_to".into(), address.into());
                    }
                }
            }
            ignored.extend(contribution::add(given, &mut self.wishes));
            Ok(Taken {
                flow: Flow::Next,
                ignored: contribution::note(&ignored),
            })
        }
    }
}

#[cfg(test)]
mod tests;
