//! `setconfig` of a plugin's dynamic option, and its `check`
//! (`lightningd/configs.c`, `lightningd/plugin.c:plugin_set_dynamic_opt`).

use super::command::{Command, param};
use super::json::{Doc, Json, Kind};
use super::manifest::{OptionSpec, OptionType};
use super::state::{Pending, PluginState, State};
use super::values::to_long;
use super::verdict::RpcError;
use serde_json::json;

/// Asks the plugin that has the option; `only_check` for the `check` of a setconfig.
pub(crate) fn begin(state: &mut State, command: &Command, params: Json<'_>, only_check: bool) {
    let shift = usize::from(only_check);
    let invalid = |why: String| command.fail(&RpcError::new(-32602, why));
    let Some(config) = param(params, "config", shift) else {
        return invalid("missing required parameter: config".to_owned());
    };
    let name = config.text().to_owned();
    let found = state
        .plugins
        .iter()
        .enumerate()
        .filter(|(_, plugin)| plugin.state != PluginState::Gone)
        .find_map(|(at, plugin)| Some((at, plugin.manifest.option(&name)?.clone())));
    let Some((at, option)) = found else {
        return invalid(format!(
            "config: Unknown config option: invalid token '{config}'"
        ));
    };
    if !option.dynamic {
        return invalid(format!(
            "config: Not a dynamic config option: invalid token '{config}'"
        ));
    }
    // For an option that may be given several times lightningd looks for the name alone: a positional
    // value is passed over, and the option emptied.
    let value = match option.multi {
        true => params.get("val"),
        false => param(params, "val", shift + 1),
    };
    let values: Vec<String> = match (value, option.multi) {
        (Some(list), true) if list.kind() == Kind::Array => {
            list.elements().map(|e| e.text().to_owned()).collect()
        }
        (Some(_), true) => {
            return invalid(format!("{name} is a multi option: val must be an array"));
        }
        (value, _) => value.iter().map(|v| v.text().to_owned()).collect(),
    };
    match (option.kind, values.len()) {
        (OptionType::Flag, 1..) => return invalid(format!("{name} does not take a value")),
        (OptionType::Flag, _) => {}
        (_, 0) if !option.multi => return invalid(format!("{name} requires a value")),
        _ => {}
    }
    let can_check = state.plugin(at).is_some_and(|p| p.manifest.can_check);
    if only_check && !can_check {
        return command.succeed(&json!({"command_to_check": "setconfig"}).to_string());
    }
    let mut inner = Vec::new();
    if only_check {
        inner.push("\"command_to_check\":\"setconfig\"".to_owned());
    }
    inner.push(format!("\"config\":\"{name}\""));
    // The texts still carry their escapes: they are JSON strings already.
    let quoted = |text: &String| format!("\"{text}\"");
    if option.multi {
        let list: Vec<_> = values.iter().map(quoted).collect();
        inner.push(format!("\"val\":[{}]", list.join(",")));
    } else if let Some(value) = values.first() {
        inner.push(format!("\"val\":{}", quoted(value)));
    }
    let params = format!("{{{}}}", inner.join(","));
    let caller = command.id.clone();
    let command = command.clone();
    let pending = Pending {
        on_answer: Box::new(move |state, doc| {
            answered(state, at, &command, &option, values, only_check, doc);
        }),
        on_note: None,
    };
    let method = if only_check { "check" } else { "setconfig" };
    state.request(at, method, &params, Some(&caller), pending);
}

fn answered(
    state: &mut State,
    at: usize,
    command: &Command,
    option: &OptionSpec,
    values: Vec<String>,
    only_check: bool,
    doc: &Doc,
) {
    let name = &option.name;
    let malformed = |state: &mut State| {
        state.log(
            "lightningd",
            "broken",
            format!(
                "Invalid setconfig {name} response from plugin: {}",
                doc.root()
            ),
        );
        command.fail(&RpcError::new(
            -1,
            format!("Malformed setvalue {name} plugin return"),
        ));
    };
    if let Some(error) = doc.get("error") {
        let code = error.get("code").and_then(|c| c.text().parse::<i64>().ok());
        return match (code, error.get("message")) {
            (Some(code), Some(message)) => {
                command.fail(&RpcError::new(code, message.text()));
            }
            _ => malformed(state),
        };
    }
    if doc.get("result").is_none() {
        return malformed(state);
    }
    if only_check {
        return command.succeed(&json!({"command_to_check": "setconfig"}).to_string());
    }
    if option.kind == OptionType::Int
        && let Some(bad) = values.iter().find(|v| to_long(v).is_none())
    {
        return state.abort_because(
            at,
            format!("Bad literal for --{name}: {bad} (and it is in config.setconfig by now)"),
        );
    }
    let shown = json!({"config": {"config": name, "value": values, "dynamic": true}}).to_string();
    if let Some(plugin) = state.plugin(at) {
        plugin.values.insert(name.clone(), values);
    }
    command.succeed(&shown);
}
