//! Made-up answers, nearly right.

use crate::{ADDRESS, PSBTS};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const OTHER_NETWORK: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";

/// Any JSON, mostly small.
pub fn anything() -> impl Strategy<Value = Value> {
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
pub fn answer(hook: &'static str) -> impl Strategy<Value = String> {
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
