//! Whatever guests answer, lightningd accepts what comes of it.
//!
//! The rules below are lightningd's, stated once more and on their own: from the
//! deserialisers in `lightningd/*.c` at v26.06, by the text of the final answer alone.

#![cfg(feature = "host")]

use cln_protocol::hook::{Flow, HookSpec, Node, Stance};
use cln_protocol::hooks::{HOOKS, find};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sha2::Digest;
use std::sync::LazyLock;

/// What lightningd calls `fatal()` for, aborts at, or logs as broken; else None.
fn objection(hook: &str, payload: &Value, answer: &str) -> Option<String> {
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

const ADDRESS: &str = "bcrt1qs758ursh4q9z627kt3pp5yysm78ddny6txaqgw";
const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const OTHER_NETWORK: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";

static PSBTS: LazyLock<[String; 2]> = LazyLock::new(|| {
    ["openchannel2_changed", "openchannel2_sign"].map(|hook| {
        let payload = payload(hook);
        payload[hook]["psbt"].as_str().expect("a psbt").to_owned()
    })
});

fn payload(hook: &str) -> Value {
    let path = format!("{}/tests/fixtures/{hook}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let mut payload: Value =
        serde_json::from_str(text.lines().next().expect("a payload")).expect("JSON");
    match hook {
        // The hash of a preimage of zeros.
        "htlc_accepted" => {
            payload["htlc"]["payment_hash"] =
                "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925".into();
        }
        "rpc_command" => payload["rpc_command"]["id"] = "the-id".into(),
        _ => {}
    }
    payload
}

/// Any JSON, mostly small.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Values for one member: right ones, wrong ones, and some that are right elsewhere.
fn value(name: &str) -> BoxedStrategy<Value> {
    let [changed, sign] = PSBTS.clone();
    let long = "20".repeat(257);
    let choices = match name {
        "error_message" => vec![
            json!("no"),
            json!(""),
            json!("x".repeat(70_000)),
            json!("\n"),
        ],
        "failure_message" => vec![
            json!("2002"),
            json!(""),
            json!("20"),
            json!(long),
            json!("2"),
        ],
        "failure_onion" => vec![
            json!("ff"),
            json!(""),
            json!("00".repeat(65492)),
            json!("f"),
        ],
        "failure_code" => vec![
            json!(8194),
            json!(0),
            json!(16399),
            json!(4301),
            json!(49157),
        ],
        "payment_key" => vec![json!(ZEROS), json!("11".repeat(32)), json!("00"), json!("")],
        "payload" => vec![json!("020101"), json!(""), json!("0"), json!("zz")],
        "forward_to" => vec![json!(ZEROS), json!("00"), json!(1)],
        "extra_tlvs" => vec![
            json!("0100"),
            json!("01000301ff"),
            json!("0200"),
            json!("03000100"),
            json!("01ff"),
            json!("01000100"),
            json!(""),
        ],
        "close_to" => vec![json!(ADDRESS), json!("me"), json!(OTHER_NETWORK), json!("")],
        "psbt" => vec![json!(changed), json!(sign), json!("cHNidP8B"), json!("")],
        "invoice_msat"
        | "our_funding_msat"
        | "lease_fee_base_msat"
        | "channel_fee_max_base_msat" => vec![
            json!(5000),
            json!("5000msat"),
            json!(999),
            json!(0),
            json!(u64::MAX),
            json!("1btc"),
        ],
        "replace" | "return" => return inner().boxed(),
        _ => vec![
            json!(6),
            json!("6"),
            json!(-1),
            json!(u64::MAX),
            json!("0x6"),
            json!(true),
        ],
    };
    prop_oneof![4 => prop::sample::select(choices), 1 => anything()].boxed()
}

/// What may be in `replace` and `return`.
fn inner() -> impl Strategy<Value = Value> {
    let error = prop_oneof![
        Just(json!({"code": 1, "message": "no"})),
        Just(json!({"code": "x", "message": "no"})),
        Just(json!({"code": 1_u64 << 40, "message": "no"})),
        Just(json!({"code": 1, "message": 7})),
        Just(json!({})),
        anything(),
    ];
    let params = prop_oneof![Just(json!([])), Just(json!({})), anything()];
    let method = prop_oneof![Just(json!("getinfo")), Just(json!("")), anything()];
    let version = prop_oneof![Just(json!("2.0")), Just(json!("1.0")), anything()];
    let some = prop::option::of::<BoxedStrategy<Value>>;
    let members = (
        some(error.boxed()),
        some(params.boxed()),
        some(method.boxed()),
        some(version.boxed()),
        some(anything().boxed()),
        some(anything().boxed()),
    );
    members.prop_map(|(error, params, method, version, result, id)| {
        let mut members = Map::new();
        for (name, value) in [
            ("error", error),
            ("params", params),
            ("method", method),
            ("jsonrpc", version),
            ("result", result),
            ("id", id),
        ] {
            members.extend(value.map(|value| (name.to_owned(), value)));
        }
        Value::Object(members)
    })
}

/// The results and members that a hook knows.
fn known(hook: &str) -> (&'static [&'static str], &'static [&'static str]) {
    const PLAIN: &[&str] = &["continue"];
    const REJECT: &[&str] = &["continue", "reject"];
    match hook {
        "peer_connected" => (&["continue", "disconnect"], &["error_message"]),
        "htlc_accepted" => (
            &["continue", "fail", "resolve"],
            &[
                "failure_message",
                "failure_onion",
                "failure_code",
                "payment_key",
                "payload",
                "forward_to",
                "extra_tlvs",
                "invoice_msat",
            ],
        ),
        "db_write" => (&["continue", "fail"], &[]),
        "invoice_payment" => (REJECT, &["failure_message", "failure_code"]),
        "openchannel" => (
            REJECT,
            &["error_message", "close_to", "mindepth", "reserve"],
        ),
        "openchannel2" | "rbf_channel" => (
            REJECT,
            &[
                "error_message",
                "close_to",
                "psbt",
                "our_funding_msat",
                "lease_fee_base_msat",
                "lease_fee_basis",
                "channel_fee_max_base_msat",
                "channel_fee_max_proportional_thousandths",
                "funding_weight",
            ],
        ),
        "openchannel2_changed" | "openchannel2_sign" => (REJECT, &["psbt"]),
        "rpc_command" => (PLAIN, &["replace", "return", "continue"]),
        _ => (PLAIN, &["error_message"]),
    }
}

/// Answers that are nearly right, so that many are taken.
fn answer(hook: &'static str) -> impl Strategy<Value = String> {
    let (results, names) = known(hook);
    let result = prop_oneof![
        6 => prop::sample::select(results).prop_map(|result| Some(result.into())),
        3 => Just(None),
        1 => Just(Some(json!("banana"))),
        1 => anything().prop_map(Some),
    ];
    let members: Vec<_> = names
        .iter()
        .map(|name| (Just(*name), prop::option::weighted(0.3, value(name))))
        .collect();
    let object = (result, members).prop_map(|(result, members)| {
        let mut object = Map::new();
        object.extend(result.map(|result| ("result".to_owned(), result)));
        for (name, value) in members {
            object.extend(value.map(|value| (name.to_owned(), value)));
        }
        Value::Object(object).to_string()
    });
    prop_oneof![
        2 => Just(r#"{"result":"continue"}"#.to_owned()),
        10 => object,
        1 => anything().prop_map(|value| value.to_string()),
        1 => any::<String>(),
    ]
}

fn runs() -> impl Strategy<Value = (&'static HookSpec, Vec<Option<String>>, bool)> {
    prop::sample::select(HOOKS).prop_flat_map(|spec| {
        let answers = prop::collection::vec(prop::option::weighted(0.9, answer(spec.name)), 0..4);
        (Just(spec), answers, any::<bool>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn lightningd_accepts_what_comes_of_any_answers((spec, answers, open) in runs()) {
        let stance = if open { Stance::Open } else { Stance::Closed };
        let payload = payload(spec.name);
        let node = Node { network: Some("regtest".into()) };
        let mut chain = (spec.begin)(payload.to_string().into(), &node);
        for answer in answers {
            // No answer is a guest that failed.
            let taken = answer.as_deref().map(|answer| chain.answer(answer));
            let flow = match taken {
                Some(Ok(taken)) => taken.flow,
                Some(Err(refused)) => {
                    prop_assert!(!refused.0.is_empty());
                    chain.fallback(stance)
                }
                None => chain.fallback(stance),
            };
            prop_assert!(serde_json::from_str::<Value>(&chain.payload()).is_ok());
            if flow == Flow::Done {
                break;
            }
        }
        let answer = chain.finish();
        prop_assert_eq!(objection(spec.name, &payload, &answer), None, "{}", answer);
    }

    #[test]
    fn a_payload_of_tomorrow_makes_nothing_panic(
        (spec, answers, open) in runs(),
        payload in prop_oneof![anything().prop_map(|v| v.to_string()), any::<String>()],
    ) {
        let mut chain = (spec.begin)(payload.into(), &Node::default());
        for answer in answers.into_iter().flatten() {
            if chain.answer(&answer).is_err() {
                chain.fallback(if open { Stance::Open } else { Stance::Closed });
            }
        }
        let answer: Value = serde_json::from_str(&chain.finish()).unwrap();
        prop_assert!(answer.is_object());
    }
}

#[test]
fn every_hook_of_lightningd_is_there_once() {
    let mut names: Vec<_> = HOOKS.iter().map(|spec| spec.name).collect();
    assert!(
        names
            .iter()
            .all(|name| find(name).is_some_and(|spec| spec.name == *name))
    );
    assert!(find("htlc_acceptedx").is_none());
    names.sort();
    assert_eq!(
        names,
        [
            "commitment_revocation",
            "custommsg",
            "db_write",
            "htlc_accepted",
            "invoice_payment",
            "onion_message_recv",
            "onion_message_recv_secret",
            "openchannel",
            "openchannel2",
            "openchannel2_changed",
            "openchannel2_sign",
            "peer_connected",
            "rbf_channel",
            "recover",
            "rpc_command",
        ]
    );
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
