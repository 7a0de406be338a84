//! `openchannel2_changed`: the peer changed the funding transaction of a dual-funded open.
//!
//! `lightningd/dual_open_control.c`: `openchannel2_changed_deserialize`. lightningd aborts
//! on a `continue` without a `psbt`.

use crate::hook::Hook;
use crate::primitives::{ChannelId, Psbt};
use serde::{Deserialize, Serialize};

/// The hook `openchannel2_changed`.
#[derive(Debug)]
pub struct OpenChannel2Changed;

impl Hook for OpenChannel2Changed {
    const NAME: &'static str = "openchannel2_changed";
    type Payload = OpenChannel2ChangedPayload;
    type Action = OpenChannel2ChangedAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpenChannel2ChangedPayload {
    /// The change.
    pub openchannel2_changed: ChangedPsbt,
}

/// A funding transaction that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChangedPsbt {
    /// The transaction as it is now.
    pub psbt: Psbt,
    /// The channel.
    pub channel_id: ChannelId,
    /// Whether only confirmed inputs will do.
    #[serde(default)]
    pub require_confirmed_inputs: bool,
}

/// What a plugin may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OpenChannel2ChangedAction {
    /// Go on with this transaction: the one that was shown, or a change of ours.
    Continue {
        /// The transaction.
        psbt: Psbt,
    },
    /// Give the open up.
    Reject,
}

impl OpenChannel2ChangedAction {
    /// Go on with this transaction: the one that was shown when there is nothing to change.
    pub fn pass(psbt: Psbt) -> Self {
        OpenChannel2ChangedAction::Continue { psbt }
    }

    /// Give the open up.
    pub fn abort() -> Self {
        OpenChannel2ChangedAction::Reject
    }
}

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::OpenChannel2Changed;
    use crate::hook::{Delivery, Filters, Hook, HookSpec, Stance};
    use crate::hooks::psbt::{self, Needs};
    use crate::hooks::psbt_round;

    /// What the bridge knows about `openchannel2_changed`.
    pub const SPEC: HookSpec = HookSpec {
        name: OpenChannel2Changed::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[],
        stance: Stance::Open,
        begin: |payload, _| {
            psbt_round::begin(payload, OpenChannel2Changed::NAME, |new, _| {
                psbt::check(new, Needs::Anything).map(drop)
            })
        },
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/openchannel2_changed.jsonl");

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: OpenChannel2ChangedPayload = serde_json::from_str(FIXTURE).unwrap();
        assert!(!payload.openchannel2_changed.require_confirmed_inputs);
    }

    #[test]
    fn writes_actions() {
        let pass = OpenChannel2ChangedAction::pass("cHNidP8B".parse().unwrap());
        for (action, json) in [
            (pass, r#"{"result":"continue","psbt":"cHNidP8B"}"#),
            (OpenChannel2ChangedAction::abort(), r#"{"result":"reject"}"#),
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

    const FIXTURE: &str = include_str!("../../tests/fixtures/openchannel2_changed.jsonl");
    const PLAIN: &str = r#"{"result":"continue"}"#;
    const REJECT: &str = r#"{"result":"reject"}"#;

    // A plain continue would abort lightningd.
    #[test]
    fn a_plain_continue_echoes_the_psbt() {
        let [shown, _] = psbts();
        let echo = json!({"result": "continue", "psbt": shown});
        for answers in [
            &[][..],
            &[PLAIN],
            &[PLAIN, r#"{"result":"continue","psbt":null}"#],
        ] {
            assert_eq!(finished_json(&SPEC, FIXTURE, answers), echo);
        }
    }

    #[test]
    fn the_last_psbt_wins_and_is_shown() {
        let [shown, other] = psbts();
        let change = json!({"result": "continue", "psbt": other});
        let mut chain = (SPEC.begin)(FIXTURE.into(), &Default::default());
        chain.answer(&change.to_string()).unwrap();
        let mut expected: Value = serde_json::from_str(FIXTURE).unwrap();
        expected["openchannel2_changed"]["psbt"] = other.as_str().into();
        assert_eq!(
            serde_json::from_str::<Value>(&chain.payload()).unwrap(),
            expected
        );
        chain.answer(PLAIN).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&chain.finish()).unwrap(),
            change
        );
        let back = json!({"result": "continue", "psbt": shown});
        assert_eq!(
            finished_json(&SPEC, FIXTURE, &[&change.to_string(), &back.to_string()]),
            back
        );
    }

    // hook_extract_psbt: anything but continue fails the open and ends the chain.
    #[test]
    fn anything_else_gives_the_open_up() {
        for answer in [REJECT, r#"{"result":"fail"}"#] {
            assert_eq!(
                run(&SPEC, FIXTURE, &[PLAIN, answer, PLAIN]),
                (REJECT.into(), 2)
            );
        }
    }

    #[test]
    fn refuses() {
        refusals(
            &SPEC,
            FIXTURE,
            &[
                ("{}", "no member result"),
                ("[]", "not an object"),
                (r#"{"result":null}"#, "result is null"),
                (r#"{"result":"continue","psbt":"AAAA"}"#, "psbt is wrong"),
                (
                    r#"{"result":"continue","psbt":"cHNidP8="}"#,
                    "psbt is wrong: it is cut short",
                ),
                (
                    r#"{"result":"continue","psbt":1}"#,
                    "psbt is 1, not a string",
                ),
            ],
        );
    }

    // psbt_get_bytes
    #[test]
    fn refuses_what_lightningd_cannot_write() {
        for (psbt, reason) in unwritable_psbts() {
            let answer = json!({"result": "continue", "psbt": psbt});
            refusals(&SPEC, FIXTURE, &[(&answer.to_string(), reason)]);
        }
    }

    #[test]
    fn falls_back() {
        let [shown, _] = psbts();
        for stance in [Stance::Open, Stance::Closed] {
            let (answer, flow) = fallen_back(&SPEC, FIXTURE, stance);
            assert_eq!(flow, Flow::Next);
            assert_eq!(
                serde_json::from_str::<Value>(&answer).unwrap(),
                json!({"result": "continue", "psbt": shown})
            );
        }
        // Of a payload without a psbt nothing can be echoed: the open fails, not the node.
        assert_eq!(fallen_back(&SPEC, "{}", Stance::Open).0, REJECT);
        assert_eq!(fallen_back(&SPEC, "", Stance::Open).0, REJECT);
    }
}
