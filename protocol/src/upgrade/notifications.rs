//! The topics of lightningd.

use super::shape::{Shape, is_nothing};
use crate::native;
use serde_json::{Map, Value, json};

pub(super) fn upgrade(topic: &str, params: &str) -> Option<String> {
    if !native::topics::is_native(topic) {
        return None;
    }
    let Ok(Value::Object(params)) = serde_json::from_str(params) else {
        return None;
    };
    let mut changed = false;
    let mut payload = unwrap(topic, params, &mut changed);
    members(topic, &mut Shape::new(&mut payload, &mut changed));
    changed.then(|| json!({topic: payload}).to_string())
}

/// The payload, wherever it is: under the topic's name, both there and beside it
/// (v23.08 to v25.02), or only in `params` itself. `block_added` had it under `block`.
fn unwrap(topic: &str, mut params: Map<String, Value>, changed: &mut bool) -> Map<String, Value> {
    if let Some(Value::Object(_)) = params.get(topic) {
        *changed |= params.len() > 1;
        if let Some(Value::Object(payload)) = params.remove(topic) {
            return payload;
        }
    }
    *changed = true;
    if topic == "block_added"
        && let Some(Value::Object(_)) = params.get("block")
        && let Some(Value::Object(payload)) = params.remove("block")
    {
        return payload;
    }
    params
}

fn members(topic: &str, payload: &mut Shape) {
    match topic {
        "balance_snapshot" => payload.each("accounts", |account| {
            account.amount("balance", "balance_msat");
        }),
        "channel_opened" => {
            payload.amount("funding_satoshis", "funding_msat");
            payload.amount("amount", "funding_msat");
            payload.rename("funding_locked", "channel_ready");
        }
        "channel_state_changed" => {
            payload.remove_if("short_channel_id", Value::is_null);
            payload.remove_if("message", Value::is_null);
            payload.remove_if("old_state", |state| state == "unknown");
        }
        "coin_movement" => coin_movement(payload),
        "connect" => {
            if let Some(address) = payload.text("address").map(address) {
                payload.set("address", address);
            }
        }
        "forward_event" => forward_event(payload),
        "invoice_creation" | "invoice_payment" => payload.amounts_to_integers(),
        "sendpay_failure" => {
            if let Some(mut data) = payload.object("data") {
                payment(&mut data);
            }
        }
        "sendpay_success" => payment(payload),
        _ => {}
    }
}

/// The address of a `connect` that was one text.
fn address(text: &str) -> Value {
    use std::net::{IpAddr, SocketAddr};
    let kind = |ip: IpAddr| if ip.is_ipv4() { "ipv4" } else { "ipv6" };
    if let Ok(ip) = text.parse::<IpAddr>() {
        return json!({"type": kind(ip), "address": text});
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        let ip = socket.ip();
        return json!({"type": kind(ip), "address": ip.to_string(), "port": socket.port()});
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok()),
        None => (text, None),
    };
    let mut address = match host.strip_suffix(".onion") {
        Some(name) if name.len() == 16 => json!({"type": "torv2", "address": host}),
        Some(_) => json!({"type": "torv3", "address": host}),
        None if text.starts_with('/') => return json!({"type": "local socket", "socket": text}),
        None => json!({"type": "unresolved", "name": host}),
    };
    if let (Some(port), Value::Object(members)) = (port, &mut address) {
        members.insert("port".to_owned(), port.into());
    }
    address
}

/// Until v25.09 the tags were one list, an output two members. Until v0.12 amounts
/// had other names.
fn coin_movement(payload: &mut Shape) {
    for (old, new) in [
        ("credit", "credit_msat"),
        ("debit", "debit_msat"),
        ("fees", "fees_msat"),
        ("output_value", "output_msat"),
    ] {
        payload.amount(old, new);
    }
    payload.amounts_to_integers();
    if payload.has("primary_tag") {
        return;
    }
    payload.rename("tag", "primary_tag");
    if let Some(Value::Array(tags)) = payload.remove("tags") {
        let mut tags = tags.into_iter();
        if let Some(first) = tags.next() {
            payload.set("primary_tag", first);
        }
        payload.set("extra_tags", tags.collect());
    }
    if let (Some(Value::String(txid)), Some(Value::Number(vout))) =
        (payload.get("utxo_txid"), payload.get("vout"))
    {
        let utxo = format!("{txid}:{vout}");
        payload.remove("utxo_txid");
        payload.remove("vout");
        payload.set("utxo", utxo.into());
    }
    payload.rename("txid", "spending_txid");
}

/// What is not known was zero until it was left out.
fn forward_event(payload: &mut Shape) {
    payload.amount("in_msatoshi", "in_msat");
    payload.amount("out_msatoshi", "out_msat");
    payload.amount("fee", "fee_msat");
    payload.remove_if("out_channel", |channel| {
        channel == "0x0x0" || channel == "0" || channel.as_u64() == Some(0)
    });
    let is_unknown = !payload.has("out_channel") || payload.text("status") == Some("local_failed");
    if is_unknown && payload.get("out_msat").is_some_and(is_nothing) {
        payload.remove("out_msat");
        payload.remove_if("fee_msat", is_nothing);
    }
}

fn payment(payload: &mut Shape) {
    payload.amount("msatoshi", "amount_msat");
    payload.amount("msatoshi_sent", "amount_sent_msat");
}
