//! Options that lightningd and its bundled plugins already have.
//!
//! Derived at v26.06.6 from: `lightningd --help` with and without `--developer`,
//! `listconfigs` of a running node, the `clnopt_*` calls under `lightningd/`,
//! `common/` and `wallet/` (these also have the hidden and deprecated names), and
//! the options of the bundled plugins in C and in Rust. Names that are gone come from the
//! same places in each release since v0.8.2.
//!
//! At startup lightningd ends itself when a plugin brings an option that is taken
//! (`plugin_opt_add`).

/// Who has this option, or had it in some release: `lightningd`, or the file name of the
/// bundled plugin. The name is without the leading `--`.
pub fn owner(option: &str) -> Option<&'static str> {
    super::find(OPTIONS, option).or_else(|| super::find(FORMER, option))
}

/// Name and owner, sorted by name.
pub(super) const OPTIONS: &[(&str, &str)] = &[
    ("accept-htlc-tlv-type", "lightningd"),
    ("addr", "lightningd"),
    ("alias", "lightningd"),
    ("allow-deprecated-apis", "lightningd"),
    ("always-use-proxy", "lightningd"),
    ("announce-addr", "lightningd"),
    ("announce-addr-discovered", "lightningd"),
    ("announce-addr-discovered-port", "lightningd"),
    ("askrene-max-threads", "cln-askrene"),
    ("askrene-timeout", "cln-askrene"),
    ("autoclean-cycle", "autoclean"),
    ("autoclean-expiredinvoices-age", "autoclean"),
    ("autoclean-failedforwards-age", "autoclean"),
    ("autoclean-failedpays-age", "autoclean"),
    ("autoclean-networkevents-age", "autoclean"),
    ("autoclean-paidinvoices-age", "autoclean"),
    ("autoclean-succeededforwards-age", "autoclean"),
    ("autoclean-succeededpays-age", "autoclean"),
    ("autoconnect-seeker-peers", "lightningd"),
    ("autolisten", "lightningd"),
    ("bind-addr", "lightningd"),
    ("bitcoin-cli", "bcli"),
    ("bitcoin-datadir", "bcli"),
    ("bitcoin-retry-timeout", "bcli"),
    ("bitcoin-rpcclienttimeout", "bcli"),
    ("bitcoin-rpcconnect", "bcli"),
    ("bitcoin-rpcpassword", "bcli"),
    ("bitcoin-rpcport", "bcli"),
    ("bitcoin-rpcuser", "bcli"),
    ("bkpr-currency", "bookkeeper"),
    ("bookkeeper-db", "lightningd"),
    ("bookkeeper-dir", "lightningd"),
    ("bwatch-poll-interval", "cln-bwatch"),
    ("channel-fee-max-base-msat", "funder"),
    ("channel-fee-max-proportional-thousandths", "funder"),
    ("clear-plugins", "lightningd"),
    ("clnrest-certs", "clnrest"),
    ("clnrest-cors-origins", "clnrest"),
    ("clnrest-csp", "clnrest"),
    ("clnrest-host", "clnrest"),
    ("clnrest-port", "clnrest"),
    ("clnrest-protocol", "clnrest"),
    ("clnrest-swagger-root", "clnrest"),
    ("cltv-delta", "lightningd"),
    ("cltv-final", "lightningd"),
    ("commit-fee", "lightningd"),
    ("commit-feerate-offset", "lightningd"),
    ("commit-time", "lightningd"),
    ("conf", "lightningd"),
    ("currencyrate-add-source", "cln-currencyrate"),
    ("currencyrate-disable-source", "cln-currencyrate"),
    ("daemon", "lightningd"),
    ("database-upgrade", "lightningd"),
    ("dev-allow-localhost", "lightningd"),
    ("dev-allow-shutdown-destination-change", "lightningd"),
    ("dev-allowdustreserve", "lightningd"),
    ("dev-any-channel-type", "lightningd"),
    ("dev-autoclean-max-batch", "autoclean"),
    ("dev-bitcoind-poll", "lightningd"),
    ("dev-builtin-plugins-unimportant", "lightningd"),
    ("dev-crash-after", "lightningd"),
    ("dev-debug-self", "lightningd"),
    ("dev-debugger", "lightningd"),
    ("dev-disable-commit-after", "lightningd"),
    ("dev-disconnect", "lightningd"),
    ("dev-fail-on-subdaemon-fail", "lightningd"),
    ("dev-fail-process-onionpacket", "lightningd"),
    ("dev-fast-gossip", "lightningd"),
    ("dev-fast-gossip-prune", "lightningd"),
    ("dev-fast-reconnect", "lightningd"),
    ("dev-fd-limit-multiplier", "lightningd"),
    ("dev-force-bip32-seed", "lightningd"),
    ("dev-force-channel-secrets", "lightningd"),
    ("dev-force-features", "lightningd"),
    ("dev-force-privkey", "lightningd"),
    ("dev-force-tmp-channel-id", "lightningd"),
    ("dev-handshake-no-reply", "lightningd"),
    ("dev-hsmd-fail-preapprove", "lightningd"),
    ("dev-hsmd-no-preapprove-check", "lightningd"),
    ("dev-ignore-ibd", "bcli"),
    ("dev-invoice-bpath-scid", "offers"),
    ("dev-invoice-internal-scid", "offers"),
    ("dev-keep-nagle", "lightningd"),
    ("dev-limit-connections-inflight", "lightningd"),
    ("dev-low-prio-anchor-blocks", "lightningd"),
    ("dev-max-fee-multiplier", "lightningd"),
    ("dev-max-funding-unconfirmed-blocks", "lightningd"),
    ("dev-no-fake-fees", "bcli"),
    ("dev-no-htlc-timeout", "lightningd"),
    ("dev-no-modern-onion", "lightningd"),
    ("dev-no-ping-timer", "lightningd"),
    ("dev-no-plugin-checksum", "lightningd"),
    ("dev-no-reconnect", "lightningd"),
    ("dev-no-reconnect-private", "lightningd"),
    ("dev-no-version-checks", "lightningd"),
    ("dev-onion-reply-length", "lightningd"),
    ("dev-save-plugin-io", "lightningd"),
    ("dev-sqlfilename", "sql"),
    ("dev-sqllistlimit", "sql"),
    ("dev-strict-forwarding", "lightningd"),
    ("dev-throttle-gossip", "lightningd"),
    ("dev-timeout-secs", "lightningd"),
    ("dev-warn-on-overgrind", "lightningd"),
    ("dev-xpay-no-age", "cln-xpay"),
    ("developer", "lightningd"),
    ("disable-dns", "lightningd"),
    ("disable-mpp", "pay"),
    ("disable-plugin", "lightningd"),
    ("encrypted-hsm", "lightningd"),
    ("experimental-bwatch", "cln-bwatch"),
    ("experimental-dual-fund", "lightningd"),
    ("experimental-lsps-client", "cln-lsps-client"),
    ("experimental-lsps2-promise-secret", "cln-lsps-service"),
    ("experimental-lsps2-service", "cln-lsps-service"),
    ("experimental-peer-storage", "lightningd"),
    ("experimental-shutdown-wrong-funding", "lightningd"),
    ("experimental-splicing", "lightningd"),
    ("exposesecret-passphrase", "exposesecret"),
    ("fee-base", "lightningd"),
    ("fee-per-satoshi", "lightningd"),
    ("fetchinvoice-noconnect", "offers"),
    ("force-feerates", "lightningd"),
    ("funder-fund-probability", "funder"),
    ("funder-fuzz-percent", "funder"),
    ("funder-lease-requests-only", "funder"),
    ("funder-max-their-funding", "funder"),
    ("funder-min-their-funding", "funder"),
    ("funder-per-channel-max", "funder"),
    ("funder-per-channel-min", "funder"),
    ("funder-policy", "funder"),
    ("funder-policy-mod", "funder"),
    ("funder-reserve-tank", "funder"),
    ("funding-confirms", "lightningd"),
    ("grpc-host", "cln-grpc"),
    ("grpc-msg-buffer-size", "cln-grpc"),
    ("grpc-port", "cln-grpc"),
    ("help", "lightningd"),
    ("hsm-passphrase", "lightningd"),
    ("htlc-maximum-msat", "lightningd"),
    ("htlc-minimum-msat", "lightningd"),
    ("i-promise-to-fix-broken-api-user", "lightningd"),
    ("ignore-fee-limits", "lightningd"),
    ("important-plugin", "lightningd"),
    ("invoices-onchain-fallback", "lightningd"),
    ("large-channels", "lightningd"),
    ("lease-fee-base-sat", "funder"),
    ("lease-fee-basis", "funder"),
    ("lease-funding-weight", "funder"),
    ("lightning-dir", "lightningd"),
    ("list-features-only", "lightningd"),
    ("log-file", "lightningd"),
    ("log-level", "lightningd"),
    ("log-prefix", "lightningd"),
    ("log-timestamps", "lightningd"),
    ("mainnet", "lightningd"),
    ("max-concurrent-htlcs", "lightningd"),
    ("max-dust-htlc-exposure-msat", "lightningd"),
    ("message-padding", "lightningd"),
    ("min-capacity-sat", "lightningd"),
    ("min-emergency-msat", "lightningd"),
    ("network", "lightningd"),
    ("offline", "lightningd"),
    ("payment-fronting-node", "lightningd"),
    ("pid-file", "lightningd"),
    ("plugin", "lightningd"),
    ("plugin-dir", "lightningd"),
    ("proxy", "lightningd"),
    ("recover", "lightningd"),
    ("regtest", "lightningd"),
    ("renepay-debug-mcf", "cln-renepay"),
    ("renepay-debug-payflow", "cln-renepay"),
    ("require-confirmed-inputs", "lightningd"),
    ("rescan", "lightningd"),
    ("rgb", "lightningd"),
    ("rpc-file", "lightningd"),
    ("rpc-file-mode", "lightningd"),
    ("signet", "lightningd"),
    ("subdaemon", "lightningd"),
    ("test-daemons-only", "lightningd"),
    ("testnet", "lightningd"),
    ("testnet4", "lightningd"),
    ("tor-service-password", "lightningd"),
    ("version", "lightningd"),
    ("wallet", "lightningd"),
    ("watchtime-blocks", "lightningd"),
    ("wss-bind-addr", "wss-proxy"),
    ("wss-certs", "wss-proxy"),
    ("wumbo", "lightningd"),
    ("xpay-handle-pay", "cln-xpay"),
    ("xpay-slow-mode", "cln-xpay"),
    ("xpay-user-layer", "cln-xpay"),
];

/// The same for names that are gone, each with the last release that had it. They are taken
/// under every version: a node may be older than the one that a guest was tried on.
pub(super) const FORMER: &[(&str, &str)] = &[
    ("accept-htlc-tlv-types", "lightningd"),      // v25.02.2
    ("announce-addr-dns", "lightningd"),          // v25.02.2
    ("autocleaninvoice-cycle", "autoclean"),      // v24.02.2
    ("autocleaninvoice-expired-by", "autoclean"), // v24.02.2
    ("commit-fee-max", "lightningd"),             // v0.9.1
    ("commit-fee-min", "lightningd"),             // v0.9.1
    ("dev-gossip-time", "lightningd"),            // v25.09.3
    ("dev-lsps-service", "cln-lsps-service"),     // v25.09.3
    ("dev-no-obsolete-onion", "lightningd"),      // v0.12.1
    ("disable-ip-discovery", "lightningd"),       // v23.11.2
    ("enable-autotor-v2-mode", "lightningd"),     // v0.11.2
    ("experimental-accept-extra-tlv-types", "lightningd"), // v0.12.1
    ("experimental-anchors", "lightningd"),       // v25.05.1
    ("experimental-offers", "lightningd"),        // v25.09.3
    ("experimental-onion-messages", "lightningd"), // v25.05.1
    ("experimental-quiesce", "lightningd"),       // v25.09.3
    ("experimental-upgrade-protocol", "lightningd"), // v25.05.1
    ("experimental-websocket-port", "lightningd"), // v24.02.2
    ("lease-fee-base-msat", "funder"),            // v23.11.2
    ("max-locktime-blocks", "lightningd"),        // v25.05.1
    ("rest-certs", "clnrest"),                    // v23.08.1
    ("rest-host", "clnrest"),                     // v23.08.1
    ("rest-port", "clnrest"),                     // v23.08.1
    ("rest-protocol", "clnrest"),                 // v23.08.1
    ("sqlfilename", "sql"),                       // v23.05.2
];
