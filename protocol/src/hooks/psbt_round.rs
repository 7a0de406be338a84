//! The chain of `openchannel2_changed` and `openchannel2_sign`: a PSBT goes from guest to
//! guest, and the last one goes to lightningd.
//!
//! lightningd aborts on a `continue` without it, so it is always sent: where a guest left
//! it out or failed, the one that it was shown.

use super::answer::{Answer, is_plain_continue, unknown_result};
use crate::hook::{Chain, Flow, Invalid, Stance, Taken};
use serde_json::{Value, json};
use std::sync::Arc;

/// Accepts a new PSBT in place of the one shown, both in base64.
pub(super) type Check = fn(&str, Option<&str>) -> Result<(), Invalid>;

/// Starts a chain on `payload`, whose only member has the hook's name.
pub(super) fn begin(payload: Arc<str>, hook: &'static str, check: Check) -> Box<dyn Chain> {
    Box::new(PsbtRound {
        payload,
        hook,
        check,
        aborted: false,
    })
}

struct PsbtRound {
    /// As the next guest is shown it.
    payload: Arc<str>,
    hook: &'static str,
    check: Check,
    aborted: bool,
}

/// lightningd gives the open up at anything but `continue`.
const ABORT: &str = r#"{"result":"reject"}"#;

impl Chain for PsbtRound {
    fn payload(&self) -> Arc<str> {
        self.payload.clone()
    }

    fn answer(&mut self, answer: &str) -> Result<Taken, Invalid> {
        if is_plain_continue(answer) {
            return Ok(Flow::Next.into());
        }
        let answer = Answer::parse(answer)?;
        match answer.result()? {
            Some("continue") => {}
            Some(_) => {
                self.aborted = true;
                return Ok(Flow::Done.into());
            }
            None => return Err(unknown_result(None, "continue, or the open is given up")),
        }
        if answer.is_null_or_absent("psbt") {
            return Ok(Flow::Next.into());
        }
        if let Some(new) = answer.text::<String>("psbt")? {
            let payload = serde_json::from_str(&self.payload).unwrap_or(Value::Null);
            let shown = payload[self.hook]["psbt"].as_str();
            if shown == Some(new.as_str()) {
                return Ok(Flow::Next.into());
            }
            (self.check)(&new, shown)?;
            self.show(payload, new);
        }
        Ok(Flow::Next.into())
    }

    fn fallback(&mut self, _: Stance) -> Flow {
        Flow::Next
    }

    fn finish(self: Box<Self>) -> String {
        if self.aborted {
            return ABORT.into();
        }
        let payload = serde_json::from_str(&self.payload).unwrap_or(Value::Null);
        match payload[self.hook].get("psbt") {
            Some(psbt @ Value::String(_)) => {
                json!({"result": "continue", "psbt": psbt}).to_string()
            }
            // Nothing to echo: the open is given up, the node stays up.
            _ => ABORT.into(),
        }
    }
}

impl PsbtRound {
    fn show(&mut self, mut payload: Value, psbt: String) {
        // A payload that is not as it should be is made so: its psbt is what is sent.
        if !payload.get(self.hook).is_some_and(Value::is_object) {
            payload = json!({ self.hook: {} });
        }
        payload[self.hook]["psbt"] = psbt.into();
        self.payload = payload.to_string().into();
    }
}
