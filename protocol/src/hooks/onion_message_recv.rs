//! `onion_message_recv`: an onion message came that nobody asked for.
//!
//! `lightningd/onion_message.c` with `plugin_hook_continue` of `lightningd/plugin_hook.c`.

use crate::hook::Hook;
use crate::primitives::{PublicKey, Secret, ShortChannelId};
use serde::{Deserialize, Serialize};

/// The hook `onion_message_recv`.
#[derive(Debug)]
pub struct OnionMessageRecv;

impl Hook for OnionMessageRecv {
    const NAME: &'static str = "onion_message_recv";
    type Payload = OnionMessagePayload;
    type Action = OnionMessageAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OnionMessagePayload {
    /// The message.
    pub onion_message: OnionMessage,
}

/// An onion message that was for us.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OnionMessage {
    /// Which of our paths it took. Only in `onion_message_recv_secret`.
    pub pathsecret: Option<Secret>,
    /// Where to reply.
    pub reply_blindedpath: Option<BlindedPath>,
    /// A BOLT 12 invoice request, as hex.
    pub invoice_request: Option<String>,
    /// A BOLT 12 invoice, as hex.
    pub invoice: Option<String>,
    /// A BOLT 12 error, as hex.
    pub invoice_error: Option<String>,
    /// Records that lightningd does not know.
    #[serde(default)]
    pub unknown_fields: Vec<UnknownField>,
}

/// A blinded path (BOLT 4).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BlindedPath {
    /// Where it begins, by node.
    pub first_node_id: Option<PublicKey>,
    /// Where it begins, by channel.
    pub first_scid: Option<ShortChannelId>,
    /// Which end of that channel: 0 or 1.
    pub first_scid_dir: Option<u32>,
    /// The first path key.
    pub first_path_key: PublicKey,
    /// Its hops.
    pub hops: Vec<BlindedHop>,
}

/// One hop of a [`BlindedPath`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BlindedHop {
    /// The node, blinded.
    pub blinded_node_id: PublicKey,
    /// What is for that node, as hex.
    pub encrypted_recipient_data: String,
}

/// A record of an onion message that lightningd does not know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UnknownField {
    /// Its type.
    pub number: u64,
    /// Its bytes, as hex.
    pub value: String,
}

/// What a plugin may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnionMessageAction {
    /// Show it to the next plugin.
    Continue,
    /// It was for this one: nobody else is shown it.
    Resolve,
}

impl OnionMessageAction {
    /// Show it to the next plugin.
    pub fn pass() -> Self {
        OnionMessageAction::Continue
    }

    /// Nobody else is shown it.
    pub fn take() -> Self {
        OnionMessageAction::Resolve
    }
}

#[cfg(feature = "host")]
pub(super) use host::begin;

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::*;
    use crate::hook::{Chain, Delivery, Filters, Flow, HookSpec, Invalid, Node, Stance, Taken};
    use crate::hooks::answer::{Answer, CONTINUE, is_plain_continue};
    use std::sync::Arc;

    /// What the bridge knows about `onion_message_recv`.
    pub const SPEC: HookSpec = HookSpec {
        name: OnionMessageRecv::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[],
        stance: Stance::Open,
        begin,
    };

    const TAKEN: &str = r#"{"result":"resolve"}"#;

    pub(in crate::hooks) fn begin(payload: Arc<str>, _: &Node) -> Box<dyn Chain> {
        Box::new(OnionMessageChain {
            payload,
            taken: false,
        })
    }

    struct OnionMessageChain {
        payload: Arc<str>,
        taken: bool,
    }

    impl Chain for OnionMessageChain {
        fn payload(&self) -> Arc<str> {
            self.payload.clone()
        }

        /// As lightningd: any object but a `continue` ends the chain.
        fn answer(&mut self, answer: &str) -> Result<Taken, Invalid> {
            if is_plain_continue(answer) {
                return Ok(Flow::Next.into());
            }
            match Answer::parse(answer)?.result() {
                Ok(Some("continue")) => Ok(Flow::Next.into()),
                _ => {
                    self.taken = true;
                    Ok(Flow::Done.into())
                }
            }
        }

        fn fallback(&mut self, stance: Stance) -> Flow {
            match stance {
                Stance::Open => Flow::Next,
                Stance::Closed => {
                    self.taken = true;
                    Flow::Done
                }
            }
        }

        fn finish(self: Box<Self>) -> String {
            match self.taken {
                true => TAKEN.into(),
                false => CONTINUE.into(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/onion_message_recv.jsonl");

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: OnionMessagePayload = serde_json::from_str(FIXTURE).unwrap();
        let message = payload.onion_message;
        let path = message.reply_blindedpath.unwrap();
        assert!(path.first_node_id.is_some() && path.first_scid.is_none());
        assert_eq!(path.hops.len(), 2);
        assert!(message.invoice_request.is_some() && message.invoice.is_none());
        assert_eq!(message.pathsecret, None);
    }

    #[test]
    fn reads_the_other_forms() {
        let key = "0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79";
        let payload: OnionMessagePayload = serde_json::from_str(&format!(
            r#"{{"onion_message":{{"reply_blindedpath":{{"first_scid":"1x2x3","first_scid_dir":1,
                "first_path_key":"{key}","hops":[]}},"invoice_error":"00",
                "unknown_fields":[{{"number":18446744073709551615,"value":"ff"}}]}}}}"#
        ))
        .unwrap();
        let message = payload.onion_message;
        assert_eq!(message.unknown_fields[0].number, u64::MAX);
        assert_eq!(message.reply_blindedpath.unwrap().first_scid_dir, Some(1));
    }

    #[test]
    fn writes_actions() {
        for (action, json) in [
            (OnionMessageAction::pass(), r#"{"result":"continue"}"#),
            (OnionMessageAction::take(), r#"{"result":"resolve"}"#),
        ] {
            assert_eq!(serde_json::to_string(&action).unwrap(), json);
        }
    }

    #[cfg(feature = "host")]
    #[test]
    fn the_first_to_take_it_ends_the_chain() {
        use crate::hooks::testing::{finished, refusals, run};
        const PLAIN: &str = r#"{"result":"continue"}"#;
        const TAKEN: &str = r#"{"result":"resolve"}"#;
        assert_eq!(finished(&SPEC, FIXTURE, &[]), PLAIN);
        assert_eq!(run(&SPEC, FIXTURE, &[PLAIN, PLAIN]), (PLAIN.into(), 2));
        for taken in [TAKEN, "{}", r#"{"result":"banana"}"#, r#"{"result":null}"#] {
            assert_eq!(
                run(&SPEC, FIXTURE, &[PLAIN, taken, PLAIN]),
                (TAKEN.into(), 2)
            );
        }
        refusals(&SPEC, FIXTURE, &[("", "not JSON"), ("[]", "not an object")]);
    }

    #[cfg(feature = "host")]
    #[test]
    fn falls_back() {
        use crate::hook::{Flow, Stance};
        use crate::hooks::testing::fallen_back;
        assert_eq!(SPEC.stance, Stance::Open);
        assert_eq!(
            fallen_back(&SPEC, FIXTURE, Stance::Open),
            (r#"{"result":"continue"}"#.into(), Flow::Next)
        );
        assert_eq!(
            fallen_back(&SPEC, FIXTURE, Stance::Closed),
            (r#"{"result":"resolve"}"#.into(), Flow::Done)
        );
    }
}
