//! What lightningd says in `init`.

use std::rc::Rc;

use cln_protocol::hook::Hook;
use cln_protocol::json::{self, RawStr, RawValue};

use crate::members::{self, Members};
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
#[derive(Debug, Clone, Default)]
pub(crate) struct Withheld {
    hooks: Members<Vec<String>>,
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

/// `params` of `init`.
#[derive(Debug, Default)]
pub(crate) struct Params {
    pub options: Members<RawValue>,
    pub configuration: Configuration,
    pub withheld: Withheld,
}

// By hand, from texts that are read one by one. Of what serde makes for these types, every guest would have six times as
// much, and nothing here is read often.

impl Params {
    pub fn read(text: &str) -> Result<Self, json::Error> {
        let mut read = Params::default();
        for (name, value) in members::raw(text)? {
            let value = value.get();
            match name.as_str() {
                "options" => read.options = kept(value)?,
                "configuration" => read.configuration = Configuration::read(value)?,
                "withheld" => read.withheld = Withheld::read(value)?,
                _ => {}
            }
        }
        Ok(read)
    }
}

impl Configuration {
    #[inline(never)]
    fn read(text: &str) -> Result<Self, json::Error> {
        let mut read = Configuration::default();
        for (name, value) in members::raw(text)? {
            let member = match name.as_str() {
                "lightning-dir" => &mut read.lightning_dir,
                "rpc-file" => &mut read.rpc_file,
                "network" => &mut read.network,
                "startup" => {
                    read.startup = json::from_str(value.get())?;
                    continue;
                }
                "feature_set" => {
                    for (place, bits) in members::raw(value.get())? {
                        read.feature_set.push(place, string(bits)?);
                    }
                    continue;
                }
                _ => {
                    read.extra.push(name, value.to_owned());
                    continue;
                }
            };
            *member = string(value)?;
        }
        Ok(read)
    }
}

impl Withheld {
    #[inline(never)]
    fn read(text: &str) -> Result<Self, json::Error> {
        let mut read = Withheld::default();
        for (name, value) in members::raw(text)? {
            let of = match name.as_str() {
                "hooks" => &mut read.hooks,
                "subscriptions" => &mut read.subscriptions,
                _ => continue,
            };
            for (event, secrets) in members::raw(value.get())? {
                let secrets: Vec<RawStr<'_>> = json::from_str(secrets.get())?;
                let mut names = Vec::new();
                for name in secrets {
                    names.push(string(name)?);
                }
                of.push(event, names);
            }
        }
        Ok(read)
    }
}

#[inline(never)]
fn string(value: RawStr<'_>) -> Result<String, json::Error> {
    json::from_str(value.get())
}

#[inline(never)]
fn kept(text: &str) -> Result<Members<RawValue>, json::Error> {
    let mut kept = Members::default();
    for (name, value) in members::raw(text)? {
        kept.push(name, value.to_owned());
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_read_as_lightningd_writes_it() {
        let read = Configuration::read(
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

        assert!(Configuration::read("{}").unwrap().network.is_empty());
        let error = Configuration::read(r#"{"startup":"yes"}"#).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("invalid type: string \"yes\""),
            "{error}"
        );
    }
}
