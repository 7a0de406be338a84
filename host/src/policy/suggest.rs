//! A policy that grants just what a guest asks for, for the operator to read,
//! cut and keep.

use std::fmt::Write;

use super::document::{quote, quote_list};
use super::grant::{DeliveryGrant, deliveries, key};
use super::vocabulary::{FEATURE_PLACES, HOOKS, POWERS, TOPICS, is_plain_name, secrets};

/// One thing that a guest asks for. All of it is the guest's word: hostile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// The name of the hook, topic, method, option or host.
    pub name: String,
    /// Of a hook or topic: the secrets in its payload.
    pub secrets: Vec<String>,
    /// Of a hook: the answers that need a grant of their own.
    pub may: Vec<String>,
    /// What for, in the guest's words.
    pub reason: String,
}

/// Calls to lightningd that a guest asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AskedRpc {
    /// In the form inside runes; all must hold.
    pub restrictions: Vec<String>,
    /// What for, in the guest's words.
    pub reason: String,
}

/// All that a guest's manifest asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requests {
    /// Hooks, with the secrets it wants of each.
    pub hooks: Vec<Asked>,
    /// Topics it wants to be told of.
    pub subscriptions: Vec<Asked>,
    /// RPC methods it offers.
    pub methods: Vec<Asked>,
    /// Topics of its own.
    pub notifications: Vec<Asked>,
    /// Types of peer messages it understands.
    pub custommessages: Vec<u16>,
    /// Feature bits by place.
    pub featurebits: Vec<(String, Vec<u16>)>,
    /// Calls to lightningd.
    pub rpc: Vec<AskedRpc>,
    /// The reason for a key-value store.
    pub kv: Option<String>,
    /// The reason for timers.
    pub timer: Option<String>,
    /// Hosts as in [`HostPattern`](super::HostPattern).
    pub http: Vec<Asked>,
}

/// The policy file that would grant `requests`, with the reasons as comments.
/// What no policy can grant is left out, with a comment.
pub fn suggest(requests: &Requests, sha256: Option<super::Pin>) -> String {
    let mut page = String::new();
    if let Some(pin) = sha256 {
        let _ = writeln!(page, "sha256 = \"{pin}\"\n");
    }
    page.push_str("[grant]\n");
    let hooks = known(&mut page, "hook", &requests.hooks, HOOKS, |name| {
        secrets(HOOKS, name).is_some()
    });
    line(&mut page, "hooks", &hooks);
    let topics = known(
        &mut page,
        "topic",
        &requests.subscriptions,
        TOPICS,
        |name| name == "*" || is_plain_name(name),
    );
    line(&mut page, "subscriptions", &topics);
    names(&mut page, "methods", "method", &requests.methods);
    names(
        &mut page,
        "notifications",
        "notification",
        &requests.notifications,
    );
    if !requests.custommessages.is_empty() {
        let _ = writeln!(
            page,
            "custommessages = {:?}",
            sorted(&requests.custommessages)
        );
    }
    let places: Vec<String> = requests
        .featurebits
        .iter()
        .filter(|(place, _)| FEATURE_PLACES.contains(&place.as_str()))
        .map(|(place, bits)| format!("{} = {:?}", key(place), sorted(bits)))
        .collect();
    if !places.is_empty() {
        let _ = writeln!(page, "featurebits = {{ {} }}", places.join(", "));
    }
    for (key, reason) in [("kv", &requests.kv), ("timer", &requests.timer)] {
        if let Some(reason) = reason {
            comment(&mut page, key, reason);
            let _ = writeln!(page, "{key} = true");
        }
    }
    hosts(&mut page, &requests.http);
    for asked in &requests.rpc {
        rpc(&mut page, asked);
    }
    page
}

fn known(
    page: &mut String,
    what: &str,
    asked: &[Asked],
    table: &[(&str, &'static [&'static str])],
    valid: impl Fn(&str) -> bool,
) -> Vec<(String, DeliveryGrant)> {
    let mut entries: Vec<(String, DeliveryGrant)> = Vec::new();
    for one in asked {
        if !valid(&one.name) {
            refused(page, what, &one.name);
            continue;
        }
        if entries.iter().any(|(name, _)| *name == one.name) {
            continue;
        }
        comment(page, &one.name, &one.reason);
        let mut grant = DeliveryGrant::default();
        let there = secrets(table, &one.name).unwrap_or_default();
        for secret in &one.secrets {
            if !there.contains(&secret.as_str()) {
                refused(page, "secret", secret);
            } else if !grant.secrets.contains(secret) {
                grant.secrets.push(secret.clone());
            }
        }
        let powers = secrets(POWERS, &one.name).filter(|_| what == "hook");
        for power in &one.may {
            if !powers.unwrap_or_default().contains(&power.as_str()) {
                refused(page, "answer", power);
            } else if !grant.may.contains(power) {
                grant.may.push(power.clone());
            }
        }
        entries.push((one.name.clone(), grant));
    }
    entries
}

fn line(page: &mut String, key: &str, entries: &[(String, DeliveryGrant)]) {
    if !entries.is_empty() {
        let _ = writeln!(page, "{key} = {}", deliveries(entries));
    }
}

fn names(page: &mut String, key: &str, what: &str, asked: &[Asked]) {
    let mut listed: Vec<&str> = Vec::new();
    for one in asked {
        if !is_plain_name(&one.name) {
            refused(page, what, &one.name);
        } else if !listed.contains(&one.name.as_str()) {
            comment(page, &one.name, &one.reason);
            listed.push(&one.name);
        }
    }
    if !listed.is_empty() {
        let _ = writeln!(page, "{key} = {}", quote_list(listed));
    }
}

fn hosts(page: &mut String, asked: &[Asked]) {
    let mut listed: Vec<&str> = Vec::new();
    for one in asked {
        match super::HostPattern::parse(&one.name) {
            Err(_) => refused(page, "host", &one.name),
            Ok(_) if listed.contains(&one.name.as_str()) => {}
            Ok(_) => {
                comment(page, &one.name, &one.reason);
                listed.push(&one.name);
            }
        }
    }
    if !listed.is_empty() {
        let _ = writeln!(page, "http = {{ hosts = {} }}", quote_list(listed));
    }
}

fn rpc(page: &mut String, asked: &AskedRpc) {
    let valid = |text: &String| {
        super::runes::Restriction::parse(text).is_ok_and(|r| super::runes::lint(&r).is_none())
    };
    let restrictions = quote_list(asked.restrictions.iter().map(String::as_str));
    if asked.restrictions.is_empty() || !asked.restrictions.iter().all(valid) {
        refused(page, "rpc", &restrictions);
        return;
    }
    page.push('\n');
    comment(page, "rpc", &asked.reason);
    let _ = writeln!(page, "[[grant.rpc]]\nrestrictions = {restrictions}");
}

fn refused(page: &mut String, what: &str, name: &str) {
    let _ = writeln!(page, "# not a {what} that can be granted: {}", quote(name));
}

/// One line, whatever the guest wrote.
fn comment(page: &mut String, what: &str, reason: &str) {
    let reason: String = reason.chars().take(300).collect();
    let reason = if reason.is_empty() {
        "no reason given".to_string()
    } else {
        quote(&reason)
    };
    let _ = writeln!(page, "# {what}: {reason}");
}

fn sorted(numbers: &[u16]) -> Vec<u16> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Pin, Policy};
    use proptest::prelude::*;
    use std::path::Path;

    fn asked(name: &str, secrets: &[&str], reason: &str) -> Asked {
        Asked {
            name: name.into(),
            secrets: secrets.iter().map(|s| s.to_string()).collect(),
            reason: reason.into(),
            ..Asked::default()
        }
    }

    #[test]
    fn the_suggestion_grants_all_that_was_asked() {
        let requests = Requests {
            hooks: vec![
                asked("htlc_accepted", &["shared_secret"], "to hold payments"),
                asked("openchannel", &[], ""),
            ],
            subscriptions: vec![
                asked("*", &[], "all"),
                asked("invoice_creation", &["preimage"], "x"),
            ],
            methods: vec![asked("holdinvoice", &[], "to make hold invoices")],
            notifications: vec![asked("hold_accepted", &[], "tells others")],
            custommessages: vec![32769, 7, 7],
            featurebits: vec![("node".into(), vec![101])],
            rpc: vec![AskedRpc {
                restrictions: vec!["method=pay|method=xpay".into(), "pnum<3".into()],
                reason: "to pay".into(),
            }],
            kv: Some("remembers".into()),
            timer: Some("expires".into()),
            http: vec![asked("api.example.com", &[], "rates")],
        };
        let page = suggest(&requests, Some(Pin::of(b"module")));
        let policy = Policy::parse(&page, Path::new("hold.toml")).expect(&page);
        let grants = policy.grants();
        assert_eq!(policy.sha256, Some(Pin::of(b"module")));
        assert_eq!(grants.hook_secret("htlc_accepted", "shared_secret"), Ok(()));
        assert!(
            grants
                .hook_secret("htlc_accepted", "payment_secret")
                .is_err()
        );
        assert!(grants.hook("openchannel").is_ok());
        assert!(grants.subscription("anything").is_ok());
        assert_eq!(
            grants.subscription_secret("invoice_creation", "preimage"),
            Ok(())
        );
        assert_eq!(grants.method("holdinvoice"), Ok(()));
        assert_eq!(grants.notification("hold_accepted"), Ok(()));
        assert_eq!(grants.custommessage(7), Ok(()));
        assert_eq!(grants.featurebits("node", &[101]), Ok(()));
        assert_eq!((grants.kv(), grants.timer()), (Ok(()), Ok(())));
        assert_eq!(grants.http_host("api.example.com", 443), Ok(()));
        assert_eq!(grants.rpc().len(), 1);
        assert_eq!(grants.rpc()[0].key(), "method=pay|method=xpay&pnum<3");
        assert!(page.contains("# htlc_accepted: \"to hold payments\"\n"));
        assert!(page.contains("# openchannel: no reason given\n"));
    }

    fn hostile() -> impl Strategy<Value = Vec<Asked>> {
        let text = || {
            prop_oneof![
                "[a-z_*.=|]{0,9}",
                any::<String>(),
                Just("a\n[grant]\nkv = true\n".to_string())
            ]
        };
        prop::collection::vec(
            (text(), prop::collection::vec(text(), 0..2), text()).prop_map(
                |(name, secrets, reason)| Asked {
                    name,
                    may: secrets.clone(),
                    secrets,
                    reason,
                },
            ),
            0..3,
        )
    }

    proptest! {
        /// Whatever a guest writes, the page is a policy and grants no more than was asked for.
        #[test]
        fn a_hostile_request_stays_inside_its_place(
            hooks in hostile(), subscriptions in hostile(), methods in hostile(), http in hostile(), rpc in hostile(),
        ) {
            let requests = Requests {
                hooks,
                subscriptions,
                methods,
                http,
                rpc: rpc.into_iter().map(|a| AskedRpc { restrictions: vec![a.name], reason: a.reason }).collect(),
                ..Requests::default()
            };
            let page = suggest(&requests, None);
            let policy = Policy::parse(&page, Path::new("x.toml"));
            prop_assert!(policy.is_ok(), "{page}\n{policy:?}");
            let policy = policy.unwrap();
            prop_assert!(policy.grants().kv().is_err());
            prop_assert!(policy.grants().rpc().len() <= requests.rpc.len());
        }
    }
}
