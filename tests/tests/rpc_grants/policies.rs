//! Made-up grants of RPC calls, as the file says them and as they are meant.

use cln_wasm_tests::runes::{Alternative, Invoice, parse};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

/// `[grant] rpc` of one guest.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The bare names, then each table: the restrictions that must hold together.
    pub grants: Vec<Vec<Vec<Alternative>>>,
    /// The value of `rpc` in TOML.
    rpc: String,
}

impl Policy {
    /// One grant with these restrictions.
    pub fn of(restrictions: &[&str]) -> Policy {
        let tables = [restrictions.iter().map(|text| (*text).to_owned()).collect()];
        Policy::new(&[], &[], &tables, false)
    }

    fn new(names: &[&str], methods: &[&str], tables: &[Vec<String>], as_lists: bool) -> Policy {
        let mut policy = Policy {
            grants: Vec::new(),
            rpc: String::from("["),
        };
        let names: BTreeSet<&str> = names.iter().copied().collect();
        for name in &names {
            let _ = write!(policy.rpc, "{}, ", json!(name));
        }
        if !names.is_empty() {
            policy.grants.push(vec![one_of(names)]);
        }
        let mut known = BTreeSet::new();
        for (at, texts) in tables.iter().enumerate() {
            let mut meant: Vec<_> = texts.iter().map(|text| parse(text).expect(text)).collect();
            let methods: BTreeSet<&str> = match at {
                0 => methods.iter().copied().collect(),
                _ => BTreeSet::new(),
            };
            let mut written = String::new();
            if !methods.is_empty() {
                let _ = write!(written, "methods = {}, ", json!(methods));
                meant.insert(0, one_of(methods));
            }
            // The same twice is refused as a slip.
            if meant.is_empty() || !known.insert(format!("{meant:?}")) {
                continue;
            }
            let list: Vec<String> = meant[meant.len() - texts.len()..]
                .iter()
                .zip(texts)
                .map(
                    |(alternatives, text)| match as_lists && distinct(alternatives) {
                        true => json!(plain(alternatives)).to_string(),
                        false => json!(text).to_string(),
                    },
                )
                .collect();
            if !list.is_empty() {
                let _ = write!(written, "restrictions = [{}]", list.join(", "));
            }
            let _ = write!(policy.rpc, "{{ {} }}, ", written.trim_end_matches(", "));
            policy.grants.push(meant);
        }
        policy.rpc.push(']');
        policy
    }

    /// The whole file, which also grants the method that a test asks by.
    pub fn text(&self, method: &str) -> String {
        format!("[grant]\nmethods = [\"{method}\"]\nrpc = {}\n", self.rpc)
    }
}

fn one_of<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<Alternative> {
    names
        .into_iter()
        .map(|name| Alternative {
            field: "method".to_owned(),
            condition: '=',
            value: name.to_owned(),
        })
        .collect()
}

/// The form that `createrune` takes: without escapes.
fn plain(alternatives: &[Alternative]) -> Vec<String> {
    alternatives
        .iter()
        .map(|a| format!("{}{}{}", a.field, a.condition, a.value))
        .collect()
}

/// A list with the same text twice is refused as a slip.
fn distinct(alternatives: &[Alternative]) -> bool {
    let all = plain(alternatives);
    all.iter().collect::<BTreeSet<_>>().len() == all.len()
}

const NAMES: &[&str] = &[
    "pay",
    "getinfo",
    "listpeers",
    "Pay",
    "xpay",
    "g0-none",
    "a.b:c",
];

/// The node that pays for coffee in BOLT 11.
const NODE: &str = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad";

/// Two of the examples in BOLT 11, and what that document says is in them.
pub static INVOICES: LazyLock<[Invoice; 2]> = LazyLock::new(|| {
    let coffee = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";
    let testnet = "lntb20m1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygshp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqfpp3x9et2e20v6pu37c5d9vax37wxq72un989qrsgqdj545axuxtnfemtpwkc45hx9d2ft7x04mt8q7y6t0k2dge9e7h8kpy9p34ytyslj3yu569aalz2xdk8xkd7ltxqld94u8h2esmsmacgpghe9k8";
    [
        Invoice {
            text: coffee.to_owned(),
            amount_msat: Some(250_000_000),
            description: Some("1 cup coffee".to_owned()),
            node: NODE.to_owned(),
        },
        Invoice {
            text: testnet.to_owned(),
            amount_msat: Some(2_000_000_000),
            description: None,
            node: NODE.to_owned(),
        },
    ]
});

/// A value in the form inside runes.
fn encoded(value: &str) -> String {
    let mut text = String::new();
    for c in value.chars() {
        if matches!(c, '|' | '&' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// One alternative that is no obvious slip, which the bridge would refuse.
fn alternative() -> impl Strategy<Value = String> {
    let fields = &[
        "method",
        "method",
        "method",
        "pnum",
        "pnameamount_msat",
        "pnameamountmsat",
        "pnamea_b",
        "pnameab",
        "pnamelevel",
        "pnameé",
        "parr0",
        "parr1",
        "parr2",
        "time",
        "per",
        "id",
        "pinvbolt11_amount",
        "pinvbolt11_description",
        "pinvbolt11_node",
    ][..];
    let conditions = &["!", "=", "/", "^", "$", "~", "{", "}", "#"][..];
    let choice = (
        prop::sample::select(fields),
        prop::sample::select(conditions),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        any::<bool>(),
        "[ -~é]{0,4}",
    );
    choice.prop_map(|(field, condition, which, bound, numeric, any)| {
        let pick = |from: &[&str]| from[which.index(from.len())].to_owned();
        let number = pick(&[
            "0",
            "1",
            "2",
            "1000",
            " 1000",
            "+5",
            "-5",
            "9223372036854775807",
        ]);
        match field {
            "per" => return "per=100day".to_owned(),
            "id" => return "id!".to_owned(),
            "method" => {
                let values = [
                    "pay",
                    "list",
                    "peers",
                    "info",
                    "",
                    "P",
                    "a\\\\b",
                    "list\\\"x",
                    &any,
                ];
                return format!("method{condition}{}", encoded(&pick(&values)));
            }
            "time" => {
                let operator = ["<", ">"][bound.index(2)];
                return format!("time{operator}{}", pick(&["1000", "99999999999", "-1"]));
            }
            _ => {}
        }
        if numeric {
            let operator = ["<", ">"][bound.index(2)];
            return format!("{field}{operator}{number}");
        }
        let value = match field {
            "pinvbolt11_amount" => pick(&["250000000", "2000000000", "2"]),
            "pinvbolt11_description" => pick(&["1 cup coffee", "coffee", ""]),
            "pinvbolt11_node" => pick(&[NODE, "03e7", "02"]),
            _ => pick(&[
                "1000", "1000msat", "io", "", "null", "true", "1.5", "1e3", "{}", "[1, 2]", "a|b",
                "a&b", "a\\\\b", "\\u00e9", "é", "\"", &any,
            ]),
        };
        format!("{field}{condition}{}", encoded(&value))
    })
}

fn restriction() -> impl Strategy<Value = String> {
    let methods = prop::collection::vec(prop::sample::select(NAMES), 1..3).prop_map(|names| {
        names
            .iter()
            .map(|n| format!("method={n}"))
            .collect::<Vec<_>>()
            .join("|")
    });
    let any = prop::collection::vec(alternative(), 1..4).prop_map(|all| all.join("|"));
    prop_oneof![1 => methods, 3 => any]
}

/// A policy of up to three tables.
pub fn policy() -> impl Strategy<Value = Policy> {
    let some = |most| prop::collection::vec(prop::sample::select(NAMES), 0..most);
    let tables = prop::collection::vec(prop::collection::vec(restriction(), 1..4), 0..4);
    (some(2), some(3), tables, any::<bool>())
        .prop_map(|(names, methods, tables, lists)| Policy::new(&names, &methods, &tables, lists))
}
