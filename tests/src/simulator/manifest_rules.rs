//! The answer to getmanifest, checked in lightningd's order and as strictly
//! (`lightningd/plugin.c:plugin_parse_getmanifest_response`).

use super::json::{Json, Kind};
use super::native;
use super::values::{hex, to_long, to_u64, unescape};
use std::collections::{BTreeMap, HashMap, HashSet};

/// How a manifest is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The plugin is killed.
    Killed(String),
    /// lightningd ends instead of starting.
    WillNotStart(String),
    /// lightningd crashes.
    Aborts(String),
}

type Checked<T> = Result<T, Refusal>;

fn killed<T>(reason: impl Into<String>) -> Checked<T> {
    Err(Refusal::Killed(reason.into()))
}

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
    start: i64,
    end: i64,
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
const NEXT_VERSION: &str = "v26.06";

fn version_number(text: &str) -> Option<i64> {
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

/// Reads a manifest; `Ok(Err(reason))` when the plugin disabled itself.
pub(crate) fn read(
    answer: Json<'_>,
    plugin: &str,
    registry: &mut Registry,
) -> Checked<Result<Manifest, String>> {
    let Some(result) = answer.get("result").filter(|r| r.kind() == Kind::Object) else {
        return killed(format!("Invalid/missing result tok in '{answer}'"));
    };
    if let Some(reason) = result.get("disable") {
        return Ok(Err(reason.text().to_owned()));
    }
    let mut manifest = Manifest {
        raw: result.full().to_owned(),
        ..Manifest::default()
    };
    match read_fields(result, plugin, &mut manifest, registry) {
        Ok(()) => Ok(Ok(manifest)),
        Err(refusal) => {
            registry.forget(&manifest);
            Err(refusal)
        }
    }
}

fn read_fields(
    result: Json<'_>,
    plugin: &str,
    manifest: &mut Manifest,
    registry: &mut Registry,
) -> Checked<()> {
    manifest.dynamic = bool_setting("getmanifest", result, "dynamic")?;
    if let Some(features) = result.get("featurebits") {
        manifest.featurebits = featurebits(features, manifest.dynamic, registry)?;
    }
    if let Some(types) = result.get("custommessages") {
        if types.kind() != Kind::Array {
            return killed(format!("custommessages must be array, not '{types}'"));
        }
        for (i, kind) in types.elements().enumerate() {
            match to_u64(kind.text()).and_then(|n| u16::try_from(n).ok()) {
                Some(number) => manifest.custommessages.push(number),
                None => return killed(format!("custommessages {i} not a u16: '{kind}'")),
            }
        }
    }
    if let Some(setting) = result.get("nonnumericids") {
        match setting.to_bool() {
            Some(true) => {}
            Some(false) => return killed("Plugin does not allow nonnumericids"),
            None => return killed(format!("Invalid nonnumericids: {setting}")),
        }
    }
    if let Some(setting) = result.get("cancheck") {
        match setting.to_bool() {
            Some(can_check) => manifest.can_check = can_check,
            None => return killed(format!("Invalid cancheck: {setting}")),
        }
    }
    notifications(result, manifest)?;
    options(result, plugin, manifest, registry)?;
    methods(result, plugin, manifest, registry)?;
    subscriptions(result, manifest)?;
    hooks(result, manifest)
}

fn bool_setting(owner: &str, object: Json<'_>, name: &str) -> Checked<bool> {
    match object.get(name) {
        None => Ok(false),
        Some(value) => match value.to_bool() {
            Some(set) => Ok(set),
            None => killed(format!("{owner}: invalid \"{name}\" field {value}")),
        },
    }
}

fn bit_is_set(bits: &[u8], bit: usize) -> bool {
    bits.len()
        .checked_sub(1 + bit / 8)
        .and_then(|at| bits.get(at))
        .is_some_and(|byte| byte & (1 << (bit % 8)) != 0)
}

fn featurebits(
    features: Json<'_>,
    dynamic: bool,
    registry: &mut Registry,
) -> Checked<BTreeMap<String, String>> {
    let mut wanted: Vec<(&'static str, Vec<u8>)> = Vec::new();
    for (place, _) in FEATURE_PLACES {
        let Some(text) = features.get(place) else {
            continue;
        };
        match hex(text.text()) {
            Some(bits) => wanted.push((place, bits)),
            None => {
                return killed(format!(
                    "Featurebits returned by plugin is not a valid hexadecimal string: {}",
                    text.text()
                ));
            }
        }
    }
    if dynamic && wanted.iter().any(|(_, bits)| !bits.is_empty()) {
        return killed(format!(
            "Custom featurebits only allows for non-dynamic plugins: dynamic=1, featurebits={features}"
        ));
    }
    for (place, bits) in &wanted {
        let ours = registry.features.get(place).cloned().unwrap_or_default();
        let taken = (0..bits.len() * 8).any(|bit| {
            // Either bit of a pair counts as offered.
            bit_is_set(bits, bit) && (bit_is_set(&ours, bit) || bit_is_set(&ours, bit ^ 1))
        });
        if taken {
            return killed("Custom featurebits already present");
        }
    }
    for (place, bits) in &wanted {
        let ours = registry.features.entry(place).or_default();
        while ours.len() < bits.len() {
            ours.insert(0, 0);
        }
        let shift = ours.len() - bits.len();
        for (byte, more) in ours.iter_mut().skip(shift).zip(bits) {
            *byte |= more;
        }
    }
    Ok(wanted
        .into_iter()
        .map(|(place, bits)| (place.to_owned(), hex::encode(bits)))
        .collect())
}

fn notifications(result: Json<'_>, manifest: &mut Manifest) -> Checked<()> {
    let Some(list) = result.get("notifications") else {
        return Ok(());
    };
    if list.kind() != Kind::Array {
        return killed("\"result.notifications\" is not an array");
    }
    for (i, entry) in list.elements().enumerate() {
        if entry.kind() != Kind::Object {
            return killed(format!("\"result.notifications[{i}]\" is not an object"));
        }
        let Some(topic) = entry.get("method").filter(|m| m.kind() == Kind::String) else {
            return killed(format!(
                "\"result.notifications[{i}].name\" missing or not a string."
            ));
        };
        if native::TOPICS.contains(&topic.text()) {
            return killed(format!(
                "plugin attempted to register a native notification topic \"{}\", these may however \
                 only be sent by lightningd",
                topic.text()
            ));
        }
        manifest.notifications.push(topic.text().to_owned());
    }
    Ok(())
}

fn deprecation(value: Option<Json<'_>>) -> Checked<Option<Deprecation>> {
    let Some(value) = value else { return Ok(None) };
    let start = match value.to_bool() {
        Some(false) => return Ok(None),
        Some(true) => NEXT_VERSION.to_owned(),
        None => {
            if value.kind() != Kind::Array || value.size() > 2 {
                return killed(format!(
                    "\"deprecated\" must be an array of 1 or 2 elements, not {value}"
                ));
            }
            // With no element lightningd reads whatever token comes next: not a version either.
            value
                .elements()
                .next()
                .map(|v| v.text())
                .unwrap_or("")
                .to_owned()
        }
    };
    let Some(start) = version_number(&start) else {
        return killed(format!("invalid \"deprecated\" start version {start}"));
    };
    let end = match value
        .elements()
        .nth(1)
        .filter(|_| value.kind() == Kind::Array)
    {
        None => start + 6 * 10,
        Some(end) => match version_number(end.text()) {
            Some(end) => end,
            None => {
                return killed(format!("invalid \"deprecated\" end version {}", end.text()));
            }
        },
    };
    Ok(Some(Deprecation { start, end }))
}

fn options(
    result: Json<'_>,
    plugin: &str,
    manifest: &mut Manifest,
    registry: &mut Registry,
) -> Checked<()> {
    let Some(list) = result.get("options") else {
        return killed("\"result.options\" was not found in the manifest");
    };
    if list.kind() != Kind::Array {
        return killed("\"result.options\" is not an array");
    }
    for entry in list.elements() {
        let option = option(entry, plugin, registry)?;
        registry.options.insert(option.name.clone());
        manifest.options.push(option);
    }
    Ok(())
}

fn option(entry: Json<'_>, plugin: &str, registry: &Registry) -> Checked<OptionSpec> {
    let (Some(name), Some(kind), Some(_)) = (
        entry.get("name"),
        entry.get("type"),
        entry.get("description"),
    ) else {
        return killed("An option is missing either \"name\", \"description\" or \"type\"");
    };
    let name = name.text();
    if !name
        .bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'z' | b'_' | b'-'))
    {
        return killed("Option \"name\" must be lowercase alphanumeric, plus _ or -'");
    }
    if registry.options.contains(name) {
        return match registry.startup {
            true => Err(Refusal::WillNotStart(format!(
                "error starting plugin '{plugin}': option name '{name}' is already taken"
            ))),
            false => killed(format!("Option \"{name}\" already registered")),
        };
    }
    let deprecated = deprecation(entry.get("deprecated"))?;
    let shown = format!("--{name}");
    let multi = bool_setting(&shown, entry, "multi")?;
    let dynamic = bool_setting(&shown, entry, "dynamic")?;
    let default = entry.get("default");
    let kind = match kind.text() {
        "flag" if kind.kind() == Kind::String => {
            if let Some(default) = default.filter(|d| d.to_bool() != Some(false)) {
                return killed(format!(
                    "{shown} type flag default must be 'false' not {default}"
                ));
            }
            if multi {
                return killed("flag type cannot be multi");
            }
            OptionType::Flag
        }
        "string" | "string-conceal" if kind.kind() == Kind::String => OptionType::String,
        "int" if kind.kind() == Kind::String => OptionType::Int,
        "bool" if kind.kind() == Kind::String => {
            if multi {
                return killed("bool type cannot be multi");
            }
            OptionType::Bool
        }
        _ => {
            return killed(
                "Only \"string\", \"int\", \"bool\", and \"flag\" options are supported",
            );
        }
    };
    let default = default
        .filter(|d| kind != OptionType::Flag && !d.is_null())
        .map(|d| d.text().to_owned());
    if let Some(default) = &default {
        let problem = check_value(kind, default).err().or_else(|| {
            deprecated
                .is_some_and(|d| !d.allows(registry.deprecated_ok))
                .then(|| "deprecated option (will be removed!)".to_owned())
        });
        if let Some(problem) = problem {
            return killed(format!("Invalid default '{default}': {problem}"));
        }
    }
    if name.is_empty() {
        return Err(Refusal::Aborts(
            "Option --: invalid long option '--'".to_owned(),
        ));
    }
    Ok(OptionSpec {
        name: name.to_owned(),
        kind,
        default,
        multi,
        dynamic,
        deprecated,
    })
}

/// Checks one value of an option as the command line does.
pub(crate) fn check_value(kind: OptionType, text: &str) -> Result<(), String> {
    let fine = match kind {
        OptionType::String => true,
        OptionType::Int => to_long(text).is_some(),
        OptionType::Bool => ["yes", "no", "true", "false"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word)),
        OptionType::Flag => text == "true",
    };
    match (fine, kind) {
        (true, _) => Ok(()),
        (false, OptionType::Int) => Err(format!("'{text}' is not a number")),
        (false, _) => Err(format!("Invalid argument '{text}'")),
    }
}

fn methods(
    result: Json<'_>,
    plugin: &str,
    manifest: &mut Manifest,
    registry: &mut Registry,
) -> Checked<()> {
    let Some(list) = result.get("rpcmethods") else {
        return killed("\"result.rpcmethods\" missing");
    };
    if list.kind() != Kind::Array {
        return killed("\"result.rpcmethods\" is not an array");
    }
    for entry in list.elements() {
        let Some(name) = entry.get("name").filter(|n| n.kind() == Kind::String) else {
            return killed(format!(
                "rpcmethod does not have a string \"name\": {entry}"
            ));
        };
        let name = name.text();
        let usage = match entry.get("usage") {
            None => return killed("\"usage\" not provided by plugin"),
            Some(usage) if usage.kind() != Kind::String => {
                return killed(format!("\"usage\" is not a string: {entry}"));
            }
            Some(usage) => usage.text(),
        };
        let deprecated = deprecation(entry.get("deprecated"))?;
        if registry.commands.contains(name) {
            return Err(Refusal::Aborts(format!(
                "method \"{name}\" is a command of lightningd, which then looks for the plugin that owns it"
            )));
        }
        if let Some(owner) = registry.methods.get(name) {
            return killed(format!(
                "Could not register method \"{name}\", a method with that name is already registered \
                 by plugin {owner}"
            ));
        }
        if unescape(usage).is_none() {
            return Err(Refusal::Aborts(format!(
                "usage of \"{name}\" has an escape that lightningd cannot undo, and it then looks for \
                 a plugin that owns the method already"
            )));
        }
        registry.methods.insert(name.to_owned(), plugin.to_owned());
        manifest.methods.push(MethodSpec {
            name: name.to_owned(),
            usage: usage.to_owned(),
            deprecated,
        });
    }
    Ok(())
}

fn subscriptions(result: Json<'_>, manifest: &mut Manifest) -> Checked<()> {
    let Some(list) = result.get("subscriptions") else {
        return Ok(());
    };
    if list.kind() != Kind::Array {
        return killed("\"result.subscriptions\" is not an array");
    }
    for (i, topic) in list.elements().enumerate() {
        if topic.kind() != Kind::String {
            return killed(format!(
                "result.subscriptions[{i}] is not a string: '{topic}'"
            ));
        }
        manifest.subscriptions.push(topic.text().to_owned());
    }
    Ok(())
}

fn hooks(result: Json<'_>, manifest: &mut Manifest) -> Checked<()> {
    let Some(list) = result.get("hooks") else {
        return Ok(());
    };
    for entry in list.elements() {
        let (name, object) = match entry.kind() {
            Kind::Object => match entry.get("name") {
                None => return killed(format!("no name in hook obj {entry}")),
                Some(name) => (name.text(), Some(entry)),
            },
            _ => (entry.text(), None),
        };
        if !native::HOOKS.contains(&name) {
            return killed(format!("Unknown hook name {name}"));
        }
        let filters = filters(name, object.and_then(|o| o.get("filters")))?;
        if manifest.hook(name).is_some() {
            return killed(format!("Registered for hook {name} multiple times"));
        }
        let names = |member: &str| -> Vec<String> {
            let list = object.and_then(|o| o.get(member));
            list.iter()
                .flat_map(|list| list.elements().map(|e| e.text().to_owned()))
                .collect()
        };
        manifest.hooks.push(HookSpec {
            name: name.to_owned(),
            before: names("before"),
            after: names("after"),
            filters,
        });
    }
    Ok(())
}

fn filters(hook: &str, list: Option<Json<'_>>) -> Checked<Option<Filters>> {
    let Some(list) = list else { return Ok(None) };
    let is_array = list.kind() == Kind::Array;
    match hook {
        "rpc_command" | "custommsg" if !is_array => killed("filters token must be an array"),
        "rpc_command" => match list.elements().find(|f| f.kind() != Kind::String) {
            Some(odd) => killed(format!("filters must be array of strings, not '{odd}'")),
            None => Ok(Some(Filters::Strings(
                list.elements().map(|f| f.text().to_owned()).collect(),
            ))),
        },
        "custommsg" => {
            let mut numbers = Vec::new();
            for filter in list.elements() {
                match to_u64(filter.text()) {
                    Some(number) => numbers.push(number),
                    None => {
                        return killed(format!(
                            "filters must be array of unsigned integers, not '{filter}'"
                        ));
                    }
                }
            }
            Ok(Some(Filters::Ints(numbers)))
        }
        _ => killed(format!("Hook {hook} does not allow filters")),
    }
}
