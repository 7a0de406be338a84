//! What a guest asks its operator for: `capabilities` of its manifest, read strictly.
//!
//! A guest gets what it asks for *and* what the policy grants. So a grant that was
//! written too wide, or for an older module, gives no more than the guest itself
//! said that it needs, and every request carries a reason for the operator to read.

use std::fmt;
use std::time::Duration;

use cln_protocol::manifest::CapabilityRequest;
use serde_json::value::RawValue;

use super::document::{quote, unknown};
use super::http::HostPattern;
use super::rpc::RpcGrant;
use super::runes::{Call, Evaluation, Restriction, lint};
use super::suggest::{Asked, AskedRpc, Requests};
use super::vocabulary::{FEATURE_PLACES, HOOKS, POWERS, TOPICS, is_plain_name, names, secrets};

/// All forms of a request, for whoever wrote another.
const FORMS: &str = "\"kv\", \"timer\", \"http: HOST\", \"rpc: METHOD\", \"rpc: RESTRICTION&RESTRICTION\", \
     \"hooks: NAME\" and \"subscriptions: TOPIC\" (with secrets=A,B behind it, and may=A,B behind a hook), \
     \"methods: NAME\", \"options: NAME\", \"notifications: TOPIC\", \"custommessages: TYPE\", \"featurebits: PLACE BIT,BIT\"";

/// Alternatives in all the restrictions that a guest asks for: each of its calls is compared with
/// all of them, on the bridge's thread.
const MOST_ALTERNATIVES: usize = 256;

/// One thing that a guest asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// `kv`
    Kv,
    /// `timer`
    Timer,
    /// `http: HOST`
    Http(HostPattern),
    /// `rpc: …`: all restrictions must hold.
    Rpc(Vec<Restriction>),
    /// `hooks: NAME secrets=A,B may=C,D`
    Hook(Delivery),
    /// `subscriptions: TOPIC secrets=A,B`
    Subscription(Delivery),
    /// `methods: NAME`
    Method(String),
    /// `options: NAME`
    Option(String),
    /// `notifications: TOPIC`
    Notification(String),
    /// `custommessages: TYPE`
    CustomMessage(u16),
    /// `featurebits: PLACE BIT,BIT`
    FeatureBits(String, Vec<u16>),
}

/// A hook or topic, and what is asked for with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// lightningd's name for it.
    pub name: String,
    /// Secrets of its payload.
    pub secrets: Vec<String>,
    /// Answers that need a grant of their own.
    pub may: Vec<String>,
}

/// One request and why it is made. The reason is the guest's word: hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What.
    pub wanted: Wanted,
    /// What for.
    pub reason: String,
}

/// Everything that a guest asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requested(Vec<Request>);

/// A request that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("capabilities[{index}].grant is {}: {why}", quote(.grant))]
pub struct RequestError {
    index: usize,
    grant: String,
    why: String,
}

impl Requested {
    /// Nothing at all.
    pub const fn nothing() -> Requested {
        Requested(Vec::new())
    }

    /// Reads `capabilities` of a manifest.
    ///
    /// # Errors
    ///
    /// One of them has none of the valid forms, which the text lists.
    pub fn read(capabilities: &[CapabilityRequest]) -> Result<Requested, RequestError> {
        let mut requests = Vec::new();
        let mut alternatives = 0;
        for (index, request) in capabilities.iter().enumerate() {
            let refuse = |why| RequestError {
                index,
                grant: request.grant.chars().take(200).collect(),
                why,
            };
            let wanted = Wanted::parse(request.grant.trim()).map_err(refuse)?;
            if let Wanted::Rpc(restrictions) = &wanted {
                let all = restrictions.iter().map(|one| one.alternatives().len());
                alternatives += all.sum::<usize>();
            }
            if alternatives > MOST_ALTERNATIVES {
                return Err(refuse(format!(
                    "with it, restrictions on RPC calls have more than {MOST_ALTERNATIVES} alternatives"
                )));
            }
            let reason = request.reason.clone();
            requests.push(Request { wanted, reason });
        }
        Ok(Requested(requests))
    }

    /// In the order of the manifest.
    pub fn iter(&self) -> impl Iterator<Item = &Request> {
        self.0.iter()
    }

    fn any(&self, wanted: impl Fn(&Wanted) -> bool) -> bool {
        self.0.iter().any(|request| wanted(&request.wanted))
    }

    /// Does it ask for a key-value store?
    pub fn kv(&self) -> bool {
        self.any(|wanted| *wanted == Wanted::Kv)
    }

    /// Does it ask for timers?
    pub fn timer(&self) -> bool {
        self.any(|wanted| *wanted == Wanted::Timer)
    }

    /// Does it ask for HTTP to this host? As in [`HttpGrant::allows_host`](super::HttpGrant::allows_host).
    pub fn http_host(&self, host: &str, port: u16) -> bool {
        self.any(|wanted| matches!(wanted, Wanted::Http(pattern) if pattern.matches(host, port)))
    }

    /// Does it ask for this call to lightningd? `now` is since 1970, UTC.
    pub fn rpc(&self, method: &str, params: &RawValue, now: Duration) -> bool {
        let call = Evaluation::of(Call {
            method: Some(method),
            params: Some(params),
            id: None,
            now,
            last_used: None,
        });
        self.any(|wanted| match wanted {
            Wanted::Rpc(restrictions) => call.permits(restrictions).is_ok(),
            _ => false,
        })
    }

    /// Does it ask for this secret of a hook?
    pub fn hook_secret(&self, hook: &str, secret: &str) -> bool {
        self.any(|wanted| match wanted {
            Wanted::Hook(one) => one.name == hook && one.secrets.iter().any(|s| s == secret),
            _ => false,
        })
    }

    /// Does it ask for this secret of a topic?
    pub fn subscription_secret(&self, topic: &str, secret: &str) -> bool {
        self.any(|wanted| match wanted {
            Wanted::Subscription(one) => {
                one.name == topic && one.secrets.iter().any(|s| s == secret)
            }
            _ => false,
        })
    }

    /// Does it ask for this kind of answer to a hook?
    pub fn hook_may(&self, hook: &str, power: &str) -> bool {
        self.any(|wanted| match wanted {
            Wanted::Hook(one) => one.name == hook && one.may.iter().any(|m| m == power),
            _ => false,
        })
    }

    /// Adds what is asked for, and why, to what a manifest registers, for a policy
    /// that would grant all of it.
    pub fn add_to(&self, requests: &mut Requests) {
        for Request { wanted, reason } in &self.0 {
            let asked = |name: &str| Asked {
                name: name.to_owned(),
                reason: reason.clone(),
                ..Asked::default()
            };
            match wanted {
                Wanted::Kv => drop(requests.kv.get_or_insert_with(|| reason.clone())),
                Wanted::Timer => drop(requests.timer.get_or_insert_with(|| reason.clone())),
                Wanted::Http(pattern) => requests.http.push(asked(&pattern.to_string())),
                Wanted::Rpc(restrictions) => requests.rpc.push(AskedRpc {
                    restrictions: restrictions.iter().map(ToString::to_string).collect(),
                    reason: reason.clone(),
                }),
                Wanted::Hook(one) => merge(&mut requests.hooks, one, reason),
                Wanted::Subscription(one) => merge(&mut requests.subscriptions, one, reason),
                Wanted::Method(name) => explain(&mut requests.methods, name, reason),
                Wanted::Notification(topic) => explain(&mut requests.notifications, topic, reason),
                Wanted::Option(_) | Wanted::CustomMessage(_) | Wanted::FeatureBits(..) => {}
            }
        }
    }
}

/// What is registered gets its reason and secrets; a topic under `*` an entry of its own.
fn merge(registered: &mut Vec<Asked>, wanted: &Delivery, reason: &str) {
    let at = registered.iter().position(|one| one.name == wanted.name);
    let under_any = || registered.iter().any(|one| one.name == "*");
    let at = match at {
        Some(at) => at,
        None if under_any() && !wanted.secrets.is_empty() => {
            registered.push(Asked {
                name: wanted.name.clone(),
                ..Asked::default()
            });
            registered.len() - 1
        }
        None => return,
    };
    if let Some(one) = registered.get_mut(at) {
        one.secrets.extend(wanted.secrets.iter().cloned());
        one.may.extend(wanted.may.iter().cloned());
        if one.reason.is_empty() {
            one.reason = reason.to_owned();
        }
    }
}

fn explain(registered: &mut [Asked], name: &str, reason: &str) {
    if let Some(one) = registered.iter_mut().find(|one| one.name == name) {
        one.reason = reason.to_owned();
    }
}

impl Wanted {
    fn parse(text: &str) -> Result<Wanted, String> {
        let other = || format!("no capability. Valid are: {FORMS}");
        let Some((kind, rest)) = text.split_once(':') else {
            return match text {
                "kv" => Ok(Wanted::Kv),
                "timer" => Ok(Wanted::Timer),
                _ => Err(other()),
            };
        };
        let rest = rest.trim();
        match kind.trim_end() {
            "http" => HostPattern::parse(rest).map(Wanted::Http),
            "rpc" => restrictions(rest).map(Wanted::Rpc),
            "hooks" => delivery(rest, "hook", HOOKS, POWERS).map(Wanted::Hook),
            "subscriptions" => delivery(rest, "topic", TOPICS, &[]).map(Wanted::Subscription),
            "methods" => name(rest).map(Wanted::Method),
            "options" => name(rest).map(Wanted::Option),
            "notifications" => name(rest).map(Wanted::Notification),
            "custommessages" => number(rest).map(Wanted::CustomMessage),
            "featurebits" => {
                let (place, bits) = rest.split_once(' ').unwrap_or((rest, ""));
                if !FEATURE_PLACES.contains(&place) {
                    return Err(unknown("place of feature bits", place, FEATURE_PLACES));
                }
                let bits: Result<Vec<u16>, String> = bits.trim().split(',').map(number).collect();
                Ok(Wanted::FeatureBits(place.to_owned(), bits?))
            }
            _ => Err(other()),
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    if is_plain_name(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("{} is not a name", quote(text)))
    }
}

fn number(text: &str) -> Result<u16, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("{} is not a number from 0 to 65535", quote(text)))
}

type Table = [(&'static str, &'static [&'static str])];

fn delivery(text: &str, what: &str, known: &Table, powers: &Table) -> Result<Delivery, String> {
    let mut words = text.split_ascii_whitespace();
    let mut delivery = Delivery {
        name: words.next().unwrap_or_default().to_owned(),
        secrets: Vec::new(),
        may: Vec::new(),
    };
    let is_hook = what == "hook";
    let valid = match is_hook {
        true => secrets(known, &delivery.name).is_some(),
        // Plugins have topics of their own.
        false => delivery.name == "*" || is_plain_name(&delivery.name),
    };
    if !valid {
        return Err(unknown(what, &delivery.name, &names(known)));
    }
    for word in words {
        let (kind, list) = word.split_once('=').unwrap_or((word, ""));
        let (table, into) = match kind {
            "secrets" => (known, &mut delivery.secrets),
            "may" if is_hook => (powers, &mut delivery.may),
            _ => {
                let forms = if is_hook {
                    "secrets=A,B and may=A,B"
                } else {
                    "secrets=A,B"
                };
                return Err(format!(
                    "{} is not valid behind a {what}: {forms} are",
                    quote(word)
                ));
            }
        };
        let there = secrets(table, &delivery.name).unwrap_or_default();
        for one in list.split(',') {
            if !there.contains(&one) {
                let what = format!("{kind} of {}", delivery.name);
                return Err(unknown(&what, one, there));
            }
            into.push(one.to_owned());
        }
    }
    Ok(delivery)
}

/// A method's name, or restrictions with `&` between them, as inside a rune.
fn restrictions(text: &str) -> Result<Vec<Restriction>, String> {
    if is_plain_name(text) {
        return Ok(Restriction::methods([text]).into_iter().collect());
    }
    let mut read = Vec::new();
    for piece in pieces(text) {
        let restriction = Restriction::parse(piece).map_err(|e| e.to_string())?;
        if let Some(slip) = lint(&restriction) {
            return Err(slip);
        }
        let alternatives = restriction.alternatives();
        if alternatives
            .iter()
            .any(|a| matches!(a.field.as_str(), "rate" | "per" | "time"))
        {
            return Err(
                "rate, per and time are the operator's to grant, not the guest's to ask".into(),
            );
        }
        read.push(restriction);
    }
    Ok(read)
}

/// Splits at each `&` that has no `\` before it.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut from, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        if c == '&' && !escaped {
            pieces.push(text.get(from..at).unwrap_or_default());
            from = at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    pieces.push(text.get(from..).unwrap_or_default());
    pieces
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Kv => f.write_str("kv"),
            Wanted::Timer => f.write_str("timer"),
            Wanted::Http(pattern) => write!(f, "http: {pattern}"),
            Wanted::Rpc(restrictions) => {
                let key = RpcGrant {
                    restrictions: restrictions.clone(),
                    budget: None,
                }
                .key();
                write!(f, "rpc: {key}")
            }
            Wanted::Hook(one) => write!(f, "hooks: {one}"),
            Wanted::Subscription(one) => write!(f, "subscriptions: {one}"),
            Wanted::Method(name) => write!(f, "methods: {name}"),
            Wanted::Option(name) => write!(f, "options: {name}"),
            Wanted::Notification(topic) => write!(f, "notifications: {topic}"),
            Wanted::CustomMessage(number) => write!(f, "custommessages: {number}"),
            Wanted::FeatureBits(place, bits) => {
                let bits: Vec<String> = bits.iter().map(ToString::to_string).collect();
                write!(f, "featurebits: {place} {}", bits.join(","))
            }
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (kind, list) in [("secrets", &self.secrets), ("may", &self.may)] {
            if !list.is_empty() {
                write!(f, " {kind}={}", list.join(","))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
