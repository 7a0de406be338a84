//! lightningd's rules, stated once more and on their own: from the deserialisers in
//! `lightningd/*.c` at v26.06, by the text of the final answer alone.

use crate::{ADDRESS, PSBTS, payload};
use serde_json::{Map, Value};
use sha2::Digest;

/// What lightningd calls `fatal()` for, aborts at, or logs as broken; else None.
pub fn objection(hook: &str, payload: &Value, answer: &str) -> Option<String> {
    let Ok(Value::Object(members)) = serde_json::from_str(answer) else {
        return Some("not an object".into());
    };
    let result = match members.get("result") {
        None => None,
        Some(Value::String(result)) => Some(result.as_str()),
        Some(other) => return Some(format!("result {other}")),
    };
    let good = match hook {
        "custommsg" | "recover" | "commitment_revocation" => result == Some("continue"),
        // Anything but continue stops the node: only `fail`, which means to.
        "db_write" => matches!(result, Some("continue" | "fail")),
        "onion_message_recv" | "onion_message_recv_secret" => result.is_some(),
        "peer_connected" => match result {
            Some("continue") => true,
            // Without a message lightningd measures a string constant.
            Some("disconnect") => is_short_text(members.get("error_message")),
            _ => false,
        },
        "invoice_payment" => match result {
            Some("continue" | "reject") => true,
            None => is_failure_message(members.get("failure_message")),
            _ => false,
        },
        "htlc_accepted" => htlc_accepted(payload, result, &members),
        "openchannel" => match result {
            Some("reject") => !members.contains_key("close_to") && is_error_message(&members),
            Some("continue") => {
                members.get("close_to").is_none_or(is_regtest_address)
                    && members
                        .get("mindepth")
                        .is_none_or(|n| fits(n, u32::MAX.into()))
                    && members
                        .get("reserve")
                        .is_none_or(|n| fits(n, 2_100_000_000_000_000))
            }
            _ => false,
        },
        "openchannel2" | "rbf_channel" => match result {
            Some("reject") => {
                !["close_to", "psbt", "our_funding_msat"]
                    .iter()
                    .any(|name| members.contains_key(*name))
                    && is_error_message(&members)
            }
            Some("continue") => {
                members.get("close_to").is_none_or(is_regtest_address)
                    && match (members.get("psbt"), members.get("our_funding_msat")) {
                        (None, None) => true,
                        (Some(psbt), Some(amount)) => {
                            is_psbt(psbt) && amount.as_u64().is_some_and(|msat| msat >= 1000)
                        }
                        _ => false,
                    }
            }
            _ => false,
        },
        "openchannel2_changed" | "openchannel2_sign" => match result {
            Some("continue") => members.get("psbt").is_some_and(is_psbt),
            other => other.is_some(),
        },
        "rpc_command" => rpc_command(result, &members),
        other => panic!("no rule for {other}"),
    };
    (!good).then(|| "refused".into())
}

fn is_hex(value: &Value, bytes: std::ops::RangeInclusive<usize>) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() % 2 == 0
            && bytes.contains(&(text.len() / 2))
            && text.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

fn fits(value: &Value, max: u64) -> bool {
    value.as_u64().is_some_and(|n| n <= max)
}

fn is_short_text(value: Option<&Value>) -> bool {
    value
        .and_then(Value::as_str)
        .is_some_and(|text| text.len() < 65000)
}

fn is_error_message(members: &Map<String, Value>) -> bool {
    !members.contains_key("error_message") || is_short_text(members.get("error_message"))
}

fn is_failure_message(value: Option<&Value>) -> bool {
    value.is_some_and(|value| is_hex(value, 2..=256))
}

/// Of the addresses that the test makes, those of regtest.
fn is_regtest_address(value: &Value) -> bool {
    value.as_str() == Some(ADDRESS)
}

/// Of the PSBTs that the test makes, the good ones.
fn is_psbt(value: &Value) -> bool {
    PSBTS.iter().any(|psbt| value == psbt.as_str())
}

fn htlc_accepted(payload: &Value, result: Option<&str>, members: &Map<String, Value>) -> bool {
    let rewrites = members
        .get("payload")
        .is_none_or(|v| is_hex(v, 0..=usize::MAX))
        && members.get("forward_to").is_none_or(|v| is_hex(v, 32..=32))
        && members.get("extra_tlvs").is_none_or(is_odd_tlv_stream)
        && members.get("invoice_msat").is_none_or(Value::is_u64);
    rewrites
        && match result {
            Some("continue") => true,
            Some("fail") => match members.get("failure_onion") {
                Some(onion) => is_hex(onion, 1..=65491) && !members.contains_key("failure_message"),
                None => is_failure_message(members.get("failure_message")),
            },
            Some("resolve") => members.get("payment_key").is_some_and(|key| {
                let preimage = hex::decode(key.as_str().unwrap_or_default()).unwrap_or_default();
                let hash = hex::encode(sha2::Sha256::digest(&preimage));
                preimage.len() == 32 && payload["htlc"]["payment_hash"] == hash.as_str()
            }),
            _ => false,
        }
}

/// Streams of one-byte types and lengths only, which is what the test makes.
fn is_odd_tlv_stream(value: &Value) -> bool {
    let Some(Ok(bytes)) = value.as_str().map(hex::decode) else {
        return false;
    };
    let (mut rest, mut last) = (bytes.as_slice(), None);
    while let [typ, len, tail @ ..] = rest {
        if typ % 2 == 0 || last >= Some(*typ) || *typ >= 0xfd || *len >= 0xfd {
            return false;
        }
        let Some(next) = tail.get(usize::from(*len)..) else {
            return false;
        };
        (rest, last) = (next, Some(*typ));
    }
    rest.is_empty()
}

fn rpc_command(result: Option<&str>, members: &Map<String, Value>) -> bool {
    if result.is_some() {
        return result == Some("continue");
    }
    if let Some(request) = members.get("replace") {
        return request["jsonrpc"] == "2.0"
            && request["id"] == "the-id"
            && request["method"].is_string()
            && (request["params"].is_object() || request["params"].is_array());
    }
    match members.get("return") {
        Some(Value::Object(given)) => match (given.get("result"), given.get("error")) {
            (Some(result), None) => !result.is_string(),
            (None, Some(error)) => {
                error["code"]
                    .as_i64()
                    .is_some_and(|n| i32::try_from(n).is_ok())
                    && error["message"].is_string()
            }
            _ => false,
        },
        _ => false,
    }
}

// Guards the restatement itself: it must object to what is known to stop lightningd.
#[test]
fn the_rules_object() {
    for (hook, answer) in [
        ("custommsg", r#"{"result":"banana"}"#),
        ("custommsg", "{}"),
        ("htlc_accepted", r#"{"result":"fail"}"#),
        (
            "htlc_accepted",
            r#"{"result":"resolve","payment_key":"00"}"#,
        ),
        (
            "htlc_accepted",
            r#"{"result":"continue","extra_tlvs":"0200"}"#,
        ),
        ("openchannel2_changed", r#"{"result":"continue"}"#),
        ("openchannel", r#"{"result":"reject","close_to":""}"#),
        ("rpc_command", r#"{"return":{"error":{}}}"#),
        ("peer_connected", r#"{"result":"disconnect"}"#),
        ("recover", "null"),
    ] {
        assert!(
            objection(hook, &payload(hook), answer).is_some(),
            "{hook} {answer}"
        );
    }
}
