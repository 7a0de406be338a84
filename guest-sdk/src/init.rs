//! What lightningd says in `init`.

use std::fmt;
use std::rc::Rc;

use cln_protocol::hook::Hook;
use cln_protocol::json::RawValue;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::members::Members;
use crate::option::Readable;

/// The node's configuration, the options' values: what a guest's state is made from.
#[derive(Debug, Clone)]
pub struct Init {
    /// About the node.
    pub configuration: Rc<Configuration>,
    pub(crate) values: Members<RawValue>,
    pub(crate) withheld: Withheld,
}

/// Secrets that payloads come without, by the hook or topic.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(crate) struct Withheld {
    #[serde(default)]
    hooks: Members<Vec<String>>,
    #[serde(default)]
    subscriptions: Members<Vec<String>>,
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
pub(crate) fn read<O: Readable>(option: &O, value: Option<&RawValue>) -> O::Output {
    option
        .read(value.map(RawValue::get))
        .or_else(|_| option.read(None))
        .unwrap_or_else(|_| {
            // Reading an absent value is reading the default of the const.
            unreachable!("an absent option always reads")
        })
}

/// `configuration` of `init` (`lightningd/plugin.c`).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Configuration {
    /// lightningd's directory of this network (`lightning-dir`). A guest cannot open it.
    pub lightning_dir: String,
    /// The name of the JSON-RPC socket in it (`rpc-file`). A guest asks through `cx.rpc()` instead.
    pub rpc_file: String,
    /// Whether lightningd itself is starting, and not this plugin alone.
    pub startup: bool,
    /// `bitcoin`, `testnet`, `testnet4`, `signet`, `regtest`, `liquid`, `liquid-regtest`.
    pub network: String,
    /// Feature bits by where they appear, each in hex.
    pub feature_set: Members<String>,
    /// All the rest, as it is written.
    pub extra: Members<RawValue>,
}

// By hand: what serde makes of "all the rest" reads everything twice, and every guest has it.
impl<'de> Deserialize<'de> for Configuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Configuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the configuration")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Configuration, A::Error> {
                let mut read = Configuration::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "lightning-dir" => read.lightning_dir = map.next_value()?,
                        "rpc-file" => read.rpc_file = map.next_value()?,
                        "startup" => read.startup = map.next_value()?,
                        "network" => read.network = map.next_value()?,
                        "feature_set" => read.feature_set = map.next_value()?,
                        _ => {
                            read.extra.push(name, map.next_value()?);
                        }
                    }
                }
                Ok(read)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// `params` of `init`.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    pub options: Members<RawValue>,
    #[serde(default)]
    pub configuration: Configuration,
    #[serde(default)]
    pub withheld: Withheld,
}

#[cfg(test)]
mod tests {
    use cln_protocol::json;

    use super::*;

    #[test]
    fn the_configuration_is_read_as_lightningd_writes_it() {
        let read: Configuration = json::from_str(
            r#"{"lightning-dir":"/d/regtest","rpc-file":"lightning-rpc","startup":true,
                "network":"regtest","feature_set":{"node":"80","channel":""},
                "always_use_proxy":false,"torv3-enabled":true}"#,
        )
        .unwrap();
        assert_eq!(read.lightning_dir, "/d/regtest");
        assert_eq!(read.rpc_file, "lightning-rpc");
        assert!(read.startup);
        assert_eq!(read.network, "regtest");
        assert_eq!(read.feature_set.get("node").map(String::as_str), Some("80"));
        let extra: Vec<_> = read.extra.iter().map(|(name, _)| name).collect();
        assert_eq!(extra, ["always_use_proxy", "torv3-enabled"]);

        assert!(
            json::from_str::<Configuration>("{}")
                .unwrap()
                .network
                .is_empty()
        );
        let error = json::from_str::<Configuration>(r#"{"startup":"yes"}"#).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("invalid type: string \"yes\""),
            "{error}"
        );
    }
}
