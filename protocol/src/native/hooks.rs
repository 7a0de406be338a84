//! The hooks that lightningd has.
//!
//! Derived from every `REGISTER_PLUGIN_HOOK` under `lightningd/` at v26.06.6; the
//! first release from `CHANGELOG.md`.

use super::Version;

/// The hooks that this version has, in alphabetical order. A name that it does not
/// know makes lightningd kill the plugin (`plugin_hook_register`). None: the newest.
pub fn hooks(version: Option<Version>) -> impl Iterator<Item = &'static str> {
    HOOKS
        .iter()
        .filter(move |(_, since)| version.is_none_or(|version| version >= *since))
        .map(|(name, _)| *name)
}

/// Name and first release, sorted by name.
pub(super) const HOOKS: &[(&str, Version)] = &[
    ("commitment_revocation", Version::release(0, 9, 0)),
    ("custommsg", Version::release(0, 8, 1)),
    ("db_write", Version::release(0, 7, 1)),
    ("htlc_accepted", Version::release(0, 7, 1)),
    ("invoice_payment", Version::release(0, 7, 1)),
    ("onion_message_recv", Version::release(22, 11, 0)),
    ("onion_message_recv_secret", Version::release(22, 11, 0)),
    ("openchannel", Version::release(0, 7, 1)),
    ("openchannel2", Version::release(0, 9, 3)),
    ("openchannel2_changed", Version::release(0, 9, 3)),
    ("openchannel2_sign", Version::release(0, 9, 3)),
    ("peer_connected", Version::release(0, 7, 0)),
    ("rbf_channel", Version::release(0, 10, 1)),
    ("recover", Version::release(23, 8, 0)),
    ("rpc_command", Version::release(0, 8, 0)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_has_all_and_the_seed_has_its_seven() {
        assert_eq!(hooks(None).count(), HOOKS.len());
        assert_eq!(hooks(Version::parse("v26.06.6")).count(), HOOKS.len());
        let seed: Vec<_> = hooks(Version::parse("v0.8.2")).collect();
        assert_eq!(
            seed,
            [
                "custommsg",
                "db_write",
                "htlc_accepted",
                "invoice_payment",
                "openchannel",
                "peer_connected",
                "rpc_command"
            ]
        );
        assert!(hooks(None).all(|name| crate::hooks::find(name).is_some()));
        assert!(
            crate::hooks::HOOKS
                .iter()
                .all(|spec| hooks(None).any(|name| name == spec.name))
        );
    }
}
