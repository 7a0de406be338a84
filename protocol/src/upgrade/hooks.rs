//! The payloads of hooks.

use super::shape::Shape;
use crate::json::{self, RawStr};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn upgrade(name: &str, params: &str) -> Option<String> {
    match name {
        "custommsg" => members(params, custommsg),
        "htlc_accepted" => members(params, htlc_accepted),
        "invoice_payment" => members(params, |params| {
            if let Some(mut payment) = params.object("payment") {
                payment.amounts_to_integers();
            }
        }),
        "openchannel" | "openchannel2" | "rbf_channel" => members(params, |params| {
            if let Some(mut channel) = params.object(name) {
                open(&mut channel);
            }
        }),
        "rpc_command" => rpc_command(params),
        // The others are as they were. `db_write` may be tens of megabytes: not even read.
        _ => None,
    }
}

fn members(params: &str, change: impl FnOnce(&mut Shape)) -> Option<String> {
    let Ok(Value::Object(mut map)) = serde_json::from_str(params) else {
        return None;
    };
    let mut changed = false;
    change(&mut Shape::new(&mut map, &mut changed));
    changed.then(|| Value::Object(map).to_string())
}

/// `message` until v0.10. The documentation of v0.8.2 shows it with the type in
/// front and nothing else, as `payload` is today.
fn custommsg(params: &mut Shape) {
    params.rename("message", "payload");
}

fn htlc_accepted(params: &mut Shape) {
    // Beside `onion` in the documentation of v0.8.2, inside it in the code.
    for name in ["next_onion", "shared_secret"] {
        if params.object("onion").is_some()
            && let Some(value) = params.remove(name)
            && let Some(mut onion) = params.object("onion")
            && !onion.has(name)
        {
            onion.set(name, value);
        }
    }
    if let Some(mut onion) = params.object("onion") {
        if let Some(Value::Object(hop)) = onion.remove("per_hop_v0") {
            for name in ["short_channel_id", "forward_amount", "outgoing_cltv_value"] {
                if let Some(value) = hop.get(name)
                    && !onion.has(name)
                {
                    onion.set(name, value.clone());
                }
            }
        }
        onion.amount("forward_amount", "forward_msat");
        onion.amounts_to_integers();
        // The last hop of a legacy onion.
        onion.remove_if("short_channel_id", |scid| scid == "0x0x0");
    }
    if let Some(mut htlc) = params.object("htlc") {
        htlc.amount("amount", "amount_msat");
    }
}

fn open(channel: &mut Shape) {
    for (old, new) in [
        ("funding_satoshis", "funding_msat"),
        ("dust_limit_satoshis", "dust_limit_msat"),
        ("channel_reserve_satoshis", "channel_reserve_msat"),
        ("their_funding", "their_funding_msat"),
        ("our_last_funding", "our_last_funding_msat"),
        ("their_last_funding", "their_last_funding_msat"),
    ] {
        channel.amount(old, new);
    }
    channel.amounts_to_integers();
}

/// Nested once more until v0.9. The request itself is not touched: it may be of any
/// size and shape.
fn rpc_command(params: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(borrow)]
        rpc_command: BTreeMap<String, RawStr<'a>>,
    }
    let Params { rpc_command } = json::from_str(params).ok()?;
    let inner = rpc_command.get("rpc_command")?.get();
    let is_request = rpc_command.contains_key("method");
    (!is_request && inner.starts_with('{')).then(|| format!("{{\"rpc_command\":{inner}}}"))
}
