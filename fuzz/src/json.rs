//! JSON as the protocol's own reader and writer see it, and what is left of a payload without
//! its secrets.

use std::collections::BTreeMap;
use std::fmt::Debug;

use cln_protocol::hook::Place;
use cln_protocol::hooks::HtlcAcceptedPayload;
use cln_protocol::json;
use serde::de::{Deserialize, IgnoredAny};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bridge::withhold::Withheld;

/// Input: any text.
pub fn json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    same::<Value>(text);
    same::<IgnoredAny>(text);
    same::<&RawValue>(text);
    same::<BTreeMap<String, &RawValue>>(text);
    same::<Vec<i64>>(text);
    same::<HtlcAcceptedPayload>(text);
    let value = serde_json::from_str::<Value>(text).ok();
    if let Some(value) = &value {
        let written = json::to_string(value).expect("a value can be written");
        assert_eq!(written, value.to_string());
    }
    without_secrets(text, value);
}

/// Read as serde_json reads it, whatever it is.
fn same<'a, T: Deserialize<'a> + Debug>(text: &'a str) {
    let theirs = serde_json::from_str::<T>(text).map_err(|error| reason(&error));
    let ours = json::from_str::<T>(text).map_err(|error| reason(&error));
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => assert_eq!(format!("{ours:?}"), format!("{theirs:?}")),
        // Of several things that are wrong, which is seen first may differ.
        Err(_) => assert_eq!((ours.is_err(), theirs.is_err()), (true, true)),
    }
}

/// Without the place, which serde_json looks at after it has gone on in some cases. Of a name that
/// only begins as a number it says one of three things.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").expect("a place");
    match text.get(..end).expect("ASCII") {
        "expected `\"`" | "invalid number" => {
            "invalid value: expected key to be a number in quotes".to_owned()
        }
        reason => reason.to_owned(),
    }
}

/// What is withheld is gone, and nothing else is.
fn without_secrets(text: &str, value: Option<Value>) {
    let mut withheld = Withheld::default();
    withheld.add("secret", ["/onion/shared_secret", "/c"].map(Place::Member));
    let rest = withheld.from(text);
    let Some(mut value) = value else { return };
    let rest = rest.expect("it is JSON");
    if let Some(members) = value.as_object_mut() {
        members.remove("c");
        let onion = members.get_mut("onion").and_then(Value::as_object_mut);
        onion.map(|onion| onion.remove("shared_secret"));
    }
    assert_eq!(serde_json::from_str::<Value>(&rest).ok(), Some(value));
}
