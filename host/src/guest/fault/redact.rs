//! A call as a crash bundle may show it: without secrets, and bounded.
//!
//! Bundles are sent to authors and put into bug reports. So more is left out than
//! what the guest's grant withholds from the guest: every secret of a hook, every
//! member whose name says that it is one, and every text that a client gave by its position, where
//! no name says anything: of those only the length is shown.

use std::sync::Arc;

use cln_protocol::hooks;
use serde_json::{Map, Value, json};

use super::trail::cut;
use crate::bridge::withhold::Withheld;
use crate::guest::call::Call;

/// Payloads above this many bytes are not read for a bundle, only measured.
const READ: usize = 1 << 20;

/// Parts of names whose values are left out, in lower case.
const SECRET_NAMES: [&str; 17] = [
    "secret",
    "preimage",
    "payment_key",
    "codex32",
    "seed",
    "mnemonic",
    "passw",
    "passphrase",
    "private",
    "privkey",
    "apikey",
    "api_key",
    "api-key",
    "rune",
    "token",
    "macaroon",
    "authorization",
];

/// The call's kind, name and payload. The payload has at most `bytes`; one that is
/// longer is shown as text that ends early.
pub fn shown(call: &Call, bytes: usize) -> Value {
    let (kind, name, payload) = match call {
        Call::Manifest { request } => ("getmanifest", None, json_of(request)),
        Call::Init { init } => ("init", None, without_values(init, "options")),
        Call::Run => ("run", None, Value::Null),
        Call::Method { method, params, .. } => ("method", Some(method), positions(params)),
        Call::Check { method, params } => ("check", Some(method), positions(params)),
        Call::SetConfig { option, value, .. } => {
            let value = value.as_deref().map_or("no value", |_| "(withheld)");
            ("setconfig", Some(option), json!(value))
        }
        Call::Notification { topic, params, .. } => ("notification", Some(topic), json_of(params)),
        Call::Hook { hook, payload } => {
            let name: Arc<str> = (*hook).into();
            return with_payload("hook", Some(&name), hook_payload(hook, payload), bytes);
        }
    };
    with_payload(kind, name, payload, bytes)
}

fn with_payload(kind: &str, name: Option<&Arc<str>>, payload: Value, bytes: usize) -> Value {
    let text = payload.to_string();
    let payload = if text.len() > bytes {
        Value::String(cut(&text, bytes))
    } else {
        payload
    };
    json!({ "kind": kind, "name": name.map(|name| &**name), "payload": payload })
}

/// The text as JSON without secrets, or a word on why it is not shown.
fn json_of(text: &str) -> Value {
    if text.len() > READ {
        return Value::String(format!("({} bytes)", text.len()));
    }
    match serde_json::from_str(text) {
        Ok(value) => redacted(value),
        Err(e) => Value::String(format!("({} bytes that cannot be read: {e})", text.len())),
    }
}

fn hook_payload(hook: &str, payload: &str) -> Value {
    if payload.len() > READ {
        return Value::String(format!("({} bytes)", payload.len()));
    }
    let mut withheld = Withheld::default();
    // The guest was shown the params of commands only if its operator granted them.
    let spec = hooks::find(hook).filter(|spec| spec.name != "rpc_command");
    for secret in spec.into_iter().flat_map(|spec| spec.secrets) {
        withheld.add(secret.grant, secret.places.iter().copied());
    }
    let Ok(text) = withheld.from(payload) else {
        return Value::String(format!("({} bytes that cannot be read)", payload.len()));
    };
    let mut value = match hook {
        "rpc_command" => {
            let mut value = json_of(&text);
            if let Some(params) = value.pointer_mut("/rpc_command/params") {
                *params = without_positions(params.take());
            }
            value
        }
        _ => json_of(&text),
    };
    // The last hop's payment secret is inside.
    for pointer in ["/onion/payload", "/onion/next_onion"] {
        if let Some(Value::String(hex)) = value.pointer_mut(pointer) {
            *hex = format!("(withheld: {} bytes)", hex.len() / 2);
        }
    }
    if let Some(Value::Array(writes)) = value.pointer_mut("/writes") {
        *writes = vec![json!(format!("(withheld: {} statements)", writes.len()))];
    }
    value
}

/// Values of options may be keys to other people's services.
fn without_values(text: &str, member: &str) -> Value {
    let mut value = json_of(text);
    if let Some(Value::Object(values)) = value.get_mut(member) {
        for value in values.values_mut() {
            *value = json!("(withheld)");
        }
    }
    value
}

/// What a client gave, by name or by position.
fn positions(text: &str) -> Value {
    without_positions(json_of(text))
}

/// Leaves out the texts that have no name to tell what they are: a passphrase, a rune and a
/// preimage come by position from `lightning-cli`, as any label does.
fn without_positions(value: Value) -> Value {
    match value {
        Value::Array(values) => values
            .into_iter()
            .map(|value| match value {
                Value::String(text) => json!(format!("({} characters)", text.chars().count())),
                value => without_positions(value),
            })
            .collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, without_positions(value)))
            .collect(),
        value => value,
    }
}

fn redacted(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    let folded = name.to_lowercase();
                    if SECRET_NAMES.iter().any(|secret| folded.contains(secret)) {
                        (name, json!("(withheld)"))
                    } else {
                        (name, redacted(value))
                    }
                })
                .collect::<Map<_, _>>(),
        ),
        Value::Array(values) => values.into_iter().map(redacted).collect(),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(hook: &'static str, payload: Value) -> String {
        let payload = payload.to_string().into();
        shown(&Call::Hook { hook, payload }, 10_000).to_string()
    }

    #[test]
    fn no_secret_of_a_hook_is_shown() {
        let (a, b, c) = ("aa".repeat(32), "bb".repeat(32), "cc".repeat(32));
        let htlc = hook(
            "htlc_accepted",
            json!({"onion": {"payload": a, "shared_secret": b, "payment_secret": c, "next_onion": "dd".repeat(1366)},
                   "htlc": {"amount_msat": 7}}),
        );
        for secret in [&a, &b, &c, &"dd".repeat(40)] {
            assert!(!htlc.contains(secret.as_str()), "{htlc}");
        }
        assert!(htlc.contains("\"amount_msat\":7") && htlc.contains("(withheld: "));

        let paid = hook(
            "invoice_payment",
            json!({"payment": {"label": "l", "preimage": a}}),
        );
        assert!(
            !paid.contains(&a) && paid.contains("\"label\":\"l\""),
            "{paid}"
        );
        let seed = hook("recover", json!({"codex32": "cl10leetsllhdmn9m"}));
        assert!(!seed.contains("leets"), "{seed}");
        let sql = hook(
            "db_write",
            json!({"data_version": 3, "writes": ["INSERT 'x'", "UPDATE"]}),
        );
        assert!(
            !sql.contains("INSERT") && sql.contains("data_version"),
            "{sql}"
        );
    }

    #[test]
    fn params_show_what_has_a_name_that_is_no_secrets() {
        let preimage = "ab".repeat(32);
        let command = |method: &str, params: Value| {
            let command = json!({"id": "1", "method": method, "params": params});
            let text = hook("rpc_command", json!({ "rpc_command": command }));
            let shown: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(shown["payload"]["rpc_command"]["method"], method);
            shown["payload"]["rpc_command"]["params"].clone()
        };
        assert_eq!(
            command("invoice", json!({"label": "l", "Preimage": preimage})),
            json!({"label": "l", "Preimage": "(withheld)"})
        );
        assert_eq!(
            command("invoice", json!([1000, "l", true, null, [preimage]])),
            json!([1000, "(1 characters)", true, null, ["(64 characters)"]])
        );
        for (method, params) in [
            ("exposesecret", json!(["geheim é"])),
            ("checkrune", json!(["geheim=="])),
            ("commando", json!({"method": "x", "params": ["geheim.."]})),
        ] {
            let text = command(method, params).to_string();
            assert!(text.contains("(8 characters)"), "{text}");
            assert!(!text.contains("geheim"), "{text}");
        }
        let params: Arc<str> = json!([1, "geheim", {"x": ["geheim"]}]).to_string().into();
        let (method, filter) = ("m".into(), None);
        for call in [
            Call::Method {
                method: Arc::clone(&method),
                params: Arc::clone(&params),
                filter,
                deprecated_ok: true,
            },
            Call::Check { method, params },
        ] {
            let payload = &shown(&call, 1_000)["payload"];
            let hidden = "(6 characters)";
            assert_eq!(*payload, json!([1, hidden, {"x": [hidden]}]));
        }
    }

    #[test]
    fn options_show_their_names_only() {
        let init = json!({"options": {"a-url": "https://user:pw@x"}, "configuration": {"network": "regtest"}});
        let text = shown(
            &Call::Init {
                init: init.to_string().into(),
            },
            1_000,
        )
        .to_string();
        assert!(!text.contains("pw@x") && text.contains("a-url") && text.contains("regtest"));
        let set = Call::SetConfig {
            option: "a-url".into(),
            value: Some("\"pw@x\"".into()),
            check_only: false,
        };
        assert!(!shown(&set, 1_000).to_string().contains("pw@x"));
    }

    #[test]
    fn what_is_long_or_no_json_is_bounded() {
        let long = json!({"topic": "é".repeat(9_000)}).to_string();
        let notification = |params: String| Call::Notification {
            topic: "t".into(),
            params: params.into(),
            origin: None,
        };
        let text = shown(&notification(long), 1_000).to_string();
        assert!(
            text.len() < 1_300 && text.contains("bytes in all"),
            "{text}"
        );
        let deep = "[".repeat(10_000);
        assert!(shown(&notification(deep), 1_000).to_string().len() < 300);
        let huge = format!("\"{}\"", "x".repeat(READ));
        assert!(shown(&notification(huge), 1_000).to_string().len() < 300);
    }
}
