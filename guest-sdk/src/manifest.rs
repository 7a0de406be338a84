//! The manifest: the builder's contents in lightningd's words.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::deprecated::Deprecated;
use crate::guest::{FeaturePlace, Guest};
use crate::hook::HookFilter;

#[derive(Serialize)]
struct Manifest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    disable: Option<&'a str>,
    options: Vec<OptionSpec<'a>>,
    rpcmethods: Vec<RpcMethod<'a>>,
    subscriptions: Vec<&'a str>,
    hooks: Vec<HookSpec<'a>>,
    dynamic: bool,
    cancheck: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notifications: Vec<Topic<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    featurebits: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "<[u16]>::is_empty")]
    custommessages: &'a [u16],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    capabilities: Vec<Capability<'a>>,
}

#[derive(Serialize)]
struct OptionSpec<'a> {
    name: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a Value>,
    description: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    multi: bool,
    #[serde(skip_serializing_if = "is_false")]
    dynamic: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecated: Option<Value>,
}

#[derive(Serialize)]
struct RpcMethod<'a> {
    name: &'a str,
    usage: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    long_description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecated: Option<Value>,
}

#[derive(Serialize)]
struct HookSpec<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    before: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    after: &'a [String],
    #[serde(skip_serializing_if = "<[HookFilter]>::is_empty")]
    filters: &'a [HookFilter],
}

#[derive(Serialize)]
struct Topic<'a> {
    method: &'a str,
}

#[derive(Serialize)]
struct Capability<'a> {
    grant: &'a str,
    reason: &'a str,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn deprecation(deprecated: Deprecated) -> Option<Value> {
    match deprecated {
        Deprecated::No => None,
        Deprecated::Now => Some(Value::from(true)),
        Deprecated::From(first) => Some(Value::from(vec![first])),
        Deprecated::Range(first, last) => Some(Value::from(vec![first, last])),
    }
}

/// Feature bits as lightningd writes them: big-endian bytes in hex, bit 0 last.
fn bits(set: &[u16]) -> String {
    let highest = set.iter().copied().max().unwrap_or(0);
    let length = usize::from(highest / 8) + 1;
    let mut bytes = vec![0u8; length];
    for &bit in set {
        if let Some(byte) = bytes.get_mut(length - 1 - usize::from(bit / 8)) {
            *byte |= 1 << (bit % 8);
        }
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn place(place: FeaturePlace) -> &'static str {
    match place {
        FeaturePlace::Init => "init",
        FeaturePlace::Node => "node",
        FeaturePlace::Channel => "channel",
        FeaturePlace::Invoice => "invoice",
        FeaturePlace::Bolt12Offer => "bolt12_offer",
        FeaturePlace::Bolt12Invreq => "bolt12_invreq",
        FeaturePlace::Bolt12Invoice => "bolt12_invoice",
        FeaturePlace::ChannelType => "channel_type",
    }
}

/// The subscriptions, each topic once. Who subscribes to all topics is sent each
/// notification once, under `*`; only `log` is not among them.
fn subscriptions<S>(guest: &Guest<S>) -> Vec<&str> {
    let all = guest
        .subscriptions
        .iter()
        .any(|entry| entry.topic.is_none());
    let mut topics = Vec::new();
    if all {
        topics.push("*");
    }
    for topic in guest
        .subscriptions
        .iter()
        .filter_map(|entry| entry.topic.as_deref())
    {
        if !topics.contains(&topic) && (!all || topic == "log") {
            topics.push(topic);
        }
    }
    topics
}

/// The manifest as JSON text.
pub(crate) fn text<S>(guest: &Guest<S>) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Manifest {
        disable: guest.fault.as_deref().or(guest.disabled.as_deref()),
        options: guest
            .options
            .iter()
            .map(|entry| OptionSpec {
                name: entry.declaration.name,
                r#type: entry.declaration.kind,
                default: entry.declaration.default.as_ref(),
                description: entry.declaration.description,
                multi: entry.declaration.multi,
                dynamic: entry.declaration.dynamic,
                deprecated: deprecation(entry.declaration.deprecated),
            })
            .collect(),
        rpcmethods: guest
            .methods
            .iter()
            .map(|entry| RpcMethod {
                name: &entry.method.name,
                usage: &entry.method.usage,
                description: &entry.method.description,
                long_description: entry.method.long_description.as_deref(),
                category: entry.method.category.as_deref(),
                deprecated: deprecation(entry.method.deprecated),
            })
            .collect(),
        subscriptions: subscriptions(guest),
        hooks: guest
            .hooks
            .iter()
            .map(|entry| HookSpec {
                name: entry.name,
                before: &entry.options.before,
                after: &entry.options.after,
                filters: &entry.options.filters,
            })
            .collect(),
        dynamic: guest.dynamic,
        cancheck: true,
        notifications: guest
            .notifications
            .iter()
            .map(|method| Topic { method })
            .collect(),
        featurebits: guest
            .features
            .iter()
            .map(|(&at, set)| (place(at), bits(set)))
            .collect(),
        custommessages: &guest.messages,
        capabilities: guest
            .requests
            .iter()
            .map(|request| Capability {
                grant: &request.grant,
                reason: &request.reason,
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feature_bits_are_big_endian_hex() {
        assert_eq!(bits(&[0]), "01");
        assert_eq!(bits(&[7, 8]), "0180");
        assert_eq!(bits(&[103]), "80000000000000000000000000");
    }
}
