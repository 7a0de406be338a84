//! What a plugin can do wrong, and what lightningd v26.06 says to it: checked against the simulator always,
//! and against lightningd where there is one.
#![allow(dead_code)]

use serde_json::{Value, json};

/// Texts that a plugin writes to its stdout, and the words with which it is killed; `None` where
/// lightningd takes no notice.
pub fn texts() -> Vec<(String, Option<&'static str>)> {
    let parse = Some("Failed to parse RPC JSON response");
    let jsonrpc = Some("does not contain \"jsonrpc\" field");
    let missing = Some("Malformed JSON-RPC notification missing");
    let message = Some("doesn't have a string \"message\" field");
    let level = Some("Unknown log-level");
    let id = Some("\"id\"-field is not present");
    let log = |params: &str| format!(r#"{{"jsonrpc":"2.0","method":"log","params":{params}}}"#);
    let texts: Vec<(&str, Option<&'static str>)> = vec![
        ("this is not JSON\n", parse),
        ("hello}", parse),
        ("{'a': 1}", parse),
        ("null}", parse),
        (r#"{"jsonrpc":"2.0","id" "x"}"#, parse),
        (r#"{"jsonrpc":"2.0","id":"\x"}"#, parse),
        (r#"{"jsonrpc":"2.0","id":["x"}"#, parse),
        (r#"{"id":"x","result":{}}"#, jsonrpc),
        (r#"[{"jsonrpc":"2.0","id":"x","result":{}}]"#, jsonrpc),
        (r#"{"jsonrpc":"2.0","method":"log"}"#, missing),
        (r#"{"jsonrpc":"2.0","params":{}}"#, missing),
        (
            r#"{"jsonrpc":"2.0","method":"message","params":{"num":1}}"#,
            id,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"progress","params":{"num":1}}"#,
            id,
        ),
        (r#"{"jsonrpc":"2.0","method":"progress","params":[]}"#, id),
        (r#"{"jsonrpc":"2.0","id":"nobody#1","result":{}}"#, None),
        (
            r#"{"jsonrpc":"2.0","id":5,"method":"getinfo","params":{}}"#,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"progress","params":{"id":"nobody#1"}}"#,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"undeclared","params":{}}"#,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"scripted_news","params":7}"#,
            None,
        ),
        (" \n\t\r\n ", None),
        (r#"{"jsonrpc":[],"id":"x","result":{},}"#, None),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":\"raw\nnewline\"}",
            None,
        ),
        (r#"{"jsonrpc":"2.0","id":"x","result":"\ud800"}"#, None),
        (
            r#"{"jsonrpc":"2.0","id":"x","result":nothing-at-all}"#,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"x","result":1}{"jsonrpc":"2.0","id":"y","result":2}"#,
            None,
        ),
    ];
    let mut texts: Vec<_> = texts.into_iter().map(|(t, r)| (t.to_owned(), r)).collect();
    texts.push((log("{}"), message));
    texts.push((log(r#"{"message":5}"#), message));
    texts.push((log(r#"{"message":"x","level":"loud"}"#), level));
    texts.push((log(r#"{"message":"x","level":"io"}"#), level));
    texts.push((log(r#"{"message":"x","level":"WARN"}"#), None));
    texts.push((log(r#"{"message":"\u0041"}"#), None));
    texts
}

/// A manifest with one option, some members replaced.
pub fn option(more: Value) -> Value {
    let mut option = json!({"name": "x-opt", "type": "string", "description": "d"});
    option
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({"options": [option]})
}

/// Manifests (members that replace those of a good one, `null` takes one away) that get a plugin
/// killed, and the words.
pub fn manifests() -> Vec<(Value, &'static str)> {
    vec![
        (
            json!({"dynamic": "yes"}),
            "getmanifest: invalid \"dynamic\" field",
        ),
        (
            json!({"featurebits": {"init": "0g"}}),
            "not a valid hexadecimal string",
        ),
        (
            json!({"featurebits": {"init": "0100000000000000000000"}}),
            "only allows for non-dynamic",
        ),
        (
            json!({"dynamic": false, "featurebits": {"init": "02"}}),
            "already present",
        ),
        (json!({"custommessages": 5}), "custommessages must be array"),
        (json!({"custommessages": [70000]}), "not a u16"),
        (
            json!({"nonnumericids": false}),
            "does not allow nonnumericids",
        ),
        (json!({"nonnumericids": 1}), "Invalid nonnumericids"),
        (json!({"cancheck": "x"}), "Invalid cancheck"),
        (json!({"notifications": {}}), "not an array"),
        (json!({"notifications": ["news"]}), "not an object"),
        (
            json!({"notifications": [{"name": "news"}]}),
            "missing or not a string",
        ),
        (
            json!({"notifications": [{"method": "connect"}]}),
            "native notification topic",
        ),
        (json!({"options": null}), "\"result.options\" was not found"),
        (json!({"options": {}}), "\"result.options\" is not an array"),
        (
            json!({"options": [{"name": "x", "type": "string"}]}),
            "An option is missing either",
        ),
        (
            option(json!({"name": "X-Opt"})),
            "must be lowercase alphanumeric",
        ),
        (option(json!({"type": "float"})), "options are supported"),
        (option(json!({"multi": 1})), "invalid \"multi\" field"),
        (
            option(json!({"type": "flag", "multi": true})),
            "flag type cannot be multi",
        ),
        (
            option(json!({"type": "bool", "multi": true})),
            "bool type cannot be multi",
        ),
        (
            option(json!({"type": "flag", "default": true})),
            "flag default must be 'false'",
        ),
        (
            option(json!({"type": "int", "default": "seven"})),
            "Invalid default 'seven'",
        ),
        (
            option(json!({"type": "int", "default": 1.5})),
            "Invalid default '1.5'",
        ),
        (
            option(json!({"type": "bool", "default": 1})),
            "Invalid default '1'",
        ),
        (
            option(json!({"deprecated": "yes"})),
            "must be an array of 1 or 2",
        ),
        (option(json!({"deprecated": ["26.06"]})), "start version"),
        (
            option(json!({"deprecated": ["v26.06", "x"]})),
            "end version",
        ),
        (
            option(json!({"deprecated": true, "default": "a"})),
            "deprecated option",
        ),
        (json!({"rpcmethods": null}), "\"result.rpcmethods\" missing"),
        (
            json!({"rpcmethods": 1}),
            "\"result.rpcmethods\" is not an array",
        ),
        (
            json!({"rpcmethods": [{"usage": ""}]}),
            "does not have a string \"name\"",
        ),
        (
            json!({"rpcmethods": [{"name": "m"}]}),
            "\"usage\" not provided",
        ),
        (
            json!({"rpcmethods": [{"name": "m", "usage": 1}]}),
            "\"usage\" is not a string",
        ),
        (
            json!({"rpcmethods": [{"name": "pay", "usage": ""}]}),
            "already registered by plugin",
        ),
        (
            json!({"rpcmethods": [{"name": "m", "usage": ""}, {"name": "m", "usage": ""}]}),
            "already registered by plugin",
        ),
        (
            json!({"subscriptions": "connect"}),
            "\"result.subscriptions\" is not an array",
        ),
        (
            json!({"subscriptions": [1]}),
            "result.subscriptions[0] is not a string",
        ),
        (
            json!({"hooks": ["no_such_hook"]}),
            "Unknown hook name no_such_hook",
        ),
        (json!({"hooks": [{"before": []}]}), "no name in hook obj"),
        (json!({"hooks": ["recover", "recover"]}), "multiple times"),
        (
            json!({"hooks": [{"name": "recover", "filters": []}]}),
            "does not allow filters",
        ),
        (
            json!({"hooks": [{"name": "custommsg", "filters": ["x"]}]}),
            "unsigned integers",
        ),
        (
            json!({"hooks": [{"name": "rpc_command", "filters": [1]}]}),
            "array of strings",
        ),
        (
            json!({"hooks": [{"name": "rpc_command", "filters": "pay"}]}),
            "must be an array",
        ),
        (
            json!({"hooks": [{"name": "recover", "before": ["scripted.py"]}]}),
            "Cannot meet required hook dependencies",
        ),
    ]
}
