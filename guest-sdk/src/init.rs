//! What lightningd says in `init`.

use std::collections::BTreeMap;
use std::rc::Rc;

use cln_protocol::hook::Hook;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::option::Readable;

/// The node's configuration, the options' values: what a guest's state is made from.
#[derive(Debug, Clone)]
pub struct Init {
    /// About the node.
    pub configuration: Rc<Configuration>,
    pub(crate) values: BTreeMap<String, Value>,
    pub(crate) withheld: Withheld,
}

/// Secrets that payloads come without, by the hook or topic.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Withheld {
    #[serde(default)]
    hooks: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    subscriptions: BTreeMap<String, Vec<String>>,
}

impl Init {
    /// The secrets, such as `payment_secret`, that payloads of this hook come
    /// without: the guest does not [ask](crate::Guest::request) for them, or they are
    /// not granted to it.
    pub fn withheld_from_hook<H: Hook>(&self) -> &[String] {
        self.withheld.hooks.get(H::NAME).map_or(&[], Vec::as_slice)
    }

    /// The secrets, such as `preimage`, that notifications of this topic come without.
    pub fn withheld_from_topic(&self, topic: &str) -> &[String] {
        let secrets = self.withheld.subscriptions.get(topic);
        secrets.map_or(&[], Vec::as_slice)
    }

    /// The value of an option.
    pub fn option<O: Readable>(&self, option: &O) -> O::Output {
        read(option, self.values.get(option.name()))
    }
}

/// Reads a value whose type was checked when it came in. Should it not fit after
/// all, the option reads as if it were absent.
pub(crate) fn read<O: Readable>(option: &O, value: Option<&Value>) -> O::Output {
    option
        .read(value)
        .or_else(|_| option.read(None))
        .unwrap_or_else(|_| {
            // Reading an absent value is reading the default of the const.
            unreachable!("an absent option always reads")
        })
}

/// `configuration` of `init` (`lightningd/plugin.c`).
#[derive(Debug, Clone, Default, Deserialize)]
#[non_exhaustive]
pub struct Configuration {
    /// lightningd's directory of this network. A guest cannot open it.
    #[serde(rename = "lightning-dir", default)]
    pub lightning_dir: String,
    /// The name of the JSON-RPC socket in it. A guest asks through `cx.rpc()` instead.
    #[serde(rename = "rpc-file", default)]
    pub rpc_file: String,
    /// Whether lightningd itself is starting, and not this plugin alone.
    #[serde(default)]
    pub startup: bool,
    /// `bitcoin`, `testnet`, `testnet4`, `signet`, `regtest`, `liquid`, `liquid-regtest`.
    #[serde(default)]
    pub network: String,
    /// Feature bits by where they appear, each in hex.
    #[serde(default)]
    pub feature_set: BTreeMap<String, String>,
    /// All the rest.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// `params` of `init`.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    pub options: BTreeMap<String, Value>,
    #[serde(default)]
    pub configuration: Configuration,
    #[serde(default)]
    pub withheld: Withheld,
}
