//! The chain of hooks whose plugins can only look on: all are called, and lightningd is
//! told to go on.

use super::answer::{Answer, CONTINUE, is_plain_continue, unknown_result};
use crate::hook::{Chain, Flow, Invalid, Stance, Taken};
use std::sync::Arc;

/// Accepts an answer, perhaps with a note for the operator.
pub(super) type Check = fn(&str) -> Result<Option<String>, Invalid>;

/// Starts a chain.
pub(super) fn begin(payload: Arc<str>, check: Check) -> Box<dyn Chain> {
    Box::new(Observed { payload, check })
}

/// Accepts `continue` only.
pub(super) fn only_continue(answer: &str) -> Result<Option<String>, Invalid> {
    match Answer::parse(answer)?.result()? {
        Some("continue") => Ok(None),
        other => Err(unknown_result(other, "continue")),
    }
}

struct Observed {
    payload: Arc<str>,
    check: Check,
}

impl Chain for Observed {
    fn payload(&self) -> Arc<str> {
        self.payload.clone()
    }

    fn answer(&mut self, answer: &str) -> Result<Taken, Invalid> {
        let ignored = match is_plain_continue(answer) {
            true => None,
            false => (self.check)(answer)?,
        };
        Ok(Taken {
            flow: Flow::Next,
            ignored,
        })
    }

    fn fallback(&mut self, _: Stance) -> Flow {
        Flow::Next
    }

    fn finish(self: Box<Self>) -> String {
        CONTINUE.into()
    }
}
