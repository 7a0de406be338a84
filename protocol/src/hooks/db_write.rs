//! `db_write`: a change of the database is about to be committed.
//!
//! `lightningd/plugin_hook.c`: `db_hook_response`. lightningd waits for all plugins at
//! once and stops itself on any answer but `continue`: that is how a backup that is not
//! complete halts the node before it commits.

use crate::hook::Hook;
use serde::{Deserialize, Serialize};

/// The hook `db_write`. It comes before `init`, and while it is being answered lightningd
/// does nothing else, so a plugin that hooks it should hook nothing else.
#[derive(Debug)]
pub struct DbWrite;

impl Hook for DbWrite {
    const NAME: &'static str = "db_write";
    type Payload = DbWritePayload;
    type Action = DbWriteAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DbWritePayload {
    /// Goes up by one with every call, and wraps at 32 bits. A plugin must compare it
    /// with the one before.
    pub data_version: u32,
    /// The SQL that changes the database. Absent without the grant `db_write`.
    pub writes: Option<Vec<String>>,
}

/// What a plugin may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DbWriteAction {
    /// Commit.
    Continue,
    /// Stop the node, with nothing committed.
    Fail,
}

impl DbWriteAction {
    /// Commit.
    pub fn pass() -> Self {
        DbWriteAction::Continue
    }

    /// Stop the node, with nothing committed: for a backup that would not be complete.
    pub fn halt() -> Self {
        DbWriteAction::Fail
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
    use std::sync::Arc;

    /// What the bridge knows about `db_write`. It is closed unless the operator opens it:
    /// whoever runs a backup wants no commit that is not in it.
    pub const SPEC: HookSpec = HookSpec {
        name: DbWrite::NAME,
        filters: Filters::Refused,
        delivery: Delivery::AllAtOnce,
        secrets: &[Secret {
            grant: "db_write",
            places: &[Place::Member("/writes")],
        }],
        stance: Stance::Closed,
        begin: |payload, _| {
            Box::new(DbWriteChain {
                payload,
                halted: false,
            })
        },
    };

    /// lightningd dies of this, as it is meant to.
    const HALT: &str = r#"{"result":"fail"}"#;

    struct DbWriteChain {
        payload: Arc<str>,
        halted: bool,
    }

    impl Chain for DbWriteChain {
        fn payload(&self) -> Arc<str> {
            self.payload.clone()
        }

        fn answer(&mut self, answer: &str) -> Result<Taken, Invalid> {
            if is_plain_continue(answer) {
                return Ok(Flow::Next.into());
            }
            match Answer::parse(answer)?.result()? {
                Some("continue") => Ok(Flow::Next.into()),
                Some("fail") => {
                    self.halted = true;
                    Ok(Flow::Done.into())
                }
                other => Err(unknown_result(other, "continue or fail")),
            }
        }

        fn fallback(&mut self, stance: Stance) -> Flow {
            match stance {
                Stance::Open => Flow::Next,
                Stance::Closed => {
                    self.halted = true;
                    Flow::Done
                }
            }
        }

        fn finish(self: Box<Self>) -> String {
            match self.halted {
                true => HALT.into(),
                false => CONTINUE.into(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/db_write.jsonl");

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: DbWritePayload = serde_json::from_str(FIXTURE).unwrap();
        assert!(payload.data_version > 0);
        assert!(!payload.writes.unwrap().is_empty());
    }

    #[test]
    fn writes_actions() {
        for (action, json) in [
            (DbWriteAction::pass(), r#"{"result":"continue"}"#),
            (DbWriteAction::halt(), r#"{"result":"fail"}"#),
        ] {
            assert_eq!(serde_json::to_string(&action).unwrap(), json);
        }
    }

    #[cfg(feature = "host")]
    #[test]
    fn all_must_continue() {
        use crate::hook::Delivery;
        use crate::hooks::testing::{finished, refusals, run};
        const PLAIN: &str = r#"{"result":"continue"}"#;
        const FAIL: &str = r#"{"result":"fail"}"#;
        assert_eq!(SPEC.delivery, Delivery::AllAtOnce);
        assert_eq!(run(&SPEC, FIXTURE, &[PLAIN, PLAIN]), (PLAIN.into(), 2));
        assert_eq!(finished(&SPEC, FIXTURE, &[]), PLAIN);
        assert_eq!(run(&SPEC, FIXTURE, &[PLAIN, FAIL, PLAIN]), (FAIL.into(), 2));
        // All are asked at once, so one may still continue after another has failed.
        let mut chain = (SPEC.begin)(FIXTURE.into(), &Default::default());
        chain.answer(FAIL).unwrap();
        chain.answer(PLAIN).unwrap();
        assert_eq!(chain.finish(), FAIL);
        refusals(
            &SPEC,
            FIXTURE,
            &[
                ("{}", "no member result"),
                (r#"{"result":"banana"}"#, "not continue or fail"),
                (r#"{"result":false}"#, "result is false"),
                ("null", "not an object"),
            ],
        );
    }

    #[cfg(feature = "host")]
    #[test]
    fn falls_back() {
        use crate::hook::{Flow, Stance};
        use crate::hooks::testing::fallen_back;
        assert_eq!(SPEC.stance, Stance::Closed);
        assert_eq!(
            fallen_back(&SPEC, FIXTURE, Stance::Open),
            (r#"{"result":"continue"}"#.into(), Flow::Next)
        );
        assert_eq!(
            fallen_back(&SPEC, FIXTURE, Stance::Closed),
            (r#"{"result":"fail"}"#.into(), Flow::Done)
        );
    }
}
