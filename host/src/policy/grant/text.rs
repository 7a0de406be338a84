//! Grants as TOML, and names fit for a log line.

use super::DeliveryGrant;
use crate::policy::document::{quote, quote_list};
use crate::policy::vocabulary::is_plain_name;

/// A list where nothing is granted but the deliveries, else an inline table.
pub(in crate::policy) fn deliveries(entries: &[(String, DeliveryGrant)]) -> String {
    if entries
        .iter()
        .all(|(_, grant)| *grant == DeliveryGrant::default())
    {
        return quote_list(entries.iter().map(|(name, _)| name.as_str()));
    }
    let entries: Vec<String> = entries
        .iter()
        .map(|(name, grant)| format!("{} = {}", key(name), delivery(grant)))
        .collect();
    format!("{{ {} }}", entries.join(", "))
}

pub(super) fn delivery(grant: &DeliveryGrant) -> String {
    let members: Vec<String> = [("secrets", &grant.secrets), ("may", &grant.may)]
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(key, list)| format!("{key} = {}", quote_list(list.iter().map(String::as_str))))
        .collect();
    match members.is_empty() {
        true => "true".into(),
        false => format!("{{ {} }}", members.join(", ")),
    }
}

/// A TOML key.
pub(in crate::policy) fn key(name: &str) -> String {
    let bare = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { name.into() } else { quote(name) }
}

/// A guest's word in a log line: bare if it is harmless, else quoted and escaped.
pub(super) fn plain(name: &str) -> String {
    if is_plain_name(name) || name == "*" {
        name.into()
    } else {
        quote(name)
    }
}
