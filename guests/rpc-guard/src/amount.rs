//! How much a call would send, read from its parameters.

use cln_guest::prelude::*;
use cln_guest::serde_json::Map;

/// Where a method has its amount.
enum Spends {
    /// In a BOLT 11 invoice under the first of these names that is there, or `amount_msat`.
    Invoice(&'static [&'static str]),
    /// In a parameter whose bare numbers are msat.
    Msat(&'static str),
    /// In a parameter whose bare numbers are sat.
    Sat(&'static str),
}

const SPENDERS: [(&str, Spends); 8] = [
    ("pay", Spends::Invoice(&["bolt11", "invstring"])),
    ("xpay", Spends::Invoice(&["invstring"])),
    ("renepay", Spends::Invoice(&["invstring"])),
    ("sendamount", Spends::Msat("amount_msat")),
    ("keysend", Spends::Msat("amount_msat")),
    ("xkeysend", Spends::Msat("amount_msat")),
    ("withdraw", Spends::Sat("satoshi")),
    ("fundchannel", Spends::Sat("amount")),
];

/// The methods whose amount can be read.
pub fn methods() -> impl Iterator<Item = &'static str> {
    SPENDERS.iter().map(|(method, _)| *method)
}

/// The amount in msat, fees not counted. None when the parameters do not tell:
/// `all`, a BOLT 12 invoice, an offer, or something unreadable.
pub fn of(method: &str, params: &Map<String, Value>) -> Option<u64> {
    let (_, spends) = SPENDERS.iter().find(|(known, _)| *known == method)?;
    let given = |name: &str| params.get(name).filter(|value| !value.is_null());
    match spends {
        Spends::Msat(name) => read(given(name)?, 0),
        Spends::Sat(name) => read(given(name)?, 3),
        Spends::Invoice(names) => {
            let invoice = names.iter().find_map(|name| given(name))?.as_str()?;
            let inside = bolt11(invoice)?;
            let beside = given("amount_msat").map(|value| read(value, 0));
            match (inside, beside) {
                (Some(inside), None) => Some(inside),
                (None, Some(beside)) => beside,
                // lightningd refuses both; should it not, the larger one counts.
                (Some(inside), Some(beside)) => Some(inside.max(beside?)),
                (None, None) => None,
            }
        }
    }
}

/// An amount as lightningd reads it (`common/amount.c`): a number, or text that may end
/// in `msat`, `sat` or `btc`. A bare number is in units of ten to the `bare` msat.
fn read(value: &Value, bare: u32) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64()?.checked_mul(10_u64.checked_pow(bare)?),
        Value::String(text) => parse(text, bare),
        _ => None,
    }
}

/// See [`read`].
pub fn parse(text: &str, bare: u32) -> Option<u64> {
    let (number, tens) = match text {
        text if text.ends_with("msat") => (text.strip_suffix("msat")?, 0),
        text if text.ends_with("sat") => (text.strip_suffix("sat")?, 3),
        text if text.ends_with("btc") => (text.strip_suffix("btc")?, 11),
        text => (text, bare),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) {
        return None;
    }
    let missing = tens.checked_sub(u32::try_from(part.len()).ok()?)?;
    format!("{whole}{part}")
        .parse::<u64>()
        .ok()?
        .checked_mul(10_u64.checked_pow(missing)?)
}

/// The amount that a BOLT 11 invoice names, if it names one; None when it is no
/// such invoice, or its amount is unreadable.
fn bolt11(invoice: &str) -> Option<Option<u64>> {
    let invoice = invoice.to_ascii_lowercase();
    let invoice = invoice.strip_prefix("lightning:").unwrap_or(&invoice);
    let (prefix, _) = invoice.rsplit_once('1')?;
    // The currency: bc, tb, tbs, bcrt, and Liquid's.
    let amount = ["bcrt", "bc", "tbs", "tb", "ert", "ex", "tex", "sb"]
        .iter()
        .find_map(|currency| prefix.strip_prefix("ln")?.strip_prefix(currency))?;
    if amount.is_empty() {
        return Some(None);
    }
    let (number, pico_per_unit): (&str, u128) = match amount.chars().next_back()? {
        'm' => (amount.strip_suffix('m')?, 1_000_000_000),
        'u' => (amount.strip_suffix('u')?, 1_000_000),
        'n' => (amount.strip_suffix('n')?, 1_000),
        'p' => (amount.strip_suffix('p')?, 1),
        _ => (amount, 1_000_000_000_000),
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    // A tenth of an msat is one pico-bitcoin; what cannot be paid counts upwards.
    let msat = u128::from(number).checked_mul(pico_per_unit)?.div_ceil(10);
    Some(Some(u64::try_from(msat).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(method: &str, params: Value) -> Option<u64> {
        of(method, params.as_object().unwrap())
    }

    #[test]
    fn amounts_are_read_as_lightningd_does() {
        for (text, bare, msat) in [
            ("5", 0, Some(5)),
            ("5", 3, Some(5000)),
            ("5msat", 3, Some(5)),
            ("5sat", 0, Some(5000)),
            ("1.5sat", 0, Some(1500)),
            ("0.00000001btc", 0, Some(1000)),
            ("21000000btc", 0, Some(2_100_000_000_000_000_000)),
            ("1.0001sat", 0, None),
            ("1.5", 0, None),
            ("all", 3, None),
            ("-1", 0, None),
            ("+1", 0, None),
            ("", 0, None),
            ("sat", 0, None),
            ("99999999999999999999", 0, None),
            ("999999999999btc", 0, None),
        ] {
            assert_eq!(parse(text, bare), msat, "{text}");
        }
    }

    #[test]
    fn invoices_name_their_amount() {
        for (invoice, msat) in [
            ("lnbc2500u1pvjluez", Some(Some(250_000_000))),
            ("LNBC20M1PVJLUEZ", Some(Some(2_000_000_000))),
            ("lightning:lnbcrt50n1qqqq", Some(Some(5000))),
            ("lntb9678785340p1qqq", Some(Some(967_878_534))),
            ("lnbc1p1qqq", Some(Some(1))),
            ("lntbs21qqq", Some(Some(200_000_000_000))),
            ("lnbcrt1qqq", Some(None)),
            (
                "lno1qgsyxjtl6luzd9t3pr62xr7eemp6awnejusgf6gw45q75vcfqqqqqqq",
                None,
            ),
            ("lni1qqq", None),
            ("name@example.com", None),
            ("lnbc99999999999999999999m1qqq", None),
            ("lnbcu1qqq", None),
            ("", None),
        ] {
            assert_eq!(bolt11(invoice), msat, "{invoice}");
        }
    }

    #[test]
    fn what_a_call_sends() {
        for (method, params, msat) in [
            (
                "pay",
                json!({"bolt11": "lnbc20m1pvjluez"}),
                Some(2_000_000_000),
            ),
            (
                "pay",
                json!({"bolt11": "lnbc1pvjluez", "amount_msat": "3sat"}),
                Some(3000),
            ),
            (
                "pay",
                json!({"bolt11": "lnbc1pvjluez", "amount_msat": null}),
                None,
            ),
            (
                "pay",
                json!({"bolt11": "lnbc10n1qq", "amount_msat": 5000}),
                Some(5000),
            ),
            (
                "xpay",
                json!({"invstring": "lno1qq", "amount_msat": 1}),
                None,
            ),
            ("xpay", json!({}), None),
            ("keysend", json!({"amount_msat": 7}), Some(7)),
            ("withdraw", json!({"satoshi": "7"}), Some(7000)),
            ("withdraw", json!({"satoshi": 7}), Some(7000)),
            ("withdraw", json!({"satoshi": "all"}), None),
            (
                "fundchannel",
                json!({"amount": "0.01btc"}),
                Some(1_000_000_000),
            ),
            ("fundchannel", json!({"amount": -1}), None),
            ("getinfo", json!({}), None),
        ] {
            assert_eq!(amount(method, params.clone()), msat, "{method} {params}");
        }
    }
}
