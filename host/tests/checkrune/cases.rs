//! The same questions to [`evaluate`] and to a real lightningd's `checkrune`.
//!
//! Needs `CLN_DIR` (its `bin/` holds lightningd) and `LIGHTNINGD_LAB` (the folder
//! of `network.py`, which starts regtest nodes), and is asked for by name:
//! `cargo test -p cln-wasm differential -- --ignored --nocapture`.

mod node;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use node::{Network, Rpc};

const CASES: usize = 4000;
const SEED: u64 = 0x5eed_0000_0000_0001;

#[test]
#[ignore = "needs a real lightningd: set CLN_DIR and LIGHTNINGD_LAB, run with --ignored"]
fn differential_with_checkrune() {
    let (Some(_), Some(lab)) = (
        std::env::var_os("CLN_DIR"),
        std::env::var_os("LIGHTNINGD_LAB"),
    ) else {
        panic!("CLN_DIR and LIGHTNINGD_LAB must be set");
    };
    let network = Network::start(Path::new(&lab));
    let mut node = Rpc::connect(&network.rpc_paths[0]);
    let mut payee = Rpc::connect(&network.rpc_paths[1]);
    let mut dice = Dice(SEED);

    let id = node.result("getinfo", "{}")["id"]
        .as_str()
        .unwrap()
        .to_string();
    let invoices = make_invoices(&mut node, &mut payee, &mut dice);
    let mut tally = Tally::default();
    for n in 0..CASES {
        let case = if n % 3 == 0 {
            Case::about_invoices(&mut dice, &invoices, &id)
        } else {
            Case::about_fields(&mut dice, &id)
        };
        case.compare(&mut node, &mut tally);
    }
    println!("seed {SEED:#x}: {tally:?}");
    assert!(
        tally.permitted > CASES / 10,
        "too few cases that pass to mean anything"
    );
    assert!(
        tally.refused > CASES / 10,
        "too few cases that fail to mean anything"
    );
    assert!(tally.too_soon > 10);
    assert_eq!((tally.disagreements, tally.other_words), (0, 0));
}

#[derive(Debug, Default)]
struct Tally {
    permitted: usize,
    refused: usize,
    malformed: usize,
    too_soon: usize,
    disagreements: usize,
    other_words: usize,
    /// Where only lightningd's use of freed memory differed, see [`Case::settle`].
    freed_memory: usize,
}

struct Case {
    restrictions: Vec<Vec<String>>,
    method: Option<String>,
    params: Option<Box<RawValue>>,
    id: Option<String>,
}

impl Case {
    fn about_fields(dice: &mut Dice, id: &str) -> Case {
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

    fn about_invoices(dice: &mut Dice, invoices: &[String], id: &str) -> Case {
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

    fn compare(&self, node: &mut Rpc, tally: &mut Tally) {
        let ours: Result<Vec<Restriction>, _> = self
            .restrictions
            .iter()
            .map(|texts| Restriction::from_alternatives(texts.iter().map(String::as_str)))
            .collect();
        let made = node.call(
            "createrune",
            &json!({ "restrictions": self.restrictions }).to_string(),
        );
        let (ours, made) = match (ours, made) {
            (Ok(ours), Ok(made)) => (ours, made),
            (Err(_), Err(_)) => {
                tally.malformed += 1;
                return;
            }
            (ours, made) => {
                return self.disagree(tally, &format!("{ours:?}"), &format!("{made:?}"));
            }
        };
        // The form inside the rune must read back as the same.
        for restriction in &ours {
            assert_eq!(
                Restriction::parse(&restriction.to_string()).as_ref(),
                Ok(restriction)
            );
        }
        let mut params = vec![format!("\"rune\":{}", made["rune"])];
        if let Some(method) = &self.method {
            params.push(format!("\"method\":{}", Value::from(method.as_str())));
        }
        if let Some(sent) = &self.params {
            params.push(format!("\"params\":{sent}"));
        }
        if let Some(id) = &self.id {
            params.push(format!("\"nodeid\":\"{id}\""));
        }
        let question = format!("{{{}}}", params.join(","));
        let mut last_used = None;
        // Twice, for rate and per.
        for _ in 0..2 {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let call = Call {
                method: self.method.as_deref(),
                params: self.params.as_deref(),
                id: self.id.as_deref(),
                now: last_used.map_or(now, |last| last + Duration::from_millis(1)),
                last_used,
            };
            let ours = evaluate(&ours, &call);
            let theirs = node.call("checkrune", &question);
            match (&ours, &theirs) {
                (Ok(()), Ok(_)) => {
                    tally.permitted += 1;
                    last_used = Some(call.now);
                }
                (Err(ours), Err(theirs)) => {
                    tally.refused += 1;
                    tally.too_soon += usize::from(ours.to_string().contains("too soon"));
                    if ours.to_string() != *theirs && !self.settle(node, tally) {
                        tally.other_words += 1;
                        println!(
                            "other words: {:?} {question}\n  ours   {ours}\n  theirs {theirs}",
                            self.restrictions
                        );
                    }
                    return;
                }
                _ => {
                    if !self.settle(node, tally) {
                        println!("{question}");
                        self.disagree(tally, &format!("{ours:?}"), &format!("{theirs:?}"));
                    }
                    return;
                }
            }
        }
    }

    /// lightningd v26.06 keeps the names of object parameters in memory that it
    /// frees when the first restriction that looked them up has passed
    /// (`check_condition` allocates them off the list of complaints, which
    /// `rune_restr_test` frees). What later restrictions find is then a matter of
    /// chance. Asked for each restriction alone, it answers as it means to.
    fn settle(&self, node: &mut Rpc, tally: &mut Tally) -> bool {
        let object = self
            .params
            .as_ref()
            .is_some_and(|params| params.get().starts_with('{'));
        if !object || self.restrictions.len() < 2 {
            return false;
        }
        let mut alone = Tally::default();
        for restriction in &self.restrictions {
            let case = Case {
                restrictions: vec![restriction.clone()],
                method: self.method.clone(),
                params: self.params.clone(),
                id: self.id.clone(),
            };
            case.compare(node, &mut alone);
        }
        let agree = alone.disagreements + alone.other_words == 0;
        tally.freed_memory += usize::from(agree);
        agree
    }

    fn disagree(&self, tally: &mut Tally, ours: &str, theirs: &str) {
        tally.disagreements += 1;
        println!(
            "DISAGREE: {:?}\n  ours   {ours}\n  theirs {theirs}",
            self.restrictions
        );
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
fn make_invoices(node: &mut Rpc, payee: &mut Rpc, dice: &mut Dice) -> Vec<String> {
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
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
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
