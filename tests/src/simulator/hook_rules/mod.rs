//! Answers to hooks, read as lightningd reads them, and what several of them come to.
//!
//! One function per hook, each from lightningd's own code for it (`deserialize_cb` in
//! `lightningd/plugin_hook.c` and the files named below). An `Err` is what lightningd calls `fatal()`
//! over.

mod dual_funding;
mod htlc_accepted;
mod openchannel;
mod psbt;
mod rpc_command;

use super::json::{Doc, Json};
use super::values::hex;
use serde_json::{Map, Value, json};

pub(crate) use rpc_command::Custom;

/// What happens after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The next plugin is asked.
    Next,
    /// No other plugin is asked.
    End,
}

/// lightningd's words when it gives up.
pub(crate) type Judged = Result<Step, String>;

/// One call of a hook: the payload as the next plugin will see it, and what the answers so far come to.
pub(crate) struct Fold {
    hook: String,
    payload: String,
    /// The effect so far, as an answer that alone would have the same.
    effect: Map<String, Value>,
    /// Set by `rpc_command` answers.
    pub(crate) custom: Option<Custom>,
    /// Log lines of lightningd about an answer: level and text.
    pub(crate) remarks: Vec<(&'static str, String)>,
}

impl Fold {
    /// A call of `hook` with `payload`, the JSON text of `params`.
    pub(crate) fn new(hook: &str, payload: &str) -> Self {
        Self {
            hook: hook.to_owned(),
            payload: payload.to_owned(),
            effect: Map::from_iter([("result".to_owned(), json!("continue"))]),
            custom: None,
            remarks: Vec::new(),
        }
    }

    /// The name of the hook.
    pub(crate) fn hook(&self) -> &str {
        &self.hook
    }

    /// The JSON text of `params` for the next plugin.
    pub(crate) fn payload(&self) -> &str {
        &self.payload
    }

    /// Takes in the answer of one plugin, the whole response.
    pub(crate) fn answer(&mut self, response: &Doc) -> Judged {
        let Some(result) = response.get("result") else {
            return Err(format!(
                "{} returned non-result response {}",
                self.hook,
                response.root()
            ));
        };
        match self.hook.as_str() {
            "peer_connected" => self.peer_connected(result),
            "custommsg" | "recover" | "db_write" => self.only_continue(result),
            "commitment_revocation" => Ok(Step::Next),
            "onion_message_recv" | "onion_message_recv_secret" => Ok(self.onion_message(result)),
            "invoice_payment" => self.invoice_payment(result),
            "openchannel" => openchannel::answer(self, result),
            "openchannel2" => dual_funding::openchannel2(self, result),
            "openchannel2_changed" => dual_funding::changed(self, result),
            "openchannel2_sign" => dual_funding::sign(self, result),
            "rbf_channel" => dual_funding::rbf_channel(self, result),
            "htlc_accepted" => htlc_accepted::answer(self, result),
            "rpc_command" => rpc_command::answer(self, result),
            other => Err(format!("lightningd has no hook {other}")),
        }
    }

    /// What lightningd ends with: the one answer that alone would have had the same effect.
    pub(crate) fn outcome(mut self) -> Value {
        if let Some(custom) = self.custom.take() {
            return custom.as_answer();
        }
        if self.hook == "htlc_accepted" {
            htlc_accepted::settle(&mut self);
        }
        Value::Object(self.effect)
    }

    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.effect.insert(key.to_owned(), value.into());
    }

    fn is_set(&self, key: &str) -> bool {
        self.effect.contains_key(key)
    }

    /// Everything so far is void: this is how it ends.
    fn ends_with(&mut self, effect: Value) {
        self.effect = match effect {
            Value::Object(map) => map,
            _ => Map::new(),
        };
    }

    fn invalid<T>(&self, result: Json<'_>) -> Result<T, String> {
        Err(format!(
            "Plugin returned an invalid response to the {} hook: {result}",
            self.hook
        ))
    }

    /// `lightningd/peer_control.c`
    fn peer_connected(&mut self, result: Json<'_>) -> Judged {
        match result.get("result") {
            Some(word) if word.is_str("continue") => Ok(Step::Next),
            Some(word) if word.is_str("disconnect") => {
                self.ends_with(json!({"result": "disconnect"}));
                if let Some(message) = result.get("error_message") {
                    self.set("error_message", message.text());
                }
                Ok(Step::End)
            }
            _ => self.invalid(result),
        }
    }

    /// `lightningd/connect_control.c`, `lightningd/lightningd.c`, `lightningd/plugin_hook.c`
    fn only_continue(&mut self, result: Json<'_>) -> Judged {
        match result.get("result") {
            Some(word) if word.is_str("continue") => Ok(Step::Next),
            _ => self.invalid(result),
        }
    }

    /// `lightningd/onion_message.c`: whatever is not continue ends it.
    fn onion_message(&mut self, result: Json<'_>) -> Step {
        match result.get("result") {
            Some(word) if word.is_str("continue") => Step::Next,
            _ => {
                self.ends_with(json!({"result": "stop"}));
                Step::End
            }
        }
    }

    /// `lightningd/invoice.c`
    fn invoice_payment(&mut self, result: Json<'_>) -> Judged {
        match result.get("result") {
            Some(word) if word.is_str("continue") => return Ok(Step::Next),
            Some(word) if word.is_str("reject") => {
                self.ends_with(json!({"result": "reject"}));
                return Ok(Step::End);
            }
            Some(_) => return Err(format!("Invalid invoice_payment hook result: {result}")),
            None => {}
        }
        let Some(message) = result.get("failure_message") else {
            return Err(format!(
                "Missing failure_message in invoice_payment hook result: {result}"
            ));
        };
        match hex(message.text()) {
            // An empty one means the same as a reject.
            Some(bytes) if bytes.is_empty() => self.ends_with(json!({"result": "reject"})),
            Some(bytes) => self.ends_with(json!({"failure_message": hex::encode(bytes)})),
            None => {
                return Err(format!(
                    "Invalid invoice_payment_hook failure_message: {result}"
                ));
            }
        }
        Ok(Step::End)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the answers one after another and says how it ended.
    pub(super) fn fold(hook: &str, payload: Value, answers: &[Value]) -> Result<Value, String> {
        let mut fold = Fold::new(hook, &payload.to_string());
        for answer in answers {
            let text = json!({"jsonrpc": "2.0", "id": "x", "result": answer}).to_string();
            if fold.answer(&Doc::parse(&text).unwrap())? == Step::End {
                break;
            }
        }
        Ok(fold.outcome())
    }

    #[test]
    fn an_error_answer_is_fatal_for_every_hook() {
        let error =
            Doc::parse(r#"{"jsonrpc":"2.0","id":"x","error":{"code":-1,"message":"no"}}"#).unwrap();
        for hook in crate::simulator::native::HOOKS {
            assert!(Fold::new(hook, "{}").answer(&error).is_err(), "{hook}");
        }
    }

    #[test]
    fn unknown_results_are_fatal_but_for_two_hooks() {
        let psbt = ["openchannel2_changed", "openchannel2_sign"];
        for hook in crate::simulator::native::HOOKS {
            for answer in [json!({"result": "banana"}), json!({}), json!("continue")] {
                let judged = fold(hook, json!({}), std::slice::from_ref(&answer));
                let tolerant = match *hook {
                    "commitment_revocation" | "rpc_command" => true,
                    h if h.starts_with("onion_message_recv") => true,
                    // Not continue: the open fails, the node lives.
                    h if psbt.contains(&h) => answer == json!({"result": "banana"}),
                    _ => false,
                };
                assert_eq!(judged.is_ok(), tolerant, "{hook} {answer}: {judged:?}");
            }
        }
    }

    #[test]
    fn the_first_disconnect_wins() {
        let out = fold(
            "peer_connected",
            json!({}),
            &[
                json!({"result": "continue"}),
                json!({"result": "disconnect", "error_message": "no"}),
                json!({"result": "banana"}),
            ],
        );
        assert_eq!(
            out,
            Ok(json!({"result": "disconnect", "error_message": "no"}))
        );
    }

    #[test]
    fn invoice_payment_failures() {
        let one = |answer| fold("invoice_payment", json!({}), &[answer]);
        assert_eq!(
            one(json!({"result": "reject"})),
            Ok(json!({"result": "reject"}))
        );
        assert_eq!(
            one(json!({"failure_message": "2002"})),
            Ok(json!({"failure_message": "2002"}))
        );
        assert_eq!(
            one(json!({"failure_message": ""})),
            Ok(json!({"result": "reject"}))
        );
        assert!(one(json!({"failure_message": "xyz"})).is_err());
        assert!(one(json!({"failure_message": "200"})).is_err());
    }
}
