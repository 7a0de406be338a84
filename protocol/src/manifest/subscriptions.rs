//! `subscriptions`, `notifications` and `custommessages`: what a plugin listens to,
//! what it sends, and which messages of peers it understands.

#[cfg(feature = "host")]
mod read {
    use crate::manifest::bounds;
    use crate::manifest::error::ManifestError;
    use crate::manifest::field::Members;
    use crate::native;

    /// Any topic may be named, as another plugin may send it; `*` is all but `log`
    /// (`plugin_subscriptions_add`). A topic named twice is kept once, where
    /// lightningd would send two copies.
    pub(in crate::manifest) fn subscriptions(
        manifest: &Members,
    ) -> Result<Vec<String>, ManifestError> {
        let mut topics: Vec<String> = Vec::new();
        let Some(field) = manifest.get("subscriptions") else {
            return Ok(topics);
        };
        for entry in field.elements(bounds::SUBSCRIPTIONS)? {
            let topic = entry.name()?;
            if !topics.iter().any(|other| other == topic) {
                topics.push(topic.to_owned());
            }
        }
        Ok(topics)
    }

    /// Topics that the plugin sends (`plugin_notifications_add`).
    pub(in crate::manifest) fn notifications(
        manifest: &Members,
        unknown: &mut Vec<String>,
    ) -> Result<Vec<String>, ManifestError> {
        let mut topics: Vec<String> = Vec::new();
        let Some(field) = manifest.get("notifications") else {
            return Ok(topics);
        };
        for entry in field.elements(bounds::NOTIFICATIONS)? {
            let members = entry.members()?;
            members.note_unknown(&["method"], unknown);
            let method = members.required("method", "the topic's name")?;
            let topic = method.name()?;
            if native::topics::is_native(topic) {
                return Err(method.refuse("a topic that lightningd does not send itself"));
            }
            // lightningd takes these for messages about a pending request.
            if matches!(topic, "message" | "progress" | "*") {
                return Err(method.refuse("a topic other than message, progress and *"));
            }
            if !topics.iter().any(|other| other == topic) {
                topics.push(topic.to_owned());
            }
        }
        Ok(topics)
    }

    /// Types of peer messages that the plugin takes. Only needed for even types: a
    /// peer that sends another even type is warned.
    pub(in crate::manifest) fn custommessages(
        manifest: &Members,
    ) -> Result<Vec<u16>, ManifestError> {
        let Some(field) = manifest.get("custommessages") else {
            return Ok(Vec::new());
        };
        let types = field
            .elements(bounds::CUSTOMMESSAGES)?
            .into_iter()
            .map(|entry| {
                entry
                    .value()
                    .as_u64()
                    .and_then(|number| u16::try_from(number).ok())
                    .ok_or_else(|| entry.refuse("a message type from 0 to 65535"))
            });
        types.collect()
    }
}

#[cfg(feature = "host")]
pub(super) use read::{custommessages, notifications, subscriptions};
