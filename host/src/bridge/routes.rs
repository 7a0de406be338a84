//! Who gets what, once the manifests are in.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cln_protocol::hook::HookSpec;
use cln_protocol::manifest::{HookFilters, OptionSpec};

use super::left_out::LeftOut;
use super::withhold::Withheld;
use crate::guest::life::Guest;

/// A table that each message looks something up in. Its hashes take a tenth of the
/// standard ones; they too begin differently in each process, for the names are the guests'.
pub type Table<K, V> = foldhash::HashMap<K, V>;

/// The guests whose manifests were accepted, and what each of them asked for.
#[derive(Debug, Default)]
pub struct Routes {
    /// In the order of their names.
    pub guests: Vec<Member>,
    /// RPC method to guest.
    pub methods: Table<String, usize>,
    /// Option to guest.
    pub options: HashMap<String, (usize, OptionSpec)>,
    /// Topic to guests. A guest that subscribes to `*` is under [`ANY_TOPIC`] only.
    pub topics: Table<String, Vec<usize>>,
    /// Topic of a guest's own to the guests that declared it.
    pub origins: Table<String, Vec<usize>>,
    /// Hook to the guests on it, in the order of the chain.
    pub hooks: Table<&'static str, Chained>,
    /// Guests that are not in the manifest.
    pub left_out: Vec<LeftOut>,
}

/// The subscription to every topic but `log`.
pub const ANY_TOPIC: &str = "*";

/// One guest of the aggregate.
#[derive(Debug)]
pub struct Member {
    /// The guest.
    pub guest: Arc<Guest>,
    /// Its own options.
    pub options: Vec<OptionSpec>,
    /// It answers `check` itself.
    pub cancheck: bool,
    /// Topic to the secrets of it that this guest is not shown.
    pub withheld: Table<&'static str, Withheld>,
    /// Hook to the names of the secrets that it is not shown.
    pub withheld_of_hooks: BTreeMap<&'static str, Vec<&'static str>>,
    /// What it brings, for the operator's log.
    pub summary: String,
    /// What it asks for and does not get, for the operator's log.
    pub ungranted: Vec<String>,
}

/// The guests on one hook.
#[derive(Debug)]
pub struct Chained {
    /// All that is known of the hook.
    pub spec: &'static HookSpec,
    /// In the order in which they are called.
    pub links: Vec<Link>,
    /// Guests that are left out and for which this hook is refused: indices into
    /// [`Routes::left_out`].
    pub left_out: Vec<usize>,
}

/// One guest on one hook.
#[derive(Debug)]
pub struct Link {
    /// Index into [`Routes::guests`].
    pub guest: usize,
    /// lightningd of v25.11 and older ignores these, so they are applied again here.
    pub filters: Option<HookFilters>,
    /// What of the payload this guest is not shown.
    pub withheld: Withheld,
}

impl Routes {
    /// The guest at an index that one of the tables holds.
    pub fn member(&self, index: usize) -> Option<&Member> {
        self.guests.get(index)
    }

    /// What is withheld from the first guest on this hook; `None` if that is nothing, or it is none.
    pub fn first_withheld(&self, hook: &str) -> Option<&Withheld> {
        let link = self.hooks.get(hook)?.links.first()?;
        (!link.withheld.is_empty()).then_some(&link.withheld)
    }

    /// The guest of this name.
    pub fn guest(&self, name: &str) -> Option<&Member> {
        let known = |member: &&Member| **member.guest.name() == *name;
        self.guests.iter().find(known)
    }

    /// From now on the guest at this index gets this topic. The guests come in their order.
    pub fn subscribe(&mut self, topic: &str, guest: usize) {
        let guests = self.topics.entry(topic.to_owned()).or_default();
        if guests.last() != Some(&guest) {
            guests.push(guest);
        }
    }

    /// The guests that get this topic, once each, in the order of their names.
    pub fn subscribers(&self, topic: &str) -> impl Iterator<Item = &Member> {
        let subscribers = |topic: &str| self.topics.get(topic).map_or(&[][..], Vec::as_slice);
        let mut named = subscribers(topic);
        let mut any = match topic {
            "log" => &[],
            _ => subscribers(ANY_TOPIC),
        };
        // Both lists are in order, and no guest is in both.
        std::iter::from_fn(move || {
            let next = match (named.split_first(), any.split_first()) {
                (Some((first, rest)), other) if other.is_none_or(|(other, _)| first < other) => {
                    named = rest;
                    first
                }
                (_, Some((first, rest))) => {
                    any = rest;
                    first
                }
                (_, None) => return None,
            };
            Some(*next)
        })
        .filter_map(|index| self.guests.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_subscribed_once() {
        let mut routes = Routes::default();
        for (topic, guest) in [("a", 0), ("a", 0), (ANY_TOPIC, 1), ("a", 2)] {
            routes.subscribe(topic, guest);
        }
        assert_eq!(routes.topics["a"], [0, 2]);
        assert_eq!(routes.topics[ANY_TOPIC], [1]);
    }
}
