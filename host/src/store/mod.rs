//! What guests keep: one file for each, in the folder [`FOLDER`] of the network.
//!
//! It holds the guest's values ([`Store`]) and the histories of its budgets
//! ([`Ledger`]). Nothing is opened or made before it is used. What is acknowledged is
//! on the disk: a thread, which is there only while there is something to write, takes all writes
//! that wait and commits them together. Reads go by beside it.

mod fault;
mod file;
mod folder;
mod group;
mod ledger;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, ReadableDatabase, TableError};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

pub use fault::StoreFault;
pub use group::ENTRY_OVERHEAD;
pub use ledger::Ledger;

use file::{StateFile, VALUES};
use group::{Done, Write};
use writer::{Outcome, Writer};

/// Where the files are: in the network's folder, which lightningd makes the working
/// directory of its plugins.
pub const FOLDER: &str = "cln-wasm/state";

/// Reads of one store that go on at the same time; others wait. It bounds what their
/// answers take in memory.
const READS: usize = 4;
/// Swaps of one store whose outcome is to come, or has come and was not taken yet: each
/// may hold a copy of what was there. Apart from the reads, which need not wait for
/// the disk as these do.
const SWAPS: usize = 4;

/// One guest's store. Clones are the same store.
///
/// What is begun goes on when its future is dropped, but the bounds here no longer
/// count it: poll it to its end.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

struct Shared {
    file: Arc<StateFile>,
    writer: Arc<Writer>,
    quota: u64,
    reads: Arc<Semaphore>,
    swaps: Semaphore,
    /// Whose turn it is to queue a write: they are carried out in the order in which
    /// they were asked for, also where a swap has to wait for its place.
    turn: Mutex<()>,
}

/// Why a store did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no room for it. Nothing was changed.
    #[error(
        "limits.kv_bytes is {quota}, and this would make it {needed} bytes (each entry counts for its key, its value and {ENTRY_OVERHEAD})"
    )]
    Quota {
        /// The limit, in bytes.
        quota: u64,
        /// What all entries would count for, in bytes.
        needed: u64,
    },
    /// The store cannot be used now. A write may or may not have been kept.
    #[error(transparent)]
    Fault(#[from] StoreFault),
}

/// What [`Store::swap`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    /// What was expected.
    Swapped,
    /// This value instead, or none.
    Differs(Option<Vec<u8>>),
}

/// Which keys [`Store::list`] is to give.
#[derive(Debug, Clone, Default)]
pub struct Range {
    /// What they begin with.
    pub prefix: String,
    /// They come after this one, in the order of their bytes.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
    /// Keys and values together, in bytes; the first one is given whatever it has.
    pub bytes: u64,
    /// With their values.
    pub values: bool,
}

/// Some of the keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// In the order of their bytes.
    pub entries: Vec<(String, Option<Vec<u8>>)>,
    /// There are more after the last of these.
    pub more: bool,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.writer.end();
    }
}

impl Store {
    /// The store of the guest `name` in `folder`, with room for `quota` bytes.
    /// Touches nothing. `report` is told when the file cannot be used, once for each reason.
    pub fn new(
        folder: &Path,
        name: &str,
        quota: u64,
        report: impl Fn(&StoreFault) + Send + Sync + 'static,
    ) -> Store {
        let path = folder.join(format!("{name}.redb"));
        Store(Arc::new(Shared {
            file: Arc::new(StateFile::new(path, Box::new(report))),
            writer: Arc::default(),
            quota,
            reads: Arc::new(Semaphore::new(READS)),
            swaps: Semaphore::new(SWAPS),
            turn: Mutex::default(),
        }))
    }

    /// Its file.
    pub fn path(&self) -> PathBuf {
        self.0.file.path().to_owned()
    }

    /// The value of a key.
    ///
    /// # Errors
    ///
    /// The file cannot be used.
    pub async fn get(&self, key: String) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |database| {
            let reading = database.begin_read()?;
            match reading.open_table(VALUES) {
                Ok(values) => Ok(values.get(key.as_str())?.map(|v| v.value().to_vec())),
                Err(TableError::TableDoesNotExist(_)) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Some of the keys.
    ///
    /// # Errors
    ///
    /// The file cannot be used.
    pub async fn list(&self, range: Range) -> Result<Page, StoreError> {
        self.read(move |database| page(database, &range)).await
    }

    /// Gives a key a value.
    ///
    /// # Errors
    ///
    /// There is no room, or the file cannot be used.
    pub async fn set(&self, key: String, value: Vec<u8>) -> Result<(), StoreError> {
        self.write(Write::Set { key, value }).await.map(drop)
    }

    /// Takes a key away; whether it was there.
    ///
    /// # Errors
    ///
    /// The file cannot be used.
    pub async fn delete(&self, key: String) -> Result<bool, StoreError> {
        let done = self.write(Write::Delete { key }).await?;
        Ok(done == Done::Changed)
    }

    /// Gives a key the value `new`, or takes it away, if it has the value `expected`, or none.
    ///
    /// # Errors
    ///
    /// There is no room, or the file cannot be used.
    pub async fn swap(
        &self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> Result<Swap, StoreError> {
        match self.write(Write::Swap { key, expected, new }).await? {
            Done::Differs(there) => Ok(Swap::Differs(there)),
            _ => Ok(Swap::Swapped),
        }
    }

    async fn write(&self, write: Write) -> Result<Done, StoreError> {
        // Tokio's budget for a task could put off a write, and let one behind it by.
        let (outcome, _place) = tokio::task::unconstrained(self.enqueue(write)).await;
        match outcome.await {
            Ok(Ok(Done::OverQuota(needed))) => Err(StoreError::Quota {
                quota: self.0.quota,
                needed,
            }),
            Ok(done) => Ok(done?),
            Err(_) => Err(StoreFault::Process("its writer is gone".into()).into()),
        }
    }

    /// Submits a write in its turn. A swap's place is to be kept until its outcome is taken.
    async fn enqueue(&self, write: Write) -> (Outcome, Option<SemaphorePermit<'_>>) {
        let _turn = self.0.turn.lock().await;
        let place = match &write {
            // Never closed. What it waits for needs no turn any more.
            Write::Swap { .. } => self.0.swaps.acquire().await.ok(),
            _ => None,
        };
        (self.submit(write), place)
    }

    /// Not in turn: what a ledger writes waits for no guest.
    fn submit(&self, write: Write) -> Outcome {
        let Shared {
            file,
            writer,
            quota,
            ..
        } = &*self.0;
        writer.submit(file, *quota, write)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let place = Arc::clone(&self.0.reads).acquire_owned().await;
        let file = Arc::clone(&self.0.file);
        let read = tokio::task::spawn_blocking(move || file.with(work)).await;
        drop(place);
        match read {
            Ok(read) => Ok(read?),
            Err(error) => Err(StoreFault::Process(error.to_string().into()).into()),
        }
    }
}

fn page(database: &Database, range: &Range) -> Result<Page, redb::Error> {
    let reading = database.begin_read()?;
    let values = match reading.open_table(VALUES) {
        Ok(values) => values,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Page::default()),
        Err(error) => return Err(error.into()),
    };
    let from = match &range.after {
        Some(after) if *after >= range.prefix => Bound::Excluded(after.as_str()),
        _ => Bound::Included(range.prefix.as_str()),
    };
    let mut page = Page::default();
    let mut bytes = 0u64;
    for entry in values.range::<&str>((from, Bound::Unbounded))? {
        let (key, value) = entry?;
        let (key, value) = (key.value(), value.value());
        if !key.starts_with(&range.prefix) {
            break;
        }
        let value = range.values.then_some(value);
        let size = key.len() + value.map_or(0, <[u8]>::len);
        bytes = bytes.saturating_add(size as u64);
        if page.entries.len() >= range.limit || (bytes > range.bytes && !page.entries.is_empty()) {
            page.more = true;
            break;
        }
        page.entries
            .push((key.to_owned(), value.map(<[u8]>::to_vec)));
    }
    Ok(page)
}
