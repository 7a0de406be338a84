//! Notifications of a guest's own topics.

use serde_json::value::RawValue;

use super::Capabilities;
use crate::guest::bindings::cln::guest::notification::{Failure, Host};
use crate::guest::sandbox::Sandbox;
use crate::lightningd::depth::{DEEPEST, is_too_deep};

impl Capabilities {
    fn notify(&self, topic: &str, params: String) -> Result<(), Failure> {
        let declared = self
            .topics
            .get()
            .is_some_and(|topics| topics.contains(topic));
        if !declared {
            let why = format!(
                "topic {topic:?} is not among the notifications of its manifest that are granted"
            );
            self.denied(&why);
            return Err(Failure::Denied(why));
        }
        if !self.may_notify() {
            let limit = self.policy.limits.notifications_per_second;
            return Err(Failure::Limit(format!(
                "limits.notifications_per_second is {limit}"
            )));
        }
        if params.len() as u64 > self.policy.limits.answer_bytes {
            return Err(Failure::Limit(format!(
                "{} bytes, and limits.answer_bytes is less",
                params.len()
            )));
        }
        if is_too_deep(&params) {
            return Err(Failure::Malformed(format!("more than {DEEPEST} levels")));
        }
        let params = match RawValue::from_string(params) {
            Ok(params) if params.get().starts_with(['{', '[']) => params,
            Ok(_) => {
                return Err(Failure::Malformed(
                    "params are neither object nor array".to_owned(),
                ));
            }
            Err(e) => return Err(Failure::Malformed(e.to_string())),
        };
        // lightningd sends it to the plugins that subscribe, this bridge among them
        // if a guest does: so it comes to guests in lightningd's order, too.
        self.node.output.notification(topic, params.get());
        Ok(())
    }
}

impl Host for Sandbox {
    fn notify(&mut self, topic: String, params: String) -> wasmtime::Result<Result<(), Failure>> {
        Ok(self.capabilities.notify(&topic, params))
    }
}
