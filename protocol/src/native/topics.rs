//! The notification topics that lightningd itself sends.
//!
//! Derived from every `REGISTER_NOTIFICATION` in `lightningd/notification.c` at
//! v26.06.6; the first release from `CHANGELOG.md`.

use super::Version;

/// The topics that this version sends, in alphabetical order. None: the newest.
pub fn topics(version: Option<Version>) -> impl Iterator<Item = &'static str> {
    TOPICS
        .iter()
        .filter(move |(_, since)| version.is_none_or(|version| version >= *since))
        .map(|(name, _)| *name)
}

/// Whether only lightningd may send this topic. A plugin that declares it among its
/// `notifications` is killed (`plugin_notifications_add`).
pub fn is_native(topic: &str) -> bool {
    super::find(TOPICS, topic).is_some()
}

/// Name and first release, sorted by name.
pub(super) const TOPICS: &[(&str, Version)] = &[
    ("balance_snapshot", Version::release(0, 11, 0)),
    ("block_added", Version::release(22, 11, 0)),
    ("channel_open_failed", Version::release(0, 9, 3)),
    ("channel_opened", Version::release(0, 7, 2)),
    ("channel_state_changed", Version::release(0, 9, 1)),
    ("coin_movement", Version::release(0, 9, 0)),
    ("connect", Version::release(0, 7, 0)),
    ("custommsg", Version::release(24, 2, 0)),
    ("deprecated_oneshot", Version::release(24, 2, 0)),
    ("disconnect", Version::release(0, 7, 0)),
    ("forward_event", Version::release(0, 7, 2)),
    ("invoice_creation", Version::release(0, 9, 0)),
    ("invoice_payment", Version::release(0, 7, 2)),
    ("log", Version::release(24, 5, 0)),
    ("onionmessage_forward_fail", Version::release(24, 11, 0)),
    ("openchannel_peer_sigs", Version::release(0, 9, 3)),
    ("plugin_started", Version::release(25, 2, 0)),
    ("plugin_stopped", Version::release(25, 2, 0)),
    ("sendpay_failure", Version::release(0, 7, 3)),
    ("sendpay_success", Version::release(0, 7, 3)),
    ("shutdown", Version::release(0, 10, 2)),
    ("warning", Version::release(0, 7, 1)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_has_its_eight() {
        let seed: Vec<_> = topics(Version::parse("v0.8.2")).collect();
        assert_eq!(
            seed,
            [
                "channel_opened",
                "connect",
                "disconnect",
                "forward_event",
                "invoice_payment",
                "sendpay_failure",
                "sendpay_success",
                "warning"
            ]
        );
        assert!(is_native("shutdown"));
        assert!(!is_native("pay_part_start"), "that one is sent by a plugin");
        assert!(!is_native("*"));
    }
}
