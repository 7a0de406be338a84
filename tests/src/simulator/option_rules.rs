//! Options and deprecations of a manifest (`lightningd/plugin.c:plugin_opt_add`).

use super::json::{Json, Kind};
use super::manifest::{
    Deprecation, Manifest, NEXT_VERSION, OptionSpec, OptionType, Registry, version_number,
};
use super::manifest_rules::{Checked, Refusal, bool_setting, killed};
use super::values::to_long;

/// `deprecated`: a bool, or the first and perhaps the last version.
pub(super) fn deprecation(value: Option<Json<'_>>) -> Checked<Option<Deprecation>> {
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

/// Checks and takes in `options`.
pub(super) fn options(
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
