//! Many manifests become one.
//!
//! lightningd does not start when an option name is taken, crashes when a method
//! has the name of a built-in command, and kills the plugin for an unknown hook
//! (`lightningd/plugin.c`): so each guest's manifest is checked for itself, then
//! against lightningd's own names, the operator's grants, and the guests before it.
//! One that fails is refused as a whole, by name and reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cln_protocol::hook::{HookSpec, Secret};
use cln_protocol::hooks;
use cln_protocol::manifest::{HookFilters, HookRegistration, Lightningd, Manifest, OptionSpec};
use cln_protocol::native::{self, Version};

use super::granted::not_granted;
use super::left_out::{LeftOut, Reason};
use super::list;
use super::order::Places;
use super::routes::{ANY_TOPIC, Chained, Link, Member, Routes, Table};
use super::withhold::Withheld;
use crate::capability::Capabilities;
use crate::guest::life::Guest;
use crate::policy::vocabulary::TOPICS;
use crate::policy::{Grants, Requested};

/// How guests share a process with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Many guests, one plugin.
    Bridge,
    /// One guest, a plugin of its own.
    Solo,
}

/// A guest and the manifest it gave.
#[derive(Debug)]
pub struct Candidate {
    /// The guest.
    pub guest: Arc<Guest>,
    /// Its manifest, checked for itself.
    pub manifest: Manifest,
}

/// The one manifest, and who is behind it.
#[derive(Debug)]
pub struct Aggregate {
    /// For lightningd.
    pub manifest: Manifest,
    /// For the bridge.
    pub routes: Routes,
    /// The candidates that are left out, and why.
    pub refused: Vec<(Arc<Guest>, String)>,
}

/// Parses a guest's manifest as hostile input, for this lightningd.
pub fn parse(text: &str, lightningd: &Lightningd) -> Result<Manifest, String> {
    Manifest::parse_for(text, lightningd).map_err(|e| format!("its manifest: {e}"))
}

/// Adds up the candidates, in their order: the later one of two that want the same
/// name is refused, and joins those that are `left_out` already.
///
/// `version` is lightningd's; None is the newest.
pub fn aggregate(
    candidates: Vec<Candidate>,
    left_out: Vec<LeftOut>,
    mode: Mode,
    version: Option<Version>,
) -> Aggregate {
    let mut sum = Sum {
        names: candidates
            .iter()
            .map(|c| c.guest.name().to_string())
            .collect(),
        ..Sum::default()
    };
    let mut refused = Vec::new();
    for Candidate { guest, manifest } in candidates {
        let grants = guest.capabilities().policy.grants().clone();
        let requested =
            Requested::read(&manifest.capabilities).map_err(|e| format!("its manifest: {e}"));
        let fits = requested.and_then(|requested| {
            let places = sum.clashes(&guest, &manifest, &requested, &grants, mode)?;
            Ok((places, requested))
        });
        match fits {
            Ok((places, requested)) => {
                sum.places = places;
                guest.capabilities().set_requested(requested);
                sum.add(guest, manifest);
            }
            Err(why) => refused.push((guest, why)),
        }
    }
    sum.routes.left_out = left_out;
    for (guest, why) in &refused {
        let capabilities = guest.capabilities();
        sum.routes.left_out.push(LeftOut::new(
            guest.name(),
            Reason::Failed(why.clone()),
            &capabilities.policy,
            mode,
            version,
            || Arc::clone(capabilities),
        ));
    }
    let (manifest, routes) = sum.finish(mode, version);
    Aggregate {
        manifest,
        routes,
        refused,
    }
}

#[derive(Default)]
struct Sum {
    names: BTreeSet<String>,
    manifest: Manifest,
    routes: Routes,
    places: BTreeMap<&'static str, Places>,
    links: BTreeMap<&'static str, BTreeMap<String, Link>>,
    all_dynamic: bool,
}

impl Sum {
    /// Everything that would be wrong with this guest beside the others; the places
    /// in the hooks' chains when nothing is.
    fn clashes(
        &self,
        guest: &Guest,
        manifest: &Manifest,
        requested: &Requested,
        grants: &Grants,
        mode: Mode,
    ) -> Result<BTreeMap<&'static str, Places>, String> {
        not_granted(manifest, requested, grants)?;
        for option in &manifest.options {
            if let Some((owner, _)) = self.routes.options.get(&option.name) {
                let owner = self.name(*owner);
                return Err(format!("option {} is already guest {owner}'s", option.name));
            }
        }
        for method in &manifest.rpcmethods {
            if method.name == list::NAME {
                return Err(format!("method {} is the bridge's own", method.name));
            }
            if let Some(owner) = self.routes.methods.get(&method.name) {
                let owner = self.name(*owner);
                return Err(format!("method {} is already guest {owner}'s", method.name));
            }
        }
        if let Some((place, bit)) = self.manifest.featurebits.clash(&manifest.featurebits) {
            return Err(format!(
                "feature bit {bit} in {place} is already set by another guest"
            ));
        }
        let mut places = self.places.clone();
        for hook in &manifest.hooks {
            let spec = hooks::find(&hook.name)
                .ok_or_else(|| format!("hook {} is not known", hook.name))?;
            places
                .entry(spec.name)
                .or_default()
                .add(guest.name(), hook.clone(), &self.names)
                .map_err(|why| format!("hook {}: {why}", spec.name))?;
        }
        db_write_alone(manifest, mode)?;
        Ok(places)
    }

    fn name(&self, index: usize) -> &str {
        self.routes
            .guests
            .get(index)
            .map_or("?", |member| member.guest.name())
    }

    fn add(&mut self, guest: Arc<Guest>, manifest: Manifest) {
        let index = self.routes.guests.len();
        let summary = format!(
            "runs here: {} methods, {} hooks, {} subscriptions, {} options",
            manifest.rpcmethods.len(),
            manifest.hooks.len(),
            manifest.subscriptions.len(),
            manifest.options.len(),
        );
        self.all_dynamic = manifest.dynamic && (index == 0 || self.all_dynamic);
        guest
            .capabilities()
            .set_topics(manifest.notifications.iter().cloned());
        let topics: &[String] = if manifest.subscriptions.iter().any(|t| t == ANY_TOPIC) {
            // `*` leaves out `log` only; anything else named beside it would come twice.
            if manifest.subscriptions.iter().any(|t| t == "log") {
                self.routes.subscribe("log", index);
            }
            &[ANY_TOPIC.to_owned()]
        } else {
            &manifest.subscriptions
        };
        for topic in topics {
            self.routes.subscribe(topic, index);
        }
        for topic in &manifest.notifications {
            self.routes
                .origins
                .entry(topic.clone())
                .or_default()
                .push(index);
        }
        let mut withheld_of_hooks = BTreeMap::new();
        for hook in &manifest.hooks {
            if let Some(spec) = hooks::find(&hook.name) {
                let withheld = withheld(spec, guest.capabilities());
                if !withheld.is_empty() {
                    withheld_of_hooks.insert(spec.name, withheld.secrets.clone());
                }
                let link = Link {
                    guest: index,
                    filters: hook.filters.clone(),
                    withheld,
                };
                self.links
                    .entry(spec.name)
                    .or_default()
                    .insert(guest.name().to_string(), link);
            }
        }
        for method in &manifest.rpcmethods {
            self.routes.methods.insert(method.name.clone(), index);
        }
        for option in &manifest.options {
            self.routes
                .options
                .insert(option.name.clone(), (index, option.clone()));
        }
        let withheld = withheld_of_topics(&manifest, guest.capabilities());
        let sum = &mut self.manifest;
        sum.options.extend(manifest.options.iter().cloned());
        sum.rpcmethods.extend(manifest.rpcmethods);
        sum.featurebits.merge(&manifest.featurebits);
        for topic in manifest.notifications {
            if !sum.notifications.contains(&topic) {
                sum.notifications.push(topic);
            }
        }
        for message in manifest.custommessages {
            if !sum.custommessages.contains(&message) {
                sum.custommessages.push(message);
            }
        }
        let ungranted = guest.capabilities().ungranted();
        self.routes.guests.push(Member {
            guest,
            options: manifest.options,
            cancheck: manifest.cancheck,
            withheld,
            withheld_of_hooks,
            summary,
            ungranted,
        });
    }

    fn finish(mut self, mode: Mode, version: Option<Version>) -> (Manifest, Routes) {
        // A guest that was refused may have the name of a native plugin.
        self.names = self
            .routes
            .guests
            .iter()
            .map(|m| m.guest.name().to_string())
            .collect();
        let mut refused: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
        for (index, guest) in self.routes.left_out.iter().enumerate() {
            for spec in guest.refuses() {
                refused.entry(spec.name).or_default().push(index);
                self.places.entry(spec.name).or_default();
            }
        }
        for (name, places) in &self.places {
            let Some(spec) = hooks::find(name) else {
                continue;
            };
            let links = self
                .links
                .get_mut(name)
                .map(std::mem::take)
                .unwrap_or_default();
            let mut links = links;
            let links: Vec<Link> = places
                .order()
                .iter()
                .filter_map(|guest| links.remove(guest))
                .collect();
            self.manifest
                .hooks
                .push(registration(spec, places, &links, &self.names));
            let left_out = refused.remove(spec.name).unwrap_or_default();
            let chained = Chained {
                spec,
                links,
                left_out,
            };
            self.routes.hooks.insert(spec.name, chained);
        }
        let empty = self.routes.guests.is_empty();
        let sum = &mut self.manifest;
        sum.subscriptions = subscriptions(&self.routes, version);
        sum.custommessages.sort_unstable();
        sum.dynamic = (self.all_dynamic || empty) && sum.featurebits.is_empty();
        // The bridge answers `check` for guests that cannot.
        sum.cancheck =
            !self.routes.methods.is_empty() || sum.options.iter().any(|o: &OptionSpec| o.dynamic);
        if mode == Mode::Bridge {
            sum.rpcmethods.push(list::method());
            sum.cancheck = true;
        }
        (self.manifest, self.routes)
    }
}

/// What of this hook's payload the guest may not see.
fn withheld(spec: &HookSpec, guest: &Capabilities) -> Withheld {
    let hidden = |secret: &&Secret| !guest.sees_hook_secret(spec.name, secret.grant);
    let mut withheld = Withheld::default();
    for secret in spec.secrets.iter().filter(hidden) {
        withheld.add(secret.grant, secret.places.iter().copied());
    }
    withheld
}

/// The secrets of notifications that the guest may not see.
fn withheld_of_topics(manifest: &Manifest, guest: &Capabilities) -> Table<&'static str, Withheld> {
    let mut withheld = Table::default();
    let subscribed = |topic: &str| {
        let mut topics = manifest.subscriptions.iter();
        topics.any(|name| name == topic || (name == ANY_TOPIC && topic != "log"))
    };
    for (topic, secrets) in TOPICS.iter().filter(|(topic, _)| subscribed(topic)) {
        let mut of_topic = Withheld::default();
        for secret in *secrets {
            if !guest.sees_topic_secret(topic, secret) {
                of_topic.add_of_topic(topic, secret);
            }
        }
        if !of_topic.is_empty() {
            withheld.insert(*topic, of_topic);
        }
    }
    withheld
}

/// What the bridge itself asks lightningd for.
fn subscriptions(routes: &Routes, version: Option<Version>) -> Vec<String> {
    if routes.topics.contains_key(ANY_TOPIC) {
        let log = routes.topics.contains_key("log").then(|| "log".to_owned());
        return std::iter::once(ANY_TOPIC.to_owned()).chain(log).collect();
    }
    let mut topics: BTreeSet<String> = routes.topics.keys().cloned().collect();
    // To end cleanly, and to know what a client may still use.
    let mut own = vec!["shutdown"];
    if !routes.methods.is_empty() {
        own.push("deprecated_oneshot");
    }
    for topic in native::topics::topics(version).filter(|topic| own.contains(topic)) {
        topics.insert(topic.to_owned());
    }
    topics.into_iter().collect()
}

fn registration(
    spec: &'static HookSpec,
    places: &Places,
    links: &[Link],
    guests: &BTreeSet<String>,
) -> HookRegistration {
    let mut outside = places.outside(guests);
    // After `funder`, any answer erases what it contributed (`lightningd/dual_open_control.c`).
    let erases = matches!(spec.name, "openchannel2" | "rbf_channel");
    let funder = "funder".to_owned();
    if erases && !outside.before.contains(&funder) && !outside.after.contains(&funder) {
        outside.before.push(funder);
    }
    let mut registration = HookRegistration::named(spec.name);
    registration.before = outside.before;
    registration.after = outside.after;
    registration.filters = union(links);
    registration
}

/// The filters that let through what any of the guests wants.
fn union(links: &[Link]) -> Option<HookFilters> {
    let mut sum: Option<HookFilters> = None;
    for link in links {
        match (&mut sum, link.filters.clone()?) {
            (Some(HookFilters::Methods(all)), HookFilters::Methods(more)) => all.extend(more),
            (Some(HookFilters::MessageTypes(all)), HookFilters::MessageTypes(more)) => {
                all.extend(more)
            }
            (Some(_), _) => return None,
            (none, first) => *none = Some(first),
        }
    }
    match &mut sum {
        Some(HookFilters::Methods(all)) => {
            all.sort();
            all.dedup();
        }
        Some(HookFilters::MessageTypes(all)) => {
            all.sort_unstable();
            all.dedup();
        }
        None => {}
    }
    sum
}

/// A guest with `db_write` has a process to itself and no other hook: nothing that
/// lightningd could act on inside its transaction (docs/adr/0008-db-write-alone.md).
fn db_write_alone(manifest: &Manifest, mode: Mode) -> Result<(), String> {
    if !manifest.hooks.iter().any(|hook| hook.name == "db_write") {
        return Ok(());
    }
    if mode == Mode::Bridge {
        return Err("it hooks db_write, which must be alone in its process: start it as a plugin of its own, \
             with an executable file whose first line is #!/usr/bin/env cln-wasm (see docs/solo.md)"
            .to_owned());
    }
    if manifest.hooks.len() > 1 {
        return Err("it hooks db_write and something else; lightningd could act on that inside its database transaction".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_lightningd_is_not_asked_for_topics_that_it_does_not_know() {
        let asked = |version: &str, method: Option<&str>| {
            let mut routes = Routes::default();
            routes.topics.insert("connect".to_owned(), vec![0]);
            if let Some(method) = method {
                routes.methods.insert(method.to_owned(), 0);
            }
            subscriptions(&routes, Version::parse(version))
        };
        assert_eq!(asked("v0.8.2", Some("m")), ["connect"]);
        assert_eq!(asked("v0.10.2", Some("m")), ["connect", "shutdown"]);
        assert_eq!(asked("v26.06", None), ["connect", "shutdown"]);
        for newest in ["v24.02", "v26.06.6", "unknown"] {
            let all = ["connect", "deprecated_oneshot", "shutdown"];
            assert_eq!(asked(newest, Some("m")), all, "{newest}");
        }
    }
}
