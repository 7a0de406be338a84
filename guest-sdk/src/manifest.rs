//! The manifest: the builder's contents in lightningd's words.

use cln_protocol::manifest::{
    self, CapabilityRequest, FeatureBits, HookFilters, HookRegistration, Manifest, OptionSpec,
    RpcMethod,
};

use crate::deprecated::Deprecated;
use crate::guest::{FeaturePlace, Guest};
use crate::hook::{HookFilter, HookOptions};
use crate::method::Method;
use crate::option::Declaration;

fn deprecation(deprecated: Deprecated) -> manifest::Deprecated {
    match deprecated {
        Deprecated::No => manifest::Deprecated::No,
        Deprecated::Now => manifest::Deprecated::Yes,
        Deprecated::From(first) => manifest::Deprecated::Since(first.to_owned()),
        Deprecated::Range(first, last) => {
            manifest::Deprecated::Range(first.to_owned(), last.to_owned())
        }
    }
}

fn option(declaration: &Declaration) -> OptionSpec {
    OptionSpec {
        name: declaration.name.to_owned(),
        option_type: declaration.kind,
        description: declaration.description.to_owned(),
        default: declaration.default.clone(),
        multi: declaration.multi,
        dynamic: declaration.dynamic,
        deprecated: deprecation(declaration.deprecated),
    }
}

fn method(method: &Method) -> RpcMethod {
    RpcMethod {
        name: method.name.clone(),
        usage: method.usage.clone(),
        description: method.description.clone(),
        long_description: method.long_description.clone().unwrap_or_default(),
        category: method.category.clone(),
        deprecated: deprecation(method.deprecated),
    }
}

/// Where both kinds of filter are given, no hook takes them: the message types are
/// kept, and the bridge says that this hook has none.
fn filters(filters: &[HookFilter]) -> Option<HookFilters> {
    let types: Vec<u64> = filters
        .iter()
        .filter_map(|filter| match filter {
            HookFilter::MessageType(number) => Some(u64::from(*number)),
            HookFilter::Method(_) => None,
        })
        .collect();
    let methods: Vec<String> = filters
        .iter()
        .filter_map(|filter| match filter {
            HookFilter::Method(name) => Some(name.clone()),
            HookFilter::MessageType(_) => None,
        })
        .collect();
    match (types.is_empty(), methods.is_empty()) {
        (true, true) => None,
        (true, false) => Some(HookFilters::Methods(methods)),
        (false, _) => Some(HookFilters::MessageTypes(types)),
    }
}

fn hook(name: &str, options: &HookOptions) -> HookRegistration {
    HookRegistration {
        name: name.to_owned(),
        before: options.before.clone(),
        after: options.after.clone(),
        filters: filters(&options.filters),
    }
}

/// Feature bits as big-endian bytes: bit 0 is the lowest of the last byte.
fn bits(set: &[u16]) -> Vec<u8> {
    let highest = set.iter().copied().max().unwrap_or(0);
    let length = usize::from(highest / 8) + 1;
    let mut bytes = vec![0u8; length];
    for &bit in set {
        if let Some(byte) = bytes.get_mut(length - 1 - usize::from(bit / 8)) {
            *byte |= 1 << (bit % 8);
        }
    }
    bytes
}

fn features<S>(guest: &Guest<S>) -> FeatureBits {
    let at = |place: FeaturePlace| {
        guest
            .features
            .get(&place)
            .map(|set| bits(set))
            .unwrap_or_default()
    };
    FeatureBits {
        init: at(FeaturePlace::Init),
        node: at(FeaturePlace::Node),
        channel: at(FeaturePlace::Channel),
        invoice: at(FeaturePlace::Invoice),
        bolt12_offer: at(FeaturePlace::Bolt12Offer),
        bolt12_invreq: at(FeaturePlace::Bolt12Invreq),
        bolt12_invoice: at(FeaturePlace::Bolt12Invoice),
        channel_type: at(FeaturePlace::ChannelType),
    }
}

/// The subscriptions, each topic once. Who subscribes to all topics is sent each
/// notification once, under `*`; only `log` is not among them.
fn subscriptions<S>(guest: &Guest<S>) -> Vec<String> {
    let wanted = || {
        guest
            .subscriptions
            .iter()
            .map(|entry| entry.topic.as_deref())
    };
    let all = wanted().any(|topic| topic.is_none());
    let mut topics: Vec<String> = all.then(|| "*".to_owned()).into_iter().collect();
    for topic in wanted().flatten() {
        if !topics.iter().any(|known| known == topic) && (!all || topic == "log") {
            topics.push(topic.to_owned());
        }
    }
    topics
}

/// The manifest of this guest.
pub(crate) fn manifest<S>(guest: &Guest<S>) -> Manifest {
    Manifest {
        options: guest
            .options
            .iter()
            .map(|entry| option(&entry.declaration))
            .collect(),
        rpcmethods: guest
            .methods
            .iter()
            .map(|entry| method(&entry.method))
            .collect(),
        subscriptions: subscriptions(guest),
        hooks: guest
            .hooks
            .iter()
            .map(|entry| hook(entry.name, &entry.options))
            .collect(),
        dynamic: guest.dynamic,
        featurebits: features(guest),
        notifications: guest.notifications.clone(),
        custommessages: guest.messages.clone(),
        nonnumericids: Some(true),
        cancheck: true,
        disable: guest.fault.clone().or_else(|| guest.disabled.clone()),
        capabilities: guest
            .requests
            .iter()
            .map(|request| CapabilityRequest {
                grant: request.grant.clone(),
                reason: request.reason.clone(),
            })
            .collect(),
        unknown: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feature_bits_are_big_endian() {
        assert_eq!(bits(&[0]), [1]);
        assert_eq!(bits(&[7, 8]), [1, 0x80]);
        assert_eq!(bits(&[103]), [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
