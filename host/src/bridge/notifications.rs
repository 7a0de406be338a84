//! Notifications: to each guest that asked, in lightningd's order, in today's shape.

use std::sync::Arc;

use cln_protocol::{native, upgrade};
use serde::Deserialize;

use super::Bridge;
use super::lineage::Lineage;
use super::routes::Routes;
use crate::guest::call::Call;
use crate::lightningd::message::Message;

impl Bridge {
    /// Hands a notification to the mailboxes of those who subscribe.
    pub(super) fn notification(&self, routes: &Routes, topic: Arc<str>, message: Message) {
        let params = message.params.unwrap_or_else(|| "{}".into());
        let (params, origin) = if native::topics::is_native(&topic) {
            match upgrade::notification(self.version, &topic, &params) {
                Some(upgraded) => (upgraded.into(), None),
                None => (params, None),
            }
        } else {
            match upgrade::custom_notification(
                self.version,
                &topic,
                &params,
                message.origin.as_deref(),
            ) {
                Some((params, origin)) => (params.into(), origin),
                None => (params, message.origin),
            }
        };
        let own_line = match &*topic {
            "log" | "warning" => self
                .node
                .echoes
                .own_line(&topic, &params, &self.plugin_name),
            _ => None,
        };
        let mut lineage = match &origin {
            Some(origin) if *origin == self.plugin_name => self
                .node
                .echoes
                .came_back(&topic, &params)
                .unwrap_or_default(),
            _ => Lineage::default(),
        };
        let origin = origin.map(|origin| self.true_origin(routes, &topic, origin, &lineage));
        if let Some(line) = &own_line
            && let Some(writer) = routes.guest(&line.guest)
        {
            lineage = line.heard.with(writer.guest.name());
        }
        for member in routes.subscribers(&topic) {
            // A guest that hears its own lines, or those that its lines led others to
            // write, answers them for ever. Every other line of a guest's is delivered.
            if own_line.is_some() && lineage.contains(member.guest.name()) {
                member.guest.capabilities().counters.echoes.add();
                continue;
            }
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
            let call = Call::Notification {
                topic: Arc::clone(&topic),
                params,
                origin: origin.clone(),
            };
            member.guest.notify(call, lineage.clone());
        }
    }

    /// lightningd knows only the bridge as the sender; guests want to know which of
    /// them it was.
    fn true_origin(
        &self,
        routes: &Routes,
        topic: &str,
        origin: String,
        lineage: &Lineage,
    ) -> Arc<str> {
        if origin != self.plugin_name {
            return origin.into();
        }
        if let Some(sender) = lineage.sender() {
            return Arc::clone(sender);
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
