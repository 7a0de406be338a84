//! Whose RPC call led to this one?
//!
//! A guest that calls lightningd from within an `rpc_command` hook would meet its
//! own call in that hook, call again, and so on. Natively this deadlocks or never
//! ends. The bridge marks each RPC call of a guest with an id of its own; since
//! lightningd and its plugins put the caller's id in front of the ids that they
//! make (`<caller's id>/cln:<method>#<n>`), the mark survives any depth.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What every id of a guest's RPC call begins with.
const MARK: &str = "cln-wasm:";

/// The guests whose calls led here, each once, and how many calls it were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    guests: Option<Arc<[Arc<str>]>>,
    last: Option<Arc<str>>,
    depth: u64,
}

impl Lineage {
    /// Did a call of this guest lead here?
    pub fn contains(&self, guest: &str) -> bool {
        self.guests().iter().any(|g| &**g == guest)
    }

    /// In the order of their calls.
    pub fn guests(&self) -> &[Arc<str>] {
        self.guests.as_deref().unwrap_or_default()
    }

    /// The guest whose call or notification this is.
    pub fn sender(&self) -> Option<&Arc<str>> {
        self.last.as_ref()
    }

    /// How many calls or notifications of guests led here, each because of the one
    /// before.
    pub fn depth(&self) -> u64 {
        self.depth
    }

    /// So many of them, nobody knows whose.
    pub fn of_depth(depth: u64) -> Lineage {
        Lineage {
            guests: None,
            last: None,
            depth,
        }
    }

    /// One more, of this guest's.
    pub fn with(&self, guest: &Arc<str>) -> Lineage {
        let guests = if self.contains(guest) {
            self.guests.clone()
        } else {
            Some(self.guests().iter().chain([guest]).cloned().collect())
        };
        Lineage {
            guests,
            last: Some(Arc::clone(guest)),
            depth: self.depth.saturating_add(1),
        }
    }
}

/// All RPC calls of guests that are under way.
#[derive(Debug, Default)]
pub struct Lineages {
    next: AtomicU64,
    /// Makes ids that no client of lightningd can guess, who could otherwise pass by
    /// a guard as if the guard itself had called.
    secret: RandomState,
    under_way: Mutex<HashMap<u64, Lineage>>,
}

impl Lineages {
    /// Marks a call that `guest` makes because of `cause`. The mark ends when the
    /// returned value is dropped.
    pub fn mark(self: &Arc<Self>, guest: &Arc<str>, cause: &Lineage) -> Mark {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(number, cause.with(guest));
        Mark {
            id: format!(
                "{MARK}{guest}#{number}-{:016x}",
                self.secret.hash_one(number)
            ),
            number,
            lineages: Arc::clone(self),
        }
    }

    /// The lineage of a request whose id is this JSON token.
    pub fn of_id(&self, token: &str) -> Lineage {
        let Some(rest) = token.strip_prefix('"').and_then(|t| t.strip_prefix(MARK)) else {
            return Lineage::default();
        };
        let tail = rest.split_once('#').map_or("", |(_, tail)| tail);
        let Some((number, proof)) = tail.split_once('-') else {
            return Lineage::default();
        };
        let Ok(number) = number.parse::<u64>() else {
            return Lineage::default();
        };
        let proof = proof
            .get(..16)
            .and_then(|hex| u64::from_str_radix(hex, 16).ok());
        if proof != Some(self.secret.hash_one(number)) {
            return Lineage::default();
        }
        self.lock().get(&number).cloned().unwrap_or_default()
    }

    /// The lineage of the command that an `rpc_command` payload is about.
    pub fn of_rpc_command(&self, payload: &str) -> Lineage {
        #[derive(serde::Deserialize)]
        struct Payload<'a> {
            #[serde(borrow)]
            rpc_command: Command<'a>,
        }
        #[derive(serde::Deserialize)]
        struct Command<'a> {
            #[serde(borrow)]
            id: &'a serde_json::value::RawValue,
        }
        if memchr::memmem::find(payload.as_bytes(), MARK.as_bytes()).is_none() {
            return Lineage::default();
        }
        match serde_json::from_str::<Payload<'_>>(payload) {
            Ok(payload) => self.of_id(payload.rpc_command.id.get()),
            Err(_) => Lineage::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Lineage>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One RPC call of a guest under way.
#[derive(Debug)]
pub struct Mark {
    id: String,
    number: u64,
    lineages: Arc<Lineages>,
}

impl Mark {
    /// The id for the request.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.lineages.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_through_any_depth() {
        let lineages = Arc::new(Lineages::default());
        let (alice, bob): (Arc<str>, Arc<str>) = ("alice".into(), "bob".into());
        let first = lineages.mark(&alice, &Lineage::default());
        let deep = format!("\"{}/cln:pay#3/cln:rpc_command#9\"", first.id());
        let seen = lineages.of_id(&deep);
        assert!(seen.contains("alice") && !seen.contains("bob"));

        let second = lineages.mark(&bob, &seen);
        let payload = format!(
            r#"{{"rpc_command":{{"id":"{}","method":"x","params":{{}}}}}}"#,
            second.id()
        );
        let seen = lineages.of_rpc_command(&payload);
        assert_eq!(seen.guests(), [Arc::clone(&alice), bob]);
        let third = lineages.mark(&alice, &seen);
        let seen = lineages.of_id(&format!("\"{}\"", third.id()));
        assert_eq!((seen.guests().len(), seen.depth()), (2, 3));
    }

    #[test]
    fn a_mark_ends_with_its_call_and_cannot_be_made_up() {
        let lineages = Arc::new(Lineages::default());
        let id = {
            let mark = lineages.mark(&"alice".into(), &Lineage::default());
            format!("\"{}\"", mark.id())
        };
        assert_eq!(lineages.of_id(&id), Lineage::default());
        for token in [
            "7",
            "\"cln-wasm:alice\"",
            "\"cln-wasm:alice#\"",
            "\"cln-wasm:alice#0\"",
            "\"cln-wasm:alice#0-0000000000000000\"",
            "\"cln-wasm:#99999999999999999999\"",
            "\"",
        ] {
            assert_eq!(lineages.of_id(token), Lineage::default(), "{token}");
        }
    }
}
