//! `custommsg`: a peer sent a message that lightningd does not know.
//!
//! `lightningd/connect_control.c`: `custommsg_cb`. The peer's next messages wait until
//! the hook is done, so answer at once.

use crate::hook::Hook;
use crate::primitives::PublicKey;
use serde::{Deserialize, Serialize};

/// The hook `custommsg`.
#[derive(Debug)]
pub struct Custommsg;

impl Hook for Custommsg {
    const NAME: &'static str = "custommsg";
    type Payload = CustommsgPayload;
    type Action = CustommsgAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CustommsgPayload {
    /// Who sent it.
    pub peer_id: PublicKey,
    /// The message as hex, its type (two bytes) first. The topic's payload has it as bytes.
    pub payload: String,
}

impl CustommsgPayload {
    /// The message's type. None when there is none.
    pub fn message_type(&self) -> Option<u16> {
        u16::from_str_radix(self.payload.get(..4)?, 16).ok()
    }
}

/// What a plugin may answer: nothing but that it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CustommsgAction {
    /// Go on.
    Continue,
}

impl CustommsgAction {
    /// Go on.
    pub fn pass() -> Self {
        CustommsgAction::Continue
    }
}

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::*;
    use crate::hook::{Delivery, Filters, HookSpec, Invalid, Stance};
    use crate::hooks::observed;
    use serde_json::Value;

    /// What the bridge knows about `custommsg`.
    pub const SPEC: HookSpec = HookSpec {
        name: Custommsg::NAME,
        filters: Filters::MessageTypes,
        delivery: Delivery::InTurn,
        secrets: &[],
        stance: Stance::Open,
        begin: |payload, _| observed::begin(payload, check),
    };

    /// v0.8.2 threw the answer away, so plugins of then answer anything: an object, or null.
    fn check(answer: &str) -> Result<Option<String>, Invalid> {
        match serde_json::from_str(answer) {
            Ok(Value::Object(members)) => match members.get("result") {
                Some(Value::String(result)) if result == "continue" => Ok(None),
                _ => Ok(Some("the answer was taken for a continue".into())),
            },
            Ok(Value::Null) => Ok(Some("the answer was taken for a continue".into())),
            Ok(other) => Err(Invalid::new(format!(
                "the answer is {}, not an object",
                crate::hooks::answer::shown(&other)
            ))),
            Err(reason) => Err(Invalid::new(format!("the answer is not JSON: {reason}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/custommsg.jsonl");

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: CustommsgPayload = serde_json::from_str(FIXTURE).unwrap();
        assert!(payload.message_type().is_some());
        let short = CustommsgPayload {
            payload: "00é".into(),
            ..payload
        };
        assert_eq!(short.message_type(), None);
    }

    #[test]
    fn writes_actions() {
        let json = serde_json::to_string(&CustommsgAction::pass()).unwrap();
        assert_eq!(json, r#"{"result":"continue"}"#);
    }

    #[cfg(feature = "host")]
    #[test]
    fn everybody_is_called_and_the_answer_is_continue() {
        use crate::hooks::testing::{refusals, run};
        const PLAIN: &str = r#"{"result":"continue"}"#;
        // As v0.8.2 would have taken them.
        let answers = [
            PLAIN,
            "{}",
            r#"{"result":"banana"}"#,
            "null",
            r#"{"result":{"a":1}}"#,
        ];
        assert_eq!(run(&SPEC, FIXTURE, &answers), (PLAIN.into(), 5));
        let mut chain = (SPEC.begin)(FIXTURE.into(), &Default::default());
        assert_eq!(chain.answer(PLAIN).unwrap().ignored, None);
        assert!(chain.answer("{}").unwrap().ignored.is_some());
        refusals(
            &SPEC,
            FIXTURE,
            &[
                ("", "not JSON"),
                ("[]", "is [], not an object"),
                ("7", "is 7"),
            ],
        );
    }

    #[cfg(feature = "host")]
    #[test]
    fn falls_back() {
        use crate::hook::{Filters, Flow, Stance};
        use crate::hooks::testing::fallen_back;
        assert_eq!(
            (SPEC.stance, SPEC.filters),
            (Stance::Open, Filters::MessageTypes)
        );
        for stance in [Stance::Open, Stance::Closed] {
            assert_eq!(
                fallen_back(&SPEC, FIXTURE, stance),
                (r#"{"result":"continue"}"#.into(), Flow::Next)
            );
        }
    }
}
