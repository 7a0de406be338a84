//! JSON as the protocol's own reader and writer see it, and what is left of a payload without
//! its secrets.

#[path = "../../protocol/src/json/typed/agreement.rs"]
mod agreement;

use std::collections::BTreeMap;
use std::fmt::Debug;

use agreement::assert_agrees;
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
    assert_agrees(text, json::from_str::<T>(text));
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
