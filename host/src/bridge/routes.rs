//! Who gets what, once the manifests are in.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cln_protocol::hook::HookSpec;
use cln_protocol::manifest::{HookFilters, OptionSpec};

use super::withhold::Withheld;
use crate::guest::life::Guest;

/// The guests whose manifests were accepted, and what each of them asked for.
#[derive(Debug, Default)]
pub struct Routes {
    /// In the order of their names.
    pub guests: Vec<Member>,
    /// RPC method to guest.
    pub methods: HashMap<String, usize>,
    /// Option to guest.
    pub options: HashMap<String, (usize, OptionSpec)>,
    /// Topic to guests. A guest that subscribes to `*` is under [`ANY_TOPIC`] only.
    pub topics: HashMap<String, Vec<usize>>,
    /// Topic of a guest's own to the guests that declared it.
    pub origins: HashMap<String, Vec<usize>>,
    /// Hook to the guests on it, in the order of the chain.
    pub hooks: HashMap<&'static str, Chained>,
    /// Guests that are not in the manifest, by name, and why.
    pub left_out: Vec<(String, String)>,
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
    pub withheld: HashMap<&'static str, Withheld>,
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

    /// The guest of this name.
    pub fn guest(&self, name: &str) -> Option<&Member> {
        let known = |member: &&Member| **member.guest.name() == *name;
        self.guests.iter().find(known)
    }

    /// The guests that get this topic, once each.
    pub fn subscribers(&self, topic: &str) -> impl Iterator<Item = &Member> {
        let named = self.topics.get(topic).into_iter().flatten();
        let any = self
            .topics
            .get(ANY_TOPIC)
            .filter(|_| topic != "log")
            .into_iter()
            .flatten();
        let mut indices: Vec<usize> = named.chain(any).copied().collect();
        indices.sort_unstable();
        indices.dedup();
        indices
            .into_iter()
            .filter_map(|index| self.guests.get(index))
    }
}
