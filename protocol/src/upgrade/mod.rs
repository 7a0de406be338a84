//! Brings what an older lightningd sends into today's shape, so that a guest knows
//! one shape only.
//!
//! Each function gives None where nothing changes; the text that came then goes on
//! byte for byte. From a lightningd that is known to be new enough nothing is even
//! looked at. From an older one, or where the version is not known, the shape
//! decides: whatever is in today's shape already stays as it is.
//!
//! The forms are those of v0.8.2 and later, as `CHANGELOG.md` and
//! `doc/developers-guide/deprecated-features.md` of Core Lightning tell of them.

mod custom;
mod hooks;
mod notifications;
mod shape;
#[cfg(test)]
mod tests;

pub use custom::custom_notification;

use crate::native::Version;

/// From this release all but two topics, and all hooks, have today's shape only.
const TODAY: Version = Version::release(25, 5, 0);
/// From this release `coin_movement` has today's members.
const COIN_MOVEMENT_TODAY: Version = Version::release(25, 9, 0);
/// From this release `channel_state_changed` has no members that are null.
const CHANNEL_STATE_CHANGED_TODAY: Version = Version::release(26, 12, 0);
/// From this release a plugin's own notification has its `origin` beside `params`.
const CUSTOM_TODAY: Version = Version::release(25, 9, 0);

/// Whether messages of this lightningd have to be looked at.
fn is_older(version: Option<Version>, than: Version) -> bool {
    version.is_none_or(|version| version < than)
}

/// `params` of a notification that lightningd itself sent, brought into today's
/// shape; None where it has that already, or cannot be read.
///
/// Raw payloads are put under the topic's name, amounts become integers under
/// today's names, members that only say "unknown" are left out.
pub fn notification(version: Option<Version>, topic: &str, params: &str) -> Option<String> {
    let today = match topic {
        "channel_state_changed" => CHANNEL_STATE_CHANGED_TODAY,
        "coin_movement" => COIN_MOVEMENT_TODAY,
        _ => TODAY,
    };
    if !is_older(version, today) {
        return None;
    }
    notifications::upgrade(topic, params)
}

/// `params` of a hook, brought into today's shape; None where it has that already,
/// or cannot be read.
pub fn hook(version: Option<Version>, name: &str, params: &str) -> Option<String> {
    if !is_older(version, TODAY) {
        return None;
    }
    hooks::upgrade(name, params)
}
