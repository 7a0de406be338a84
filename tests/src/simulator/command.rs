//! A command on its way through lightningd, whoever sent it: parsing, the `rpc_command` hook, then
//! lightningd's own commands (played by the test) or a plugin (`lightningd/jsonrpc.c`).

use super::chain::{self, FilterField, HookOutcome};
use super::hook_rules::Custom;
use super::json::{Doc, Json, Kind};
use super::rpc_socket::Connection;
use super::setconfig;
use super::state::{Pending, PluginState, State};
use super::verdict::RpcError;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// What a caller gets.
pub(crate) enum Event {
    /// `message` or `progress`: the whole notification.
    Note(String),
    /// The whole response.
    Done(String),
}

/// Where the answer goes.
#[derive(Clone)]
pub(crate) enum Caller {
    /// The test.
    Local(Sender<Event>),
    /// A client of the socket.
    Socket(Arc<Connection>),
}

/// What the caller's connection has set for its commands.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) notifications: bool,
    pub(crate) deprecated_ok: bool,
}

/// One command.
#[derive(Clone)]
pub(crate) struct Command {
    pub(crate) caller: Caller,
    /// As it stands in the request, quotes included.
    pub(crate) id: String,
    pub(crate) settings: Settings,
}

impl Command {
    fn deliver(&self, event: Event) {
        match &self.caller {
            // A test that no longer waits does not mind.
            Caller::Local(to) => drop(to.send(event)),
            Caller::Socket(connection) => match event {
                Event::Note(text) | Event::Done(text) => connection.send(&text),
            },
        }
    }

    pub(crate) fn done(&self, response: String) {
        self.deliver(Event::Done(response));
    }

    pub(crate) fn succeed(&self, result: &str) {
        let id = &self.id;
        self.done(format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}"
        ));
    }

    pub(crate) fn fail(&self, error: &RpcError) {
        self.done(error_response(&self.id, error));
    }
}

/// The text of an error response.
pub(crate) fn error_response(id: &str, error: &RpcError) -> String {
    let mut object = json!({"code": error.code, "message": error.message});
    if let Some(data) = &error.data {
        object["data"] = data.clone();
    }
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{object}}}")
}

/// Takes a request in (`parse_request`).
pub(crate) fn begin(state: &mut State, caller: Caller, settings: Settings, request: Doc) {
    let malformed = |why: &str| {
        let response = error_response("null", &RpcError::new(-32600, why));
        let command = Command {
            caller: caller.clone(),
            id: "null".to_owned(),
            settings,
        };
        command.done(response);
    };
    let Some(id) = request.get("id") else {
        return malformed("No id");
    };
    if !matches!(id.kind(), Kind::String | Kind::Primitive) {
        return malformed("Expected string/primitive for id");
    }
    if !request.get("jsonrpc").is_some_and(|v| v.is_str("2.0")) {
        return malformed("jsonrpc: \"2.0\" must be specified in the request");
    }
    let command = Command {
        id: id.full().to_owned(),
        caller,
        settings,
    };
    let invalid = |why: &str| command.fail(&RpcError::new(-32600, why));
    let Some(method) = request.get("method") else {
        return invalid("No method");
    };
    if request.get("params").is_none() {
        return invalid("No params");
    }
    if method.kind() != Kind::String {
        return invalid("Expected string for method");
    }
    let name = method.text().to_owned();
    if let Err(error) = usable(state, &name, settings) {
        return command.fail(&error);
    }
    let members: Vec<String> = request
        .root()
        .members()
        .map(|(key, value)| format!("{}:{}", key.full(), value.full()))
        .collect();
    let payload = format!("{{\"rpc_command\":{{{}}}}}", members.join(","));
    let id = command.id.clone();
    let done = Box::new(move |state: &mut State, outcome: HookOutcome| {
        after_hook(state, command, request, outcome);
    });
    let filter = FilterField::String(name);
    chain::call(state, "rpc_command", &payload, filter, Some(id), done);
}

/// Whether the command is there and may be used.
fn usable(state: &State, name: &str, settings: Settings) -> Result<(), RpcError> {
    if let Some((_, method)) = owner(state, name) {
        return match method.deprecated {
            Some(range) if !range.allows(settings.deprecated_ok) => Err(RpcError::new(
                -32601,
                format!("Command \"{name}\" is deprecated"),
            )),
            _ => Ok(()),
        };
    }
    let known = state.natives.contains_key(name)
        || state.registry.commands.contains(name)
        || state.registry.methods.contains_key(name);
    match known {
        true => Ok(()),
        false => Err(RpcError::new(-32601, format!("Unknown command '{name}'"))),
    }
}

/// The plugin that serves a method.
fn owner<'a>(state: &'a State, name: &str) -> Option<(usize, &'a super::manifest::MethodSpec)> {
    state
        .plugins
        .iter()
        .enumerate()
        .filter(|(_, plugin)| plugin.state != PluginState::Gone)
        .find_map(|(at, plugin)| plugin.manifest.method(name).map(|method| (at, method)))
}

fn after_hook(state: &mut State, command: Command, request: Doc, outcome: HookOutcome) {
    match outcome.custom {
        None => execute(state, &command, request),
        Some(Custom::Result(text)) => command.succeed(&text),
        Some(Custom::Error(text)) => command.done(format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{text}}}",
            command.id
        )),
        Some(Custom::Replace(request)) => match replaced(state, &request, command.settings) {
            Ok(()) => execute(state, &command, request),
            Err(why) => command.fail(&RpcError::new(
                -32600,
                format!(
                    "Bad response to 'rpc_command' hook: {why} ({})",
                    request.root()
                ),
            )),
        },
    }
}

/// Whether a replacement can be carried out (`replace_command`).
fn replaced(state: &State, request: &Doc, settings: Settings) -> Result<(), String> {
    if request.root().kind() != Kind::Object {
        return Err("'replace' must be an object".to_owned());
    }
    let method = request.get("method").ok_or("missing 'method'")?;
    request.get("params").ok_or("missing 'params'")?;
    request.get("id").ok_or("missing 'id'")?;
    usable(state, method.text(), settings).map_err(|error| {
        let what = if error.message.contains("deprecated") {
            "deprecated command"
        } else {
            "unknown method"
        };
        format!("redirected to {what} '{}'", method.text())
    })?;
    match request.get("jsonrpc").is_some_and(|v| v.is_str("2.0")) {
        true => Ok(()),
        false => Err("jsonrpc: \"2.0\" must be specified in the request".to_owned()),
    }
}

fn execute(state: &mut State, command: &Command, request: Doc) {
    let (Some(method), Some(params)) = (request.get("method"), request.get("params")) else {
        return command.fail(&RpcError::new(-32600, "No params"));
    };
    let name = method.text();
    if let Some((at, _)) = owner(state, name) {
        if command.settings.deprecated_ok != state.deprecated_ok {
            let inner = json!({"deprecated_ok": command.settings.deprecated_ok}).to_string();
            if !state.notify_single(at, "deprecated_oneshot", &inner) {
                let source = format!("plugin-{}", state.name(at));
                state.log(
                    &source,
                    "debug",
                    format!("Plugin does not support deprecation setting for cmd {name}"),
                );
            }
        }
        return pass_on(state, at, name, command, &request);
    }
    if let Some(native) = state.natives.get(name).cloned() {
        let Some(params) = params.to_value() else {
            return command.fail(&RpcError::new(-32602, "params are not JSON"));
        };
        let command = command.clone();
        // The test's own code may block, and may call back.
        std::thread::spawn(move || match native(&params) {
            Ok(result) => command.succeed(&result),
            Err(error) => command.fail(&error),
        });
        return;
    }
    match name {
        "check" => check(state, command, &request, params),
        "setconfig" => setconfig::begin(state, command, params, false),
        "notifications" | "deprecations" | "batching" => connection_setting(command, name, params),
        _ => command.fail(&RpcError::new(
            -1,
            format!("the test does not play the command {name}"),
        )),
    }
}

/// Sends the request to a plugin, and its answer to the caller: both byte for byte but for the id.
pub(crate) fn pass_on(
    state: &mut State,
    at: usize,
    method: &str,
    command: &Command,
    request: &Doc,
) {
    let (for_answer, for_notes) = (command.clone(), command.clone());
    let pending = Pending {
        on_answer: Box::new(move |_, doc| {
            if let Some(id) = doc.get("id") {
                for_answer.done(id.replaced_by(&for_answer.id));
            }
        }),
        on_note: Some(Arc::new(move |_, doc| {
            if !for_notes.settings.notifications {
                return;
            }
            let (Some(method), Some(params)) = (doc.get("method"), doc.get("params")) else {
                return;
            };
            let Some(id) = params.get("id") else { return };
            let base = params.full_range().0;
            let (start, end) = id.full_range();
            let text = params.full();
            let before = text.get(..start.saturating_sub(base)).unwrap_or("");
            let after = text.get(end.saturating_sub(base)..).unwrap_or("");
            for_notes.deliver(Event::Note(format!(
                "{{\"jsonrpc\":\"2.0\",\"method\":{},\"params\":{before}{}{after}}}",
                method.full(),
                for_notes.id
            )));
        })),
    };
    state.forward(at, method, request, pending);
}

/// The parameter at `position`, or of that name.
pub(crate) fn param<'a>(params: Json<'a>, name: &str, position: usize) -> Option<Json<'a>> {
    match params.kind() {
        Kind::Array => params.elements().nth(position),
        _ => params.get(name),
    }
}

fn check(state: &mut State, command: &Command, request: &Doc, params: Json<'_>) {
    let Some(target) = param(params, "command_to_check", 0) else {
        return command.fail(&RpcError::new(
            -32602,
            "missing required parameter: command_to_check",
        ));
    };
    let name = target.text();
    let fine = json!({"command_to_check": name}).to_string();
    if let Some((at, _)) = owner(state, name) {
        let can_check = state.plugin(at).is_some_and(|p| p.manifest.can_check);
        if can_check {
            return pass_on(state, at, "check", command, request);
        }
        let source = format!("plugin-{}", state.name(at));
        state.log(
            &source,
            "unusual",
            format!("Plugin does not support check command for {name}"),
        );
        return command.succeed(&fine);
    }
    if name == "setconfig" {
        return setconfig::begin(state, command, params, true);
    }
    match usable(state, name, command.settings) {
        Ok(()) => command.succeed(&fine),
        Err(error) => command.fail(&error),
    }
}

fn connection_setting(command: &Command, name: &str, params: Json<'_>) {
    let Some(enable) = param(params, "enable", 0).and_then(|e| e.to_bool()) else {
        return command.fail(&RpcError::new(
            -32602,
            "enable: should be 'true' or 'false'",
        ));
    };
    if let Caller::Socket(connection) = &command.caller {
        connection.set(name, enable);
    }
    command.succeed("{}");
}

/// The params of a call by the test, as JSON text.
pub(crate) fn request_text(id: &str, method: &str, params: &str, filter: Option<&Value>) -> String {
    let filter = filter.map_or(String::new(), |filter| format!(",\"filter\":{filter}"));
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{},\"params\":{params}{filter}}}",
        json!(method)
    )
}
