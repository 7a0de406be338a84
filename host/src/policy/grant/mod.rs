//! What the operator gives a guest. All else is denied, with the line that would
//! grant it.

mod denied;
mod http;
mod read;
mod text;

use std::path::Path;

use super::document::{quote, quote_list};
use super::http::HttpGrant;
use super::rpc::RpcGrant;
use super::runes::{Condition, Restriction};
use super::vocabulary::{HOOKS, POWERS, TOPICS};

pub use denied::Denied;
pub(super) use text::{deliveries, key};
use text::{delivery, plain};

/// `[grant]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Grants {
    file: String,
    hooks: Section<DeliveryGrant>,
    subscriptions: Section<DeliveryGrant>,
    methods: Option<Vec<String>>,
    options: Option<Vec<String>>,
    notifications: Option<Vec<String>>,
    custommessages: Option<Vec<u16>>,
    featurebits: Section<Vec<u16>>,
    rpc: Vec<RpcGrant>,
    kv: bool,
    kv_written: bool,
    timer: bool,
    timer_written: bool,
    http: Option<HttpGrant>,
    http_form: Form,
    http_private_written: bool,
}

/// A hook or a topic that is granted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryGrant {
    /// The secrets in its payload that are granted too.
    pub secrets: Vec<String>,
    /// The answers that need a grant of their own and have it.
    pub may: Vec<String>,
}

/// How a part of `[grant]` is written, which decides what a line to add looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Absent,
    /// One line under `[grant]`.
    Line,
    /// A table with a header of its own.
    Header,
}

#[derive(Debug, Clone, PartialEq)]
struct Section<T> {
    form: Form,
    entries: Vec<(String, T)>,
}

impl<T> Section<T> {
    fn none() -> Self {
        Section {
            form: Form::Absent,
            entries: Vec::new(),
        }
    }

    fn get(&self, name: &str) -> Option<&T> {
        self.entries
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, entry)| entry)
    }
}

impl<T: Clone> Section<T> {
    fn with(&self, name: &str, entry: T) -> Vec<(String, T)> {
        let mut entries = self.entries.clone();
        match entries.iter_mut().find(|(known, _)| known == name) {
            Some((_, there)) => *there = entry,
            None => entries.push((name.to_string(), entry)),
        }
        entries
    }
}

impl Grants {
    pub(in crate::policy) fn none(origin: &Path) -> Grants {
        let file = origin
            .file_name()
            .map_or_else(|| origin.to_string_lossy(), |name| name.to_string_lossy());
        Grants {
            // For log lines: one line, and no controls.
            file: file
                .chars()
                .map(|c| if c.is_control() { '?' } else { c })
                .collect(),
            hooks: Section::none(),
            subscriptions: Section::none(),
            methods: None,
            options: None,
            notifications: None,
            custommessages: None,
            featurebits: Section::none(),
            rpc: Vec::new(),
            kv: false,
            kv_written: false,
            timer: false,
            timer_written: false,
            http: None,
            http_form: Form::Absent,
            http_private_written: false,
        }
    }

    /// Whether this hook may be registered, and which of its secrets are shown.
    ///
    /// # Errors
    ///
    /// It is not granted.
    pub fn hook(&self, name: &str) -> Result<&DeliveryGrant, Denied> {
        self.hooks.get(name).ok_or_else(|| {
            self.delivery_denied(
                &HOOK,
                &self.hooks,
                format!("hook {}", plain(name)),
                name,
                DeliveryGrant::default(),
            )
        })
    }

    /// Whether this secret of a hook may be shown.
    ///
    /// # Errors
    ///
    /// The hook or the secret is not granted; the line would grant both.
    pub fn hook_secret(&self, hook: &str, secret: &str) -> Result<(), Denied> {
        self.secret(&HOOK, &self.hooks, hook, secret)
    }

    /// Whether this kind of answer to a hook may be given.
    ///
    /// # Errors
    ///
    /// The hook or the answer is not granted; the line would grant both.
    pub fn hook_may(&self, hook: &str, power: &str) -> Result<(), Denied> {
        let mut grant = self.hooks.get(hook).cloned().unwrap_or_default();
        if grant.may.iter().any(|known| known == power) {
            return Ok(());
        }
        grant.may.push(power.to_string());
        let what = format!("answer {} to hook {}", plain(power), plain(hook));
        Err(self.delivery_denied(&HOOK, &self.hooks, what, hook, grant))
    }

    /// Whether this topic may be subscribed to. `*` covers every topic but `log`,
    /// as in lightningd, and none of the secrets.
    ///
    /// # Errors
    ///
    /// It is not granted.
    pub fn subscription(&self, topic: &str) -> Result<DeliveryGrant, Denied> {
        if let Some(grant) = self.subscriptions.get(topic) {
            return Ok(grant.clone());
        }
        if topic != "log" && self.subscriptions.get("*").is_some() {
            return Ok(DeliveryGrant::default());
        }
        let what = format!("subscription to {}", plain(topic));
        Err(self.delivery_denied(
            &TOPIC,
            &self.subscriptions,
            what,
            topic,
            DeliveryGrant::default(),
        ))
    }

    /// Whether this secret of a topic may be shown.
    ///
    /// # Errors
    ///
    /// The topic or the secret is not granted; the line would grant both.
    pub fn subscription_secret(&self, topic: &str, secret: &str) -> Result<(), Denied> {
        self.secret(&TOPIC, &self.subscriptions, topic, secret)
    }

    /// Whether an RPC method of this name may be registered.
    ///
    /// # Errors
    ///
    /// It is not granted.
    pub fn method(&self, name: &str) -> Result<(), Denied> {
        self.listed("method", "methods", &self.methods, name)
    }

    /// Whether an option of this name may be registered. Every guest has its own
    /// options, unless the policy names some.
    ///
    /// # Errors
    ///
    /// The policy names others only.
    pub fn option(&self, name: &str) -> Result<(), Denied> {
        match self.options {
            None => Ok(()),
            Some(_) => self.listed("option", "options", &self.options, name),
        }
    }

    /// Whether notifications of this topic may be sent.
    ///
    /// # Errors
    ///
    /// It is not granted.
    pub fn notification(&self, topic: &str) -> Result<(), Denied> {
        self.listed("notification", "notifications", &self.notifications, topic)
    }

    /// Whether messages of this type may be announced as understood.
    ///
    /// # Errors
    ///
    /// It is not granted.
    pub fn custommessage(&self, number: u16) -> Result<(), Denied> {
        let listed = self.custommessages.as_deref().unwrap_or_default();
        if listed.contains(&number) {
            return Ok(());
        }
        let mut numbers = listed.to_vec();
        numbers.push(number);
        Err(self.denied(
            format!("custom message {number}"),
            format!("custommessages = {numbers:?}"),
            "[grant]",
            self.custommessages.is_some(),
        ))
    }

    /// Whether these feature bits may be set in `place`, one of
    /// [`FEATURE_PLACES`](super::vocabulary::FEATURE_PLACES).
    ///
    /// # Errors
    ///
    /// One of them is not granted; the line would grant all.
    pub fn featurebits(&self, place: &str, bits: &[u16]) -> Result<(), Denied> {
        let granted = self.featurebits.get(place).map_or(&[][..], Vec::as_slice);
        let Some(missing) = bits.iter().find(|bit| !granted.contains(bit)) else {
            return Ok(());
        };
        let mut all = granted.to_vec();
        for bit in bits {
            if !all.contains(bit) {
                all.push(*bit);
            }
        }
        let what = format!("feature bit {missing} in {}", plain(place));
        if self.featurebits.form == Form::Header {
            let line = format!("{} = {all:?}", key(place));
            let replaces = self.featurebits.get(place).is_some();
            return Err(self.denied(what, line, "[grant.featurebits]", replaces));
        }
        let entries: Vec<String> = self
            .featurebits
            .with(place, all)
            .iter()
            .map(|(place, bits)| format!("{} = {bits:?}", key(place)))
            .collect();
        let line = format!("featurebits = {{ {} }}", entries.join(", "));
        Err(self.denied(what, line, "[grant]", self.featurebits.form == Form::Line))
    }

    /// The grants of RPC calls, of which one must let a call pass.
    pub fn rpc(&self) -> &[RpcGrant] {
        &self.rpc
    }

    /// Whether calls under these restrictions, which a guest asks for, are granted at
    /// all: some grant concerns each method that they name. What the grants say of
    /// the parameters is judged with each call.
    ///
    /// # Errors
    ///
    /// None does; the line would grant just what is asked for.
    pub fn rpc_request(&self, restrictions: &[Restriction]) -> Result<(), Denied> {
        let mut methods = restrictions.iter().filter_map(methods_of).flatten();
        let granted = |method: &str| self.rpc.iter().any(|grant| grant.concerns(method));
        let missing = methods.find(|method| !granted(method));
        if missing.is_none() && !self.rpc.is_empty() {
            return Ok(());
        }
        let texts: Vec<String> = restrictions.iter().map(ToString::to_string).collect();
        let entry = match restrictions.first().and_then(methods_of).as_deref() {
            Some([only]) if restrictions.len() == 1 => quote(only),
            _ => format!(
                "{{ restrictions = {} }}",
                quote_list(texts.iter().map(String::as_str))
            ),
        };
        let what = format!("RPC {}", quote(&texts.join("&")));
        Err(match self.rpc.is_empty() {
            true => self.denied(what, format!("rpc = [{entry}]"), "[grant]", false),
            false => self.denied(what, entry, "rpc of [grant]", false),
        })
    }

    /// That an RPC method is granted by none of [`rpc`](Self::rpc).
    pub fn rpc_denied(&self, method: &str) -> Denied {
        self.denied(
            format!("RPC call {}", plain(method)),
            if self.rpc.is_empty() {
                format!("rpc = {}", quote_list([method]))
            } else {
                quote(method)
            },
            if self.rpc.is_empty() {
                "[grant]"
            } else {
                "rpc of [grant]"
            },
            false,
        )
    }

    /// Whether the guest has a key-value store.
    ///
    /// # Errors
    ///
    /// It is not granted.
    pub fn kv(&self) -> Result<(), Denied> {
        self.switch("key-value store", "kv", self.kv, self.kv_written)
    }

    /// Whether the guest may set timers.
    ///
    /// # Errors
    ///
    /// It is not granted.
    pub fn timer(&self) -> Result<(), Denied> {
        self.switch("timer", "timer", self.timer, self.timer_written)
    }

    fn switch(&self, what: &str, key: &str, granted: bool, written: bool) -> Result<(), Denied> {
        if granted {
            return Ok(());
        }
        Err(self.denied(what.into(), format!("{key} = true"), "[grant]", written))
    }

    fn listed(
        &self,
        what: &str,
        key: &str,
        list: &Option<Vec<String>>,
        name: &str,
    ) -> Result<(), Denied> {
        let listed = list.as_deref().unwrap_or_default();
        if listed.iter().any(|known| known == name) {
            return Ok(());
        }
        let all = listed.iter().map(String::as_str).chain([name]);
        Err(self.denied(
            format!("{what} {}", plain(name)),
            format!("{key} = {}", quote_list(all)),
            "[grant]",
            list.is_some(),
        ))
    }

    fn secret(
        &self,
        kind: &Kind,
        section: &Section<DeliveryGrant>,
        name: &str,
        secret: &str,
    ) -> Result<(), Denied> {
        let mut grant = section.get(name).cloned().unwrap_or_default();
        if grant.secrets.iter().any(|known| known == secret) {
            return Ok(());
        }
        grant.secrets.push(secret.to_string());
        let what = format!(
            "secret {} of {} {}",
            plain(secret),
            kind.singular,
            plain(name)
        );
        Err(self.delivery_denied(kind, section, what, name, grant))
    }

    fn delivery_denied(
        &self,
        kind: &Kind,
        section: &Section<DeliveryGrant>,
        what: String,
        name: &str,
        grant: DeliveryGrant,
    ) -> Denied {
        if section.form == Form::Header {
            let line = format!("{} = {}", key(name), delivery(&grant));
            return self.denied(what, line, kind.header, section.get(name).is_some());
        }
        let entries = section.with(name, grant);
        let line = format!("{} = {}", kind.key, deliveries(&entries));
        self.denied(what, line, "[grant]", section.form == Form::Line)
    }

    fn denied(&self, what: String, line: String, section: &'static str, replaces: bool) -> Denied {
        Denied {
            what,
            line,
            section,
            replaces,
            file: self.file.clone(),
        }
    }
}

/// The methods that a restriction names, if it does nothing else.
fn methods_of(restriction: &Restriction) -> Option<Vec<&str>> {
    let method = |alternative: &super::runes::Alternative| {
        alternative.field == "method" && alternative.condition == Condition::Equal
    };
    let alternatives = restriction.alternatives();
    alternatives
        .iter()
        .all(method)
        .then(|| alternatives.iter().map(|a| a.value.as_str()).collect())
}

/// What tells hooks from subscriptions in a policy.
struct Kind {
    key: &'static str,
    header: &'static str,
    singular: &'static str,
    known: &'static [(&'static str, &'static [&'static str])],
    powers: &'static [(&'static str, &'static [&'static str])],
}

const HOOK: Kind = Kind {
    key: "hooks",
    header: "[grant.hooks]",
    singular: "hook",
    known: HOOKS,
    powers: POWERS,
};

const TOPIC: Kind = Kind {
    key: "subscriptions",
    header: "[grant.subscriptions]",
    singular: "topic",
    known: TOPICS,
    powers: &[],
};
