//! What a manifest asks for beside what the operator grants.

use cln_protocol::manifest::Manifest;

use crate::policy::{Asked, Denied, Grants, Requested, Requests, suggest};

/// All that the manifest asks for and the policy does not give, with the lines that
/// would give it.
pub(super) fn not_granted(
    manifest: &Manifest,
    requested: &Requested,
    grants: &Grants,
) -> Result<(), String> {
    let mut denied: Vec<Denied> = Vec::new();
    let options = manifest.options.iter().map(|o| grants.option(&o.name));
    let methods = manifest.rpcmethods.iter().map(|m| grants.method(&m.name));
    let topics = manifest
        .notifications
        .iter()
        .map(|t| grants.notification(t));
    let messages = manifest
        .custommessages
        .iter()
        .map(|m| grants.custommessage(*m));
    let hooks = manifest
        .hooks
        .iter()
        .map(|h| grants.hook(&h.name).map(drop));
    let subscribed = manifest
        .subscriptions
        .iter()
        .map(|t| grants.subscription(t).map(drop));
    let all = options
        .chain(methods)
        .chain(topics)
        .chain(messages)
        .chain(hooks)
        .chain(subscribed);
    denied.extend(all.filter_map(Result::err));
    for (place, _) in manifest.featurebits.places() {
        let here = manifest.featurebits.set_bits().filter(|(p, _)| *p == place);
        let bits: Vec<u16> = here
            .filter_map(|(_, bit)| u16::try_from(bit).ok())
            .collect();
        if !bits.is_empty() {
            denied.extend(grants.featurebits(place, &bits).err());
        }
    }
    match denied.as_slice() {
        [] => Ok(()),
        [one] => Err(one.to_string()),
        several => {
            let what: Vec<&str> = several.iter().map(|denied| denied.what.as_str()).collect();
            let file = several.first().map_or("", |denied| denied.file.as_str());
            Err(format!(
                "{} things that it needs are not granted: {}. These lines would grant them, if you trust it (they take the place of [grant] in {file}; keep its other sections):\n{}",
                several.len(),
                what.join(", "),
                suggest(&requests(manifest, requested), None)
            ))
        }
    }
}

/// What the manifest asks for, by what it registers and by its capabilities.
fn requests(manifest: &Manifest, requested: &Requested) -> Requests {
    let named = |name: &String| Asked {
        name: name.clone(),
        ..Asked::default()
    };
    let bits = |place: &str| {
        let here = manifest.featurebits.set_bits().filter(|(p, _)| *p == place);
        here.filter_map(|(_, bit)| u16::try_from(bit).ok())
            .collect()
    };
    let mut requests = Requests {
        hooks: manifest
            .hooks
            .iter()
            .map(|hook| named(&hook.name))
            .collect(),
        subscriptions: manifest.subscriptions.iter().map(named).collect(),
        methods: manifest.rpcmethods.iter().map(|m| named(&m.name)).collect(),
        notifications: manifest.notifications.iter().map(named).collect(),
        custommessages: manifest.custommessages.clone(),
        featurebits: manifest
            .featurebits
            .places()
            .iter()
            .map(|(place, _)| ((*place).to_owned(), bits(place)))
            .filter(|(_, bits): &(String, Vec<u16>)| !bits.is_empty())
            .collect(),
        ..Requests::default()
    };
    requested.add_to(&mut requests);
    requests
}
