use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.into()).unwrap()
}

fn priced(method: &str, params: &str) -> Result<u64, String> {
    price(method, Some(&raw(params)), Some(1_000_000)).map_err(|why| why.to_string())
}

/// BOLT 11's example of 250,000,000 msat.
const COFFEE: &str = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";
/// BOLT 11's example without an amount.
const DONATION: &str = "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql";

#[test]
fn prices_are_the_most_that_a_call_can_spend() {
    for (method, params, msat) in [
        // Half a percent or 5 sat in pay itself, 1 % or 5 sat where xpay handles it.
        ("pay", format!("{{\"bolt11\":\"{COFFEE}\"}}"), 252_500_000),
        ("pay", format!("[\"{COFFEE}\"]"), 252_500_000),
        (
            "pay",
            format!("{{\"invstring\":\"lightning:{COFFEE}\"}}"),
            252_500_000,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfee\":7}}"),
            250_000_007,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfeepercent\":\"0.1\",\"exemptfee\":1}}"),
            250_250_000,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfeepercent\":0}}"),
            250_005_000,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"exemptfee\":\"9000sat\"}}"),
            259_000_000,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"partial_msat\":1000}}"),
            2_501_000,
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{DONATION}\",\"amount_msat\":1000}}"),
            6000,
        ),
        (
            "pay",
            format!("[\"{DONATION}\",\"1sat\",null,null,100]"),
            6000,
        ),
        ("xpay", format!("[\"{COFFEE}\",null,\"3sat\"]"), 250_003_000),
        (
            "xpay",
            format!("{{\"invstring\":\"{DONATION}\",\"amount_msat\":1000000}}"),
            1_010_000,
        ),
        (
            "renepay",
            format!("{{\"invstring\":\"{COFFEE}\"}}"),
            252_500_000,
        ),
        ("xkeysend", "[\"02\",1000]".into(), 6000),
        ("keysend", "[\"02\",1000,null,null,60,9,0]".into(), 1005),
        (
            "sendamount",
            "{\"invstring\":\"x\",\"amount_msat\":1000}".into(),
            1000,
        ),
        (
            "sendpay",
            "[[{\"amount_msat\":1001,\"id\":\"02\"},{\"amount_msat\":1000}],\"00\"]".into(),
            1001,
        ),
        (
            "sendpay",
            "{\"route\":[{\"amount_out_msat\":5,\"amount_msat\":9}]}".into(),
            9,
        ),
        (
            "sendonion",
            "{\"first_hop\":{\"amount_msat\":\"5msat\"}}".into(),
            5,
        ),
        ("withdraw", "[\"bc1\",\"5sat\"]".into(), 1_005_000),
        ("withdraw", "[\"bc1\",5]".into(), 1_005_000),
        ("withdraw", "{\"satoshi\":\"5000msat\"}".into(), 1_005_000),
        (
            "multiwithdraw",
            "{\"outputs\":[{\"a\":5},{\"b\":\"0.00000001btc\"}]}".into(),
            1_006_000,
        ),
        ("txprepare", "[[{\"a\":5,\"a\":5}]]".into(), 1_010_000),
        ("fundchannel", "[\"02\",100000]".into(), 101_000_000),
        (
            "multifundchannel",
            "[[{\"id\":\"02\",\"amount\":7},{\"id\":\"03\",\"amount\":\"8sat\"}]]".into(),
            1_015_000,
        ),
        ("listpays", "{\"amount_msat\":5}".into(), 0),
        ("getinfo", "[]".into(), 0),
    ] {
        assert_eq!(priced(method, &params), Ok(msat), "{method} {params}");
    }
}

#[test]
fn what_cannot_be_known_is_refused_with_the_reason() {
    for (method, params, says) in [
        (
            "withdraw",
            "[\"bc1\",\"all\"]".to_string(),
            "satoshi is \"all\"",
        ),
        (
            "fundchannel",
            "{\"id\":\"02\",\"amount\":\"all\"}".into(),
            "\"all\"",
        ),
        (
            "fundchannel",
            "{\"id\":\"02\",\"amount\":5,\"request_amt\":5}".into(),
            "lease",
        ),
        (
            "fundchannel",
            "[\"02\",5,null,null,null,null,null,null,5]".into(),
            "lease",
        ),
        (
            "multifundchannel",
            "[[{\"amount\":5,\"request_amt\":1}]]".into(),
            "lease",
        ),
        (
            "multifundchannel",
            "[[{\"id\":\"02\"}]]".into(),
            "without amount",
        ),
        ("multiwithdraw", "[[{\"a\":\"all\"}]]".into(), "\"all\""),
        ("multiwithdraw", "[5]".into(), "a list was expected"),
        ("multiwithdraw", "[[5]]".into(), "an object was expected"),
        ("pay", "{}".into(), "bolt11 or invstring is missing"),
        ("pay", "{\"bolt11\":\"lno1xyz\"}".into(), "fetchinvoice"),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"invstring\":\"{COFFEE}\"}}"),
            "are both there",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"bolt11\":\"x\"}}"),
            "bolt11 is there twice",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfee\":1,\"maxfee\":2}}"),
            "maxfee is there twice",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfee\":-1}}"),
            "maxfee is not an amount",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfeepercent\":-1}}"),
            "maxfeepercent",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{COFFEE}\",\"maxfeepercent\":1e9}}"),
            "maxfeepercent",
        ),
        (
            "pay",
            format!("{{\"bolt11\":\"{DONATION}\"}}"),
            "has no amount, and amount_msat is missing",
        ),
        (
            "xpay",
            format!("{{\"invstring\":\"{DONATION}\",\"amount_msat\":\"any\"}}"),
            "amount_msat is not an amount",
        ),
        (
            "xkeysend",
            "[\"02\",18446744073709551615]".into(),
            "above 2^64 msat",
        ),
        ("xkeysend", "[\"02\",1e3]".into(), "not an amount"),
        ("sendpay", "[[]]".into(), "route is empty"),
        ("sendpay", "[[{}]]".into(), "is missing"),
        (
            "sendpay",
            "[[{\"amount_msat\":1,\"amount_msat\":2}]]".into(),
            "there twice",
        ),
        ("sendonion", "[\"00\",5]".into(), "an object was expected"),
        ("sendpay", "5".into(), "neither an object nor an array"),
        ("sendpsbt", "{}".into(), "inside the PSBT"),
        ("signpsbt", "{}".into(), "may be sent by anyone"),
        ("createrune", "{}".into(), "without this budget"),
        (
            "showrunes",
            "{}".into(),
            "whoever has the rune could spend without this budget",
        ),
        ("getlog", "[\"io\"]".into(), "the runes that others use"),
        ("blacklistrune", "[1,1,true]".into(), "with relist"),
        ("destroyrune", "[1,1,true]".into(), "with relist"),
        ("plugin", "{}".into(), "without this budget"),
        ("close", "{}".into(), "not known before"),
        ("some-plugins-method", "{}".into(), "not known whether"),
        ("Pay", "{}".into(), "not known whether"),
    ] {
        let error = priced(method, &params).expect_err(&params);
        assert!(error.contains(says), "{method} {params}: {error}");
    }
    let without = price("withdraw", Some(&raw("[\"bc1\",5]")), None).unwrap_err();
    assert!(without.to_string().contains("set onchain_fee_msat"));
    assert!(price("pay", None, None).is_err());
}

#[test]
fn a_fee_rate_is_not_the_guests_to_choose() {
    for (method, params, named) in [
        (
            "withdraw",
            "{\"destination\":\"bc1\",\"satoshi\":\"1000sat\",\"feerate\":\"40000000perkb\"}",
            "feerate",
        ),
        ("withdraw", "[\"bc1\",5,\"40000000perkb\"]", "feerate"),
        (
            "multiwithdraw",
            "{\"outputs\":[{\"a\":5}],\"feerate\":\"urgent\"}",
            "feerate",
        ),
        ("multiwithdraw", "[[{\"a\":5}],1]", "feerate"),
        (
            "txprepare",
            "{\"outputs\":[{\"a\":5}],\"feerate\":\"slow\"}",
            "feerate",
        ),
        ("txprepare", "[[{\"a\":5}],\"\"]", "feerate"),
        (
            "fundchannel",
            "{\"id\":\"02\",\"amount\":5,\"feerate\":253}",
            "feerate",
        ),
        ("fundchannel", "[\"02\",5,\"normal\"]", "feerate"),
        (
            "multifundchannel",
            "{\"destinations\":[{\"amount\":5}],\"feerate\":\"1000perkw\"}",
            "feerate",
        ),
        (
            "multifundchannel",
            "[[{\"amount\":5}],\"1000perkw\"]",
            "feerate",
        ),
        (
            "multifundchannel",
            "{\"destinations\":[{\"amount\":5}],\"commitment_feerate\":\"1000perkw\"}",
            "commitment_feerate",
        ),
        (
            "multifundchannel",
            "[[{\"amount\":5}],null,1,[],1,\"1000perkw\"]",
            "commitment_feerate",
        ),
    ] {
        let error = priced(method, params).expect_err(params);
        let advice = format!(": leave {named} out");
        assert!(error.ends_with(&advice), "{method} {params}: {error}");
    }
    // Also where nothing is set aside: the first thing to do is the guest's.
    let without = price("withdraw", Some(&raw("[\"bc1\",5,\"slow\"]")), None).unwrap_err();
    assert!(without.to_string().ends_with("leave feerate out"));
}

#[test]
fn null_is_no_fee_rate() {
    for (method, params) in [
        ("withdraw", "{\"satoshi\":5,\"feerate\":null}"),
        ("withdraw", "[\"bc1\",5,null,3,[\"00:1\"]]"),
        ("multiwithdraw", "[[{\"a\":5}],null,3]"),
        ("txprepare", "[[{\"a\":5}],null,3]"),
        ("fundchannel", "[\"02\",5,null,false]"),
        ("multifundchannel", "[[{\"amount\":5}],null,1,null,1,null]"),
        (
            "multifundchannel",
            "{\"destinations\":[{\"amount\":5}],\"feerate\":null,\"commitment_feerate\":null}",
        ),
    ] {
        assert_eq!(priced(method, params), Ok(1_005_000), "{method} {params}");
    }
}

#[test]
fn each_method_is_there_once_and_each_that_needs_positions_has_them() {
    let mut names: Vec<&str> = methods::METHODS.iter().map(|(name, _)| *name).collect();
    for (name, how) in methods::METHODS {
        let needs = !matches!(how, price::How::Free | price::How::Unknowable(_));
        let has = methods::POSITIONS.iter().any(|(known, _)| known == name);
        assert_eq!(needs, has, "{name}");
    }
    // A method without the position of its fee rate would let it pass by position.
    for (name, how) in methods::METHODS {
        use price::How::{Channel, Channels, Onchain, Outputs};
        let onchain = matches!(
            how,
            Onchain { .. } | Outputs { .. } | Channel | Channels { .. }
        );
        let rated = methods::POSITIONS
            .iter()
            .any(|(known, names)| known == name && names.contains(&price::FEE_RATES[0]));
        assert_eq!(onchain, rated, "{name}");
    }
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn what_was_spent_is_read_from_what_is_complete() {
    let result = |text: &str| spent("pay", &raw(text));
    assert_eq!(
        result("{\"status\":\"complete\",\"amount_sent_msat\":5}"),
        Some(5)
    );
    assert_eq!(
        result("{\"status\":\"pending\",\"amount_sent_msat\":5}"),
        None
    );
    assert_eq!(result("{\"status\":\"complete\"}"), None);
    assert_eq!(result("[]"), None);
    assert_eq!(spent("xpay", &raw("{\"amount_sent_msat\":5}")), Some(5));
    assert_eq!(
        spent(
            "sendpay",
            &raw("{\"status\":\"complete\",\"amount_sent_msat\":5}")
        ),
        None
    );
    assert!(nothing_was_sent(-32602));
    assert!(!nothing_was_sent(210));
}

proptest! {
    #[test]
    fn any_parameters_have_a_price_or_none_without_panic(method in "(pay|xpay|keysend|sendpay|sendonion|withdraw|multiwithdraw|fundchannel|multifundchannel)", params in "[\\[{]{1,2}(\"(route|amount_msat|satoshi|outputs|amount|destinations|first_hop)\":)?[\\[{]?[0-9\".a-z:,]{0,12}[\\]}]{0,3}") {
        if let Ok(params) = RawValue::from_string(params) {
            let _ = price(&method, Some(&params), Some(u64::MAX));
        }
    }
}
