//! The simulator with a plugin that behaves well: everything that lightningd says is said, and every
//! answer arrives where it should.

mod scripted;

use cln_wasm_tests::simulator::{CallOptions, RpcError, Simulator};
use scripted::{builder, path, start, well_behaved};
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn starts_as_lightningd_starts_a_plugin() {
    let node = builder(json!({})).developer().start().unwrap();
    let me = node.call("whoami", json!([])).unwrap();
    let directory = node.directory().to_str().unwrap();
    assert!(directory.ends_with("/lightning/regtest"), "{directory}");
    assert_eq!(me["cwd"], directory);
    assert_eq!(me["argv"], json!(["--developer"]));
    assert_eq!(
        me["env"],
        json!({"LIGHTNINGD_PLUGIN": "1", "LIGHTNINGD_VERSION": "v26.06.6"})
    );
    let configuration = &me["configuration"];
    assert_eq!(configuration["lightning-dir"], directory);
    assert_eq!(configuration["rpc-file"], "lightning-rpc");
    assert_eq!(configuration["network"], "regtest");
    assert_eq!(configuration["startup"], true);
    assert_eq!(configuration["feature_set"]["init"], "800898880a8a59a1");
    assert!(node.manifest().dynamic);
    let exits = node.shutdown().unwrap();
    assert!(exits[0].told && exits[0].status.unwrap().success());
}

#[test]
fn options_arrive_typed() {
    let node = builder(json!({}))
        .option("s-int", json!(11))
        .option("s-bool", json!("yes"))
        .option("s-flag", json!(true))
        .option("s-multi", json!(["a", "b\"c"]))
        .start()
        .unwrap();
    assert_eq!(
        node.call("options", json!([])).unwrap(),
        json!({"s-string": "a default", "s-int": 11, "s-bool": true, "s-flag": true,
            "s-multi": ["a", "b\"c"]})
    );
    node.shutdown().unwrap();
    for (name, value) in [("s-int", "x"), ("s-bool", "1"), ("nobody-has-it", "1")] {
        let failure = builder(json!({})).option(name, json!(value)).start().err();
        assert!(failure.unwrap().verdict().is_none(), "{name}");
    }
}

#[test]
fn params_and_results_pass_byte_for_byte() {
    let node = well_behaved();
    for params in [
        "[]",
        "{}",
        r#"{"a": [1, {"b":null}]}"#,
        r#"["\u00fc\ud83d\ude00", 1e3]"#,
    ] {
        let back: Value = serde_json::from_str(&node.call_raw("echo", params).unwrap()).unwrap();
        assert_eq!(back, serde_json::from_str::<Value>(params).unwrap());
    }
    let failure = node.call("fail", json!({"x": 1})).unwrap_err();
    let expected = RpcError {
        code: 7,
        message: "as asked".to_owned(),
        data: Some(json!({"params": {"x": 1}})),
    };
    assert_eq!(failure.rpc(), Some(&expected));
    assert_eq!(
        node.call("no-such", json!([])).unwrap_err().code(),
        Some(-32601)
    );
    node.shutdown().unwrap();
}

#[test]
fn ids_have_todays_form() {
    let node = start(json!({"manifest": {"hooks": []}}));
    for (id, inner) in [
        ("\"a/b#1\"", "a/b#1"),
        ("17", "17"),
        ("\"with \\\" quote\"", "weird-id"),
        ("\"tab\\t\"", "weird-id"),
    ] {
        let options = CallOptions {
            id: Some(id.to_owned()),
            ..CallOptions::default()
        };
        let call = node.start_call_with("echo", "[1]", options).unwrap();
        let response = call.wait_response().unwrap();
        // The plugin's own text, with the id alone replaced.
        assert_eq!(
            response,
            format!("{{\"jsonrpc\": \"2.0\", \"id\": {id}, \"result\": [1]}}")
        );
        let sent = format!("\"id\":\"{inner}/cln:echo#");
        assert!(node.transcript().contains(&sent), "{sent}");
    }
    node.shutdown().unwrap();
}

#[test]
fn a_filter_is_passed_on() {
    let node = start(json!({"manifest": {"hooks": []}}));
    let options = CallOptions {
        filter: Some(json!({"a": true})),
        ..CallOptions::default()
    };
    let call = node
        .start_call_with("echo", json!({"a": 1, "b": 2}), options)
        .unwrap();
    assert_eq!(call.wait().unwrap(), json!({"a": 1, "b": 2}));
    assert!(node.transcript().contains(r#""filter":{"a":true}"#));
    node.shutdown().unwrap();
}

#[test]
fn message_and_progress_reach_the_caller() {
    let node = well_behaved();
    let mut call = node.start_call("told", json!([])).unwrap();
    let (method, params) = call.next_note().unwrap().unwrap();
    assert_eq!(
        (method.as_str(), &params["message"]),
        ("message", &json!("half way"))
    );
    assert!(params["id"].as_str().unwrap().starts_with("test:told#"));
    let (method, params) = call.next_note().unwrap().unwrap();
    assert_eq!((method.as_str(), &params["total"]), ("progress", &json!(2)));
    assert_eq!(call.next_note().unwrap(), None);
    assert_eq!(call.wait().unwrap(), "done");
    node.shutdown().unwrap();
}

#[test]
fn many_hooks_are_held_while_methods_answer() {
    let node = start(json!({"hold": ["htlc_accepted"]}));
    let payload = json!({"onion": {"payload": "00"}, "htlc": {"id": 1}});
    let mut runs: Vec<_> = (0..1000)
        .map(|_| node.start_hook("htlc_accepted", &payload).unwrap())
        .collect();
    assert_eq!(node.call("echo", json!([1])).unwrap(), json!([1]));
    assert!(runs.iter_mut().all(|run| !run.is_done()));
    node.call("release", json!([])).unwrap();
    for run in runs {
        assert_eq!(run.wait().unwrap().result, json!({"result": "continue"}));
    }
    node.shutdown().unwrap();
}

#[test]
fn hooks_are_called_before_init_is_answered() {
    let node = builder(json!({"raw": {"init": ""}}))
        .without_waiting_for_init()
        .start()
        .unwrap();
    let ended = node
        .hook("peer_connected", json!({"peer": {"id": "02"}}))
        .unwrap();
    assert_eq!(ended.answers[0].1, json!({"result": "continue"}));
    // But no notification.
    assert_eq!(node.notify("connect", json!({"id": "02"})).unwrap(), 0);
}

#[test]
fn notifications_come_in_todays_shape_and_in_order() {
    let node = start(json!({"manifest": {"subscriptions": ["connect", "*", "shutdown"]}}));
    assert_eq!(node.notify("connect", json!({"id": "02"})).unwrap(), 2);
    assert_eq!(
        node.notify_bare("disconnect", json!({"id": "03"})).unwrap(),
        1
    );
    assert_eq!(node.notify("log", json!({})).unwrap(), 0);
    let seen = node.call("seen", json!([])).unwrap();
    let seen: Vec<_> = seen
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s.is_object() && s["topic"] != "plugin_started")
        .map(|s| (s["topic"].as_str().unwrap(), s["params"].clone()))
        .collect();
    let connect = json!({"connect": {"id": "02"}});
    assert_eq!(
        seen,
        [
            ("connect", connect.clone()),
            ("connect", connect),
            ("disconnect", json!({"id": "03"}))
        ]
    );
    node.shutdown().unwrap();
}

#[test]
fn custom_notifications_carry_their_origin() {
    let listener = json!({"quiet": true, "manifest": {"subscriptions": ["scripted_news"],
        "rpcmethods": [{"name": "seen", "usage": ""}]}});
    let speaker = json!({"manifest": {"rpcmethods": [{"name": "notify", "usage": ""}]}});
    let node = scripted::add(builder(listener), speaker).start().unwrap();
    node.call("notify", json!(["scripted_news", {"a": [1]}]))
        .unwrap();
    node.call("notify", json!(["undeclared", {}])).unwrap();
    let seen = node.call("seen", json!([])).unwrap();
    assert_eq!(
        seen,
        json!([{"topic": "scripted_news", "params": {"a": [1]}, "origin": "scripted.py"}])
    );
    node.wait_log(|l| l.level == "unusual" && l.text.contains("\"undeclared\""))
        .unwrap();
    node.shutdown().unwrap();
}

#[test]
fn log_lines_are_split_and_cleaned() {
    let node = well_behaved();
    for (level, shown) in [("warn", "unusual"), ("error", "broken"), ("debug", "debug")] {
        let params = json!(["log", {"level": level, "message": format!("one {level}\ntwo\t")}]);
        node.call("notify", params).unwrap();
        let line = node.wait_log(|l| l.text == format!("one {level}")).unwrap();
        assert_eq!(
            (line.level, line.source.as_str()),
            (shown, "plugin-scripted.py")
        );
    }
    node.wait_log(|l| l.text == "two?").unwrap();
    let seen = node.call("seen", json!([])).unwrap();
    let topics: Vec<_> = seen
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|s| s["topic"].as_str())
        .collect();
    assert_eq!(topics.iter().filter(|t| **t == "warning").count(), 4);
    assert_eq!(topics.iter().filter(|t| **t == "log").count(), 6);
    node.shutdown().unwrap();
}

#[test]
fn check_and_setconfig() {
    let node = builder(json!({}))
        .native("getinfo", |_| Ok(json!({})))
        .start()
        .unwrap();
    assert_eq!(
        node.check("echo", json!({"a": 1})).unwrap(),
        json!({"checked": {"a": 1, "command_to_check": "echo"}})
    );
    assert_eq!(
        node.check("echo", json!([1])).unwrap(),
        json!({"checked": ["echo", 1]})
    );
    assert_eq!(
        node.check("getinfo", json!({})).unwrap(),
        json!({"command_to_check": "getinfo"})
    );
    node.setconfig("s-int", Some(json!(12))).unwrap();
    assert!(
        node.transcript()
            .contains(r#""params":{"config":"s-int","val":"12"}"#)
    );
    node.setconfig("s-multi", Some(json!(["x", "y"]))).unwrap();
    let refused = node.setconfig("s-int", Some(json!("many"))).unwrap_err();
    assert_eq!(refused.rpc().unwrap().message, "not a number");
    assert_eq!(
        node.setconfig("s-string", Some(json!("x")))
            .unwrap_err()
            .code(),
        Some(-32602)
    );
    assert!(
        node.check("setconfig", json!({"config": "s-int", "val": 3}))
            .is_ok()
    );
    assert!(
        node.transcript()
            .contains(r#"{"command_to_check":"setconfig","config":"s-int","val":"3"}"#)
    );
    node.shutdown().unwrap();
}

#[test]
fn deprecated_methods_and_oneshot() {
    let methods = json!([{"name": "old", "usage": "", "deprecated": true}, {"name": "seen", "usage": ""},
        {"name": "gone", "usage": "", "deprecated": ["v20.01", "v21.01"]}]);
    let node = start(json!({"manifest": {"rpcmethods": methods}}));
    assert_eq!(
        node.call("old", json!([])).unwrap_err().code(),
        Some(-32601)
    );
    let allowed = || CallOptions {
        deprecated_ok: Some(true),
        ..CallOptions::default()
    };
    let answer = node
        .start_call_with("old", json!([]), allowed())
        .unwrap()
        .wait();
    assert_eq!(
        answer.unwrap_err().rpc().unwrap().message,
        "unknown method old"
    );
    let gone = node
        .start_call_with("gone", json!([]), allowed())
        .unwrap()
        .wait();
    assert!(
        gone.unwrap_err()
            .rpc()
            .unwrap()
            .message
            .contains("deprecated")
    );
    let seen = node.call("seen", json!([])).unwrap();
    let oneshot = json!({"deprecated_oneshot": {"deprecated_ok": true}});
    assert!(
        seen.as_array()
            .unwrap()
            .iter()
            .any(|s| s["params"] == oneshot)
    );
    node.shutdown().unwrap();
}

#[test]
fn any_way_of_writing_reaches_the_plugin() {
    let node = well_behaved();
    let text = |id: &str| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"method\":\"echo\",\"params\":[\"\u{e9}\"]}}"
        )
    };
    let ids = ["one", "two", "bytewise", "pretty"];
    let answers: Vec<_> = ids
        .iter()
        .map(|id| node.expect_answer(0, &format!("\"{id}\"")))
        .collect();
    node.send_bytes(format!("{}{}\n\n", text("one"), text("two")));
    for byte in text("bytewise").bytes() {
        node.send_bytes([byte]);
    }
    let value: Value = serde_json::from_str(&text("pretty")).unwrap();
    node.send_bytes(serde_json::to_string_pretty(&value).unwrap());
    node.send_bytes("\n\n");
    for answer in answers {
        let doc = answer.wait().unwrap();
        assert_eq!(
            doc.get("result").unwrap().to_value(),
            Some(json!(["\u{e9}"]))
        );
    }
    node.shutdown().unwrap();
}

#[test]
fn help_leaves_no_trace() {
    let manifest = builder(json!({})).help().unwrap();
    assert!(manifest.method("echo").is_some());
    let failure = builder(json!({"raw": {"getmanifest": "nonsense}"}}))
        .help()
        .unwrap_err();
    assert!(failure.verdict().unwrap().is_killed());
}

#[test]
fn started_and_stopped_while_running() {
    let mut node = Simulator::builder().start().unwrap();
    let at = node.plugin_start(path(), &[("s-int", "3")]).unwrap();
    let me = node.call("whoami", json!([])).unwrap();
    assert_eq!(me["configuration"]["startup"], false);
    assert!(node.transcript().contains("/cln:getmanifest#"));
    let exit = node.plugin_stop(at).unwrap();
    assert!(exit.told && exit.status.unwrap().success());
    assert_eq!(
        node.call("whoami", json!([])).unwrap_err().code(),
        Some(-32601)
    );
    let again = node.plugin_start(path(), &[]).unwrap();
    assert_eq!(node.call("options", json!([])).unwrap()["s-int"], 7);
    node.kill_plugin(again).unwrap();
    node.shutdown().unwrap();
}

#[test]
fn a_killed_plugin_fails_calls_and_lets_hooks_go_on() {
    let node = start(json!({"hold": ["htlc_accepted"], "manifest": {"hooks": ["htlc_accepted"]}}));
    let run = node
        .start_hook("htlc_accepted", json!({"htlc": {}}))
        .unwrap();
    let call = node.start_call("silent", json!([])).unwrap();
    node.kill_plugin(0).unwrap();
    assert_eq!(call.wait().unwrap_err().code(), Some(-4));
    let ended = run.wait().unwrap();
    assert_eq!(ended.result, json!({"result": "continue"}));
    assert_eq!(ended.answers, [("scripted.py".to_owned(), Value::Null)]);
    node.shutdown().unwrap();
}

#[test]
fn db_write_comes_before_init_and_alone() {
    let node = start(json!({"manifest": {"hooks": ["db_write"], "dynamic": false}}));
    let transcript = node.transcript();
    let (write, init) = (
        transcript.find("cln:db_write#"),
        transcript.find("cln:init#"),
    );
    assert!(write.unwrap() < init.unwrap());
    node.db_write(&["UPDATE vars SET intval=2"]).unwrap();
    assert!(
        node.transcript()
            .contains(r#""data_version":2,"writes":["UPDATE vars SET intval=2"]"#)
    );
    node.shutdown().unwrap();

    let other = json!({"manifest": {"options": [], "rpcmethods": []}});
    let held = json!({"hold": ["db_write"], "manifest": {"hooks": ["db_write"], "rpcmethods": []}});
    let node = scripted::add(builder(held), other)
        .deadline(Duration::from_millis(300))
        .without_waiting_for_init()
        .start();
    // Nobody releases it: everything else stands still, init included.
    let failure = node.err().unwrap().to_string();
    assert!(failure.contains("no answer to db_write"), "{failure}");
    assert!(!failure.contains("cln:init#"), "{failure}");
}
