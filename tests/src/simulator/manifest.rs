//! What a plugin registers, and the names that are taken.

use super::native;
use super::values::hex;
use std::collections::{BTreeMap, HashMap, HashSet};

/// An option's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionType {
    /// `string`, `string-conceal`
    String,
    /// `int`
    Int,
    /// `bool`
    Bool,
    /// `flag`
    Flag,
}

/// An option of the plugin.
#[derive(Clone, Debug)]
pub struct OptionSpec {
    /// Its name, without `--`.
    pub name: String,
    /// Its type.
    pub kind: OptionType,
    /// The text of its default.
    pub default: Option<String>,
    /// Whether it may be given several times.
    pub multi: bool,
    /// Whether `setconfig` may change it.
    pub dynamic: bool,
    /// Whether it is deprecated (already, or some day).
    pub deprecated: Option<Deprecation>,
}

/// An RPC method of the plugin.
#[derive(Clone, Debug)]
pub struct MethodSpec {
    /// Its name.
    pub name: String,
    /// Its usage line.
    pub usage: String,
    /// Whether it is deprecated (already, or some day).
    pub deprecated: Option<Deprecation>,
}

/// A hook of the plugin.
#[derive(Clone, Debug)]
pub struct HookSpec {
    /// Its name.
    pub name: String,
    /// Plugins that are to come later, by file name or path.
    pub before: Vec<String>,
    /// Plugins that are to come first, by file name or path.
    pub after: Vec<String>,
    /// What it is called for; `None` is everything.
    pub filters: Option<Filters>,
}

/// A hook's filters.
#[derive(Clone, Debug)]
pub enum Filters {
    /// Names of commands (`rpc_command`).
    Strings(Vec<String>),
    /// Message types (`custommsg`).
    Ints(Vec<u64>),
}

/// The versions between which something is deprecated, as lightningd counts them.
#[derive(Clone, Copy, Debug)]
pub struct Deprecation {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Deprecation {
    /// Whether it may still be used (`common/deprecation.c`): always before its start; from then on
    /// only where deprecated APIs are allowed; never past its end.
    pub(crate) fn allows(&self, deprecated_apis: bool) -> bool {
        let now = version_number(NEXT_VERSION).unwrap_or(0);
        now < self.start || (deprecated_apis && now <= self.end)
    }
}

/// The version that lightningd v26.06 measures deprecations against (`CLN_NEXT_VERSION`).
pub(crate) const NEXT_VERSION: &str = "v26.06";

/// A version such as v26.06.1 as a number that grows with it (`version_to_number`); `None` for what is none.
pub(crate) fn version_number(text: &str) -> Option<i64> {
    let mut parts = text.strip_prefix('v')?.splitn(3, '.');
    let number = |part: &str| {
        let digits = part
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(part.len());
        part.get(..digits)?.parse::<i64>().ok()
    };
    let year_text = parts.next()?;
    let (year, month) = (year_text.parse::<i64>().ok()?, number(parts.next()?)?);
    let patch = match parts.next() {
        Some(patch) => number(patch)?,
        None => 0,
    };
    if year > 99 || !(1..=12).contains(&month) || patch >= 10 {
        return None;
    }
    Some(1 + (year * 12 + month) * 10 + patch)
}

/// What the plugin registered.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// Whether it may be started and stopped while lightningd runs.
    pub dynamic: bool,
    /// Whether it answers `check`.
    pub can_check: bool,
    /// Feature bits by place, in hex.
    pub featurebits: BTreeMap<String, String>,
    /// Even message types that connectd is to let through.
    pub custommessages: Vec<u16>,
    /// Topics that it may send.
    pub notifications: Vec<String>,
    /// Its options.
    pub options: Vec<OptionSpec>,
    /// Its RPC methods.
    pub methods: Vec<MethodSpec>,
    /// Topics that it wants.
    pub subscriptions: Vec<String>,
    /// Its hooks.
    pub hooks: Vec<HookSpec>,
    /// The whole `result`, as sent.
    pub raw: String,
}

impl Manifest {
    /// The option of that name.
    pub fn option(&self, name: &str) -> Option<&OptionSpec> {
        self.options.iter().find(|option| option.name == name)
    }

    /// The method of that name.
    pub fn method(&self, name: &str) -> Option<&MethodSpec> {
        self.methods.iter().find(|method| method.name == name)
    }

    /// The hook of that name.
    pub fn hook(&self, name: &str) -> Option<&HookSpec> {
        self.hooks.iter().find(|hook| hook.name == name)
    }

    /// How many copies of a notification the plugin gets: `*` and the topic itself count each.
    pub fn copies_of(&self, topic: &str) -> usize {
        self.subscriptions
            .iter()
            .filter(|s| *s == topic || (*s == "*" && topic != "log"))
            .count()
    }
}

/// Who has which name already.
#[derive(Debug)]
pub(crate) struct Registry {
    /// Option names of lightningd and of the plugins.
    pub(crate) options: HashSet<String>,
    /// Commands built into lightningd.
    pub(crate) commands: HashSet<String>,
    /// Methods of plugins, with the plugin's name.
    pub(crate) methods: HashMap<String, String>,
    /// The node's feature bits by place.
    pub(crate) features: BTreeMap<&'static str, Vec<u8>>,
    /// Whether the node is still starting.
    pub(crate) startup: bool,
    /// Whether deprecated APIs are allowed.
    pub(crate) deprecated_ok: bool,
}

/// The places that feature bits can go to (`common/features.c`).
pub(crate) const FEATURE_PLACES: [(&str, &str); 8] = [
    ("init", "800898880a8a59a1"),
    ("node", "808898880a8a59a1"),
    ("channel", ""),
    ("invoice", "02000002024100"),
    ("bolt12_offer", ""),
    ("bolt12_invreq", ""),
    ("bolt12_invoice", "020000"),
    ("channel_type", "08800000800000"),
];

impl Registry {
    pub(crate) fn new(started: &[String], deprecated_ok: bool) -> Self {
        let bundled = || {
            native::BUNDLED
                .iter()
                .filter(|(name, ..)| !started.iter().any(|s| s == name))
        };
        let mut options: HashSet<_> = native::OPTIONS.iter().map(|o| (*o).to_owned()).collect();
        options.extend(bundled().flat_map(|b| b.2).map(|o| (*o).to_owned()));
        let methods = bundled()
            .flat_map(|(name, methods, _)| methods.iter().map(move |m| (*m, *name)))
            .map(|(method, name)| (method.to_owned(), name.to_owned()))
            .collect();
        let mut features: BTreeMap<_, _> = FEATURE_PLACES
            .iter()
            .map(|(place, bits)| (*place, hex(bits).unwrap_or_default()))
            .collect();
        // Those are keysend's own; under test it brings them itself.
        if started.iter().any(|name| name == "keysend")
            && let Some(byte) = features.get_mut("node").and_then(|bits| bits.get_mut(1))
        {
            *byte &= 0x7f;
        }
        Self {
            options,
            commands: native::COMMANDS.iter().map(|c| (*c).to_owned()).collect(),
            methods,
            features,
            startup: true,
            deprecated_ok,
        }
    }

    /// Takes back what a plugin registered.
    pub(crate) fn forget(&mut self, manifest: &Manifest) {
        for option in &manifest.options {
            self.options.remove(&option.name);
        }
        for method in &manifest.methods {
            self.methods.remove(&method.name);
        }
    }
}
