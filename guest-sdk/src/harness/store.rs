//! The guest's store in a test: in memory, with the bridge's limits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

use crate::error::KvError;
use crate::kv::{KvPage, KvSwap};

/// What each entry counts for beside its key and its value, as in the bridge.
const ENTRY_OVERHEAD: u64 = 64;
/// The longest key, in bytes, as in the bridge.
const KEY: usize = 512;
/// The most keys in one page, as in the bridge.
const PAGE: u32 = 1_000;

/// The store of a guest under test. Clones are the same store: given to a second
/// [`Harness`](super::Harness) it is what the guest finds after a restart.
#[derive(Debug, Clone)]
pub struct TestStore(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    values: RefCell<BTreeMap<String, Vec<u8>>>,
    quota: Cell<u64>,
    answer: Cell<u64>,
    fault: RefCell<Option<KvError>>,
}

impl Default for TestStore {
    /// An empty one with the bridge's default limits.
    fn default() -> Self {
        TestStore(Rc::new(Inner {
            values: RefCell::default(),
            quota: Cell::new(16 << 20),
            answer: Cell::new(4 << 20),
            fault: RefCell::default(),
        }))
    }
}

impl TestStore {
    /// `limits.kv_bytes`: keys and values, and 64 bytes for each entry.
    pub fn set_quota(&self, bytes: u64) {
        self.0.quota.set(bytes);
    }

    /// `limits.answer_bytes`: the largest value.
    pub fn set_answer_bytes(&self, bytes: u64) {
        self.0.answer.set(bytes);
    }

    /// Every call fails like this from now on; None mends it.
    pub fn set_fault(&self, fault: Option<KvError>) {
        *self.0.fault.borrow_mut() = fault;
    }

    /// What the entries count for against the quota, in bytes.
    pub fn used(&self) -> u64 {
        let values = self.0.values.borrow();
        values.iter().map(|(key, value)| size(key, value)).sum()
    }

    /// All that is kept.
    pub fn entries(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.values.borrow().clone()
    }

    /// Puts a value there, past all limits.
    pub fn put(&self, key: &str, value: impl Into<Vec<u8>>) {
        let mut values = self.0.values.borrow_mut();
        values.insert(key.to_owned(), value.into());
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        self.check(key, &[])?;
        Ok(self.0.values.borrow().get(key).cloned())
    }

    pub(super) fn set(&self, key: String, value: Option<Vec<u8>>) -> Result<bool, KvError> {
        self.check(&key, &[value.as_deref()])?;
        let mut values = self.0.values.borrow_mut();
        let old = values.get(&key).map_or(0, |old| size(&key, old));
        let new = value.as_ref().map_or(0, |value| size(&key, value));
        let used: u64 = values.iter().map(|(key, value)| size(key, value)).sum();
        let after = used.saturating_sub(old).saturating_add(new);
        let quota = self.0.quota.get();
        if after > quota && after > used {
            return Err(KvError::Limit(format!(
                "limits.kv_bytes is {quota}, and this would make it {after} bytes"
            )));
        }
        Ok(match value {
            Some(value) => values.insert(key, value).is_some(),
            None => values.remove(&key).is_some(),
        })
    }

    pub(super) fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        with_values: bool,
    ) -> Result<KvPage, KvError> {
        self.check("any", &[])?;
        let values = self.0.values.borrow();
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let (mut entries, mut bytes, mut more) = (Vec::new(), 0u64, false);
        for (key, value) in values.range::<str, _>((from, Bound::Unbounded)) {
            if !key.starts_with(prefix) {
                break;
            }
            let value = with_values.then(|| value.clone());
            bytes += (key.len() + value.as_ref().map_or(0, Vec::len)) as u64;
            let full = bytes > self.0.answer.get() && !entries.is_empty();
            if entries.len() >= limit.min(PAGE) as usize || full {
                more = true;
                break;
            }
            entries.push((key.clone(), value));
        }
        Ok(KvPage { entries, more })
    }

    pub(super) fn swap(
        &self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> Result<KvSwap, KvError> {
        self.check(&key, &[expected.as_deref(), new.as_deref()])?;
        let there = self.0.values.borrow().get(&key).cloned();
        if there != expected {
            return Ok(KvSwap::Differs(there));
        }
        self.set(key, new)?;
        Ok(KvSwap::Swapped)
    }

    fn check(&self, key: &str, values: &[Option<&[u8]>]) -> Result<(), KvError> {
        if !(1..=KEY).contains(&key.len()) {
            let length = key.len();
            return Err(KvError::Malformed(format!(
                "a key has 1 to {KEY} bytes, not {length}"
            )));
        }
        if let Some(fault) = &*self.0.fault.borrow() {
            return Err(fault.clone());
        }
        let bytes: usize = values.iter().flatten().map(|value| value.len()).sum();
        let most = self.0.answer.get();
        if bytes as u64 > most {
            return Err(KvError::Limit(format!(
                "{bytes} bytes, and limits.answer_bytes is {most}"
            )));
        }
        Ok(())
    }
}

fn size(key: &str, value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64 + ENTRY_OVERHEAD
}
