//! `openchannel`: a peer wants to open a channel with us (v1).
//!
//! `lightningd/opening_control.c`: `openchannel_hook_deserialize`.

use crate::hook::Hook;
use crate::primitives::{Amount, PublicKey};
use serde::{Deserialize, Serialize};

/// The hook `openchannel`.
#[derive(Debug)]
pub struct OpenChannel;

impl Hook for OpenChannel {
    const NAME: &'static str = "openchannel";
    type Payload = OpenChannelPayload;
    type Action = OpenChannelAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpenChannelPayload {
    /// The offer.
    pub openchannel: OpenChannelOffer,
}

/// A peer's `open_channel` (BOLT 2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpenChannelOffer {
    /// Who opens it.
    pub id: PublicKey,
    /// The size of the channel, all of it theirs.
    pub funding_msat: Amount,
    /// How much of it they give us at once.
    pub push_msat: Amount,
    /// Their dust limit.
    pub dust_limit_msat: Amount,
    /// The most that may be under way to them.
    pub max_htlc_value_in_flight_msat: Amount,
    /// What we must keep on our side.
    pub channel_reserve_msat: Amount,
    /// The smallest HTLC that they take.
    pub htlc_minimum_msat: Amount,
    /// The feerate of the commitments, sat per kw.
    pub feerate_per_kw: u32,
    /// How long we must wait for our own output, in blocks.
    pub to_self_delay: u16,
    /// The most HTLCs under way to them.
    pub max_accepted_htlcs: u16,
    /// Bit 0: the channel is to be announced.
    pub channel_flags: u8,
    /// Where they want their funds on a mutual close, as hex.
    pub shutdown_scriptpubkey: Option<String>,
    /// The type of the channel.
    pub channel_type: Option<ChannelType>,
}

/// A channel type: feature bits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChannelType {
    /// The bits that are set.
    pub bits: Vec<u32>,
    /// Their names, such as `anchors/even`.
    #[serde(default)]
    pub names: Vec<String>,
}

/// What a plugin may answer. A rejection carries no other wishes: lightningd would abort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OpenChannelAction(Answer);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Answer {
    Continue(Wishes),
    Reject {
        #[serde(skip_serializing_if = "Option::is_none")]
        error_message: Option<String>,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Wishes {
    #[serde(skip_serializing_if = "Option::is_none")]
    close_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mindepth: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reserve: Option<u64>,
}

impl OpenChannelAction {
    /// Open it.
    pub fn accept() -> Self {
        OpenChannelAction(Answer::Continue(Wishes::default()))
    }

    /// Do not, and tell the peer nothing more.
    pub fn reject() -> Self {
        OpenChannelAction(Answer::Reject {
            error_message: None,
        })
    }

    /// Do not, and tell the peer why.
    pub fn reject_with(error_message: impl Into<String>) -> Self {
        OpenChannelAction(Answer::Reject {
            error_message: Some(error_message.into()),
        })
    }

    /// Where our funds go on a mutual close: an address of the node's network. The first
    /// plugin that sets it wins. No effect on a rejection.
    #[must_use]
    pub fn close_to(self, address: impl Into<String>) -> Self {
        self.wish(|wishes| wishes.close_to = Some(address.into()))
    }

    /// How many confirmations we wait for; 0 is a zero-conf channel. The last plugin that
    /// sets it wins. No effect on a rejection.
    #[must_use]
    pub fn mindepth(self, blocks: u32) -> Self {
        self.wish(|wishes| wishes.mindepth = Some(blocks))
    }

    /// What the peer must keep on its side, in satoshi. The last plugin that sets it wins.
    /// No effect on a rejection.
    #[must_use]
    pub fn reserve(self, sat: u64) -> Self {
        self.wish(|wishes| wishes.reserve = Some(sat))
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
    use super::{OpenChannel, OpenChannelAction};
    use crate::hook::{
        Chain, Delivery, Filters, Flow, Hook, HookSpec, Invalid, Node, Stance, Taken,
    };
    use crate::hooks::address;
    use crate::hooks::answer::{Answer, CONTINUE, is_plain_continue, unknown_result};
    use std::sync::Arc;

    /// What the bridge knows about `openchannel`.
    pub const SPEC: HookSpec = HookSpec {
        name: OpenChannel::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[],
        stance: Stance::Closed,
        begin: |payload, node| {
            Box::new(OpenChannelChain {
                payload,
                node: node.clone(),
                action: OpenChannelAction::accept(),
            })
        },
    };

    struct OpenChannelChain {
        payload: Arc<str>,
        node: Node,
        action: OpenChannelAction,
    }

    /// 21 million bitcoin in satoshi.
    const MAX_SAT: u64 = 2_100_000_000_000_000;

    impl Chain for OpenChannelChain {
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
                    if answer.has("close_to") {
                        return Err(Invalid::new("a reject has no close_to"));
                    }
                    let (message, ignored) = answer.error_message()?;
                    self.action = match message {
                        Some(message) => OpenChannelAction::reject_with(message),
                        None => OpenChannelAction::reject(),
                    };
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
                    self.action = OpenChannelAction::reject();
                    Flow::Done
                }
            }
        }

        fn finish(self: Box<Self>) -> String {
            // Writing strings and integers cannot fail; if it did, the node goes on.
            serde_json::to_string(&self.action).unwrap_or_else(|_| CONTINUE.into())
        }
    }

    impl OpenChannelChain {
        fn accept(&mut self, answer: &Answer) -> Result<Taken, Invalid> {
            let mut wishes = match &self.action.0 {
                super::Answer::Continue(wishes) => wishes.clone(),
                // The chain has ended: nothing more is heard.
                super::Answer::Reject { .. } => return Ok(Flow::Done.into()),
            };
            if wishes.close_to.is_some() && answer.has("close_to") {
                return Ok(Taken {
                    flow: Flow::Next,
                    ignored: Some(already_set(answer)),
                });
            }
            if let Some(address) = answer.text::<String>("close_to")? {
                address::check(&address, &self.node)?;
                wishes.close_to = Some(address);
            }
            if let Some(blocks) = answer.number("mindepth")? {
                wishes.mindepth = Some(blocks);
            }
            match answer.sat("reserve")? {
                Some(sat @ ..=MAX_SAT) => wishes.reserve = Some(sat),
                Some(sat) => {
                    return Err(Invalid::new(format!(
                        "reserve is {sat} sat, more than 21 million bitcoin"
                    )));
                }
                None => {}
            }
            self.action = OpenChannelAction(super::Answer::Continue(wishes));
            Ok(Flow::Next.into())
        }
    }

    /// lightningd stops reading an answer at a second close_to, so what comes with it is lost.
    fn already_set(answer: &Answer) -> String {
        let lost: Vec<_> = ["mindepth", "reserve"]
            .into_iter()
            .filter(|name| answer.has(name))
            .collect();
        match lost.is_empty() {
            true => "close_to was already set by an earlier plugin".into(),
            false => format!(
                "close_to was already set by an earlier plugin; {} went with it, as in lightningd",
                lost.join(" and ")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/openchannel.jsonl");

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: OpenChannelPayload = serde_json::from_str(FIXTURE).unwrap();
        let offer = payload.openchannel;
        assert_eq!(offer.max_htlc_value_in_flight_msat.msat(), u64::MAX);
        assert_eq!(offer.max_accepted_htlcs, 483);
        assert_eq!(offer.channel_type.unwrap().bits, [12, 22]);
        assert_eq!(offer.shutdown_scriptpubkey, None);
    }

    #[test]
    fn writes_actions() {
        for (action, json) in [
            (OpenChannelAction::accept(), r#"{"result":"continue"}"#),
            (
                OpenChannelAction::accept()
                    .close_to("addr")
                    .mindepth(0)
                    .reserve(546),
                r#"{"result":"continue","close_to":"addr","mindepth":0,"reserve":546}"#,
            ),
            (OpenChannelAction::reject(), r#"{"result":"reject"}"#),
            (
                OpenChannelAction::reject_with("no")
                    .close_to("addr")
                    .mindepth(1),
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
    use crate::hooks::testing::{fallen_back, finished, refusals, regtest, run};

    const PLAIN: &str = r#"{"result":"continue"}"#;
    const REJECT: &str = r#"{"result":"reject"}"#;
    const ADDRESS: &str = "bcrt1qs758ursh4q9z627kt3pp5yysm78ddny6txaqgw";

    fn close_to(more: &str) -> String {
        format!(r#"{{"result":"continue","close_to":"{ADDRESS}"{more}}}"#)
    }

    #[test]
    fn every_action_comes_out_as_it_went_in() {
        for action in [
            OpenChannelAction::accept(),
            OpenChannelAction::accept()
                .close_to(ADDRESS)
                .mindepth(u32::MAX)
                .reserve(0),
            OpenChannelAction::reject(),
            OpenChannelAction::reject_with("not today"),
        ] {
            let text = serde_json::to_string(&action).unwrap();
            assert_eq!(finished(&SPEC, "{}", &[&text]), text);
        }
    }

    #[test]
    fn the_first_reject_ends_the_chain() {
        assert_eq!(finished(&SPEC, "{}", &[]), PLAIN);
        assert_eq!(
            run(&SPEC, "{}", &[&close_to(""), REJECT, PLAIN]),
            (REJECT.into(), 2)
        );
    }

    // openchannel_hook_deserialize: the first close_to stays, the last mindepth and reserve.
    #[test]
    fn wishes_add_up() {
        assert_eq!(
            finished(
                &SPEC,
                "{}",
                &[
                    r#"{"result":"continue","mindepth":1,"reserve":"5sat"}"#,
                    &close_to(r#","mindepth":2"#),
                    r#"{"result":"continue","reserve":"7000msat"}"#,
                    PLAIN,
                ],
            ),
            format!(r#"{{"result":"continue","close_to":"{ADDRESS}","mindepth":2,"reserve":7}}"#)
        );
    }

    // ... and at a second close_to it returns early, before mindepth and reserve.
    #[test]
    fn a_second_close_to_is_ignored_with_all_that_comes_with_it() {
        let mut chain = (SPEC.begin)("{}".into(), &regtest());
        chain.answer(&close_to("")).unwrap();
        let taken = chain
            .answer(&close_to(r#","mindepth":9,"reserve":9"#))
            .unwrap();
        assert_eq!(taken.flow, Flow::Next);
        assert_eq!(
            taken.ignored.unwrap(),
            "close_to was already set by an earlier plugin; mindepth and reserve went with it, \
             as in lightningd"
        );
        // lightningd does not even read it.
        let taken = chain
            .answer(r#"{"result":"continue","close_to":"?"}"#)
            .unwrap();
        assert_eq!(
            taken.ignored.as_deref(),
            Some("close_to was already set by an earlier plugin")
        );
        assert_eq!(chain.finish(), close_to(""));
    }

    #[test]
    fn refuses() {
        let elsewhere =
            r#"{"result":"continue","close_to":"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}"#;
        refusals(
            &SPEC,
            "{}",
            &[
                ("{}", "no member result; it must be continue or reject"),
                (r#"{"result":"disconnect"}"#, "not continue or reject"),
                (
                    &close_to("").replace("continue", "reject"),
                    "a reject has no close_to",
                ),
                (
                    r#"{"result":"reject","error_message":[]}"#,
                    "error_message is []",
                ),
                (elsewhere, "is not an address of regtest"),
                (
                    r#"{"result":"continue","close_to":"me"}"#,
                    "close_to me is not an address",
                ),
                (
                    r#"{"result":"continue","close_to":null}"#,
                    "close_to is null, not a string",
                ),
                (r#"{"result":"continue","mindepth":-1}"#, "mindepth is -1"),
                (r#"{"result":"continue","mindepth":4294967296}"#, "32 bits"),
                (r#"{"result":"continue","reserve":1.5}"#, "reserve is 1.5"),
                (
                    r#"{"result":"continue","reserve":"1msat"}"#,
                    "whole number of satoshi",
                ),
                (
                    r#"{"result":"continue","reserve":2100000000000001}"#,
                    "21 million",
                ),
                // Nothing of a refused answer is kept.
                (&close_to(r#","reserve":"x""#), "reserve is \"x\""),
            ],
        );
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
