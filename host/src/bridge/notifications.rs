//! Notifications: to each guest that asked, in lightningd's order, in today's shape.

use std::sync::Arc;

use cln_protocol::{native, upgrade};
use serde::Deserialize;

use super::Bridge;
use super::routes::Routes;
use crate::guest::call::Call;
use crate::lightningd::message::Message;

impl Bridge {
    /// Hands a notification to the mailboxes of those who subscribe.
    pub(super) fn notification(&self, routes: &Routes, topic: &str, message: Message) {
        let params = message.params.unwrap_or_else(|| "{}".into());
        let (params, origin) = if native::topics::is_native(topic) {
            match upgrade::notification(self.version, topic, &params) {
                Some(upgraded) => (upgraded.into(), None),
                None => (params, None),
            }
        } else {
            match upgrade::custom_notification(
                self.version,
                topic,
                &params,
                message.origin.as_deref(),
            ) {
                Some((params, origin)) => (params.into(), origin),
                None => (params, message.origin),
            }
        };
        let origin = origin.map(|origin| self.true_origin(routes, topic, origin));
        let topic: Arc<str> = topic.into();
        for member in routes.subscribers(&topic) {
            let params = match member.withheld.get(&*topic) {
                None => Arc::clone(&params),
                Some(withheld) => match withheld.from(&params) {
                    Ok(rest) => rest.into(),
                    Err(e) => {
                        let word = format!("notification {topic} is not delivered: {e}");
                        self.node.log.unusual(member.guest.name(), &word);
                        continue;
                    }
                },
            };
            member.guest.notify(Call::Notification {
                topic: Arc::clone(&topic),
                params,
                origin: origin.clone(),
            });
        }
    }

    /// lightningd knows only the bridge as the sender; guests want to know which of
    /// them it was.
    fn true_origin(&self, routes: &Routes, topic: &str, origin: String) -> Arc<str> {
        if origin != self.plugin_name {
            return origin.into();
        }
        match routes.origins.get(topic).map(Vec::as_slice) {
            Some([only]) => match routes.member(*only) {
                Some(member) => Arc::clone(member.guest.name()),
                None => origin.into(),
            },
            _ => origin.into(),
        }
    }
}

/// What `deprecated_oneshot` says of the next request (`lightningd/plugin.c`,
/// `plugin_rpcmethod_dispatch`).
pub(super) fn deprecated_ok(params: &str) -> Option<bool> {
    #[derive(Deserialize)]
    struct Params {
        deprecated_oneshot: Oneshot,
    }
    #[derive(Deserialize)]
    struct Oneshot {
        deprecated_ok: bool,
    }
    serde_json::from_str::<Params>(params)
        .ok()
        .map(|p| p.deprecated_oneshot.deprecated_ok)
}
