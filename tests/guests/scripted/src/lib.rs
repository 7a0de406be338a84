//! A guest whose every move is data: a JSON script that a test writes over the
//! placeholder in the built file. It stands on the bare WIT border, so that it can
//! do what the SDK would not let an author do.
//!
//! ```json
//! {"manifest": MOVE, "init": MOVE, "run": MOVE,
//!  "hooks": {NAME: MOVE}, "methods": {NAME: MOVE}, "notifications": {NAME: MOVE},
//!  "checks": {METHOD: MOVE}, "setconfigs": {OPTION: MOVE}}
//! ```
//!
//! With `"take-hooks": true` it takes those that wait behind a hook in the same call.
//!
//! The name `*` stands for any that is not there. A MOVE is a step or a list of steps;
//! the steps are described at [`moves::take`].
#![cfg(target_family = "wasm")]

mod moves;
mod script;
mod seen;

mod bindings {
    #![allow(
        unsafe_code,
        missing_docs,
        clippy::all,
        reason = "generated: the canonical ABI is raw memory"
    )]
    wit_bindgen::generate!({ world: "guest", path: "../../../wit/v0.1", additional_derives: [] });
    export!(Scripted with_types_in self);
    use super::Scripted;
}

use bindings::cln::guest::hooks;
use bindings::cln::guest::types::RpcError;
use bindings::exports::cln::guest::plugin::Guest;
use moves::{Event, Outcome, play};
use seen::Seen;
use serde_json::{Value, json};

struct Scripted;

/// An error of this guest's own making, where the script gives none.
fn error(value: &Value) -> RpcError {
    RpcError {
        code: value["code"].as_i64().unwrap_or(-1),
        message: value["message"]
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned),
        data: value.get("data").map(Value::to_string),
    }
}

fn answered(outcome: Outcome) -> Result<String, RpcError> {
    match outcome {
        Outcome::Text(text) => Ok(text),
        Outcome::Error(value) => Err(error(&value)),
    }
}

impl Guest for Scripted {
    async fn getmanifest(request: String) -> String {
        match play(Event::new("manifest", "", &request)).await {
            Outcome::Text(text) => text,
            Outcome::Error(value) => value.to_string(),
        }
    }

    async fn init(init: String) -> Result<(), String> {
        Seen::add(json!({"init": read(&init)}));
        match play(Event::new("init", "", &init)).await {
            Outcome::Text(_) => Ok(()),
            Outcome::Error(value) => Err(error(&value).message),
        }
    }

    async fn run() {
        play(Event::new("run", "", "{}")).await;
    }

    async fn method(
        call: u64,
        method: String,
        params: String,
        filter: Option<String>,
        deprecated_ok: bool,
    ) -> Result<String, RpcError> {
        let mut event = Event::new("methods", &method, &params);
        event.call = call;
        event.filter = filter;
        event.deprecated_ok = deprecated_ok;
        answered(play(event).await)
    }

    async fn check(call: u64, method: String, params: String) -> Result<(), RpcError> {
        Seen::add(json!({"check": method, "params": read(&params)}));
        let mut event = Event::new("checks", &method, &params);
        event.call = call;
        answered(play(event).await).map(drop)
    }

    async fn setconfig(
        call: u64,
        option: String,
        value: Option<String>,
        check_only: bool,
    ) -> Result<(), RpcError> {
        let seen = value.as_deref().map(read);
        Seen::add(json!({"setconfig": option, "value": seen, "check_only": check_only}));
        let mut event = Event::new("setconfigs", &option, value.as_deref().unwrap_or("null"));
        event.call = call;
        answered(play(event).await).map(drop)
    }

    async fn notification(topic: String, params: String, origin: Option<String>) {
        if !script::flag("keep-no-notifications") {
            Seen::add_text(&topic, &params, origin.as_deref());
        }
        play(Event::new("notifications", &topic, &params)).await;
    }

    async fn hook(
        call: u64,
        mut hook: String,
        payload: String,
        more: bool,
    ) -> Result<String, String> {
        let mut answer = answer(call, &hook, &payload).await;
        let mut takes = more && script::flag("take-hooks");
        while takes {
            let said = answer.as_deref().map_err(String::as_str);
            let Some(next) = hooks::next(said) else {
                break;
            };
            Seen::take();
            hook = next.hook.unwrap_or(hook);
            answer = self::answer(next.call, &hook, &next.payload).await;
            takes = next.more;
        }
        answer
    }
}

async fn answer(call: u64, hook: &str, payload: &str) -> Result<String, String> {
    if script::flag("watch-hooks") {
        Seen::add(json!({"hook": hook, "payload": read(payload)}));
    }
    let mut event = Event::new("hooks", hook, payload);
    event.call = call;
    match play(event).await {
        Outcome::Text(text) => Ok(text),
        Outcome::Error(value) => Err(error(&value).message),
    }
}

/// JSON, or a text that says that it is none.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!({"no JSON": text}))
}
