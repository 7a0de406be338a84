//! `recover`: the node was started with `--recover`, and this is its seed.
//!
//! `lightningd/lightningd.c`: `recover_hook_deserialize`.

use crate::hook::Hook;
use serde::{Deserialize, Serialize};

/// The hook `recover`.
#[derive(Debug)]
pub struct Recover;

impl Hook for Recover {
    const NAME: &'static str = "recover";
    type Payload = RecoverPayload;
    type Action = RecoverAction;
}

/// What the hook is called with. `Debug` does not show the seed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct RecoverPayload {
    /// The seed of the node in codex32. Absent without the grant `codex32`.
    pub codex32: Option<String>,
}

impl std::fmt::Debug for RecoverPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoverPayload(…)")
    }
}

/// What a plugin may answer: nothing but that it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecoverAction {
    /// Go on.
    Continue,
}

impl RecoverAction {
    /// Go on.
    pub fn pass() -> Self {
        RecoverAction::Continue
    }
}

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::*;
    use crate::hook::{Delivery, Filters, HookSpec, Place, Secret, Stance};
    use crate::hooks::observed;

    /// What the bridge knows about `recover`.
    pub const SPEC: HookSpec = HookSpec {
        name: Recover::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[Secret {
            grant: "codex32",
            places: &[Place::Member("/codex32")],
        }],
        stance: Stance::Open,
        begin: |payload, _| observed::begin(payload, observed::only_continue),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/recover.jsonl");

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: RecoverPayload = serde_json::from_str(FIXTURE).unwrap();
        assert!(payload.codex32.as_ref().unwrap().starts_with("cl10leet"));
        assert_eq!(format!("{payload:?}"), "RecoverPayload(…)");
        let redacted: RecoverPayload = serde_json::from_str("{}").unwrap();
        assert_eq!(redacted.codex32, None);
    }

    #[test]
    fn writes_actions() {
        let json = serde_json::to_string(&RecoverAction::pass()).unwrap();
        assert_eq!(json, r#"{"result":"continue"}"#);
    }

    #[cfg(feature = "host")]
    #[test]
    fn everybody_is_called_and_must_continue() {
        use crate::hooks::testing::{refusals, run};
        const PLAIN: &str = r#"{"result":"continue"}"#;
        let answers = [PLAIN, r#"{ "result": "continue", "more": 1 }"#];
        assert_eq!(run(&SPEC, FIXTURE, &answers), (PLAIN.into(), 2));
        refusals(
            &SPEC,
            FIXTURE,
            &[
                ("{}", "no member result; it must be continue"),
                (r#"{"result":"stop"}"#, "result is \"stop\", not continue"),
                (r#"{"result":null}"#, "result is null"),
                ("[]", "not an object"),
                ("continue", "not JSON"),
            ],
        );
    }

    #[cfg(feature = "host")]
    #[test]
    fn falls_back() {
        use crate::hook::{Flow, Stance};
        use crate::hooks::testing::fallen_back;
        assert_eq!(SPEC.stance, Stance::Open);
        for stance in [Stance::Open, Stance::Closed] {
            assert_eq!(
                fallen_back(&SPEC, FIXTURE, stance),
                (r#"{"result":"continue"}"#.into(), Flow::Next)
            );
        }
    }
}
