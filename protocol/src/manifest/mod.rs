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
mod written;

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

use crate::json;
use written::Written;

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
    /// The whole as JSON text, in today's form, members in alphabetical order.
    pub fn to_json(&self) -> String {
        self.write(false)
    }

    /// What may be sent to lightningd, as JSON text: without `capabilities`, and without the
    /// defaults of deprecated options. lightningd checks a default as if the
    /// operator had given it, and kills the plugin over a deprecated one where
    /// deprecated APIs are not allowed. The sender fills such a default in at `init`.
    pub fn to_lightningd(&self) -> String {
        self.write(true)
    }

    fn write(&self, for_lightningd: bool) -> String {
        let mut text = String::new();
        Written::object(&mut text, |written| match &self.disable {
            Some(reason) => written.text("disable", reason),
            None => self.members(written, for_lightningd),
        });
        text
    }

    fn members(&self, written: &mut Written<'_>, for_lightningd: bool) {
        if self.cancheck {
            written.bool("cancheck", true);
        }
        if !for_lightningd {
            written.list("capabilities", &self.capabilities, CapabilityRequest::write);
        }
        written.list("custommessages", &self.custommessages, |kind, text| {
            json::push_unsigned(text, u64::from(*kind));
        });
        written.bool("dynamic", self.dynamic);
        if !self.featurebits.is_empty() {
            self.featurebits.write(written.member("featurebits"));
        }
        written.list("hooks", &self.hooks, HookRegistration::write);
        written.bool("nonnumericids", self.nonnumericids.unwrap_or(true));
        written.list("notifications", &self.notifications, |topic, text| {
            Written::object(text, |written| written.text("method", topic));
        });
        Written::array(written.member("options"), &self.options, |option, text| {
            let with_default = !for_lightningd || !option.deprecated.is_deprecated();
            option.write(with_default, text);
        });
        let methods = written.member("rpcmethods");
        Written::array(methods, &self.rpcmethods, RpcMethod::write);
        written.texts("subscriptions", &self.subscriptions);
    }
}
