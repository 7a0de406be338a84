//! The answer to getmanifest, checked in lightningd's order and as strictly
//! (`lightningd/plugin.c:plugin_parse_getmanifest_response`).

use super::json::{Json, Kind};
use super::manifest::{FEATURE_PLACES, Filters, HookSpec, Manifest, MethodSpec, Registry};
use super::native;
use super::option_rules::{deprecation, options};
use super::values::{hex, to_u64, unescape};
use std::collections::BTreeMap;

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

pub(super) type Checked<T> = Result<T, Refusal>;

pub(super) fn killed<T>(reason: impl Into<String>) -> Checked<T> {
    Err(Refusal::Killed(reason.into()))
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

pub(super) fn bool_setting(owner: &str, object: Json<'_>, name: &str) -> Checked<bool> {
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
