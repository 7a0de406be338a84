//! The JSON-RPC under the calls: broken, cut, huge, and with odd ids.

use crate::teller;
use cln_wasm_tests::bridge::{Folder, bridge, manifest, methods};
use serde_json::json;

#[test]
fn malformed_input_is_answered_as_json_rpc_says() {
    let folder = teller();
    let node = bridge(&folder).start().unwrap();
    let code = |id: &str, text: &str| {
        let answer = node.expect_answer(0, id);
        node.send_bytes(text);
        let answer = answer.wait().unwrap().root().to_value().unwrap();
        answer["error"]["code"].as_i64().unwrap()
    };
    let unknown = code(
        "\"u\"",
        "{\"jsonrpc\":\"2.0\",\"id\":\"u\",\"method\":\"no-such-method\",\"params\":[]}\n\n",
    );
    assert_eq!(unknown, -32601);
    assert_eq!(
        code("null", "{\"jsonrpc\":\"2.0\",\"id\":\"x\",}\n\n"),
        -32700
    );
    assert_eq!(
        code(
            "null",
            "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t-echo\"}]\n\n"
        ),
        -32600
    );
    assert_eq!(
        code(
            "\"m\"",
            "{\"jsonrpc\":\"2.0\",\"id\":\"m\",\"params\":[]}\n\n"
        ),
        -32600
    );
    // And the stream goes on.
    assert_eq!(node.call("t-echo", json!([1])).unwrap(), json!([1]));
    node.shutdown().unwrap();
}

#[test]
fn ids_are_echoed_byte_for_byte() {
    let folder = teller();
    let node = bridge(&folder).start().unwrap();
    let ids = [
        "\"cli:t-echo#1/cln:t-echo#2\"",
        "17",
        "-3",
        "1.50",
        "\"\\u0041\\n\\\"\"",
        "\"\"",
        "12345678901234567890123",
    ];
    let answers: Vec<_> = ids
        .iter()
        .map(|id| (id, node.expect_answer(0, id)))
        .collect();
    for id in ids {
        node.send_bytes(format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"t-echo\",\"params\":[]}}\n\n"
        ));
    }
    for (id, answer) in answers {
        let answer = answer.wait().unwrap();
        assert_eq!(answer.get("id").unwrap().full(), *id);
        assert!(answer.get("result").is_some(), "{id}");
    }
    node.shutdown().unwrap();
}

#[test]
fn messages_come_in_any_cut() {
    let folder = teller();
    let node = bridge(&folder).start().unwrap();
    let echo = |id: usize, text: &str| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":\"c{id}\",\"method\":\"t-echo\",\"params\":[{text}]}}"
        )
    };
    // Several in one write, with and without empty lines, and pretty-printed ones with empty lines inside.
    let whole = format!(
        "{}\n\n{}{}\n\n{{\n\n  \"jsonrpc\": \"2.0\",\n\n  \"id\": \"c4\",\n  \"method\": \"t-echo\",\n  \"params\": [\"a}}\\\"b\"]\n}}\n\n",
        echo(1, "1"),
        echo(2, "2"),
        echo(3, "3")
    );
    let answers: Vec<_> = (1..=4)
        .map(|n| node.expect_answer(0, &format!("\"c{n}\"")))
        .collect();
    node.send_bytes(&whole);
    for (n, answer) in answers.into_iter().enumerate() {
        let result = answer.wait().unwrap().root().to_value().unwrap();
        let expected = if n == 3 {
            json!(["a}\"b"])
        } else {
            json!([n + 1])
        };
        assert_eq!(result["result"], expected);
    }
    // One byte at a time, cut inside of letters and escapes.
    let text = format!(
        "{}\n\n{}\n\n",
        echo(5, "\"é\\u00e9😀\""),
        echo(6, "\"\\\\\"")
    );
    let answers: Vec<_> = (5..=6)
        .map(|n| node.expect_answer(0, &format!("\"c{n}\"")))
        .collect();
    for byte in text.as_bytes() {
        node.send_bytes([*byte]);
    }
    let results: Vec<_> = answers
        .into_iter()
        .map(|a| a.wait().unwrap().root().to_value().unwrap()["result"].clone())
        .collect();
    assert_eq!(results, [json!(["éé😀"]), json!(["\\"])]);
    node.shutdown().unwrap();
}

#[test]
fn a_message_of_20_mb_is_taken() {
    let folder = Folder::new().scripted(
        "big",
        json!({"manifest": manifest(json!({"rpcmethods": methods(&["b-take", "b-echo"])})),
            "methods": {"b-take": {"answer": "taken"}, "b-echo": "echo"},
            "policy": "[limits]\nmemory_bytes = \"512 MiB\"\nanswer_bytes = \"64 MiB\"\ncpu_per_call_ms = 10000"}),
    );
    let node = bridge(&folder).start().unwrap();
    let text = "x".repeat(20 << 20);
    assert_eq!(node.call("b-take", json!([text])).unwrap(), json!("taken"));
    let echoed = node.call_raw("b-echo", json!([text])).unwrap();
    assert_eq!(echoed.len(), text.len() + 4);
    node.shutdown().unwrap();
}
