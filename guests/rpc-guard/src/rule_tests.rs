use super::*;

fn parse(text: &str) -> Rule {
    Rule::parse(text).unwrap_or_else(|reason| panic!("{text}: {reason}"))
}

#[test]
fn a_rule_is_read_from_left_to_right() {
    let rule =
        parse("deny pay,xpay above 1000sat between 22:00-06:30 with label: not at night: ask");
    assert_eq!(
        rule.conditions,
        [
            Condition::Above(1_000_000),
            Condition::Between(22 * 60, 6 * 60 + 30),
            Condition::With("label".into(), None),
        ]
    );
    assert_eq!(rule.action, Action::Deny(Some("not at night: ask".into())));
    assert!(rule.is_about("pay") && rule.is_about("xpay") && !rule.is_about("payer"));

    assert_eq!(parse("  deny dev* ").action, Action::Deny(None));
    assert_eq!(parse("allow pay without label").action, Action::Allow);
    let Action::Default(set) = parse("default pay: maxfeepercent=0.5 label=a=b").action else {
        panic!("not a default");
    };
    assert_eq!(
        Value::Object(set),
        json!({"maxfeepercent": 0.5, "label": "a=b"})
    );
    let Action::Rewrite(set) = parse(r#"rewrite pay: {"label": "two words"}"#).action else {
        panic!("not a rewrite");
    };
    assert_eq!(Value::Object(set), json!({"label": "two words"}));
    assert_eq!(
        parse(r#"answer listoffers: {"offers": []}"#).action,
        Action::Answer(Structured::Object(Map::from_iter([(
            "offers".into(),
            json!([])
        )])))
    );
}

#[test]
fn a_bad_rule_says_what_would_be_right() {
    for (text, reason) in [
        ("", "it is empty"),
        ("forbid pay", "not an action"),
        ("deny", "which method?"),
        ("deny pa*y", "not the name of a method"),
        ("deny pay,", "not the name of a method"),
        ("deny pay unless x", "not a condition"),
        ("deny withdraw not here", "after a colon and a space"),
        ("deny pay above", "needs an amount"),
        ("deny pay above 1000", "with its unit"),
        ("deny pay above lots", "with its unit"),
        ("deny pa* above 1sat", "above needs names"),
        (
            "deny sendpay above 1sat",
            "the amount of sendpay cannot be read",
        ),
        ("deny pay between 22-06", "two times of day"),
        ("deny pay between 24:00-06:00", "two times of day"),
        ("deny pay between 06:00-06:00", "two times of day"),
        ("deny pay between +1:00-06:00", "two times of day"),
        ("deny pay with =1", "not the name of a parameter"),
        ("deny pay without", "needs a parameter"),
        ("allow pay: because", "allow takes nothing"),
        ("rewrite pay", "rewrite needs NAME=VALUE"),
        ("rewrite pay:", "rewrite needs NAME=VALUE"),
        ("rewrite pay: label", "not NAME=VALUE"),
        ("rewrite pay: a=1 a=2", "set twice"),
        ("rewrite *: a=1", "rewrite needs names"),
        ("default pa*: a=1", "default needs names"),
        (r#"rewrite pay: {"a":"#, "no JSON object"),
        ("answer pay: \"text\"", "object or array, not"),
        ("answer pay: {", "object or array: EOF"),
        ("answer *: {}", "answer needs names"),
    ] {
        let given = Rule::parse(text).expect_err(text);
        assert!(given.contains(reason), "{text:?}: {given}");
    }
}

#[test]
fn a_pattern_leaves_the_way_out_open() {
    let all = parse("deny *");
    for method in RECOVERY {
        assert!(!all.is_about(method), "{method}");
        assert!(!parse(&format!("deny {}*", &method[..2])).is_about(method));
        assert!(parse(&format!("deny {method}")).is_about(method));
    }
    assert!(all.is_about("pay"));
}

#[test]
fn conditions_hold_or_do_not() {
    let holds = |rule: &str, params: Value, now: u16| {
        parse(rule).conditions[0].holds("pay", params.as_object().unwrap(), now)
    };
    let night = "deny pay between 22:00-06:00";
    for (now, held) in [
        (0, true),
        (359, true),
        (360, false),
        (1319, false),
        (1320, true),
    ] {
        assert_eq!(holds(night, json!({}), now), held, "{now}");
    }
    let day = "deny pay between 06:00-22:00";
    for (now, held) in [(359, false), (360, true), (1319, true), (1320, false)] {
        assert_eq!(holds(day, json!({}), now), held, "{now}");
    }
    for (rule, params, held) in [
        ("deny pay with retry_for=5", json!({"retry_for": "5"}), true),
        ("deny pay with retry_for=5", json!({"retry_for": 5}), true),
        ("deny pay with retry_for=5", json!({"retry_for": 50}), false),
        ("deny pay with label", json!({}), false),
        ("deny pay without label", json!({}), true),
        (
            "deny pay above 1sat",
            json!({"bolt11": "lnbc1q", "amount_msat": 1000}),
            false,
        ),
        (
            "deny pay above 1sat",
            json!({"bolt11": "lnbc1q", "amount_msat": 1001}),
            true,
        ),
        // What nobody knows counts as above.
        ("deny pay above 1sat", json!({}), true),
    ] {
        assert_eq!(holds(rule, params.clone(), 0), held, "{rule} {params}");
    }
}
