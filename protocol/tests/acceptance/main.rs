//! Whatever guests answer, lightningd accepts what comes of it.

#![cfg(feature = "host")]

mod answers;
mod rules;

use answers::{answer, anything};
use cln_protocol::hook::{Flow, HookSpec, Node, Stance};
use cln_protocol::hooks::{HOOKS, find};
use proptest::prelude::*;
use rules::objection;
use serde_json::Value;
use std::sync::LazyLock;

const ADDRESS: &str = "bcrt1qs758ursh4q9z627kt3pp5yysm78ddny6txaqgw";

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
