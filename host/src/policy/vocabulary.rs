//! The names that a policy may use.

use cln_protocol::hooks::rpc_command;

/// Hooks of lightningd v26.06, each with the secrets in its payload
/// (`lightningd/plugin_hook.c` and its users).
pub const HOOKS: &[(&str, &[&str])] = &[
    ("peer_connected", &[]),
    ("custommsg", &[]),
    ("db_write", &["db_write"]),
    ("invoice_payment", &["preimage"]),
    ("openchannel", &[]),
    ("openchannel2", &[]),
    ("openchannel2_changed", &[]),
    ("openchannel2_sign", &[]),
    ("rbf_channel", &[]),
    (
        "htlc_accepted",
        &["shared_secret", "payment_secret", "preimage"],
    ),
    ("rpc_command", &["params"]),
    ("commitment_revocation", &[]),
    ("onion_message_recv", &[]),
    ("onion_message_recv_secret", &[]),
    ("recover", &["codex32"]),
];

/// Answers to hooks that need a grant of their own: they act with somebody else's authority.
pub const POWERS: &[(&str, &[&str])] = &[(
    "rpc_command",
    &[rpc_command::REPLACE, rpc_command::RETURN_RESULT],
)];

/// Topics of lightningd v26.06, each with the secrets in its payload
/// (`lightningd/notification.c`). Plugins add topics of their own, so that a
/// topic which is not here is no error.
pub const TOPICS: &[(&str, &[&str])] = &[
    ("balance_snapshot", &[]),
    ("block_added", &[]),
    ("channel_open_failed", &[]),
    ("channel_opened", &[]),
    ("channel_state_changed", &[]),
    ("coin_movement", &[]),
    ("connect", &[]),
    ("custommsg", &[]),
    ("deprecated_oneshot", &[]),
    ("disconnect", &[]),
    ("forward_event", &["preimage"]),
    ("invoice_creation", &["preimage"]),
    ("invoice_payment", &["preimage"]),
    ("log", &[]),
    ("onionmessage_forward_fail", &[]),
    ("openchannel_peer_sigs", &[]),
    ("plugin_started", &[]),
    ("plugin_stopped", &[]),
    ("sendpay_failure", &[]),
    ("sendpay_success", &["payment_preimage"]),
    ("shutdown", &[]),
    ("warning", &[]),
];

/// Where feature bits may be set, in the words of a manifest
/// (`lightningd/plugin.c:plugin_parse_getmanifest_response`).
pub const FEATURE_PLACES: &[&str] = &[
    "init",
    "node",
    "channel",
    "invoice",
    "bolt12_offer",
    "bolt12_invreq",
    "bolt12_invoice",
    "channel_type",
];

/// The names alone.
pub(super) fn names(table: &[(&'static str, &[&str])]) -> Vec<&'static str> {
    table.iter().map(|(name, _)| *name).collect()
}

/// The secrets of one hook or topic.
pub(super) fn secrets(
    table: &[(&str, &'static [&'static str])],
    name: &str,
) -> Option<&'static [&'static str]> {
    table
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, secrets)| *secrets)
}

/// A name as lightningd and its plugins use them for methods and topics: not
/// empty, and nothing that could break a log line or a file.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use cln_protocol::manifest::FeatureBits;

    #[test]
    fn the_hooks_are_those_of_the_protocol_with_the_same_secrets() {
        let here: BTreeMap<&str, Vec<&str>> = HOOKS
            .iter()
            .map(|(name, secrets)| (*name, secrets.to_vec()))
            .collect();
        let there = cln_protocol::hooks::HOOKS.iter().map(|spec| {
            let secrets = spec.secrets.iter().map(|secret| secret.grant).collect();
            (spec.name, secrets)
        });
        assert_eq!(here, there.collect());
        for (hook, _) in POWERS {
            assert!(here.contains_key(hook), "{hook}");
        }
    }

    #[test]
    fn the_topics_and_places_are_those_of_the_protocol() {
        let here: Vec<&str> = TOPICS.iter().map(|(name, _)| *name).collect();
        let there: Vec<&str> = cln_protocol::native::topics::topics(None).collect();
        assert_eq!(here, there);
        let none = FeatureBits::default();
        let there: Vec<&str> = none.places().iter().map(|(place, _)| *place).collect();
        assert_eq!(FEATURE_PLACES, there);
    }
}
