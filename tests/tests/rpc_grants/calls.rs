//! Made-up calls: by name, by position, and in every odd spelling that JSON has.

use crate::Made;
use crate::policies::INVOICES;
use proptest::prelude::*;

const METHODS: &[&str] = &[
    "pay",
    "pay",
    "pay",
    "getinfo",
    "listpeers",
    "xpay",
    "Pay",
    "PAY",
    "pay ",
    " pay",
    "list\"x",
    "a\\b",
    "g0-none",
    "a.b:c",
    "",
    "p\\u0061y",
    "pay\0",
    "p\u{e4}y",
    "\u{1f600}",
    "\r\n\r\n",
    "pay\",\"id\":\"1",
];

/// Names between their quotes.
const MEMBERS: &[&str] = &[
    "amount_msat",
    "amount_msat",
    "amountmsat",
    "amount-msat",
    "a_b",
    "ab",
    "a.b",
    "level",
    "bolt11",
    "bolt11",
    "é",
    "amount_ms\\u0061t",
    "",
    "a\\\"b",
    "pnum",
    "parr0",
    "method",
];

const VALUES: &[&str] = &[
    "1000",
    "\"1000\"",
    "\"1000msat\"",
    "0",
    "-0",
    "1",
    "-5",
    "5",
    "1.5",
    "1e3",
    "1E400",
    "null",
    "true",
    "false",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "123456789012345678901234567890",
    "\"io\"",
    "\"i\\u006f\"",
    "\"a|b\"",
    "\"a&b\"",
    "\"a\\\\b\"",
    "\"\\\"\"",
    "\"é\"",
    "\"\\u00e9\"",
    "\"\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "\"\"",
    "{}",
    "[]",
    "[1, 2]",
    "[1,2]",
    "{\"x\": 1}",
    "{\"a\":1,\"a\":2}",
    "\"}\"",
    "\"\\n\\n\"",
];

/// Texts that are no params, or nearly none.
const ODD: &[&str] = &[
    "",
    " ",
    "null",
    "1",
    "\"pay\"",
    "{",
    "}",
    "[1",
    "{}{}",
    "[],[]",
    "{\"a\":1,}",
    "{a:1}",
    "[1,]",
    "{\"a\" 1}",
    "\u{feff}{}",
    "{}\0",
    "{\"a\":\"\n\"}",
    "{} x",
    "[]\n\n{\"method\":\"stop\"}",
    "{},\"id\":1",
    "{}},{",
    "nul",
    "[NaN]",
    "[01]",
    "[+1]",
    "[.5]",
    "{\"a\":\"\\x\"}",
    "{\"a\":\"\\u12\"}",
    "//\n{}",
];

fn value() -> BoxedStrategy<String> {
    let invoice =
        any::<prop::sample::Index>().prop_map(|i| format!("\"{}\"", i.get(&*INVOICES).text));
    let nested = (0usize..130).prop_map(|n| format!("{}{}", "[".repeat(n), "]".repeat(n)));
    let text = "[ -!#-\\[\\]-~é]{0,12}".prop_map(|text| format!("\"{text}\""));
    let long = (1usize..20_000).prop_map(|n| format!("\"{}\"", "x".repeat(n)));
    prop_oneof![
        24 => prop::sample::select(VALUES).prop_map(str::to_owned),
        4 => any::<i64>().prop_map(|n| n.to_string()),
        3 => invoice,
        3 => text,
        1 => nested.prop_filter("a value", |text| !text.is_empty()),
        1 => long,
    ]
    .boxed()
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just(""), 1 => prop::sample::select(&[" ", "\n", "\t ", "\r\n", "\n\n"][..])]
}

fn params() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        9 => prop::sample::select(MEMBERS).prop_map(str::to_owned),
        1 => "[a-z_.-]{0,6}",
    ];
    let member = (name, blank(), blank(), value())
        .prop_map(|(name, a, b, value)| format!("{a}\"{name}\"{b}:{a}{value}{b}"));
    let object = (prop::collection::vec(member, 0..4), blank())
        .prop_map(|(members, blank)| format!("{blank}{{{}{blank}}}{blank}", members.join(",")));
    let array = (prop::collection::vec(value(), 0..4), blank())
        .prop_map(|(items, blank)| format!("{blank}[{blank}{}]", items.join(&format!("{blank},"))));
    prop_oneof![
        12 => object,
        6 => array,
        2 => prop::sample::select(ODD).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
    ]
}

/// One call.
pub fn call() -> impl Strategy<Value = Made> {
    let method = prop_oneof![
        12 => prop::sample::select(METHODS).prop_map(str::to_owned),
        1 => "(list|pay)?\\PC{0,8}",
        1 => any::<String>(),
    ];
    (method, params())
}
