//! `htlc_accepted` (`lightningd/peer_htlcs.c`, `common/onion_decode.c`).

use super::{Fold, Judged, Step};
use crate::simulator::json::Json;
use crate::simulator::values::{bigsize, hex, msat, put_bigsize, tlv_stream, truncated_uint};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Record types of an onion payload that lightningd knows (BOLT 4).
const PAYLOAD_TYPES: [u64; 8] = [2, 4, 6, 8, 10, 12, 16, 18];
/// The only record of `update_add_htlc` that it knows: `blinded_path`.
const HTLC_TYPES: [u64; 1] = [0];

fn bad(what: &str, value: Json<'_>) -> String {
    format!("Bad {what} for htlc_accepted hook: {value}")
}

fn hex_field(result: Json<'_>, name: &str) -> Result<Option<Vec<u8>>, String> {
    match result.get(name) {
        None => Ok(None),
        Some(value) => hex(value.text()).map(Some).ok_or_else(|| bad(name, value)),
    }
}

pub(super) fn answer(fold: &mut Fold, result: Json<'_>) -> Judged {
    let Some(word) = result.get("result") else {
        return Err(format!(
            "Plugin return value does not contain 'result' key {result}"
        ));
    };
    // The replacements are read, and must be right, whatever the result is.
    let mut payload: Option<Value> = None;
    if let Some(amount) = result.get("invoice_msat") {
        let amount = msat(amount.text()).ok_or_else(|| bad("invoice_msat", amount))?;
        fold.set("invoice_msat", amount);
    }
    if let Some(tlvs) = hex_field(result, "extra_tlvs")? {
        let fine = tlv_stream(&tlvs, &HTLC_TYPES)
            .is_some_and(|records| records.iter().all(|(kind, v)| *kind != 0 || v.len() == 33));
        if !fine {
            return Err(format!(
                "htlc_accepted_hook returned bad extra_tlvs {}",
                hex::encode(tlvs)
            ));
        }
        fold.set("extra_tlvs", hex::encode(&tlvs));
        edit(fold, &mut payload, |params| {
            params["htlc"]["extra_tlvs"] = json!(hex::encode(&tlvs));
        });
    }
    if let Some(bytes) = hex_field(result, "payload")? {
        fold.set("payload", hex::encode(&bytes));
        edit(fold, &mut payload, |params| replace_onion(params, &bytes));
    }
    if let Some(channel) = result.get("forward_to") {
        if hex(channel.text()).is_none_or(|bytes| bytes.len() != 32) {
            return Err(bad("forward_to", channel));
        }
        fold.set("forward_to", channel.text());
        edit(fold, &mut payload, |params| {
            params["forward_to"] = json!(channel.text());
        });
    }
    if let Some(payload) = payload {
        fold.payload = payload.to_string();
    }
    if word.is_str("continue") {
        return Ok(Step::Next);
    }
    if word.is_str("fail") {
        return fail(fold, result);
    }
    if word.is_str("resolve") {
        return resolve(fold, result);
    }
    Err(format!(
        "Plugin responded with an unknown result to the htlc_accepted hook: {word}"
    ))
}

fn fail(fold: &mut Fold, result: Json<'_>) -> Judged {
    let message = result.get("failure_message");
    if let Some(onion) = hex_field(result, "failure_onion")? {
        if message.is_some() {
            fold.remarks.push((
                "broken",
                "Both 'failure_onion' and'failure_message' provided. Ignoring 'failure_message'."
                    .to_owned(),
            ));
        }
        fold.ends_with(json!({"result": "fail", "failure_onion": hex::encode(onion)}));
        return Ok(Step::End);
    }
    match hex_field(result, "failure_message")? {
        None => Err(format!(
            "Missing both failure_onion and failure_message for htlc_accepted hook fail: {result}"
        )),
        Some(message) => {
            fold.ends_with(json!({"result": "fail", "failure_message": hex::encode(message)}));
            Ok(Step::End)
        }
    }
}

fn resolve(fold: &mut Fold, result: Json<'_>) -> Judged {
    let Some(key) = result.get("payment_key") else {
        return Err(
            "Plugin did not specify a 'payment_key' in return value to the htlc_accepted hook"
                .to_owned(),
        );
    };
    let Some(preimage) = hex(key.text()).filter(|bytes| bytes.len() == 32) else {
        return Err(format!("Plugin specified an invalid 'payment_key': {key}"));
    };
    let hash = hex::encode(Sha256::digest(&preimage));
    let params: Value = serde_json::from_str(fold.payload()).unwrap_or(Value::Null);
    let wanted = params["htlc"]["payment_hash"]
        .as_str()
        .map(str::to_lowercase);
    if wanted.is_some_and(|wanted| wanted != hash) {
        fold.remarks.push((
            "broken",
            format!(
                "Plugin returned a preimage (sha256 = {hash}) that doesn't match the HTLC hash"
            ),
        ));
        // incorrect_or_unknown_payment_details
        fold.ends_with(json!({"result": "fail", "failure_message": "400f"}));
    } else {
        fold.ends_with(json!({"result": "resolve", "payment_key": hex::encode(preimage)}));
    }
    Ok(Step::End)
}

/// Changes what the next plugin will be shown.
fn edit(fold: &Fold, payload: &mut Option<Value>, change: impl FnOnce(&mut Value)) {
    let params =
        payload.get_or_insert_with(|| serde_json::from_str(fold.payload()).unwrap_or(Value::Null));
    if params.is_object() && params.get("htlc").is_none_or(Value::is_object) {
        change(params);
    }
}

/// The onion as the next plugin sees it after a replacement: the payload with its length in front, and
/// the fields that lightningd reads out of it, or none where it cannot.
fn replace_onion(params: &mut Value, payload: &[u8]) {
    let old = params.get("onion").and_then(Value::as_object).cloned();
    let old = old.unwrap_or_default();
    let raw = [put_bigsize(payload.len()), payload.to_vec()].concat();
    let mut onion = Map::new();
    onion.insert("payload".into(), json!(hex::encode(&raw)));
    // Whether we are the last hop is decided by the onion, not by its payload.
    let is_last = !old.contains_key("short_channel_id") && !old.contains_key("next_node_id");
    if let Some(fields) = decoded(payload, is_last) {
        onion.extend(fields);
    }
    for kept in ["next_onion", "shared_secret"] {
        if let Some(value) = old.get(kept) {
            onion.insert(kept.to_owned(), value.clone());
        }
    }
    params["onion"] = Value::Object(onion);
}

/// `onion_decode` for payloads outside blinded routes.
fn decoded(payload: &[u8], is_last: bool) -> Option<Map<String, Value>> {
    let records = tlv_stream(payload, &PAYLOAD_TYPES)?;
    let find = |kind: u64| records.iter().find(|(k, _)| *k == kind).map(|(_, v)| *v);
    // Blinded payloads cannot be read without the node's key.
    if find(10).is_some() || find(12).is_some() {
        return None;
    }
    let amount = truncated_uint(find(2)?, 8)?;
    let cltv = truncated_uint(find(4)?, 4)?;
    let mut fields = Map::new();
    fields.insert("type".into(), json!("tlv"));
    if !is_last {
        let scid: [u8; 8] = find(6)?.try_into().ok()?;
        let scid = u64::from_be_bytes(scid);
        let text = format!(
            "{}x{}x{}",
            scid >> 40,
            (scid >> 16) & 0xff_ffff,
            scid & 0xffff
        );
        fields.insert("short_channel_id".into(), json!(text));
    }
    fields.insert("forward_msat".into(), json!(amount));
    fields.insert("outgoing_cltv_value".into(), json!(cltv));
    if let Some(data) = find(8) {
        let (secret, total) = data.split_at_checked(32)?;
        let total = truncated_uint(total, 8)?;
        fields.insert("total_msat".into(), json!(total));
        fields.insert("payment_secret".into(), json!(hex::encode(secret)));
    }
    if let Some(metadata) = find(16) {
        fields.insert("payment_metadata".into(), json!(hex::encode(metadata)));
    }
    Some(fields)
}

/// At the end of the chain: an HTLC whose replaced payload cannot be read is failed.
pub(super) fn settle(fold: &mut Fold) {
    if fold.effect.get("result") != Some(&json!("continue")) || !fold.is_set("payload") {
        return;
    }
    let params: Value = serde_json::from_str(fold.payload()).unwrap_or(Value::Null);
    let Some(onion) = params
        .get("onion")
        .filter(|onion| onion.get("type").is_none())
    else {
        return;
    };
    // invalid_onion_payload with the type at fault: the first that is not strictly readable.
    let raw = onion["payload"].as_str().and_then(hex).unwrap_or_default();
    let body = bigsize(&raw).and_then(|(_, used)| raw.get(used..));
    let blinded = body
        .and_then(|body| tlv_stream(body, &PAYLOAD_TYPES))
        .is_some_and(|records| records.iter().any(|(kind, _)| *kind == 10));
    if !blinded {
        fold.remarks.push((
            "debug",
            "Failing HTLC because of an invalid payload".to_owned(),
        ));
        fold.ends_with(json!({"result": "fail", "failure_message": "invalid_onion_payload"}));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fold;
    use super::*;
    use crate::simulator::json::Doc;

    fn payload() -> Value {
        json!({
            "peer_id": "02",
            "onion": {"payload": "1202030186a004017806080000680000010000", "type": "tlv",
                "short_channel_id": "104x1x0", "forward_msat": 100_000, "outgoing_cltv_value": 120,
                "next_onion": "00", "shared_secret": "11"},
            "htlc": {"payment_hash": hex::encode(Sha256::digest([7; 32])), "amount_msat": 100_000}
        })
    }

    #[test]
    fn bad_fields_are_fatal_whatever_the_result() {
        for (name, value) in [
            ("payload", json!("zz")),
            ("payload", json!("123")),
            ("forward_to", json!("00")),
            ("extra_tlvs", json!("0200")),
            ("extra_tlvs", json!("0001")),
            ("invoice_msat", json!("1.5")),
        ] {
            for result in ["continue", "fail", "resolve"] {
                let answer = json!({"result": result, name: value, "failure_message": "2002",
                    "payment_key": "07".repeat(32)});
                assert!(
                    fold("htlc_accepted", payload(), &[answer]).is_err(),
                    "{name} {result}"
                );
            }
        }
        for answer in [
            json!({"result": "fail"}),
            json!({"result": "fail", "failure_message": "2"}),
            json!({"result": "fail", "failure_onion": "q", "failure_message": "2002"}),
            json!({"result": "resolve"}),
            json!({"result": "resolve", "payment_key": "07"}),
        ] {
            assert!(
                fold("htlc_accepted", payload(), std::slice::from_ref(&answer)).is_err(),
                "{answer}"
            );
        }
    }

    #[test]
    fn the_preimage_decides() {
        let with = |byte: &str| json!({"result": "resolve", "payment_key": byte.repeat(32)});
        assert_eq!(
            fold("htlc_accepted", payload(), &[with("07")]),
            Ok(with("07"))
        );
        assert_eq!(
            fold("htlc_accepted", payload(), &[with("08")]),
            Ok(json!({"result": "fail", "failure_message": "400f"}))
        );
    }

    #[test]
    fn the_next_plugin_sees_the_replacements() {
        let mut call = Fold::new("htlc_accepted", &payload().to_string());
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"result": "continue",
            "payload": "020164040150060800006a0000020001", "forward_to": "ab".repeat(32),
            "extra_tlvs": "fd00fc0101", "invoice_msat": 5}});
        // fd00fc is not minimal.
        assert!(
            call.answer(&Doc::parse(&answer.to_string()).unwrap())
                .is_err()
        );
        let text = answer.to_string().replace("fd00fc0101", "fd00ff0101");
        assert_eq!(call.answer(&Doc::parse(&text).unwrap()), Ok(Step::Next));
        let seen: Value = serde_json::from_str(call.payload()).unwrap();
        assert_eq!(
            seen["onion"]["payload"],
            "10020164040150060800006a0000020001"
        );
        assert_eq!(seen["onion"]["short_channel_id"], "106x2x1");
        assert_eq!(seen["onion"]["forward_msat"], 100);
        assert_eq!(seen["onion"]["next_onion"], "00");
        assert_eq!(seen["forward_to"], "ab".repeat(32));
        assert_eq!(seen["htlc"]["extra_tlvs"], "fd00ff0101");
        assert_eq!(call.outcome()["invoice_msat"], 5);
    }

    #[test]
    fn an_unreadable_payload_fails_the_htlc_only_at_the_end() {
        let broken = json!({"result": "continue", "payload": "ff"});
        let out = fold("htlc_accepted", payload(), std::slice::from_ref(&broken)).unwrap();
        assert_eq!(out["result"], "fail");
        let mend = json!({"result": "continue", "payload": "020164040150060800006a0000020001"});
        let out = fold("htlc_accepted", payload(), &[broken, mend]).unwrap();
        assert_eq!(out["result"], "continue");
    }
}
