//! How much a manifest may hold. lightningd sets no bounds; all of these are ours,
//! far above what any published plugin needs.

/// The whole text, in bytes. lightningd keeps all of it for as long as the plugin runs.
pub const MANIFEST_BYTES: usize = 1 << 20;
/// Options. lightningd searches its list of them one by one, each time.
pub const OPTIONS: usize = 128;
/// RPC methods. lightningd alone has 125.
pub const RPCMETHODS: usize = 256;
/// Subscriptions. lightningd has 22 topics, plugins add a few.
pub const SUBSCRIPTIONS: usize = 128;
/// Hooks. lightningd has 15, and none may be named twice.
pub const HOOKS: usize = 32;
/// Names in one `before` or `after`.
pub const NEIGHBOURS: usize = 64;
/// Bytes of one name in `before` or `after`: a file name, or a path (`PATH_MAX`).
pub const NEIGHBOUR_BYTES: usize = 4096;
/// Entries of one `filters`. lightningd compares them one by one, for each event.
pub const FILTERS: usize = 1024;
/// Declared notifications.
pub const NOTIFICATIONS: usize = 64;
/// Declared message types.
pub const CUSTOMMESSAGES: usize = 1024;
/// Capability requests: an operator has to read them.
pub const CAPABILITIES: usize = 64;
/// Bytes of the name of an option, a method or a topic.
pub const NAME_BYTES: usize = 64;
/// Bytes of `usage`, one line of `lightning-cli help`.
pub const USAGE_BYTES: usize = 4096;
/// Bytes of `description`.
pub const DESCRIPTION_BYTES: usize = 8192;
/// Bytes of `long_description`.
pub const LONG_DESCRIPTION_BYTES: usize = 65_536;
/// Bytes of `category`.
pub const CATEGORY_BYTES: usize = 64;
/// Bytes of a string option's default.
pub const DEFAULT_BYTES: usize = 8192;
/// Bytes of `grant` in a capability request.
pub const GRANT_BYTES: usize = 1024;
/// Bytes of `reason` in a capability request, and of `disable`: one log line.
pub const REASON_BYTES: usize = 1024;
/// Feature bits in `init`, `node`, `channel` and the rest. The highest bit in use
/// anywhere is near 53,000; all bits of a node have to fit into one `init` message
/// of 65,535 bytes.
pub const FEATURE_BITS: usize = 65_536;
/// Feature bits in `invoice`: what the `9` field of a BOLT 11 invoice can hold
/// (1023 groups of five bits).
pub const INVOICE_FEATURE_BITS: usize = 5115;
/// Names of unknown members that are kept for the log.
pub const UNKNOWN: usize = 32;
/// Characters of a value that an error quotes.
pub const QUOTED: usize = 80;
