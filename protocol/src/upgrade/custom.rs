//! Notifications that plugins send to each other by way of lightningd.

use super::{CUSTOM_TODAY, is_older};
use crate::json::{self, RawStr};
use crate::native::Version;
use std::collections::BTreeMap;

/// `params` and `origin` of a notification that another plugin sent, in today's
/// shape; None where it has that already, or cannot be read.
///
/// Until v25.05 lightningd put both into `params`, as `{"origin": …, "payload": …}`.
/// `origin` is the member beside `params`, as it came: a notification that has one
/// is in today's shape.
pub fn custom_notification(
    version: Option<Version>,
    topic: &str,
    params: &str,
    origin: Option<&str>,
) -> Option<(String, Option<String>)> {
    if !is_older(version, CUSTOM_TODAY)
        || origin.is_some()
        || crate::native::topics::is_native(topic)
    {
        return None;
    }
    let members: BTreeMap<String, RawStr<'_>> = json::from_str(params).ok()?;
    // Nothing but these two: `plugin_notification_handle` added them.
    match (members.len(), members.get("origin"), members.get("payload")) {
        (2, Some(origin), Some(payload)) => {
            let origin: String = json::from_str(origin.get()).ok()?;
            Some((payload.get().to_owned(), Some(origin)))
        }
        _ => None,
    }
}
