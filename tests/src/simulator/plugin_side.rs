//! What a plugin may say of its own accord, and what becomes of it
//! (`lightningd/plugin.c:plugin_read_json` and below).

use super::json::{Doc, Json, Kind};
use super::native;
use super::state::State;
use super::values::unescape;
use serde_json::json;

/// Handles one message of plugin `at`.
pub(crate) fn message(state: &mut State, at: usize, doc: &Doc) {
    match doc.get("id") {
        // Whatever has an id is taken for an answer, a request too.
        Some(id) => answer(state, at, doc, id),
        None => {
            if let Err(reason) = notification(state, at, doc) {
                state.kill(at, &reason);
            }
        }
    }
}

fn answer(state: &mut State, at: usize, doc: &Doc, id: Json<'_>) {
    let Some(plugin) = state.plugin(at) else {
        return;
    };
    match plugin.pending.remove(id.full()) {
        Some(pending) => (pending.on_answer)(state, doc),
        None => plugin.stray.push(doc.root().full().to_owned()),
    }
}

fn notification(state: &mut State, at: usize, doc: &Doc) -> Result<(), String> {
    let (Some(method), Some(params)) = (doc.get("method"), doc.get("params")) else {
        return Err(format!(
            "Malformed JSON-RPC notification missing \"method\" or \"params\": {}",
            doc.root()
        ));
    };
    if method.is_str("log") {
        return log(state, at, params);
    }
    if method.is_str("message") || method.is_str("progress") {
        return note(state, at, doc, params);
    }
    let topic = method.text();
    let name = state.name(at);
    let declared = state
        .plugin(at)
        .is_some_and(|plugin| plugin.manifest.notifications.iter().any(|n| n == topic));
    if !declared {
        state.log(
            &format!("plugin-{name}"),
            "unusual",
            format!(
                "Plugin attempted to send a notification to topic \"{topic}\" it hasn't declared in \
                 its manifest, not forwarding to subscribers."
            ),
        );
        return Ok(());
    }
    let message = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"{topic}\",\"origin\":{},\"params\":{}}}",
        json!(&*name),
        params.full()
    );
    state.notify(topic, &message);
    Ok(())
}

fn level_of(level: Json<'_>) -> Option<&'static str> {
    let text = level.text().to_ascii_lowercase();
    match text.as_str() {
        "trace" => Some("trace"),
        "debug" => Some("debug"),
        "info" => Some("info"),
        "unusual" | "warn" => Some("unusual"),
        "broken" | "error" => Some("broken"),
        _ => None,
    }
}

fn log(state: &mut State, at: usize, params: Json<'_>) -> Result<(), String> {
    let Some(message) = params.get("message").filter(|m| m.kind() == Kind::String) else {
        return Err(
            "Log notification from plugin doesn't have a string \"message\" field".to_owned(),
        );
    };
    let level = match params.get("level") {
        None => "info",
        Some(level) => level_of(level).ok_or_else(|| {
            format!(
                "Unknown log-level {level}, valid values are \"trace\", \"debug\", \"info\", \"warn\", \
                 or \"error\"."
            )
        })?,
    };
    let source = format!("plugin-{}", state.name(at));
    let text = unescape(message.text()).unwrap_or_else(|| message.text().to_owned());
    let lines: Vec<String> = match message.text().contains('\\') {
        true => text.split('\n').map(str::to_owned).collect(),
        false => vec![text],
    };
    for line in lines {
        let line: String = line
            .bytes()
            .map(|b| {
                if (b' '..0x7f).contains(&b) {
                    b as char
                } else {
                    '?'
                }
            })
            .collect();
        state.log(&source, level, line.clone());
        let inner = |level: &str| {
            json!({"level": level, "time": "1700000000.000000000",
                "timestamp": "2023-11-14T22:13:20.000Z", "source": source, "log": line})
            .to_string()
        };
        // The node's own log level is debug, as in the laboratory.
        if level != "trace" {
            state.notify_native("log", &inner(level));
        }
        match level {
            "unusual" => state.notify_native("warning", &inner("warn")),
            "broken" => state.notify_native("warning", &inner("error")),
            _ => 0,
        };
    }
    Ok(())
}

/// `message` and `progress` go to whoever made the call named by `params.id`.
fn note(state: &mut State, at: usize, doc: &Doc, params: Json<'_>) -> Result<(), String> {
    let Some(id) = params.get("id") else {
        return Err("JSON-RPC notify \"id\"-field is not present".to_owned());
    };
    let on_note = state
        .plugin(at)
        .and_then(|plugin| plugin.pending.get(id.full()))
        .and_then(|pending| pending.on_note.clone());
    if let Some(on_note) = on_note {
        on_note(state, doc);
    }
    Ok(())
}

/// Whether any plugin or lightningd itself sends this topic.
pub(crate) fn is_known_topic(state: &State, topic: &str) -> bool {
    topic == "*"
        || native::TOPICS.contains(&topic)
        || state
            .plugins
            .iter()
            .any(|plugin| plugin.manifest.notifications.iter().any(|n| n == topic))
}
