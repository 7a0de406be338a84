//! A call's parameters by name, also where the caller gave them by position.

use std::fmt;

use cln_guest::json::{self, RawValue};
use cln_guest::prelude::*;
use cln_guest::serde_json::Map;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What the positions mean (`plugins/`): of the methods
/// that rules are most often about. Others must be called with named parameters.
#[rustfmt::skip]
const POSITIONS: [(&str, &[&str]); 8] = [
    ("pay", &["bolt11", "amount_msat", "label", "riskfactor", "maxfeepercent", "retry_for", "maxdelay", "exemptfee", "localinvreqid", "exclude", "maxfee", "description", "partial_msat"]),
    ("xpay", &["invstring", "amount_msat", "maxfee", "layers", "retry_for", "partial_msat", "maxdelay", "payer_note", "label", "localinvreqid"]),
    ("renepay", &["invstring", "amount_msat", "maxfee"]),
    ("sendamount", &["invstring", "amount_msat", "maxfee", "layers", "retry_for", "maxdelay", "payer_note", "label"]),
    ("keysend", &["destination", "amount_msat", "label", "maxfeepercent", "retry_for", "maxdelay", "exemptfee", "extratlvs", "routehints", "maxfee"]),
    ("xkeysend", &["destination", "amount_msat", "label", "maxfee", "layers", "retry_for", "maxdelay", "extratlvs"]),
    ("withdraw", &["destination", "satoshi", "feerate", "minconf", "utxos"]),
    ("fundchannel", &["id", "amount", "feerate", "announce", "minconf", "utxos", "push_msat", "close_to", "request_amt", "compact_lease", "mindepth", "reserve", "channel_type"]),
];

/// Why the parameters have no names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nameless {
    /// There are none to see.
    Hidden,
    /// They are given by position, and what the positions mean is not known.
    Positions,
    /// They are neither an object nor an array, or name a parameter twice.
    Malformed,
}

/// Parameters as they come. A name that is there twice is an error: lightningd would
/// take the first value (`common/json_parse_simple.c:json_get_member`), most readers the
/// last, and a rule must not judge another value than the one that counts.
enum Params {
    Named(Map<String, Value>),
    InOrder(Vec<Value>),
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Params;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Params, A::Error> {
                let mut named = Map::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if named.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("{name} is there twice")));
                    }
                    named.insert(name, value);
                }
                Ok(Params::Named(named))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Params, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = elements.next_element()? {
                    values.push(value);
                }
                Ok(Params::InOrder(values))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// The parameters of a call of `method`, by name. What is null counts as absent.
pub fn named(method: &str, params: Option<&RawValue>) -> Result<Map<String, Value>, Nameless> {
    let params = params.ok_or(Nameless::Hidden)?;
    let mut named = match json::from_str(params.get()) {
        Ok(Params::Named(named)) => named,
        Ok(Params::InOrder(values)) if values.is_empty() => Map::new(),
        Ok(Params::InOrder(values)) => {
            let (_, names) = POSITIONS
                .iter()
                .find(|(known, _)| *known == method)
                .ok_or(Nameless::Positions)?;
            if values.len() > names.len() {
                return Err(Nameless::Positions);
            }
            let names = names.iter().map(|name| (*name).to_owned());
            names.zip(values).collect()
        }
        Err(_) => return Err(Nameless::Malformed),
    };
    named.retain(|_, value| !value.is_null());
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, params: &str) -> Result<Value, Nameless> {
        let raw = RawValue::from_string(params.to_owned()).unwrap();
        named(method, Some(&raw)).map(Value::Object)
    }

    #[test]
    fn positions_get_their_names() {
        assert_eq!(
            read("pay", r#"["lnbc1", null, "rent"]"#),
            Ok(json!({"bolt11": "lnbc1", "label": "rent"}))
        );
        assert_eq!(
            read("withdraw", r#"{"satoshi":"all","feerate":null}"#),
            Ok(json!({"satoshi": "all"}))
        );
        assert_eq!(read("listpeers", "[]"), Ok(json!({})));
    }

    #[test]
    fn what_cannot_be_named_is_no_guess() {
        assert_eq!(read("listpeers", "[1]"), Err(Nameless::Positions));
        assert_eq!(read("renepay", "[1,2,3,4]"), Err(Nameless::Positions));
        assert_eq!(read("pay", "\"x\""), Err(Nameless::Malformed));
        let twice = r#"{"amount_msat":"9btc","amount_msat":1}"#;
        assert_eq!(read("pay", twice), Err(Nameless::Malformed));
        assert_eq!(named("pay", None), Err(Nameless::Hidden));
    }
}
