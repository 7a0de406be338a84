use std::time::Duration;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

const NOW: Duration = Duration::from_secs(1_700_000_000);
const ID: &str = "0266e4598d1d3c415f572a8488830b60f7e744ed9235eb0b1ba93283b315c03518";

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_string()).unwrap()
}

fn ask(restrictions: &[&str], method: &str, params: &str) -> Result<(), String> {
    ask_at(restrictions, method, params, NOW, None)
}

fn ask_at(
    restrictions: &[&str],
    method: &str,
    params: &str,
    now: Duration,
    last_used: Option<Duration>,
) -> Result<(), String> {
    let restrictions: Vec<Restriction> = restrictions
        .iter()
        .map(|text| Restriction::parse(text).unwrap())
        .collect();
    let params = (!params.is_empty()).then(|| raw(params));
    let call = Call {
        method: Some(method),
        params: params.as_deref(),
        id: None,
        now,
        last_used,
    };
    evaluate(&restrictions, &call).map_err(|refusal| refusal.to_string())
}

fn holds(restriction: &str, params: &str) -> bool {
    ask(&[restriction], "pay", params).is_ok()
}

#[test]
fn each_condition() {
    let is = |value: &str| format!("{{\"f\":{value}}}");
    for (restriction, pass, fail) in [
        ("pnamef!", vec![], vec!["1", "\"\"", "null"]),
        (
            "pnamef=v1",
            vec!["\"v1\""],
            vec!["\"v\"", "\"v1a\"", "\"V1\""],
        ),
        ("pnamef=1", vec!["1", "\"1\""], vec!["10", "1.0", "-1"]),
        ("pnamef=", vec!["\"\""], vec!["0", "null", "\" \""]),
        ("pnamef/v1", vec!["\"v\"", "\"v1a\"", "1"], vec!["\"v1\""]),
        (
            "pnamef^v1",
            vec!["\"v1\"", "\"v1a\""],
            vec!["\"2v1\"", "\"v\"", "1"],
        ),
        ("pnamef^1", vec!["1", "12", "1.5"], vec!["-1", "21"]),
        ("pnamef$v1", vec!["\"v1\"", "\"2v1\""], vec!["\"v1a\""]),
        (
            "pnamef~v1",
            vec!["\"v1\"", "\"2v12\""],
            vec!["\"1v2\"", "\"\""],
        ),
        ("pnamef~", vec!["\"\"", "\"x\"", "0"], vec![]),
        (
            "pnamef<1",
            vec!["0", "-10000", "-0"],
            vec!["1", "\"0\"", "0.5", "null", "9223372036854775808"],
        ),
        (
            "pnamef>1",
            vec!["2", "9223372036854775807"],
            vec!["1", "0", "\"2\"", "1e9", "true"],
        ),
        ("pnamef<v1", vec![], vec!["1", "\"v1\""]),
        ("pnamef>", vec![], vec!["1"]),
        ("pnamef< +5", vec!["4"], vec!["5"]),
        ("pnamef<5 ", vec![], vec!["4"]),
        (
            "pnamef{11",
            vec!["0", "1", "\"\"", "\"/\""],
            vec!["11", "111", "\"v1\"", "\":\""],
        ),
        (
            "pnamef}11",
            vec!["111", "\"v1\"", "\":\""],
            vec!["0", "1", "11", "\"/\""],
        ),
        ("pnamef#11", vec!["111", "0", "\"x\""], vec![]),
    ] {
        for value in pass {
            assert!(holds(restriction, &is(value)), "{restriction} {value}");
        }
        for value in fail {
            assert!(!holds(restriction, &is(value)), "{restriction} {value}");
        }
        let without = matches!(restriction, "pnamef!" | "pnamef#11");
        assert_eq!(
            holds(restriction, "{}"),
            without,
            "{restriction} on nothing"
        );
        assert_eq!(
            holds(restriction, ""),
            without,
            "{restriction} without params"
        );
    }
}

#[test]
fn one_alternative_must_hold_of_every_restriction() {
    assert_eq!(ask(&[], "pay", "{}"), Ok(()));
    let escaped = ["pnamea=1|pnameb=3", "pnamec~\\&\\|"];
    assert_eq!(ask(&escaped, "pay", r#"{"a":1,"c":"x&|x"}"#), Ok(()));
    assert_eq!(ask(&escaped, "pay", r#"{"b":3,"c":"&|"}"#), Ok(()));
    assert_eq!(
        ask(&escaped, "pay", r#"{"a":2,"c":"&|"}"#).unwrap_err(),
        "Not permitted: parameter a is not equal to 1 AND pnameb not present"
    );
    assert_eq!(
        ask(&escaped, "pay", r#"{"a":1}"#).unwrap_err(),
        "Not permitted: parameter c not present"
    );
}

#[test]
fn readonly_lists_and_gets() {
    let readonly: Vec<String> = readonly().iter().map(ToString::to_string).collect();
    let readonly: Vec<&str> = readonly.iter().map(String::as_str).collect();
    assert_eq!(
        readonly,
        [
            "method^list|method^get|method=summary",
            "method/listdatastore"
        ]
    );
    for (method, may) in [
        ("listpeers", true),
        ("getinfo", true),
        ("summary", true),
        ("summarys", false),
        ("listdatastore", false),
        ("withdraw", false),
        ("", false),
    ] {
        assert_eq!(ask(&readonly, method, "{}").is_ok(), may, "{method}");
    }
}

#[test]
fn words_are_lightningds() {
    for (restriction, params, says) in [
        (
            "pnum=1",
            "[\"x\",2]",
            "number of parameters is not equal to 1",
        ),
        (
            "pnum=1",
            "{\"a\":1,\"b\":2}",
            "number of parameters is not equal to 1",
        ),
        (
            "parr1=17",
            "[\"x\",12000]",
            "parameter #1 is not equal to 17",
        ),
        ("parr1=17", "{\"bolt11\":\"x\"}", "parameter #1 not present"),
        ("parr1=17", "[\"x\"]", "parameter #1 not present"),
        (
            "pnamebolt11=xxx",
            "{\"bolt11\":\"yyy\"}",
            "parameter bolt11 is not equal to xxx",
        ),
        (
            "pnamebolt11=xxx",
            "[\"xxx\"]",
            "parameter bolt11 not present",
        ),
        (
            "pnameamount_msat<10000",
            "{\"bolt11\":\"x\"}",
            "parameter amount_msat not present",
        ),
        (
            "pnameamount_msat<10000",
            "{\"amount_msat\":\"10000sat\"}",
            "parameter amount_msat is not an integer field",
        ),
        (
            "pnameamount_msat<10000",
            "{\"amount_msat\":12000}",
            "parameter amount_msat is greater or equal to 10000",
        ),
        (
            "pnameamount_msat<x",
            "{\"amount_msat\":1}",
            "x is not a valid integer",
        ),
        ("method/pay", "", "method is equal to pay"),
        ("method!", "", "method is present"),
        ("id=02", "", "id not present"),
        ("rate<3", "", "rate operator must be ="),
        ("rate=0", "", "malformed rate"),
        ("per=3x", "", "malformed suffix"),
        ("per=x", "", "malformed per"),
        ("foo=1", "{\"foo\":1}", "foo not present"),
        (
            "pinvx_sum<1",
            "{\"x\":\"y\"}",
            "Unknown invoice field x_sum",
        ),
        (
            "pinvbolt11_amount=1",
            "{\"bolt11x\":\"y\"}",
            "Unknown invoice parameter bolt11",
        ),
        (
            "pinvbolt11_amount=1",
            "{\"bolt11\":\"xxx\"}",
            "Invalid invoice: Bad bech32 string",
        ),
        (
            "pinvbolt11_amount=1",
            "{\"bolt11\":\"lnixxx\"}",
            "Invalid invoice: invalid bech32 string",
        ),
        (
            "pnamea=\"\\\\",
            "{\"a\":1}",
            "parameter a is not equal to \\\"\\\\",
        ),
        ("pnum=1", "\"text\"", "params must be object or array"),
        ("pnum=1", "null", "params must be object or array"),
    ] {
        let refusal = ask(&[restriction], "pay", params).unwrap_err();
        assert_eq!(
            refusal,
            format!("Not permitted: {says}"),
            "{restriction} {params}"
        );
    }
}

#[test]
fn a_guest_has_no_id_but_a_peer_would() {
    assert!(holds("id!", ""));
    let restriction = [Restriction::parse(&format!("id={ID}")).unwrap()];
    let mut call = Call {
        method: None,
        params: None,
        id: Some(ID),
        now: NOW,
        last_used: None,
    };
    assert_eq!(evaluate(&restriction, &call), Ok(()));
    call.id = None;
    assert!(evaluate(&restriction, &call).is_err());
    assert!(evaluate(&[Restriction::parse("method!").unwrap()], &call).is_ok());
}

#[test]
fn names_count_with_and_without_punctuation_and_the_first_counts() {
    assert!(holds("pnameamount_msat=1", r#"{"amount_msat":1}"#));
    assert!(holds("pnameamountmsat=1", r#"{"amount_msat":1}"#));
    assert!(!holds("pnameamount_msat=1", r#"{"amountmsat":1}"#));
    assert!(holds("pnameab=1", r#"{"a_b":1,"ab":2}"#));
    assert!(holds("pnameab=1", r#"{"a-b":1}"#));
    assert!(holds("pnamea=1", r#"{"a":1,"a":2}"#));
    assert!(!holds("pnamea=2", r#"{"a":1,"a":2}"#));
}

#[test]
fn texts_are_compared_as_they_are_sent() {
    assert!(holds("pnamea=\\\\u0069o", r#"{"a":"\u0069o"}"#));
    assert!(!holds("pnamea=io", r#"{"a":"\u0069o"}"#));
    assert!(holds("pnamea={\"x\": 1}", r#"{"a": {"x": 1} }"#));
    assert!(holds("pnamea~, 2", r#"{"a":[1, 2]}"#));
}

#[test]
fn time_rate_and_per() {
    assert!(holds("time<1700000001", ""));
    assert!(!holds("time<1700000000", ""));
    assert!(holds("time^17", ""));
    for (restriction, wait) in [
        ("rate=3", Duration::from_secs(20)),
        ("rate=60", Duration::from_secs(1)),
        ("per=2000000000nsec", Duration::from_secs(2)),
        ("per=2000000usec", Duration::from_secs(2)),
        ("per=2000msec", Duration::from_secs(2)),
        ("per=2sec", Duration::from_secs(2)),
        ("per=2", Duration::from_secs(2)),
        ("per=1min", Duration::from_secs(60)),
        ("per=1hour", Duration::from_secs(3600)),
        ("per=1day", Duration::from_secs(86400)),
    ] {
        let at = |now, last| ask_at(&[restriction], "pay", "", now, last);
        assert_eq!(at(NOW, None), Ok(()));
        assert_eq!(at(NOW + wait, Some(NOW)), Ok(()), "{restriction}");
        let early = at(NOW + wait - Duration::from_nanos(1), Some(NOW));
        assert_eq!(
            early.unwrap_err(),
            "Not permitted: too soon",
            "{restriction}"
        );
        // A clock that was set back does not open the door.
        assert!(at(NOW - wait * 2, Some(NOW)).is_err());
    }
    assert!(
        ask_at(&["per=4294967294day"], "pay", "", NOW, None)
            .unwrap_err()
            .contains("per overflow")
    );
}

/// From BOLT 11's examples: the same keys, with a payment secret.
const COFFEE: &str = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";

#[test]
fn what_is_inside_a_bolt11_invoice() {
    let params = format!("{{\"bolt11\":\"{COFFEE}\"}}");
    assert!(holds("pinvbolt11_amount=250000000", &params));
    assert!(holds("pinvbolt11_description=1 cup coffee", &params));
    assert!(holds(
        "pinvbolt11_node=03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad",
        &params
    ));
    assert!(!holds("pinvbolt11_amount<250000000", &params));
    assert!(!holds("pinvbolt11_amount!", &params));
    assert!(holds(
        "pinvbolt11_amount=250000000",
        &params.replace("lnbc", "lightning:lnbc")
    ));
    assert!(holds(
        "pinvbolt11_amount=250000000",
        &params.replace("lnbc", "LIGHTNING:lnbc")
    ));
    let upper = format!("{{\"bolt11\":\"{}\"}}", COFFEE.to_uppercase());
    assert!(holds("pinvbolt11_amount=250000000", &upper));
    // Another amount breaks the checksum.
    let other = params.replace("2500u", "2501u");
    assert!(
        ask(&["pinvbolt11_amount!"], "pay", &other)
            .unwrap_err()
            .contains("Invalid invoice: Bad bech32")
    );
}

#[test]
fn every_text_is_read_back_from_its_shown_form() {
    for text in [
        "method=pay",
        "pnamea!|pnameb/x",
        "pnamea=a\\|b\\&c\\\\d",
        "pnamea#",
        "method^list|method^get|method=summary",
    ] {
        assert_eq!(Restriction::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(
        Restriction::parse("pnamea=\\b").unwrap().to_string(),
        "pnamea=b"
    );
    for (text, says) in [
        ("", "empty alternative"),
        ("a=1|", "empty alternative"),
        ("|a=1", "empty alternative"),
        ("method", "no condition"),
        ("f\"1", "'\"' in"),
        ("f1:11", "':' in"),
        ("f1\\11", "'\\\\' in"),
        ("=1", "before its field"),
        ("!method", "before its field"),
        ("a=1&b=2", "a text of its own"),
        ("a=1\\", "ends in"),
        ("a=\0", "NUL"),
    ] {
        let error = Restriction::parse(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text:?}: {error}");
    }
    for condition in "!=/^$~<>{}#,".chars() {
        assert!(Restriction::from_alternatives([format!("{condition}method").as_str()]).is_err());
    }
    assert!(Restriction::from_alternatives([]).is_err());
    let verbatim = Restriction::from_alternatives(["pnamea=x|y", "pnameb!"]).unwrap();
    assert_eq!(verbatim.to_string(), "pnamea=x\\|y|pnameb!");
}

#[test]
fn slips_are_linted_and_sound_restrictions_are_not() {
    for sound in [
        "method=pay|pnameamount_msat<5|parr0^ln|parr10=1|pinvbolt11_amount<5|pinva_b_node=02",
        "time<1700000000|rate=3|per=5min|pnum<2|id!|anything#a comment",
    ] {
        assert_eq!(lint(&Restriction::parse(sound).unwrap()), None, "{sound}");
    }
    for slip in [
        "methods=pay",
        "pname=1",
        "parrx=1",
        "parr01=1",
        "pinv_amount=1",
        "pinvx=1",
        "method<5",
        "time<now",
        "id=02",
        "rate=x",
        "per=1year",
    ] {
        assert!(lint(&Restriction::parse(slip).unwrap()).is_some(), "{slip}");
    }
}

#[test]
fn a_slip_with_controls_in_it_is_told_in_one_harmless_line() {
    for (slip, told) in [
        ("a\tb\n=1", "did you mean the parameter \"pnamea\\tb\\n\"?"),
        ("pinv\u{1b}x=1", "\"pinv\\u001Bx\" must end in _amount"),
        (
            "pname\u{7}<\u{202e}x",
            "\"pname\\u0007<\\u202Ex\" can never hold: \"\\u202Ex\" is not a whole number",
        ),
    ] {
        let said = lint(&Restriction::parse(slip).unwrap()).unwrap();
        assert!(said.contains(told), "{said}");
    }
}

/// What a guest may say of a call, and how often it is asked about, is bounded: both are the
/// guest's own choice.
#[test]
fn a_call_is_read_once_and_only_if_it_is_of_a_sane_size() {
    let many = |n: usize| {
        let members: Vec<String> = (0..n).map(|n| format!("\"a{n}\":1")).collect();
        format!("{{{}}}", members.join(","))
    };
    assert_eq!(ask(&["pnum=1000"], "pay", &many(1000)), Ok(()));
    assert_eq!(
        ask(&["pnum=1001"], "pay", &many(1001)).unwrap_err(),
        "Not permitted: more than 1000 parameters"
    );
    let long = format!(r#"{{"bolt11":"{COFFEE}{}"}}"#, "q".repeat(64 << 10));
    assert_eq!(
        ask(&["pinvbolt11_amount<1"], "pay", &long).unwrap_err(),
        "Not permitted: Invalid invoice: longer than 65536 characters"
    );
    let digits = format!(r#"{{"a":{}}}"#, "9".repeat(1 << 20));
    let refused = ask(&["pnamea<5"], "pay", &digits).unwrap_err();
    assert!(refused.contains("is not an integer field"), "{refused}");
}

#[test]
fn each_invoice_is_decoded_for_itself_and_each_part_is_its_own() {
    let params = format!(r#"{{"a":"{COFFEE}","b":"lnbc1"}}"#);
    let holds = |texts: &[&str]| ask(texts, "pay", &params);
    assert_eq!(holds(&["pinva_amount=250000000|pinva_node!"]), Ok(()));
    assert_eq!(
        holds(&["pinva_node!|pinva_amount=1|pinva_description~coffee"]),
        Ok(()),
        "the same invoice again and again"
    );
    let refused = holds(&["pinva_amount>1", "pinvb_amount>1"]).unwrap_err();
    assert!(refused.contains("Invalid invoice"), "{refused}");
}

proptest! {
    #[test]
    fn any_restriction_reads_back(field in "[a-zé_ 0-9]{1,8}", condition in "[!=/^$~<>{}#]", value in "[^\0]{0,12}") {
        let plain = format!("{field}{condition}{value}");
        let restriction = Restriction::from_alternatives([plain.as_str()]).unwrap();
        prop_assert_eq!(&Restriction::parse(&restriction.to_string()).unwrap(), &restriction);
        prop_assert_eq!(&restriction.alternatives()[0].value, &value);
    }

    #[test]
    fn any_text_is_a_restriction_or_not_without_panic(text in "\\PC{0,24}") {
        if let Ok(restriction) = Restriction::parse(&text) {
            prop_assert_eq!(Restriction::parse(&restriction.to_string()).unwrap(), restriction.clone());
            let _ = lint(&restriction);
            let _ = ask(&[text.as_str()], "pay", r#"{"a":[1],"b":"x"}"#);
        }
    }

    #[test]
    fn what_is_said_of_a_restriction_is_one_harmless_line(
        prefix in "(pname|pinv|parr|methods?|id|rate|per|time)?",
        field in "[a-zé_ \\x01-\\x1f\u{85}\u{202e}]{0,8}",
        condition in "[!=/^$~<>{}#&*]?",
        value in "[a-z&|\\\\ \\x01-\\x1f\u{85}\u{202e}]{0,8}",
    ) {
        let text = format!("{prefix}{field}{condition}{value}");
        let plain = Restriction::from_alternatives([text.as_str()]);
        for read in [Restriction::parse(&text), plain] {
            let said = match read {
                Ok(restriction) => lint(&restriction).unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            // Bidirectional controls would show another text than the one that counts.
            let harmful = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            prop_assert!(!said.contains(harmful), "{:?}", said);
        }
    }

    #[test]
    fn any_text_is_an_invoice_or_not_without_panic(text in "(lnbc|lni|LNBCRT)?[0-9]{0,4}[munp]?1[qpzry9x8gf2tvdw0s3jn54khce6mua7l+ ]{0,200}") {
        let _ = bolt11::decode(&text);
        let _ = bolt12::decode(&text);
    }

    #[test]
    fn a_changed_invoice_is_refused(at in 4usize..300, with in "[qpzry9x8gf2tvdw0s3jn54khce6mua7l]") {
        let at = at % COFFEE.len();
        let mut text = COFFEE.to_string();
        text.replace_range(at..=at, &with);
        if text != COFFEE {
            prop_assert!(bolt11::decode(&text).is_err());
        }
    }
}
