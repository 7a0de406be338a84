//! Restrictions that are well formed and yet cannot mean what was meant.

use super::condition::strtol;
use super::evaluate::{per, rate};
use super::restriction::{Alternative, Condition, Restriction};
use crate::policy::document::{nearest, quote};

/// Why one of the alternatives can never hold, or always holds: a slip in a
/// policy, although `createrune` would take it. One line that is fit for a
/// terminal, whatever the restriction holds. None: nothing found.
pub fn lint(restriction: &Restriction) -> Option<String> {
    restriction.alternatives().iter().find_map(lint_one)
}

fn lint_one(alternative: &Alternative) -> Option<String> {
    let Alternative {
        field,
        condition,
        value,
    } = alternative;
    if *condition == Condition::Comment {
        return None;
    }
    let numeric = matches!(condition, Condition::IntLess | Condition::IntGreater);
    if numeric && strtol(value).is_none() {
        return Some(format!(
            "{} can never hold: {} is not a whole number (amounts are compared in the unit of the parameter, without \"msat\" or \"sat\")",
            quote(&format!("{field}{}{value}", condition.as_char())),
            quote(value)
        ));
    }
    match field.as_str() {
        "time" | "pnum" => None,
        "method" | "id" if numeric => Some(format!(
            "{field} is not a number: {} can never hold for it",
            condition.as_char()
        )),
        "id" => Some("id is the peer that sends a command, which a guest is not: only \"id!\" would hold".into())
            .filter(|_| *condition != Condition::Missing),
        "method" => None,
        "rate" => rate(alternative)
            .err()
            .map(|why| format!("{why}: write how many times per minute, as in rate=60")),
        "per" => per(alternative).err().map(|why| {
            format!("{why}: write the time between two calls, as in per=5sec (units: sec, min, hour, day, msec, usec, nsec)")
        }),
        _ => lint_parameter(field),
    }
}

fn lint_parameter(field: &str) -> Option<String> {
    if field
        .strip_prefix("pname")
        .is_some_and(|name| !name.is_empty())
    {
        return None;
    }
    if let Some(index) = field.strip_prefix("parr")
        && index.parse::<u32>().is_ok_and(|n| n.to_string() == index)
    {
        return None;
    }
    if let Some(inner) = field.strip_prefix("pinv") {
        let known = ["_amount", "_description", "_node"];
        if known
            .iter()
            .any(|part| inner.len() > part.len() && inner.ends_with(part))
        {
            return None;
        }
        return Some(format!(
            "{} must end in _amount, _description or _node, after the name of a parameter, as in pinvinvstring_amount<1000",
            quote(field)
        ));
    }
    let fields = ["method", "time", "id", "rate", "per", "pnum"];
    let hint = match nearest(field, &fields) {
        Some(near) => format!("did you mean {near}?"),
        None => format!(
            "did you mean the parameter {}?",
            quote(&format!("pname{field}"))
        ),
    };
    Some(format!(
        "unknown field {}: {hint} Valid are: {}, pnameX (parameter X), parrN (the Nth parameter, from 0), pinvX_amount, pinvX_description, pinvX_node (of the invoice in X)",
        quote(field),
        fields.join(", ")
    ))
}
