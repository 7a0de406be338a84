//! Writes that go to the disk together.

use redb::{Database, ReadableTable};

use super::file::{CURRENT_FORMAT, FACTS, FORMAT, LEDGERS, USED, VALUES};
use crate::policy::budget::Record;

/// What an entry counts for beside its key and its value, in bytes: about what the
/// file needs for it.
pub const ENTRY_OVERHEAD: u64 = 64;

/// A change that is asked for.
#[derive(Debug)]
pub(super) enum Write {
    Set {
        key: String,
        value: Vec<u8>,
    },
    Delete {
        key: String,
    },
    Swap {
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    },
    Record {
        ledger: String,
        record: Record,
    },
    Forget {
        ledger: String,
        ids: Vec<u64>,
    },
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It is as asked.
    Changed,
    /// There was nothing to take away.
    Absent,
    /// There was another value.
    Differs(Option<Vec<u8>>),
    /// It would need this many bytes in all, more than the quota.
    OverQuota(u64),
}

fn size(key: &str, value: &[u8]) -> u64 {
    (key.len() as u64)
        .saturating_add(value.len() as u64)
        .saturating_add(ENTRY_OVERHEAD)
}

/// Carries out the writes in their order, all of them or none. When it returns they
/// are on the disk.
pub(super) fn commit(
    database: &Database,
    writes: &[&Write],
    quota: u64,
) -> Result<Vec<Done>, redb::Error> {
    let mut transaction = database.begin_write()?;
    // One phase relies on a checksum that is not made against those who choose the
    // data, as guests do; see redb's `set_two_phase_commit`.
    transaction.set_two_phase_commit(true);
    let mut outcomes = Vec::with_capacity(writes.len());
    let mut changed = false;
    {
        let mut values = transaction.open_table(VALUES)?;
        let mut ledgers = transaction.open_table(LEDGERS)?;
        let mut facts = transaction.open_table(FACTS)?;
        let before = facts.get(USED)?.map_or(0, |used| used.value());
        let mut used = before;
        for write in writes {
            let outcome = match write {
                Write::Set { key, value } => put(&mut values, &mut used, quota, key, Some(value))?,
                Write::Delete { key } => put(&mut values, &mut used, quota, key, None)?,
                Write::Swap { key, expected, new } => {
                    let there = values.get(key.as_str())?.map(|v| v.value().to_vec());
                    if there == *expected {
                        match put(&mut values, &mut used, quota, key, new.as_deref())? {
                            // Nothing was expected, and nothing is there.
                            Done::Absent => Done::Changed,
                            outcome => outcome,
                        }
                    } else {
                        Done::Differs(there)
                    }
                }
                Write::Record { ledger, record } => {
                    let (Record::Reserved { id, .. } | Record::Settled { id, .. }) = record;
                    let text = serde_json::to_vec(record)
                        .map_err(|e| redb::Error::Corrupted(e.to_string()))?;
                    ledgers.insert((ledger.as_str(), *id), text.as_slice())?;
                    Done::Changed
                }
                Write::Forget { ledger, ids } => {
                    for id in ids {
                        ledgers.remove((ledger.as_str(), *id))?;
                    }
                    Done::Changed
                }
            };
            changed |= outcome == Done::Changed;
            outcomes.push(outcome);
        }
        if used != before {
            facts.insert(USED, used)?;
        }
        if changed && facts.get(FORMAT)?.is_none() {
            facts.insert(FORMAT, CURRENT_FORMAT)?;
        }
    }
    if changed {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(outcomes)
}

/// Gives a key its new value, or none, if the quota has room. What takes no more than
/// before always has.
fn put(
    values: &mut redb::Table<'_, &'static str, &'static [u8]>,
    used: &mut u64,
    quota: u64,
    key: &str,
    new: Option<&[u8]>,
) -> Result<Done, redb::Error> {
    let old = values.get(key)?.map(|value| size(key, value.value()));
    let more = new.map(|value| size(key, value));
    let after = used
        .saturating_sub(old.unwrap_or(0))
        .saturating_add(more.unwrap_or(0));
    if after > quota && after > *used {
        return Ok(Done::OverQuota(after));
    }
    match new {
        Some(value) => drop(values.insert(key, value)?),
        None if old.is_none() => return Ok(Done::Absent),
        None => drop(values.remove(key)?),
    }
    *used = after;
    Ok(Done::Changed)
}
