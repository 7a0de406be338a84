//! Questions: restrictions that mean something and some that do not, calls, invoices.

use super::node::Rpc;
use serde_json::json;
use serde_json::value::RawValue;

/// One question.
pub struct Case {
    /// Each a list of alternatives.
    pub restrictions: Vec<Vec<String>>,
    /// The method that is asked about.
    pub method: Option<String>,
    /// Its params.
    pub params: Option<Box<RawValue>>,
    /// The peer that asks.
    pub id: Option<String>,
}

impl Case {
    /// About the fields of a call.
    pub fn about_fields(dice: &mut Dice, id: &str) -> Case {
        if dice.below(12) == 0 {
            return Case {
                restrictions: vec![vec![alternative_of(dice, id, &["rate", "per"])]],
                method: None,
                params: None,
                id: None,
            };
        }
        let restrictions = (0..1 + dice.below(3))
            .map(|_| {
                (0..1 + dice.below(3))
                    .map(|_| alternative(dice, id))
                    .collect()
            })
            .collect();
        Case {
            restrictions,
            method: dice.maybe(&["pay", "listpeers", "getinfo", "", "list\"x", "a\\b"]),
            params: dice
                .maybe(PARAMS)
                .map(|text| RawValue::from_string(text).unwrap()),
            id: (dice.below(3) > 0).then(|| id.to_string()),
        }
    }

    /// About what is in an invoice.
    pub fn about_invoices(dice: &mut Dice, invoices: &[String], id: &str) -> Case {
        let field = dice.pick(&[
            "pinvbolt11_amount",
            "pinvbolt11_description",
            "pinvbolt11_node",
            "pinvx_y_amount",
            "pinvbolt11_sum",
            "pinv_amount",
            "pinvother_node",
            "pinv",
        ]);
        let value = match field.rsplit('_').next() {
            Some("amount") => dice
                .pick(&["1", "1000", "12300", "9999999", "-1", "1msat"])
                .to_string(),
            Some("node") => dice.pick(&[id, "02", "03", ""]).to_string(),
            _ => dice.pick(&["", "inv", "tip|jar", "ünï"]).to_string(),
        };
        let condition = dice.pick(CONDITIONS);
        let mut invoice = dice.pick_string(invoices);
        match dice.below(8) {
            0 => invoice.insert_str(0, "lightning:"),
            1 => invoice.insert_str(0, "LIGHTNING:"),
            2 => invoice = invoice.to_uppercase(),
            3 if !invoice.is_empty() => {
                // One character changed: most often a checksum or signature that is wrong.
                let at = dice.below(invoice.len());
                let with = dice.pick(&["q", "p", "1", "l", "Z", "+", " "]);
                if invoice.is_char_boundary(at) && invoice.is_char_boundary(at + 1) {
                    invoice.replace_range(at..at + 1, with);
                }
            }
            _ => {}
        }
        let name = dice.pick(&["bolt11", "bolt11", "bolt11", "x_y", "other"]);
        let params = json!({ name: invoice }).to_string();
        Case {
            restrictions: vec![vec![format!("{field}{condition}{value}")]],
            method: Some("pay".into()),
            params: Some(RawValue::from_string(params).unwrap()),
            id: None,
        }
    }
}

const CONDITIONS: &[&str] = &["!", "=", "/", "^", "$", "~", "<", ">", "{", "}", "#"];

const FIELDS: &[&str] = &[
    "method",
    "method",
    "id",
    "time",
    "pnum",
    "pnameamount_msat",
    "pnameamountmsat",
    "pnamelevel",
    "pnamenested",
    "pnamelist",
    "pnameab",
    "pnamea_b",
    "pnamea",
    "pname",
    "pnameé",
    "pnameq",
    "parr0",
    "parr1",
    "parr01",
    "parr",
    "parr2",
    "rate",
    "per",
    "foo",
    "method ",
    "",
];

fn alternative(dice: &mut Dice, id: &str) -> String {
    alternative_of(dice, id, FIELDS)
}

fn alternative_of(dice: &mut Dice, id: &str, fields: &[&'static str]) -> String {
    let field = dice.pick(fields);
    let condition = if dice.below(25) == 0 {
        dice.pick(&["-", ",", "", ".", "|", "&", "\\"])
    } else {
        dice.pick(CONDITIONS)
    };
    let value: &str = match field {
        "rate" => dice.pick(&[
            "1",
            "60",
            " 2",
            "+3",
            "4294967294",
            "4294967295",
            "0",
            "-1",
            "x",
            "",
            "3x",
            "-18446744073709551613",
        ]),
        "per" => dice.pick(&[
            "1min",
            "2hour",
            "1day",
            "100",
            "60sec",
            "1nsec",
            "2usec",
            "100000msec",
            "0",
            "x",
            "",
            "1year",
            "-1",
            "4294967295",
            " 90sec",
            "+1 min",
        ]),
        "time" => dice.pick(&[
            "1656675211",
            "9999999999",
            "-1",
            "",
            "x",
            "9223372036854775807",
            "9223372036854775808",
            "2",
            "0",
        ]),
        "id" => {
            return format!(
                "{field}{condition}{}",
                dice.pick(&[id, &id[..10], "02", "03", "", "9"])
            );
        }
        "method" => dice.pick(&[
            "pay",
            "list",
            "listpeers",
            "get",
            "info",
            "peers",
            "",
            "q",
            "a",
            "list\\\"x",
            "a\\b",
            "5",
        ]),
        _ => dice.pick(&[
            "",
            "0",
            "1",
            "2",
            "3",
            "10",
            "9",
            "1000",
            " 1000",
            "+1000",
            "-5",
            "1000x",
            "999999999999999999999",
            "-9223372036854775808",
            "9223372036854775807",
            "io",
            "i",
            "o",
            "null",
            "true",
            "1.5",
            "1e3",
            "{",
            "[1, 2]",
            "a|b",
            "a&b",
            "a\\\\b",
            "é",
            "\\u00e9",
            "\"",
            "{\"x\": 1}",
            "-0",
            "\t1",
            "a b",
            "ab#c",
        ]),
    };
    format!("{field}{condition}{value}")
}

const PARAMS: &[&str] = &[
    "{}",
    "[]",
    r#"{"amount_msat":1000}"#,
    r#"{"amount_msat":"1000","level":"io"}"#,
    r#"{"amount_msat":"1000msat"}"#,
    r#"{"amount_msat":9223372036854775808,"level":null}"#,
    r#"{"amount_msat":-9223372036854775808}"#,
    r#"{"amount_msat":-0,"level":1.5}"#,
    r#"{"amountmsat":5,"amount_msat":6}"#,
    r#"{"amount_msat":6,"amountmsat":5}"#,
    r#"{"a_b":1,"ab":2}"#,
    r#"{"a-b":"io","a_b":3,"a.b":4}"#,
    r#"{"a\"b":"i","ab":"o"}"#,
    r#"{"a":"a|b","q":"a&b"}"#,
    r#"{"a":"a\\b","q":"\"","é":"é"}"#,
    r#"{"a":"\u00e9","q":"\/"}"#,
    r#"{ "nested" : {"x": 1} , "list" : [1, 2] , "level" : true }"#,
    r#"{"level":1e3,"a":1E3,"q":10}"#,
    r#"{"":"io","level":""}"#,
    r#"["io"]"#,
    r#"["io", 1000, {"x": 1}]"#,
    r#"[1000,"1000"]"#,
    r#"[ [1, 2] , null, -5 ]"#,
    r#"[0,9,10,"a|b"]"#,
];

/// Invoices of both kinds, with and without amounts and descriptions, and some
/// that are none.
pub fn make_invoices(node: &mut Rpc, payee: &mut Rpc, dice: &mut Dice) -> Vec<String> {
    let mut invoices = Vec::new();
    for (n, amount) in ["1", "1000", "12300", "\"any\"", "123456789", "2500000000"]
        .iter()
        .enumerate()
    {
        for (m, description) in ["inv", "tip|jar", "", "ünï \\u0000 x", "a\\\"b"]
            .iter()
            .enumerate()
        {
            for deschash in [false, true] {
                let params = format!(
                    r#"{{"amount_msat":{amount},"label":"{n}-{m}-{deschash}","description":"{description}","deschashonly":{deschash},"expiry":{}}}"#,
                    1 + dice.below(1_000_000)
                );
                for payee in [&mut *node, &mut *payee] {
                    if let Ok(made) = payee.call("invoice", &params) {
                        invoices.push(made["bolt11"].as_str().unwrap().to_string());
                    }
                }
            }
        }
    }
    for (amount, description) in [("1", "inv"), ("12300", "tip|jar"), ("1000000", "ünï")] {
        let offer = payee.result(
            "offer",
            &json!({ "amount": format!("{amount}msat"), "description": description }).to_string(),
        );
        let fetched = node.result(
            "fetchinvoice",
            &json!({ "offer": offer["bolt12"] }).to_string(),
        );
        let invoice = fetched["invoice"].as_str().unwrap().to_string();
        invoices.push(format!("{}+ {}", &invoice[..50], &invoice[50..]));
        invoices.push(offer["bolt12"].as_str().unwrap().to_string());
        for _ in 0..20 {
            invoices.push(invoice.clone());
        }
    }
    assert!(invoices.len() > 60, "{}", invoices.len());
    invoices.extend(["", "xxx", "lni1", "lni", "lnbc1", "lnixxx", "1", "lnbcrt1p", "lntb20m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqhp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqsfpp3x9et2e20v6pu37c5d9vax37wxq72un989qrsgqdj545axuxtnfemtpwkc45hx9d2ft7x04mt8q7y6t0k2dge9e7h8kpy9p34ytyslj3yu569aalz2xdk8xkd7ltxqld94u8h2esmsmacgpghe9k8"].map(String::from));
    invoices
}

/// A small generator, so that a run can be repeated (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    /// Below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn pick<'p>(&mut self, from: &[&'p str]) -> &'p str {
        from[self.below(from.len())]
    }

    fn pick_string(&mut self, from: &[String]) -> String {
        from[self.below(from.len())].clone()
    }

    fn maybe(&mut self, from: &[&str]) -> Option<String> {
        (self.below(8) > 0).then(|| self.pick(from).to_string())
    }
}
