//! The language of the rules: one line each, read from left to right.

use std::fmt::Display;

use cln_guest::json;
use cln_guest::prelude::*;
use cln_guest::serde_json::Map;

use crate::amount;

/// Methods by which an operator gets out of a bad rule: only their exact name matches them.
const RECOVERY: [&str; 6] = [
    "getinfo",
    "help",
    "plugin",
    "rpc-guard-list",
    "setconfig",
    "stop",
];

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// As the operator wrote it.
    pub text: String,
    methods: Vec<Pattern>,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// What to do with a call that matches.
    pub action: Action,
}

/// Which methods.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    Prefix(String),
}

/// When a rule applies.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// More than so many msat would be sent, or nobody knows how much.
    Above(u64),
    /// From the first minute of the day (UTC) up to the second, which may be the next day's.
    Between(u16, u16),
    /// The parameter is there, and has this value if one is named.
    With(String, Option<Value>),
    /// The parameter is not there.
    Without(String),
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Let it pass, whatever comes after.
    Allow,
    /// Refuse it, with these words where there are some.
    Deny(Option<String>),
    /// Set these parameters.
    Rewrite(Map<String, Value>),
    /// Set those of these parameters that are not there.
    Default(Map<String, Value>),
    /// Answer in lightningd's place.
    Answer(Structured),
}

impl Rule {
    /// Reads a rule: `ACTION METHOD[,METHOD…] [CONDITION…] [: REST]`.
    ///
    /// # Errors
    ///
    /// What is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Rule, String> {
        let text = text.trim();
        let (head, rest) = split_rest(text);
        let mut words = head.split_whitespace();
        let action = words
            .next()
            .ok_or("it is empty: say deny, allow, rewrite, default or answer")?;
        let methods = words
            .next()
            .ok_or_else(|| format!("{action} which method?"))?
            .split(',')
            .map(Pattern::parse)
            .collect::<Result<Vec<_>, _>>()?;
        let mut conditions = Vec::new();
        while let Some(word) = words.next() {
            conditions.push(Condition::parse(word, words.next())?);
        }
        let rule = Rule {
            text: text.to_owned(),
            action: Action::parse(action, rest)?,
            methods,
            conditions,
        };
        rule.check()?;
        Ok(rule)
    }

    /// What each word alone cannot tell.
    fn check(&self) -> Result<(), String> {
        let exact = |what: &str| match self.methods.iter().find(|p| !p.is_exact()) {
            Some(Pattern::Prefix(prefix)) => {
                Err(format!("{what} needs names of methods, not {prefix}*"))
            }
            _ => Ok(()),
        };
        match self.action {
            Action::Rewrite(_) => exact("rewrite")?,
            Action::Default(_) => exact("default")?,
            Action::Answer(_) => exact("answer")?,
            Action::Allow | Action::Deny(_) => {}
        }
        let amounts = |condition: &Condition| matches!(condition, Condition::Above(_));
        if self.conditions.iter().any(amounts) {
            exact("above")?;
            let known: Vec<&str> = amount::methods().collect();
            for pattern in &self.methods {
                if let Pattern::Exact(method) = pattern
                    && !known.contains(&method.as_str())
                {
                    return Err(format!(
                        "the amount of {method} cannot be read; above is for {}",
                        known.join(", ")
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether it is about this method.
    pub fn is_about(&self, method: &str) -> bool {
        self.methods.iter().any(|pattern| match pattern {
            Pattern::Exact(name) => name == method,
            Pattern::Prefix(prefix) => method.starts_with(prefix) && !RECOVERY.contains(&method),
        })
    }
}

/// The head, and what comes after the first colon that ends a word: `12:00` does not.
fn split_rest(text: &str) -> (&str, Option<&str>) {
    let end = text.match_indices(':').map(|(at, _)| at).find(|at| {
        text[at + 1..]
            .chars()
            .next()
            .is_none_or(char::is_whitespace)
    });
    match end {
        Some(at) => (&text[..at], Some(text[at + 1..].trim())),
        None => (text, None),
    }
}

impl Pattern {
    fn parse(word: &str) -> Result<Pattern, String> {
        let plain = |name: &str| {
            name.chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        match word.strip_suffix('*') {
            Some(prefix) if plain(prefix) => Ok(Pattern::Prefix(prefix.to_owned())),
            None if plain(word) && !word.is_empty() => Ok(Pattern::Exact(word.to_owned())),
            _ => Err(format!(
                "{word:?} is not the name of a method; * may stand at its end"
            )),
        }
    }

    fn is_exact(&self) -> bool {
        matches!(self, Pattern::Exact(_))
    }
}

impl Condition {
    fn parse(word: &str, operand: Option<&str>) -> Result<Condition, String> {
        let operand = |wanted: &str| operand.ok_or_else(|| format!("{word} needs {wanted}"));
        match word {
            "above" => {
                let wanted = "an amount with its unit, such as 100000sat";
                let text = operand(wanted)?;
                let unit = ["msat", "sat", "btc"]
                    .iter()
                    .any(|unit| text.ends_with(unit));
                amount::parse(text, 0)
                    .filter(|_| unit)
                    .map(Condition::Above)
                    .ok_or_else(|| format!("above needs {wanted}, not {text:?}"))
            }
            "between" => {
                let wanted = "two times of day (UTC), such as 22:00-06:30";
                let text = operand(wanted)?;
                let (from, to) = text
                    .split_once('-')
                    .and_then(|(from, to)| Some((minute(from)?, minute(to)?)))
                    .filter(|(from, to)| from != to)
                    .ok_or_else(|| format!("between needs {wanted}, not {text:?}"))?;
                Ok(Condition::Between(from, to))
            }
            "with" => {
                let text = operand("a parameter, such as label or label=rent")?;
                let (name, value) = match text.split_once('=') {
                    Some((name, value)) => (name, Some(loose(value))),
                    None => (text, None),
                };
                Ok(Condition::With(parameter(name)?, value))
            }
            "without" => Ok(Condition::Without(parameter(operand("a parameter")?)?)),
            _ => Err(format!(
                "{word:?} is not a condition: say above, between, with or without, and put what follows after a colon and a space"
            )),
        }
    }

    /// Whether it can only be told from the parameters.
    pub fn reads_params(&self) -> bool {
        !matches!(self, Condition::Between(..))
    }

    /// Whether it holds for a call of `method` in this minute of the day (UTC).
    pub fn holds(&self, method: &str, params: &Map<String, Value>, now: u16) -> bool {
        match self {
            Condition::Above(most) => amount::of(method, params).is_none_or(|msat| msat > *most),
            Condition::Between(from, to) if from < to => (*from..*to).contains(&now),
            Condition::Between(from, to) => now >= *from || now < *to,
            Condition::With(name, None) => params.contains_key(name),
            Condition::With(name, Some(value)) => params
                .get(name)
                .is_some_and(|given| as_text(given) == as_text(value)),
            Condition::Without(name) => !params.contains_key(name),
        }
    }
}

impl Action {
    fn parse(word: &str, rest: Option<&str>) -> Result<Action, String> {
        let rest = rest.filter(|rest| !rest.is_empty());
        let needed = |wanted: &str| {
            rest.ok_or_else(|| format!("{word} needs {wanted} after a colon and a space"))
        };
        match word {
            "deny" => Ok(Action::Deny(rest.map(str::to_owned))),
            "allow" if rest.is_some() => Err("allow takes nothing after a colon".to_owned()),
            "allow" => Ok(Action::Allow),
            "rewrite" => Ok(Action::Rewrite(assignments(needed("NAME=VALUE")?)?)),
            "default" => Ok(Action::Default(assignments(needed("NAME=VALUE")?)?)),
            "answer" => {
                let wanted = "a JSON object or array";
                let text = needed(wanted)?;
                match json::from_str(text) {
                    Ok(Value::Object(members)) => Ok(Action::Answer(members.into())),
                    Ok(Value::Array(values)) => Ok(Action::Answer(values.into())),
                    Ok(_) => Err(format!("answer needs {wanted}, not {text}")),
                    Err(reason) => Err(not_json(&format!("answer needs {wanted}"), reason)),
                }
            }
            _ => Err(format!(
                "{word:?} is not an action: say deny, allow, rewrite, default or answer"
            )),
        }
    }

    /// Its name in the language.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Deny(_) => "deny",
            Action::Rewrite(_) => "rewrite",
            Action::Default(_) => "default",
            Action::Answer(_) => "answer",
        }
    }
}

fn not_json(wanted: &str, reason: impl Display) -> String {
    format!("{wanted}: {reason}")
}

/// `NAME=VALUE NAME=VALUE`, or a JSON object.
fn assignments(text: &str) -> Result<Map<String, Value>, String> {
    if text.starts_with('{') {
        return json::from_str(text)
            .map_err(|reason| not_json("the parameters are no JSON object", reason));
    }
    let mut set = Map::new();
    for word in text.split_whitespace() {
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| format!("{word:?} is not NAME=VALUE"))?;
        if set.insert(parameter(name)?, loose(value)).is_some() {
            return Err(format!("{name} is set twice"));
        }
    }
    Ok(set)
}

fn parameter(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(plain) {
        Ok(name.to_owned())
    } else {
        Err(format!("{name:?} is not the name of a parameter"))
    }
}

/// JSON where it is JSON, else a string: what lightning-cli makes of a word.
fn loose(word: &str) -> Value {
    json::from_str(word).unwrap_or_else(|_| Value::String(word.to_owned()))
}

/// A number and the string of its digits are the same to lightningd.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// `HH:MM` as the minute of the day.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |text: &str| {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u16>().ok())
            .flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
