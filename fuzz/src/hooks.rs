//! Guests' answers to hooks.

use cln_protocol::hook::{Chain, Flow, HookSpec, Node, Stance};
use cln_protocol::hooks::HOOKS;
use cln_wasm_tests::simulator::judge_hook;
use serde_json::Value;

/// One real payload of each hook.
const PAYLOADS: &[(&str, &str)] = &[
    (
        "commitment_revocation",
        include_str!("../../protocol/tests/fixtures/commitment_revocation.jsonl"),
    ),
    (
        "custommsg",
        include_str!("../../protocol/tests/fixtures/custommsg.jsonl"),
    ),
    (
        "db_write",
        include_str!("../../protocol/tests/fixtures/db_write.jsonl"),
    ),
    (
        "htlc_accepted",
        include_str!("../../protocol/tests/fixtures/htlc_accepted.jsonl"),
    ),
    (
        "invoice_payment",
        include_str!("../../protocol/tests/fixtures/invoice_payment.jsonl"),
    ),
    (
        "onion_message_recv",
        include_str!("../../protocol/tests/fixtures/onion_message_recv.jsonl"),
    ),
    (
        "onion_message_recv_secret",
        include_str!("../../protocol/tests/fixtures/onion_message_recv_secret.jsonl"),
    ),
    (
        "openchannel",
        include_str!("../../protocol/tests/fixtures/openchannel.jsonl"),
    ),
    (
        "openchannel2",
        include_str!("../../protocol/tests/fixtures/openchannel2.jsonl"),
    ),
    (
        "openchannel2_changed",
        include_str!("../../protocol/tests/fixtures/openchannel2_changed.jsonl"),
    ),
    (
        "openchannel2_sign",
        include_str!("../../protocol/tests/fixtures/openchannel2_sign.jsonl"),
    ),
    (
        "peer_connected",
        include_str!("../../protocol/tests/fixtures/peer_connected.jsonl"),
    ),
    (
        "rbf_channel",
        include_str!("../../protocol/tests/fixtures/rbf_channel.jsonl"),
    ),
    (
        "recover",
        include_str!("../../protocol/tests/fixtures/recover.jsonl"),
    ),
    (
        "rpc_command",
        include_str!("../../protocol/tests/fixtures/rpc_command.jsonl"),
    ),
];

/// The hash of a preimage of 32 zeros, so that an HTLC can be resolved.
const HASH_OF_ZEROS: &str = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";

fn payload(hook: &HookSpec) -> String {
    let (_, lines) = PAYLOADS
        .iter()
        .find(|(name, _)| *name == hook.name)
        .expect("a payload");
    let line = lines.lines().next().unwrap_or_default();
    if hook.name != "htlc_accepted" {
        return line.to_owned();
    }
    let mut payload: Value = serde_json::from_str(line).expect("JSON");
    payload["htlc"]["payment_hash"] = HASH_OF_ZEROS.into();
    payload.to_string()
}

/// What an answer that was taken says under `result`. (A guest may put any text elsewhere.)
fn result_of(answer: &str) -> Option<Value> {
    let answer: Value = serde_json::from_str(answer).expect("an answer that is taken is JSON");
    answer.get("result").cloned()
}

/// Input: the hook (one byte, from `a`), open or closed (one byte), then each guest's answer on a
/// line of its own. An empty line is a guest that gave none.
pub fn hooks(data: &[u8]) {
    let [hook, stance, answers @ ..] = data else {
        return;
    };
    let Ok(answers) = std::str::from_utf8(answers) else {
        return;
    };
    let spec = HOOKS[usize::from(hook.wrapping_sub(b'a')) % HOOKS.len()];
    let stance = if stance % 2 == 0 {
        Stance::Open
    } else {
        Stance::Closed
    };
    let payload = payload(spec);
    let node = Node {
        network: Some("regtest".to_owned()),
    };
    let begin = || -> Box<dyn Chain> { (spec.begin)(payload.as_str().into(), &node) };

    // The second chain is never shown what the first refused.
    let (mut chain, mut without_refused) = (begin(), begin());
    let mut said_fail = false;
    for answer in answers.split('\n').take(6) {
        let taken = match answer {
            "" => None,
            answer => chain.answer(answer).ok(),
        };
        let flow = match taken {
            Some(taken) => {
                said_fail |=
                    spec.name == "db_write" && result_of(answer) != Some("continue".into());
                assert_eq!(without_refused.answer(answer), Ok(taken.clone()));
                taken.flow
            }
            None => {
                said_fail |= spec.name == "db_write" && stance == Stance::Closed;
                let flow = chain.fallback(stance);
                assert_eq!(without_refused.fallback(stance), flow);
                flow
            }
        };
        let shown = chain.payload();
        assert_eq!(shown, without_refused.payload());
        assert!(serde_json::from_str::<Value>(&shown).is_ok(), "{shown}");
        if flow == Flow::Done {
            break;
        }
    }
    let answer = chain.finish();
    assert_eq!(answer, without_refused.finish());
    assert!(
        serde_json::from_str::<Value>(&answer).is_ok_and(|a| a.is_object()),
        "{answer}"
    );
    let response = format!(r#"{{"jsonrpc":"2.0","id":"1","result":{answer}}}"#);
    match judge_hook(spec.name, &payload, &response) {
        Ok(_) => assert!(!said_fail || !answer.contains("fail"), "{answer}"),
        // The one answer that is meant to stop the node.
        Err(_) if said_fail => assert_eq!(answer, r#"{"result":"fail"}"#),
        Err(why) => panic!("{}: {answer}: {why}", spec.name),
    }
}
