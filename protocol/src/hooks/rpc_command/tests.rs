use super::*;
use serde_json::json;

const FIXTURES: &str = include_str!("../../../tests/fixtures/rpc_command.jsonl");

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other}"),
    }
}

#[test]
fn reads_payloads_of_v26_06() {
    let requests: Vec<RpcRequest> = FIXTURES
        .lines()
        .map(|line| {
            serde_json::from_str::<RpcCommandPayload>(line)
                .unwrap()
                .rpc_command
        })
        .collect();
    assert!(requests.iter().any(|r| r.filter.is_some()));
    for request in requests {
        let params: Value = request.params().unwrap().unwrap();
        assert!(params.is_object() || params.is_array());
        assert!(!format!("{request:?}").contains("params"));
    }
    let redacted: RpcRequest = serde_json::from_str(r#"{"id":3,"method":"pay"}"#).unwrap();
    assert!(redacted.params::<Value>().is_none());
}

fn request() -> RpcRequest {
    serde_json::from_str(r#"{"id":"a","method":"pay","params":[]}"#).unwrap()
}

#[test]
fn writes_actions() {
    for (action, json) in [
        (RpcCommandAction::pass(), r#"{"result":"continue"}"#),
        (
            RpcCommandAction::replace(&request(), "getinfo", Map::new()),
            r#"{"replace":{"jsonrpc":"2.0","id":"a","method":"getinfo","params":{}}}"#,
        ),
        (
            RpcCommandAction::return_result(object(json!({"x": 1}))),
            r#"{"return":{"result":{"x":1}}}"#,
        ),
        (
            RpcCommandAction::return_result(vec![json!(1)]),
            r#"{"return":{"result":[1]}}"#,
        ),
        (
            RpcCommandAction::return_error(-32601, "no"),
            r#"{"return":{"error":{"code":-32601,"message":"no"}}}"#,
        ),
        (
            RpcCommandAction::Error(RpcCommandError {
                code: 1,
                message: String::new(),
                data: Some(Value::Null),
            }),
            r#"{"return":{"error":{"code":1,"message":"","data":null}}}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&action).unwrap(), json);
    }
}

#[cfg(feature = "host")]
mod chain {
    use super::*;
    use crate::hook::{Filters, Flow, Stance};
    use crate::hooks::testing::{fallen_back, finished, refusals, run};

    const PAYLOAD: &str =
        r#"{"rpc_command":{"jsonrpc":"2.0","id":"a","method":"pay","params":{}}}"#;
    const PLAIN: &str = r#"{"result":"continue"}"#;
    const RETURN: &str = r#"{"return":{"result":{"x":1}}}"#;

    #[test]
    fn every_action_comes_out_as_it_went_in() {
        for action in [
            RpcCommandAction::pass(),
            RpcCommandAction::replace(&request(), "getinfo", vec![json!("é\n\u{0}")]),
            RpcCommandAction::return_result(object(json!({"a": [1.5, null, "\"[{"]}))),
            RpcCommandAction::return_error(i32::MIN, "\"quoted\""),
        ] {
            let text = serde_json::to_string(&action).unwrap();
            assert_eq!(finished(&SPEC, PAYLOAD, &[&text]), text);
        }
    }

    const REPLACE: &str =
        r#"{"replace":{"jsonrpc":"2.0","id":"a","method":"getinfo","params":[]}}"#;
    const ERROR: &str = r#"{"return":{"error":{"code":1,"message":"no"}}}"#;

    // rpc_command_hook_callback: the rest are called with the original, and a second change
    // is not taken (where lightningd would finish the command twice).
    #[test]
    fn the_first_change_wins_and_all_are_called() {
        for (first, second) in [(RETURN, REPLACE), (REPLACE, RETURN)] {
            let mut chain = (SPEC.begin)(PAYLOAD.into(), &Default::default());
            for answer in [PLAIN, first, PLAIN] {
                let taken = chain.answer(answer).unwrap();
                assert_eq!((taken.flow, taken.ignored), (Flow::Next, None));
                assert_eq!(&*chain.payload(), PAYLOAD);
            }
            let taken = chain.answer(second).unwrap();
            assert_eq!(taken.flow, Flow::Next);
            assert_eq!(
                taken.ignored.as_deref(),
                Some("the command was already changed by an earlier plugin")
            );
            assert_eq!(chain.finish(), first);
        }
        assert_eq!(finished(&SPEC, "", &[]), PLAIN);
        assert_eq!(run(&SPEC, PAYLOAD, &[PLAIN, PLAIN]), (PLAIN.into(), 2));
    }

    #[test]
    fn a_refusal_wins_over_any_change() {
        for change in [RETURN, REPLACE] {
            let mut chain = (SPEC.begin)(PAYLOAD.into(), &Default::default());
            chain.answer(change).unwrap();
            let taken = chain.answer(ERROR).unwrap();
            assert_eq!(taken.flow, Flow::Next);
            assert_eq!(
                taken.ignored.as_deref(),
                Some("the change by an earlier plugin is ignored")
            );
            // Of two refusals the first one counts.
            for late in [change, r#"{"return":{"error":{"code":2,"message":""}}}"#] {
                assert_eq!(
                    chain.answer(late).unwrap().ignored.as_deref(),
                    Some("the command was already refused by an earlier plugin")
                );
            }
            chain.fallback(Stance::Closed);
            assert_eq!(chain.finish(), ERROR);
        }
        let mut chain = (SPEC.begin)(PAYLOAD.into(), &Default::default());
        chain.answer(RETURN).unwrap();
        assert_eq!(
            chain
                .answer(r#"{"return":{"error":{}}}"#)
                .unwrap()
                .ignored
                .as_deref(),
            Some(
                "the change by an earlier plugin is ignored; \
                 return.error has no code and message: filled in"
            )
        );
    }

    #[test]
    fn values_go_through_as_they_are() {
        let answer = "{ \"return\" :\n\n{ \"result\" : { \"n\": 123456789012345678901234567890.10, \"n\": 1E5,\t\"s\": \"a  b\\u0000\\/\" } } }";
        assert_eq!(
            finished(&SPEC, PAYLOAD, &[answer]),
            r#"{"return":{"result":{"n":123456789012345678901234567890.10,"n":1E5,"s":"a  b\u0000\/"}}}"#
        );
        for result in ["null", "7", "true", "[]", "-0.0"] {
            let answer = format!(r#"{{"return":{{"result":{result}}}}}"#);
            assert_eq!(finished(&SPEC, PAYLOAD, &[&answer]), answer);
        }
    }

    #[test]
    fn a_replacement_keeps_the_callers_id() {
        let answer =
            r#"{"replace":{"id":"forged","method":"getinfo","params":[],"filter":{"a":true}}}"#;
        for (id, payload) in [
            (
                r#""a\/b""#,
                r#"{"rpc_command":{"method":"pay","id": "a\/b"}}"#,
            ),
            ("3", r#"{"rpc_command":{"id":3}}"#),
            (r#""""#, "not JSON"),
        ] {
            assert_eq!(
                finished(&SPEC, payload, &[answer]),
                format!(
                    r#"{{"replace":{{"jsonrpc":"2.0","id":{id},"method":"getinfo","params":[],"filter":{{"a":true}}}}}}"#
                )
            );
        }
        let mut chain = (SPEC.begin)(PAYLOAD.into(), &Default::default());
        let taken = chain
            .answer(r#"{"replace":{"method":"getinfo","params":[],"extra":1}}"#)
            .unwrap();
        assert_eq!(
            taken.ignored.as_deref(),
            Some("replace has a member extra, which was left out")
        );
    }

    #[test]
    fn answers_of_v0_8_2() {
        for (answer, json) in [
            (r#"{"continue":true}"#, PLAIN),
            (
                r#"{"replace":{"id":3,"method":"m","params":{"p":[]}}}"#,
                r#"{"replace":{"jsonrpc":"2.0","id":"a","method":"m","params":{"p":[]}}}"#,
            ),
            (r#"{"return":{"result":{}}}"#, r#"{"return":{"result":{}}}"#),
            (
                r#"{"return":{"error":{}}}"#,
                r#"{"return":{"error":{"code":-1,"message":"A plugin refused this command"}}}"#,
            ),
        ] {
            assert_eq!(finished(&SPEC, PAYLOAD, &[answer]), json);
        }
        let mut chain = (SPEC.begin)(PAYLOAD.into(), &Default::default());
        assert_eq!(
            chain
                .answer(r#"{"return":{"error":{}}}"#)
                .unwrap()
                .ignored
                .as_deref(),
            Some("return.error has no code and message: filled in")
        );
    }

    #[test]
    fn refuses() {
        let deep = format!(
            r#"{{"return":{{"result":{}{}}}}}"#,
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        refusals(
            &SPEC,
            PAYLOAD,
            &[
                ("", "the answer is not JSON"),
                ("[]", "the answer is not an object"),
                ("{", "the answer is not JSON"),
                ("]", "the answer is not JSON"),
                // Without the space it would be another amount.
                (
                    r#"{"replace":{"method":"pay","params":{"amount_msat":1 000}}}"#,
                    "the answer is not JSON",
                ),
                (r#"{"return":{"result":fal se}}"#, "the answer is not JSON"),
                ("{}}", "the answer is not JSON"),
                ("{}", "no member result, replace or return"),
                // Rust plugins end over these, and so does the node with those that it came with.
                (
                    r#"{"replace":{"id":1,"method":"pay","params":{"a\ud800":[1]}}}"#,
                    "the answer cannot be sent",
                ),
                (
                    r#"{"return":{"result":[1e999]}}"#,
                    "the answer cannot be sent",
                ),
                (&deep, "nested deeper than 100 levels"),
                (r#"{"result":"stop"}"#, "result is \"stop\", not continue"),
                (r#"{"result":{}}"#, "result is not a string"),
                (r#"{"continue":false}"#, "no member result"),
                (r#"{"replace":7}"#, "replace is not an object"),
                (r#"{"replace":{"params":{}}}"#, "replace has no method"),
                (
                    r#"{"replace":{"method":7,"params":{}}}"#,
                    "replace.method is not",
                ),
                (
                    r#"{"replace":{"method":"","params":{}}}"#,
                    "replace.method is not",
                ),
                (r#"{"replace":{"method":"m"}}"#, "replace has no params"),
                (
                    r#"{"replace":{"method":"m","params":"x"}}"#,
                    "not an object or array",
                ),
                (
                    r#"{"replace":{"method":"m","params":[],"jsonrpc":"1.0"}}"#,
                    "replace.jsonrpc is not",
                ),
                (
                    r#"{"replace":{"method":"m","params":[],"filter":1}}"#,
                    "replace.filter is not an object",
                ),
                (r#"{"return":[]}"#, "return is not an object"),
                (r#"{"return":{}}"#, "return has no result or error"),
                // It would reach the caller as bare words.
                (
                    r#"{"return":{"result":"hello"}}"#,
                    "return.result is a string",
                ),
                // lightningd would read a null pointer.
                (
                    r#"{"return":{"error":"no"}}"#,
                    "return.error is not an object",
                ),
                (
                    r#"{"return":{"error":{"code":"x","message":""}}}"#,
                    "return.error.code is \"x\", not an integer",
                ),
                (
                    r#"{"return":{"error":{"code":2147483648,"message":""}}}"#,
                    "32 bits",
                ),
                (
                    r#"{"return":{"error":{"code":1,"message":{}}}}"#,
                    "message is {}, not a string",
                ),
            ],
        );
    }

    #[test]
    fn falls_back() {
        assert_eq!(
            (SPEC.stance, SPEC.filters),
            (Stance::Open, Filters::Methods)
        );
        assert_eq!(
            fallen_back(&SPEC, PAYLOAD, Stance::Open),
            (PLAIN.into(), Flow::Next)
        );
        let (answer, flow) = fallen_back(&SPEC, PAYLOAD, Stance::Closed);
        assert_eq!(flow, Flow::Next);
        let refusal: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(refusal["return"]["error"]["code"], -1);
        // A guard that failed refuses what another guest made of the command.
        for change in [RETURN, REPLACE] {
            for (stance, ends) in [(Stance::Open, change), (Stance::Closed, answer.as_str())] {
                let mut chain = (SPEC.begin)(PAYLOAD.into(), &Default::default());
                chain.answer(change).unwrap();
                assert_eq!(chain.fallback(stance), Flow::Next);
                // It stays refused.
                chain.answer(change).unwrap();
                assert_eq!(chain.finish(), ends);
            }
        }
    }
}

#[test]
fn an_intent_is_what_the_chain_would_do() {
    for (answer, expected) in [
        (r#"{"result":"continue"}"#, Intent::PassOrRefuse),
        (
            r#" { "continue" : true, "replace": {} }"#,
            Intent::PassOrRefuse,
        ),
        (
            r#"{"result":"continue","replace":{"method":"stop","params":[]}}"#,
            Intent::PassOrRefuse,
        ),
        (
            r#"{"return":{"error":{"code":-1,"message":"no"}}}"#,
            Intent::PassOrRefuse,
        ),
        (
            r#"{"return":{"error":{},"result":{}}}"#,
            Intent::ReturnResult,
        ),
        (r#"{"return":{"result":[]}}"#, Intent::ReturnResult),
        (
            // The last of two members with the same name counts, for both readers.
            r#"{"replace":{"method":"getinfo","method":"st\u006fp","params":{ "a": [ 1 ] }},"return":{"result":1}}"#,
            Intent::Replace {
                method: "stop".into(),
                params: r#"{"a":[1]}"#.into(),
            },
        ),
    ] {
        assert_eq!(intent(answer).unwrap(), expected, "{answer}");
    }
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"replace":{"method":"","params":[]}}"#,
        r#"{"replace":7}"#,
    ] {
        assert!(intent(bad).is_err(), "{bad}");
    }
}
