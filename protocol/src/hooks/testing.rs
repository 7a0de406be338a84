//! What the tests of all hooks share: chains run from text to text.

use crate::hook::{Flow, HookSpec, Node, Stance};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A regtest node.
pub(super) fn regtest() -> Node {
    Node {
        network: Some("regtest".into()),
    }
}

/// Hands answers to a chain until it ends. Gives the final answer, and how many were asked.
pub(super) fn run(spec: &HookSpec, payload: &str, answers: &[&str]) -> (String, usize) {
    let mut chain = (spec.begin)(payload.into(), &regtest());
    let mut asked = 0;
    for answer in answers {
        asked += 1;
        match chain.answer(answer) {
            Ok(taken) if taken.flow == Flow::Done => break,
            Ok(_) => {}
            Err(reason) => panic!("{} refused {answer}: {reason}", spec.name),
        }
    }
    (chain.finish(), asked)
}

/// The final answer to these answers.
pub(super) fn finished(spec: &HookSpec, payload: &str, answers: &[&str]) -> String {
    run(spec, payload, answers).0
}

/// The final answer as JSON.
pub(super) fn finished_json(spec: &HookSpec, payload: &str, answers: &[&str]) -> serde_json::Value {
    serde_json::from_str(&finished(spec, payload, answers)).expect("finish gives JSON")
}

/// Each answer is refused for a reason that contains the text beside it, and leaves
/// the chain as it was.
pub(super) fn refusals(spec: &HookSpec, payload: &str, cases: &[(&str, &str)]) {
    let untouched = finished(spec, payload, &[]);
    for (answer, reason) in cases {
        let mut chain = (spec.begin)(payload.into(), &regtest());
        match chain.answer(answer) {
            Ok(_) => panic!("{} took {answer}", spec.name),
            Err(refused) => {
                assert!(
                    refused.0.contains(reason),
                    "{answer}: refused for {refused}"
                )
            }
        }
        assert_eq!(&*chain.payload(), payload, "{answer}");
        assert_eq!(chain.finish(), untouched, "{answer}");
    }
}

/// The final answer after one fallback.
pub(super) fn fallen_back(spec: &HookSpec, payload: &str, stance: Stance) -> (String, Flow) {
    let mut chain = (spec.begin)(payload.into(), &regtest());
    let flow = chain.fallback(stance);
    (chain.finish(), flow)
}

/// Two PSBTs that lightningd made: one from each of the hooks that show one.
pub(super) fn psbts() -> [String; 2] {
    [
        include_str!("../../tests/fixtures/openchannel2_changed.jsonl"),
        include_str!("../../tests/fixtures/openchannel2_sign.jsonl"),
    ]
    .map(|fixture| {
        let payload: serde_json::Value = serde_json::from_str(fixture).expect("JSON");
        let hook = payload.as_object().and_then(|hooks| hooks.values().next());
        let psbt = hook.and_then(|hook| hook["psbt"].as_str());
        psbt.expect("a psbt").to_owned()
    })
}

/// PSBTs that libwally reads and does not write, at which lightningd aborts, and why each
/// is refused. But for one thing they are the PSBT of `openchannel2_sign`.
pub(super) fn unwritable_psbts() -> [(String, &'static str); 2] {
    let changed = |field: &[u8], with: &[u8]| {
        let mut bytes = STANDARD.decode(&psbts()[1]).expect("base64");
        let field = bytes.windows(field.len()).position(|w| w == field);
        // Behind the key is the length of the value.
        let at = field.expect("the field is there") + 2;
        let end = at + 1 + usize::from(bytes[at]);
        bytes.splice(at..end, [&[with.len() as u8], with].concat());
        STANDARD.encode(bytes)
    };
    // In the form with witnesses: the other cannot have no inputs.
    let mut utxo = vec![2, 0, 0, 0, 0, 1, 0];
    utxo.extend([2, 16, 0, 0, 0, 0, 0, 0, 0, 1, 0x51]);
    utxo.extend([16, 0, 0, 0, 0, 0, 0, 0, 1, 0x51, 0, 0, 0, 0]);
    [
        (
            changed(&[1, 0, 92], &utxo),
            "psbt is wrong: input 0: in a transaction: it has no input",
        ),
        (
            changed(&[1, 0x0e, 32], &[0; 32]),
            "psbt is wrong: input 0: its previous txid is zero",
        ),
    ]
}
