//! Reading `[grant]`.

use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{DeliveryGrant, Form, Grants, HOOK, Kind, Section, TOPIC};
use crate::policy::document::{Document, Value, quote, unknown};
use crate::policy::http::{HostPattern, HttpGrant};
use crate::policy::rpc;
use crate::policy::vocabulary::{FEATURE_PLACES, is_plain_name, names, secrets};

impl Grants {
    pub(in crate::policy) fn read(
        document: &mut Document<'_>,
        table: &DeTable<'_>,
        origin: &Path,
    ) -> Grants {
        const KEYS: [&str; 11] = [
            "hooks",
            "subscriptions",
            "methods",
            "options",
            "notifications",
            "custommessages",
            "featurebits",
            "rpc",
            "kv",
            "timer",
            "http",
        ];
        let mut grants = Grants::none(origin);
        document.only("[grant]", table, &KEYS);
        for (key, value) in table {
            let key: &str = key.get_ref();
            match key {
                "hooks" => grants.hooks = read_deliveries(document, value, &HOOK),
                "subscriptions" => grants.subscriptions = read_deliveries(document, value, &TOPIC),
                "methods" => grants.methods = Some(read_names(document, value, key)),
                "options" => grants.options = Some(read_names(document, value, key)),
                "notifications" => grants.notifications = Some(read_names(document, value, key)),
                "custommessages" => {
                    grants.custommessages = Some(read_numbers(document, value, key, "65535"));
                }
                "featurebits" => grants.featurebits = read_featurebits(document, value),
                "rpc" => grants.rpc = rpc::read(document, value),
                "kv" => {
                    grants.kv_written = true;
                    grants.kv = document.boolean(value, key).unwrap_or(false);
                }
                "timer" => {
                    grants.timer_written = true;
                    grants.timer = document.boolean(value, key).unwrap_or(false);
                }
                "http" => {
                    grants.http_form = form_of(document, value);
                    grants.http_private_written =
                        value.get_ref().get("private_addresses").is_some();
                    grants.http = read_http(document, value);
                }
                _ => {}
            }
        }
        grants
    }
}

fn form_of(document: &Document<'_>, value: Value<'_, '_>) -> Form {
    match value.get_ref() {
        DeValue::Table(_) if !document.starts_with(value.span(), "{") => Form::Header,
        _ => Form::Line,
    }
}

fn read_deliveries(
    document: &mut Document<'_>,
    value: Value<'_, '_>,
    kind: &Kind,
) -> Section<DeliveryGrant> {
    let mut section = Section::none();
    section.form = form_of(document, value);
    let Some(table) = value.get_ref().as_table() else {
        for (name, at) in document.strings(value, kind.key) {
            check_delivery_name(document, at, name, kind);
            section
                .entries
                .push((name.to_string(), DeliveryGrant::default()));
        }
        return section;
    };
    for (name, value) in table {
        let at = name.span();
        let name: &str = name.get_ref();
        check_delivery_name(document, at, name, kind);
        match value.get_ref() {
            DeValue::Boolean(true) => section
                .entries
                .push((name.into(), DeliveryGrant::default())),
            DeValue::Boolean(false) => {}
            DeValue::Table(inner) => {
                let grant = read_delivery(document, inner, name, kind);
                section.entries.push((name.into(), grant));
            }
            _ => {
                let forms = match kind.powers {
                    [] => "true, false or { secrets = [...] }",
                    _ => "true, false or { secrets = [...], may = [...] }",
                };
                document.expected(value, name, forms);
            }
        }
    }
    section
}

fn read_delivery(
    document: &mut Document<'_>,
    table: &DeTable<'_>,
    name: &str,
    kind: &Kind,
) -> DeliveryGrant {
    let valid: &[&str] = match kind.powers {
        [] => &["secrets"],
        _ => &["secrets", "may"],
    };
    document.only(&format!("the grant of {name}"), table, valid);
    DeliveryGrant {
        secrets: read_listed(document, table, "secrets", name, "secret", kind.known),
        may: read_listed(document, table, "may", name, "answer", kind.powers),
    }
}

/// One of the lists in the grant of a hook or topic.
fn read_listed(
    document: &mut Document<'_>,
    table: &DeTable<'_>,
    list: &str,
    name: &str,
    what: &str,
    there: &[(&str, &'static [&'static str])],
) -> Vec<String> {
    let known = secrets(there, name).unwrap_or_default();
    let mut read = Vec::new();
    let Some(value) = table.get(list) else {
        return read;
    };
    for (one, at) in document.strings(value, list) {
        if known.is_empty() {
            let none = match what {
                "secret" => "no secrets",
                _ => "no answers that need a grant",
            };
            document.problem(at, format!("{name} has {none}: leave this out"));
        } else if !known.contains(&one) {
            document.problem(at, unknown(&format!("{what} of {name}"), one, known));
        }
        read.push(one.to_string());
    }
    read
}

fn check_delivery_name(document: &mut Document<'_>, at: Range<usize>, name: &str, kind: &Kind) {
    let known = names(kind.known);
    if known.contains(&name) {
        return;
    }
    // Plugins have topics of their own, but a hook that lightningd does not know is a slip.
    if kind.key == HOOK.key {
        document.problem(at, unknown("hook", name, &known));
    } else if name != "*" && !is_plain_name(name) {
        document.problem(
            at,
            format!("{} is not the name of a topic, nor \"*\"", quote(name)),
        );
    }
}

fn read_names(document: &mut Document<'_>, value: Value<'_, '_>, what: &str) -> Vec<String> {
    let mut read = Vec::new();
    for (name, at) in document.strings(value, what) {
        if name.contains('*') {
            document.problem(
                at,
                format!(
                    "{} in {what}: there are no wildcards here, name each",
                    quote(name)
                ),
            );
        } else if !is_plain_name(name) {
            document.problem(at, format!("{} is not a name", quote(name)));
        }
        read.push(name.to_string());
    }
    read
}

fn read_numbers(
    document: &mut Document<'_>,
    value: Value<'_, '_>,
    what: &str,
    most: &str,
) -> Vec<u16> {
    let wanted = format!("a number from 0 to {most}");
    let Some(list) = value.get_ref().as_array() else {
        document.expected(value, what, "a list of numbers");
        return Vec::new();
    };
    let mut read = Vec::new();
    for item in list {
        match Document::number(item).and_then(|n| u16::try_from(n).ok()) {
            Some(n) if read.contains(&n) => {
                document.problem(item.span(), format!("{n} is twice in {what}"));
            }
            Some(n) => read.push(n),
            None => document.expected(item, &format!("each of {what}"), &wanted),
        }
    }
    read
}

fn read_featurebits(document: &mut Document<'_>, value: Value<'_, '_>) -> Section<Vec<u16>> {
    let mut section = Section::none();
    section.form = form_of(document, value);
    let Some(table) = document.table(value, "featurebits") else {
        return section;
    };
    document.only("featurebits", table, FEATURE_PLACES);
    for (place, value) in table {
        let place: &str = place.get_ref();
        let bits = read_numbers(document, value, place, "65535");
        section.entries.push((place.into(), bits));
    }
    section
}

fn read_http(document: &mut Document<'_>, value: Value<'_, '_>) -> Option<HttpGrant> {
    let table = document.table(value, "http")?;
    document.only("http", table, &["hosts", "private_addresses"]);
    let mut grant = HttpGrant {
        hosts: Vec::new(),
        private_addresses: false,
    };
    if let Some(value) = table.get("private_addresses") {
        grant.private_addresses = document
            .boolean(value, "private_addresses")
            .unwrap_or(false);
    }
    match table.get("hosts") {
        None => document.problem(
            value.span(),
            "http needs hosts, as in { hosts = [\"api.example.com\"] }",
        ),
        Some(value) => {
            for (host, at) in document.strings(value, "hosts") {
                match HostPattern::parse(host) {
                    Ok(pattern) => grant.hosts.push(pattern),
                    Err(why) => document.problem(at, format!("{}: {why}", quote(host))),
                }
            }
        }
    }
    Some(grant)
}
