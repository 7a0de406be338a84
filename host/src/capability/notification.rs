//! Notifications of a guest's own topics.

use cln_protocol::plain::{DEEPEST, Names, check, is_too_deep};
use serde_json::value::RawValue;

use super::Capabilities;
use crate::guest::bindings::cln::guest::notification::{Failure, Host};
use crate::guest::sandbox::Sandbox;
use crate::lightningd::output::{Level, NOTIFICATION_BACKLOG};

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
        let limits = &self.policy.limits;
        let cause = self.hearing.lineage();
        if cause.depth() >= limits.chain_depth {
            let why = format!(
                "limits.chain_depth: {} notifications of guests led to this one already",
                cause.depth()
            );
            self.counters.dropped_notifications.add();
            self.log(Level::Unusual, &format!("notification {topic}: {why}"));
            return Err(Failure::Limit(why));
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
        check(params.get(), Names::Any).map_err(|e| Failure::Malformed(format!("params {e}")))?;
        // lightningd sends it to the plugins that subscribe, this bridge among them
        // if a guest does: so it comes to guests in lightningd's order, too.
        let lineage = cause.with(&self.guest);
        self.node.echoes.notification(topic, params.get(), lineage);
        if self
            .node
            .output
            .notification(&self.backlog, topic, params.get())
        {
            return Ok(());
        }
        self.counters.dropped_notifications.add();
        Err(Failure::Limit(format!(
            "lightningd does not read: {NOTIFICATION_BACKLOG} bytes of this guest wait already"
        )))
    }
}

impl Host for Sandbox {
    fn notify(&mut self, topic: String, params: String) -> wasmtime::Result<Result<(), Failure>> {
        let step = self
            .capabilities
            .faults
            .trail
            .begin("notification.notify", &topic);
        let sent = self.capabilities.notify(&topic, params);
        step.end(match &sent {
            Ok(()) => "ok",
            Err(Failure::Denied(_)) => "denied",
            Err(Failure::Limit(_)) => "limit",
            Err(Failure::Malformed(_)) => "malformed",
        });
        Ok(sent)
    }
}
