//! `openchannel2_sign`: the funding transaction of a dual-funded open is complete, and
//! waits for our signatures.
//!
//! `lightningd/dual_open_control.c`: `openchannel2_signed_deserialize`. lightningd aborts
//! on a `continue` without a `psbt`, and on one with other inputs or outputs.

use crate::hook::Hook;
use crate::primitives::{ChannelId, Psbt};
use serde::{Deserialize, Serialize};

/// The hook `openchannel2_sign`.
#[derive(Debug)]
pub struct OpenChannel2Sign;

impl Hook for OpenChannel2Sign {
    const NAME: &'static str = "openchannel2_sign";
    type Payload = OpenChannel2SignPayload;
    type Action = OpenChannel2SignAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpenChannel2SignPayload {
    /// The transaction.
    pub openchannel2_sign: UnsignedPsbt,
}

/// A funding transaction to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UnsignedPsbt {
    /// The transaction.
    pub psbt: Psbt,
    /// The channel.
    pub channel_id: ChannelId,
}

/// What a plugin may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OpenChannel2SignAction {
    /// Go on with this transaction: the one that was shown, with or without signatures.
    Continue {
        /// The transaction.
        psbt: Psbt,
    },
    /// Give the open up.
    Reject,
}

impl OpenChannel2SignAction {
    /// Go on with the transaction that was shown: somebody else signs.
    pub fn pass(psbt: Psbt) -> Self {
        OpenChannel2SignAction::Continue { psbt }
    }

    /// Go on with signatures for our inputs. Nothing else may have changed.
    pub fn signed(psbt: Psbt) -> Self {
        OpenChannel2SignAction::Continue { psbt }
    }

    /// Give the open up.
    pub fn abort() -> Self {
        OpenChannel2SignAction::Reject
    }
}

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::OpenChannel2Sign;
    use crate::hook::{Delivery, Filters, Hook, HookSpec, Invalid, Stance};
    use crate::hooks::psbt::{self, Needs};
    use crate::hooks::psbt_round;

    /// What the bridge knows about `openchannel2_sign`.
    pub const SPEC: HookSpec = HookSpec {
        name: OpenChannel2Sign::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[],
        stance: Stance::Open,
        begin: |payload, _| psbt_round::begin(payload, OpenChannel2Sign::NAME, check),
    };

    fn check(signed: &str, shown: Option<&str>) -> Result<(), Invalid> {
        let cannot =
            || Invalid::new("psbt is not the one that was shown, and that one cannot be read here");
        let shown =
            psbt::check(shown.ok_or_else(cannot)?, Needs::SerialIds).map_err(|_| cannot())?;
        let signed = psbt::check(signed, Needs::SerialIds)?;
        psbt::check_unchanged(&shown, &signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/openchannel2_sign.jsonl");

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: OpenChannel2SignPayload = serde_json::from_str(FIXTURE).unwrap();
        assert!(
            payload
                .openchannel2_sign
                .psbt
                .as_str()
                .starts_with("cHNidP8")
        );
    }

    #[test]
    fn writes_actions() {
        let psbt: Psbt = "cHNidP8B".parse().unwrap();
        let pass = r#"{"result":"continue","psbt":"cHNidP8B"}"#;
        for (action, json) in [
            (OpenChannel2SignAction::pass(psbt.clone()), pass),
            (OpenChannel2SignAction::signed(psbt), pass),
            (OpenChannel2SignAction::abort(), r#"{"result":"reject"}"#),
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
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    const FIXTURE: &str = include_str!("../../tests/fixtures/openchannel2_sign.jsonl");
    const PLAIN: &str = r#"{"result":"continue"}"#;
    const REJECT: &str = r#"{"result":"reject"}"#;

    /// The PSBT that is shown, with a final witness put into its first input.
    fn signed() -> String {
        let mut bytes = STANDARD.decode(&psbts()[1]).unwrap();
        let txid = bytes.windows(3).position(|w| w == [1, 0x0e, 32]).unwrap();
        bytes.splice(txid..txid, [1, 8, 3, 1, 1, 7]);
        STANDARD.encode(bytes)
    }

    fn answer(psbt: &str) -> Value {
        json!({"result": "continue", "psbt": psbt})
    }

    #[test]
    fn a_plain_continue_echoes_the_psbt() {
        let [_, shown] = psbts();
        for answers in [&[][..], &[PLAIN, PLAIN]] {
            assert_eq!(finished_json(&SPEC, FIXTURE, answers), answer(&shown));
        }
    }

    #[test]
    fn signatures_are_kept_and_shown() {
        let with = answer(&signed());
        let mut chain = (SPEC.begin)(FIXTURE.into(), &Default::default());
        chain.answer(&with.to_string()).unwrap();
        let seen: OpenChannel2SignPayload = serde_json::from_str(&chain.payload()).unwrap();
        assert_eq!(seen.openchannel2_sign.psbt.as_str(), signed());
        chain.answer(PLAIN).unwrap();
        chain.fallback(Stance::Closed);
        assert_eq!(
            serde_json::from_str::<Value>(&chain.finish()).unwrap(),
            with
        );
    }

    #[test]
    fn anything_else_gives_the_open_up() {
        assert_eq!(
            run(&SPEC, FIXTURE, &[PLAIN, REJECT, PLAIN]),
            (REJECT.into(), 2)
        );
    }

    #[test]
    fn refuses() {
        let [other, shown] = psbts();
        let mut fewer = STANDARD.decode(&shown).unwrap();
        let outputs = fewer.windows(4).position(|w| w == [1, 5, 1, 3]).unwrap();
        fewer[outputs + 3] = 2;
        let mut amount = STANDARD.decode(&shown).unwrap();
        let at = amount.windows(3).position(|w| w == [1, 3, 8]).unwrap();
        amount[at + 3] ^= 1;
        refusals(
            &SPEC,
            FIXTURE,
            &[
                ("{}", "no member result"),
                (&answer("AAAA").to_string(), "psbt is wrong"),
                (&answer(&other).to_string(), "psbt changes"),
                (
                    &answer(&STANDARD.encode(fewer)).to_string(),
                    "after the last output",
                ),
                (
                    &answer(&STANDARD.encode(amount)).to_string(),
                    "psbt changes the outputs",
                ),
                (
                    r#"{"result":"continue","psbt":[]}"#,
                    "psbt is [], not a string",
                ),
            ],
        );
        let strange = r#"{"openchannel2_sign":{"psbt":"?"}}"#;
        refusals(
            &SPEC,
            strange,
            &[(&answer(&shown).to_string(), "cannot be read here")],
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
        let [_, shown] = psbts();
        for stance in [Stance::Open, Stance::Closed] {
            let (text, flow) = fallen_back(&SPEC, FIXTURE, stance);
            assert_eq!(flow, Flow::Next);
            assert_eq!(
                serde_json::from_str::<Value>(&text).unwrap(),
                answer(&shown)
            );
        }
        assert_eq!(fallen_back(&SPEC, "[]", Stance::Open).0, REJECT);
    }
}
