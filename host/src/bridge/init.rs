//! `init`: each guest gets the configuration and its own options.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cln_protocol::manifest::OptionSpec;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::routes::Member;
use crate::capability::http::route::Proxy;

/// What the bridge itself reads of lightningd's `init`.
#[derive(Debug, Deserialize)]
pub struct Init {
    /// All options of the aggregate that have a value.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// As it came; guests get all of it.
    pub configuration: Map<String, Value>,
}

impl Init {
    /// Parses lightningd's params.
    pub fn parse(params: &str) -> serde_json::Result<Init> {
        serde_json::from_str(params)
    }

    /// `lightning-dir` joined with `rpc-file`.
    pub fn rpc_path(&self) -> Option<PathBuf> {
        let text = |name| self.configuration.get(name).and_then(Value::as_str);
        Some(PathBuf::from(text("lightning-dir")?).join(text("rpc-file")?))
    }

    /// `bitcoin`, `testnet`, `signet`, `regtest`, …
    pub fn network(&self) -> Option<&str> {
        self.configuration.get("network")?.as_str()
    }

    /// lightningd's own proxy, which guests go through too.
    pub fn proxy(&self) -> Proxy {
        Proxy::read(&self.configuration)
    }

    /// This guest's part: its own options, typed as today, also where an older
    /// lightningd sent strings.
    pub fn part(&self, member: &Member) -> Part {
        let mut options = Map::new();
        let mut problems = Vec::new();
        for spec in &member.options {
            match self.value(spec) {
                Ok(Some(value)) => drop(options.insert(spec.name.clone(), value)),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        let configuration = self.configuration.clone();
        Part {
            options,
            configuration,
            withheld: withheld(member),
            problems,
        }
    }

    fn value(&self, spec: &OptionSpec) -> Result<Option<Value>, String> {
        match self.options.get(&spec.name) {
            Some(value) => match spec.parse_value(value) {
                Ok(value) => Ok(Some(value.to_value())),
                Err(e) => Err(e.to_string()),
            },
            // Deprecated options are announced without their default.
            None => Ok(spec.default.as_ref().map(|default| default.to_value())),
        }
    }
}

/// The secrets that this guest is not shown: by hook under `hooks`, by topic under
/// `subscriptions`.
pub(super) fn withheld(member: &Member) -> Map<String, Value> {
    let mut hooks = Map::new();
    for (hook, secrets) in &member.withheld_of_hooks {
        hooks.insert((*hook).to_owned(), json!(secrets));
    }
    let mut subscriptions = Map::new();
    for (topic, withheld) in &member.withheld {
        subscriptions.insert((*topic).to_owned(), json!(withheld.secrets));
    }
    [("hooks", hooks), ("subscriptions", subscriptions)]
        .into_iter()
        .filter(|(_, secrets)| !secrets.is_empty())
        .map(|(kind, secrets)| (kind.to_owned(), Value::Object(secrets)))
        .collect()
}

/// One guest's `init`.
#[derive(Debug, Clone)]
pub struct Part {
    options: Map<String, Value>,
    configuration: Map<String, Value>,
    withheld: Map<String, Value>,
    /// Options that could not be read and are left out, for the log.
    pub problems: Vec<String>,
}

impl Part {
    /// The params for the guest.
    pub fn params(&self) -> Arc<str> {
        let mut params = Map::new();
        params.insert("options".to_owned(), Value::Object(self.options.clone()));
        params.insert(
            "configuration".to_owned(),
            Value::Object(self.configuration.clone()),
        );
        // Ours, beside what lightningd sends.
        if !self.withheld.is_empty() {
            params.insert("withheld".to_owned(), Value::Object(self.withheld.clone()));
        }
        Value::Object(params).to_string().into()
    }
}

/// What each guest was told, kept up to date for its next instance.
#[derive(Debug, Default)]
pub struct Inits(Mutex<HashMap<Arc<str>, Part>>);

impl Inits {
    /// This is what a guest was told.
    pub fn told(&self, guest: &Arc<str>, part: Part) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.insert(Arc::clone(guest), part);
    }

    /// One of its options has changed.
    pub fn remember(
        &self,
        guest: &Arc<str>,
        option: &str,
        value: Value,
        publish: impl FnOnce(Arc<str>),
    ) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = parts.get_mut(guest) {
            part.options.insert(option.to_owned(), value);
            publish(part.params());
        }
    }
}

/// A name of somebody else's in an error text.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
