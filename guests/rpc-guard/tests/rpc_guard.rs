//! The guest against commands as lightningd shows them.

use std::time::{Duration, UNIX_EPOCH};

use cln_guest::harness::Harness;
use cln_guest::prelude::*;

fn with_rules(rules: &[&str]) -> Harness {
    let mut harness = Harness::new(rpc_guard::guest()).option("rpc-guard-rule", json!(rules));
    harness.init().expect("good rules");
    harness
}

fn run(harness: &mut Harness, method: &str, params: Value) -> Value {
    let payload = json!({"rpc_command": {
        "jsonrpc": "2.0", "id": "cli:x#1", "method": method, "params": params
    }});
    harness.hook::<RpcCommand>(payload).expect("an answer")
}

fn passes() -> Value {
    json!({"result": "continue"})
}

fn error(message: &str) -> Value {
    json!({"return": {"error": {"code": -1, "message": message}}})
}

fn replaced(method: &str, params: Value) -> Value {
    json!({"replace": {"jsonrpc": "2.0", "id": "cli:x#1", "method": method, "params": params}})
}

#[test]
fn commands_are_denied_by_name() {
    let mut harness = with_rules(&["deny withdraw: ask the treasurer", "deny dev*"]);
    let refused = run(&mut harness, "withdraw", json!(["bcrt1q", "all"]));
    assert_eq!(refused, error("ask the treasurer"));
    assert_eq!(
        run(&mut harness, "dev-crash", json!({})),
        error("dev-crash is denied by a rule of rpc-guard")
    );
    assert_eq!(run(&mut harness, "getinfo", json!({})), passes());
    assert_eq!(
        harness.call("rpc-guard-list", json!([])),
        Ok(json!({"rules": [
            {"rule": "deny withdraw: ask the treasurer", "action": "deny", "matched": 1},
            {"rule": "deny dev*", "action": "deny", "matched": 1}
        ]}))
    );
}

#[test]
fn the_ways_out_stay_open_unless_named() {
    let mut harness = with_rules(&["deny *"]);
    for method in [
        "stop",
        "help",
        "getinfo",
        "plugin",
        "setconfig",
        "rpc-guard-list",
    ] {
        assert_eq!(run(&mut harness, method, json!([])), passes(), "{method}");
    }
    assert_ne!(run(&mut harness, "pay", json!([])), passes());
    harness
        .setconfig("rpc-guard-rule", json!(["deny stop"]))
        .unwrap();
    assert_ne!(run(&mut harness, "stop", json!([])), passes());
    assert_eq!(run(&mut harness, "pay", json!([])), passes());
}

#[test]
fn parameters_are_set_and_the_rest_stays() {
    let mut harness = with_rules(&[
        "default pay without maxfee: maxfeepercent=0.5",
        "rewrite pay: label=shop",
        "rewrite invoice: expiry=3600",
    ]);
    assert_eq!(
        run(&mut harness, "pay", json!(["lnbc1q", null, "mine"])),
        replaced(
            "pay",
            json!({"bolt11": "lnbc1q", "label": "shop", "maxfeepercent": 0.5})
        )
    );
    assert_eq!(
        run(
            &mut harness,
            "pay",
            json!({"bolt11": "lnbc1q", "maxfeepercent": 1})
        ),
        replaced(
            "pay",
            json!({"bolt11": "lnbc1q", "maxfeepercent": 1, "label": "shop"})
        )
    );
    // Nothing to change: the very request of the caller runs.
    let as_wanted = json!({"bolt11": "lnbc1q", "maxfee": 1, "label": "shop"});
    assert_eq!(run(&mut harness, "pay", as_wanted), passes());

    let by_position = run(&mut harness, "invoice", json!([1, "label", "description"]));
    let message = by_position["return"]["error"]["message"].as_str().unwrap();
    assert!(message.contains("lightning-cli -k"), "{message}");
    assert_eq!(
        run(&mut harness, "invoice", json!({"label": "a", "expiry": 60})),
        replaced("invoice", json!({"label": "a", "expiry": 3600}))
    );
}

#[test]
fn results_are_given_in_the_place_of_lightningd() {
    let mut harness = with_rules(&[
        r#"answer listoffers: {"offers": []}"#,
        "answer listpays: []",
    ]);
    assert_eq!(
        run(&mut harness, "listoffers", json!({})),
        json!({"return": {"result": {"offers": []}}})
    );
    assert_eq!(
        run(&mut harness, "listpays", json!([1])),
        json!({"return": {"result": []}})
    );
}

#[test]
fn amounts_have_a_cap_with_exceptions() {
    let mut harness = with_rules(&[
        "allow pay with label=payroll",
        "deny pay,withdraw above 1000sat: too much",
    ]);
    for (method, params, expected) in [
        ("pay", json!(["lnbcrt10u1qq"]), passes()),
        ("pay", json!(["lnbcrt11u1qq"]), error("too much")),
        ("pay", json!(["lnbcrt11u1qq", null, "payroll"]), passes()),
        ("pay", json!(["lnbcrt1qq", "1000sat"]), passes()),
        ("pay", json!(["lnbcrt1qq", 1_000_001]), error("too much")),
        ("pay", json!(["lni1qq", 1]), error("too much")),
        ("withdraw", json!(["bcrt1q", 1000]), passes()),
        ("withdraw", json!(["bcrt1q", "all"]), error("too much")),
    ] {
        assert_eq!(
            run(&mut harness, method, params.clone()),
            expected,
            "{method} {params}"
        );
    }
}

#[test]
fn times_of_day_are_looked_at_for_each_call() {
    let mut harness = with_rules(&["deny pay between 22:00-06:00: asleep"]);
    // 2026-01-01 is where the harness begins, at midnight.
    assert_eq!(run(&mut harness, "pay", json!([])), error("asleep"));
    harness.advance(Duration::from_secs(6 * 3600));
    assert_eq!(run(&mut harness, "pay", json!([])), passes());
    harness.set_time(UNIX_EPOCH + Duration::from_secs(22 * 3600));
    assert_eq!(run(&mut harness, "pay", json!([])), error("asleep"));
}

#[test]
fn later_rules_see_what_earlier_ones_set() {
    let mut harness = with_rules(&[
        "rewrite pay with label=big: amount_msat=5000sat",
        "deny pay above 1000sat: too much",
    ]);
    let params = json!({"bolt11": "lnbcrt1qq", "amount_msat": 1, "label": "big"});
    assert_eq!(run(&mut harness, "pay", params), error("too much"));
}

#[test]
fn without_the_parameters_a_rule_about_them_fails_the_call() {
    let mut harness = with_rules(&["deny pay with label", "deny stop"]);
    let hidden = |method: &str| json!({"rpc_command": {"id": 1, "method": method}});
    let refused = harness.hook::<RpcCommand>(hidden("pay")).unwrap();
    let message = refused["return"]["error"]["message"].as_str().unwrap();
    assert!(message.contains("sees no parameters"), "{message}");
    let refused = harness.hook::<RpcCommand>(hidden("stop")).unwrap();
    assert_eq!(refused, error("stop is denied by a rule of rpc-guard"));
    let other = harness.hook::<RpcCommand>(hidden("getinfo")).unwrap();
    assert_eq!(other, passes());
}

#[test]
fn a_member_that_is_there_twice_gets_round_no_rule() {
    let mut harness = with_rules(&["deny withdraw: no", "deny pay above 1sat: too much"]);
    let twice = r#"{"rpc_command":{"id":1,"method":"withdraw","params":[],"method":"help"}}"#;
    let answer = harness.start_raw_hook("rpc_command", twice).finish();
    assert_eq!(answer, Ok(error("no")));
    let twice = r#"{"rpc_command":{"id":1,"method":"pay","params":{"bolt11":"lnbcrt1qq","amount_msat":5000,"amount_msat":1}}}"#;
    let answer = harness
        .start_raw_hook("rpc_command", twice)
        .finish()
        .unwrap();
    let message = answer["return"]["error"]["message"].as_str().unwrap();
    assert!(message.contains("name one twice"), "{message}");
}

#[test]
fn a_bad_rule_disables_the_guest_or_is_refused() {
    let rules = json!(["deny withdraw", "deny everything else"]);
    let mut harness = Harness::new(rpc_guard::guest()).option("rpc-guard-rule", rules.clone());
    let reason = harness.init().unwrap_err();
    assert!(
        reason.starts_with(
            "rpc-guard-rule: rule \"deny everything else\": \"else\" is not a condition"
        ),
        "{reason}"
    );

    let mut harness = with_rules(&["deny withdraw"]);
    assert_eq!(
        harness
            .setconfig("rpc-guard-rule", rules.clone())
            .unwrap_err()
            .code,
        -32602
    );
    assert_eq!(
        harness
            .check_setconfig("rpc-guard-rule", rules)
            .unwrap_err()
            .code,
        -32602
    );
    assert_ne!(run(&mut harness, "withdraw", json!([])), passes());
}

#[test]
fn without_rules_everything_runs() {
    let mut harness = Harness::new(rpc_guard::guest());
    harness.init().unwrap();
    assert_eq!(run(&mut harness, "withdraw", json!(["x", "all"])), passes());
    assert_eq!(
        harness.call("rpc-guard-list", json!({})),
        Ok(json!({"rules": []}))
    );
}
