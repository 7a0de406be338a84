//! The manifest: a plugin's answer to `getmanifest`.
//!
//! What lightningd does with it is in `plugin_parse_getmanifest_response` of
//! `lightningd/plugin.c`. It kills a plugin over most mistakes in a manifest, and
//! ends itself over some, so the bridge reads that of each guest first and refuses
//! what lightningd would not take.

pub mod bounds;
mod capabilities;
mod deprecated;
mod error;
mod featurebits;
#[cfg(feature = "host")]
mod field;
mod hooks;
mod option_value;
mod options;
#[cfg(feature = "host")]
mod parse;
mod rpcmethods;
mod subscriptions;
#[cfg(all(test, feature = "host"))]
mod tests;

pub use capabilities::CapabilityRequest;
pub use deprecated::Deprecated;
pub use error::ManifestError;
pub use featurebits::FeatureBits;
pub use hooks::{HookFilters, HookRegistration};
pub use option_value::{OptionError, OptionValue};
pub use options::{OptionSpec, OptionType};
#[cfg(feature = "host")]
pub use parse::Lightningd;
pub use rpcmethods::RpcMethod;

use serde_json::{Map, Value, json};

use crate::json;

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// Options for lightningd's command line.
    pub options: Vec<OptionSpec>,
    /// Methods for lightningd's JSON-RPC.
    pub rpcmethods: Vec<RpcMethod>,
    /// Topics to be told of. `*`: all but `log`.
    pub subscriptions: Vec<String>,
    /// Hooks to be asked in.
    pub hooks: Vec<HookRegistration>,
    /// Whether it can be started and stopped while lightningd runs.
    pub dynamic: bool,
    /// Feature bits for the node. Not together with `dynamic`.
    pub featurebits: FeatureBits,
    /// Topics that it sends.
    pub notifications: Vec<String>,
    /// Message types of peers that it takes; needed for even ones.
    pub custommessages: Vec<u16>,
    /// Whether it takes request ids that are strings. lightningd refuses a plugin
    /// that says no; None is yes.
    pub nonnumericids: Option<bool>,
    /// Whether `check` is passed on to it.
    pub cancheck: bool,
    /// Why it does not want to run. Where it is set, lightningd reads nothing else.
    pub disable: Option<String>,
    /// What it asks its operator for (ours; lightningd ignores the member).
    pub capabilities: Vec<CapabilityRequest>,
    /// Members that nobody knows, by path, of a manifest that was read: for the log.
    /// Never written.
    pub unknown: Vec<String>,
}

impl Manifest {
    /// The whole, in today's form, members in alphabetical order.
    pub fn to_value(&self) -> Value {
        self.write(false)
    }

    /// The whole as JSON text.
    pub fn to_json(&self) -> String {
        // A tree of values with texts for names can be written.
        json::to_string(&self.to_value()).unwrap_or_default()
    }

    /// What may be sent to lightningd: without `capabilities`, and without the
    /// defaults of deprecated options. lightningd checks a default as if the
    /// operator had given it, and kills the plugin over a deprecated one where
    /// deprecated APIs are not allowed. The sender fills such a default in at `init`.
    pub fn to_lightningd(&self) -> Value {
        self.write(true)
    }

    fn write(&self, for_lightningd: bool) -> Value {
        let mut written = Written(Map::new());
        if let Some(reason) = &self.disable {
            written.member("disable", reason.as_str().into());
            return Value::Object(written.0);
        }
        let options = self.options.iter().map(|option| {
            let mut value = option.to_value();
            if let (true, Value::Object(map)) = (
                for_lightningd && option.deprecated.is_deprecated(),
                &mut value,
            ) {
                map.remove("default");
            }
            value
        });
        written.member("options", options.collect());
        let methods = self.rpcmethods.iter().map(RpcMethod::to_value);
        written.member("rpcmethods", methods.collect());
        written.member("dynamic", self.dynamic.into());
        let nonnumericids = self.nonnumericids.unwrap_or(true);
        written.member("nonnumericids", nonnumericids.into());
        if self.cancheck {
            written.member("cancheck", true.into());
        }
        if !self.featurebits.is_empty() {
            written.member("featurebits", self.featurebits.to_value());
        }
        let topics = self.subscriptions.iter().map(|topic| json!(topic));
        written.list("subscriptions", topics.collect());
        let hooks = self.hooks.iter().map(HookRegistration::to_value);
        written.list("hooks", hooks.collect());
        let topics = self.notifications.iter();
        let topics = topics.map(|topic| json!({"method": topic}));
        written.list("notifications", topics.collect());
        let kinds = self.custommessages.iter().map(|kind| json!(kind));
        written.list("custommessages", kinds.collect());
        if !for_lightningd {
            let requests = self.capabilities.iter().map(CapabilityRequest::to_value);
            written.list("capabilities", requests.collect());
        }
        Value::Object(written.0)
    }
}

/// A manifest on its way to JSON. Its functions stay functions: this is in every guest.
struct Written(Map<String, Value>);

impl Written {
    #[inline(never)]
    fn member(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// A list with nothing in it is left out.
    fn list(&mut self, name: &str, list: Vec<Value>) {
        if !list.is_empty() {
            self.member(name, list.into());
        }
    }
}

impl serde::Serialize for Manifest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}
