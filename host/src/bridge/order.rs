//! The place of guests in a hook's chain: among themselves, and of the bridge
//! among the other plugins.
//!
//! lightningd sorts the plugins of a hook by their `before` and `after`, ties by
//! registration (`lightningd/plugin_hook.c`, `plugin_hook_make_ordered`), and kills
//! every plugin that stands in or behind a ring. All guests of a bridge stand at
//! one place there, so a guest that wants the bridge both before and after the
//! same plugin would take its neighbours down: it is refused instead.

use std::collections::{BTreeMap, BTreeSet};

use cln_protocol::manifest::HookRegistration;

/// The wishes of all guests for one hook.
#[derive(Debug, Default, Clone)]
pub struct Places {
    /// Guest to its wishes, in the order of registration.
    wishes: Vec<(String, HookRegistration)>,
}

/// Where the bridge as a whole stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// Native plugins that come later.
    pub before: Vec<String>,
    /// Native plugins that come earlier.
    pub after: Vec<String>,
}

/// `before` and `after` name a plugin by its file, with or without a path.
fn basename(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

impl Places {
    /// Adds a guest, or says why its wishes cannot be met beside those before it.
    pub fn add(
        &mut self,
        guest: &str,
        wish: HookRegistration,
        all_guests: &BTreeSet<String>,
    ) -> Result<(), String> {
        let mut trial = self.clone();
        trial.wishes.push((guest.to_owned(), wish));
        if trial.sorted().is_none() {
            return Err("its before and after make a ring with those of other guests".to_owned());
        }
        let outside = trial.outside(all_guests);
        if let Some(both) = outside
            .before
            .iter()
            .find(|name| outside.after.contains(name))
        {
            return Err(format!(
                "with it the bridge would stand both before and after {both}, and lightningd would kill both"
            ));
        }
        *self = trial;
        Ok(())
    }

    /// The guests in the order of the chain.
    pub fn order(&self) -> Vec<String> {
        // `add` let no ring in.
        self.sorted().unwrap_or_default()
    }

    /// What the others' `before` and `after` are about outside of the bridge.
    pub fn outside(&self, all_guests: &BTreeSet<String>) -> Outside {
        let native = |names: fn(&HookRegistration) -> &Vec<String>| {
            let mut found: Vec<String> = Vec::new();
            for name in self.wishes.iter().flat_map(|(_, wish)| names(wish)) {
                let name = basename(name);
                if !all_guests.contains(name) && !found.iter().any(|f| f == name) {
                    found.push(name.to_owned());
                }
            }
            found
        };
        Outside {
            before: native(|wish| &wish.before),
            after: native(|wish| &wish.after),
        }
    }

    /// Sorted, ties by registration; `None` for a ring.
    fn sorted(&self) -> Option<Vec<String>> {
        let index: BTreeMap<&str, usize> = self
            .wishes
            .iter()
            .enumerate()
            .map(|(i, (name, _))| (name.as_str(), i))
            .collect();
        let mut earlier: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.wishes.len()];
        for (i, (_, wish)) in self.wishes.iter().enumerate() {
            for later in wish
                .before
                .iter()
                .filter_map(|name| index.get(basename(name)))
            {
                if let Some(set) = earlier.get_mut(*later) {
                    set.insert(i);
                }
            }
            let sooner = wish
                .after
                .iter()
                .filter_map(|name| index.get(basename(name)));
            if let Some(set) = earlier.get_mut(i) {
                set.extend(sooner);
            }
        }
        let mut order = Vec::new();
        let mut placed = BTreeSet::new();
        while order.len() < self.wishes.len() {
            let free = |i: &usize| {
                !placed.contains(i) && earlier.get(*i).is_some_and(|e| e.is_subset(&placed))
            };
            let next = (0..self.wishes.len()).find(free)?;
            placed.insert(next);
            order.extend(self.wishes.get(next).map(|(name, _)| name.clone()));
        }
        Some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(before: &[&str], after: &[&str]) -> HookRegistration {
        let mut wish = HookRegistration::named("htlc_accepted");
        wish.before = before.iter().map(ToString::to_string).collect();
        wish.after = after.iter().map(ToString::to_string).collect();
        wish
    }

    fn guests() -> BTreeSet<String> {
        ["a", "b", "c"].map(str::to_owned).into()
    }

    #[test]
    fn ties_keep_the_order_of_registration_and_wishes_come_first() {
        let mut places = Places::default();
        places.add("a", wish(&[], &["c"]), &guests()).unwrap();
        places.add("b", wish(&[], &[]), &guests()).unwrap();
        places.add("c", wish(&["/opt/b"], &[]), &guests()).unwrap();
        assert_eq!(places.order(), ["c", "a", "b"]);
        assert_eq!(places.outside(&guests()), Outside::default());
    }

    #[test]
    fn a_ring_of_guests_refuses_the_last() {
        let mut places = Places::default();
        places.add("a", wish(&["b"], &[]), &guests()).unwrap();
        assert!(
            places
                .add("b", wish(&["a"], &[]), &guests())
                .unwrap_err()
                .contains("ring")
        );
        assert!(
            places.add("c", wish(&["c"], &[]), &guests()).is_err(),
            "before itself"
        );
        assert_eq!(places.order(), ["a"]);
    }

    #[test]
    fn nobody_puts_the_bridge_on_both_sides_of_a_plugin() {
        let mut places = Places::default();
        places
            .add("a", wish(&["keysend"], &["offers"]), &guests())
            .unwrap();
        let refused = places.add("b", wish(&["/usr/libexec/offers"], &[]), &guests());
        assert!(refused.unwrap_err().contains("offers"));
        assert!(places.add("b", wish(&["x"], &["x"]), &guests()).is_err());
        let outside = places.outside(&guests());
        assert_eq!(
            (outside.before, outside.after),
            (vec!["keysend".into()], vec!["offers".into()])
        );
    }
}
