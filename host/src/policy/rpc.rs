//! `rpc` under `[grant]`: which calls to lightningd a guest may make.

use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::budget::BudgetLimits;
use super::document::{Document, Value, nearest, quote};
use super::runes::{Call, Restriction, evaluate, lint, readonly};
use super::vocabulary::is_plain_name;

/// One grant. A call passes if all restrictions hold and the budget has room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcGrant {
    /// All must hold. At least one.
    pub restrictions: Vec<Restriction>,
    /// What calls under this grant may spend; None is without bound.
    pub budget: Option<BudgetLimits>,
}

impl RpcGrant {
    /// What this grant lets pass, as one text: the name under which its budget is
    /// kept. Other amounts under the same restrictions are the same budget.
    pub fn key(&self) -> String {
        let restrictions: Vec<String> = self.restrictions.iter().map(ToString::to_string).collect();
        restrictions.join("&")
    }

    /// Whether the restrictions on the method alone would let it pass.
    pub fn concerns(&self, method: &str) -> bool {
        let call = Call {
            method: Some(method),
            params: None,
            id: None,
            now: Duration::ZERO,
            last_used: None,
        };
        let of_method = |restriction: &&Restriction| {
            let mut alternatives = restriction.alternatives().iter();
            alternatives.all(|alternative| alternative.field == "method")
        };
        self.restrictions
            .iter()
            .filter(of_method)
            .all(|restriction| evaluate(std::slice::from_ref(restriction), &call).is_ok())
    }
}

/// Reads `rpc = ["getinfo", { restrictions = [...], budget = {...} }]`, which may
/// also be written as tables `[[grant.rpc]]`.
pub(super) fn read(document: &mut Document<'_>, value: Value<'_, '_>) -> Vec<RpcGrant> {
    let Some(list) = value.get_ref().as_array() else {
        document.expected(
            value,
            "rpc",
            "a list of method names and of tables with restrictions",
        );
        return Vec::new();
    };
    let mut names: Vec<&str> = Vec::new();
    let mut grants: Vec<RpcGrant> = Vec::new();
    for item in list {
        match item.get_ref() {
            DeValue::String(name) => {
                if let Some(name) = read_name(document, item, name) {
                    if names.contains(&name) {
                        document.problem(item.span(), format!("{} is twice in rpc", quote(name)));
                    }
                    names.push(name);
                }
            }
            DeValue::Table(table) => {
                let Some(grant) = read_table(document, item, table) else {
                    continue;
                };
                if grants.iter().any(|known| known.key() == grant.key()) {
                    document.problem(
                        item.span(),
                        "these restrictions are granted above: a budget counts all calls under the same restrictions, so write them once",
                    );
                } else {
                    grants.push(grant);
                }
            }
            _ => document.expected(item, "each of rpc", "a method's name or a table"),
        }
    }
    // A bare name has no budget, so it comes first: what it grants must not be
    // charged to a table that would let the call pass as well.
    if let Some(methods) = Restriction::methods(names) {
        grants.insert(
            0,
            RpcGrant {
                restrictions: vec![methods],
                budget: None,
            },
        );
    }
    grants
}

fn read_name<'n>(
    document: &mut Document<'_>,
    item: Value<'_, '_>,
    name: &'n str,
) -> Option<&'n str> {
    if is_plain_name(name) {
        return Some(name);
    }
    let hint = if Restriction::parse(name).is_ok() {
        format!(
            "{} is a restriction, not a method's name: write {{ restrictions = [{}] }}",
            quote(name),
            quote(name)
        )
    } else {
        format!("{} is not a method's name", quote(name))
    };
    document.problem(item.span(), hint);
    None
}

fn read_table(
    document: &mut Document<'_>,
    item: Value<'_, '_>,
    table: &DeTable<'_>,
) -> Option<RpcGrant> {
    document.only(
        "[[grant.rpc]]",
        table,
        &["methods", "restrictions", "budget"],
    );
    let mut restrictions = Vec::new();
    if let Some(value) = table.get("methods") {
        let mut names = Vec::new();
        for (name, at) in document.strings(value, "methods") {
            if is_plain_name(name) {
                names.push(name);
            } else {
                document.problem(at, format!("{} is not a method's name", quote(name)));
            }
        }
        restrictions.extend(Restriction::methods(names));
    }
    if let Some(value) = table.get("restrictions") {
        restrictions.extend(read_restrictions(document, value));
    }
    let budget = table
        .get("budget")
        .and_then(|value| BudgetLimits::read(document, value));
    if restrictions.is_empty() {
        // Whatever was there and wrong is a problem already.
        if table.get("methods").is_none() && table.get("restrictions").is_none() {
            document.problem(
                item.span(),
                "a grant of rpc without methods or restrictions would be every call: name what it is for",
            );
        } else if table.get("methods").is_none_or(is_empty_list)
            && table.get("restrictions").is_none_or(is_empty_list)
        {
            document.problem(
                item.span(),
                "a grant of rpc needs at least one method or restriction",
            );
        }
        return None;
    }
    Some(RpcGrant {
        restrictions,
        budget,
    })
}

fn is_empty_list(value: Value<'_, '_>) -> bool {
    value
        .get_ref()
        .as_array()
        .is_some_and(|list| list.is_empty())
}

/// `"readonly"`, or a list in which each is one restriction: a string in the form
/// inside runes, or as for `createrune` a list of alternatives.
fn read_restrictions(document: &mut Document<'_>, value: Value<'_, '_>) -> Vec<Restriction> {
    let list = match value.get_ref() {
        DeValue::String(word) if word == "readonly" => return readonly(),
        DeValue::String(word) if nearest(word, &["readonly"]).is_some() => {
            document.problem(
                value.span(),
                format!(
                    "unknown restrictions {}, did you mean \"readonly\"?",
                    quote(word)
                ),
            );
            return Vec::new();
        }
        DeValue::Array(list) => list,
        _ => {
            document.expected(
                value,
                "restrictions",
                "\"readonly\" or a list such as [\"method=pay\", \"pnameamount_msat<1000\"]",
            );
            return Vec::new();
        }
    };
    let mut restrictions = Vec::new();
    for item in list {
        let read = match item.get_ref() {
            DeValue::String(text) => Restriction::parse(text),
            DeValue::Array(_) => {
                let texts: Vec<&str> = document
                    .strings(item, "a restriction")
                    .into_iter()
                    .map(|(text, _)| text)
                    .collect();
                Restriction::from_alternatives(texts)
            }
            _ => {
                document.expected(
                    item,
                    "each of restrictions",
                    "a string or a list of alternatives",
                );
                continue;
            }
        };
        match read {
            Ok(restriction) => {
                if let Some(slip) = lint(&restriction) {
                    document.problem(item.span(), slip);
                }
                restrictions.push(restriction);
            }
            Err(error) => document.problem(item.span(), error.to_string()),
        }
    }
    restrictions
}
