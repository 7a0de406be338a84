//! The database inside a store's file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase, TableDefinition, TableError};

use super::fault::StoreFault;
use super::folder;

/// Values by key.
pub(super) const VALUES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("kv");
/// Histories of budgets: by the budget's name and the number of the reservation.
pub(super) const LEDGERS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("budget");
/// Numbers about the file itself.
pub(super) const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");
/// Of [`FACTS`]: bytes that the values count for.
pub(super) const USED: &str = "kv_bytes";
/// Of [`FACTS`]: the format of the tables.
pub(super) const FORMAT: &str = "format";
/// The format that is written here.
pub(super) const CURRENT_FORMAT: u64 = 1;

/// Pages of one file that are kept in memory, in bytes.
const CACHE: usize = 4 << 20;

/// One store's file, opened when it is first used and again after it failed.
pub(super) struct StateFile {
    path: PathBuf,
    open: Mutex<Opened>,
    report: Box<dyn Fn(&StoreFault) + Send + Sync>,
}

#[derive(Default)]
struct Opened {
    database: Option<Arc<Database>>,
    /// What the operator was told last; nothing since it worked.
    reported: Option<StoreFault>,
}

impl StateFile {
    pub(super) fn new(path: PathBuf, report: Box<dyn Fn(&StoreFault) + Send + Sync>) -> Self {
        StateFile {
            path,
            open: Mutex::default(),
            report,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Does something with the database. Blocks on the disk. A failure closes the
    /// file, and it is opened anew the next time: what failed may have been mended.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StoreFault> {
        // Where a file is damaged redb may panic instead of failing; that must cost
        // no more than this guest's store.
        let attempt = std::panic::AssertUnwindSafe(|| {
            let database = self.database()?;
            work(&database).map_err(|error| StoreFault::of(&self.path, error))
        });
        let done = std::panic::catch_unwind(attempt)
            .unwrap_or_else(|panic| Err(StoreFault::damaged(&self.path, &panic_text(&*panic))));
        if let Err(fault) = &done {
            self.fail(fault);
        }
        done
    }

    fn database(&self) -> Result<Arc<Database>, StoreFault> {
        let mut open = self.lock();
        if let Some(database) = &open.database {
            return Ok(Arc::clone(database));
        }
        let file = folder::open(&self.path)?;
        let opened = || {
            let file = FileBackend::new(file)?;
            let database = Builder::new()
                .set_cache_size(CACHE)
                // The guest chooses what is in the file: trust none of it after a crash.
                .set_check_integrity_on_open(true)
                .create_with_backend(file)?;
            let format = format(&database)?;
            Ok((database, format))
        };
        let (database, found) = opened().map_err(|error| StoreFault::of(&self.path, error))?;
        if found > CURRENT_FORMAT {
            return Err(StoreFault::Format {
                path: self.path.clone(),
                found,
                known: CURRENT_FORMAT,
            });
        }
        let database = Arc::new(database);
        open.database = Some(Arc::clone(&database));
        open.reported = None;
        Ok(database)
    }

    fn fail(&self, fault: &StoreFault) {
        let mut open = self.lock();
        let closed = open.database.take();
        let news = open.reported.as_ref() != Some(fault);
        open.reported = Some(fault.clone());
        drop(open);
        // Closing writes, so it may fail as the rest did.
        let closed = std::panic::AssertUnwindSafe(|| drop(closed));
        let _ = std::panic::catch_unwind(closed);
        if news {
            (self.report)(fault);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Opened> {
        // No step leaves it half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it cannot be read").to_owned()
}

/// 0 for a new file.
fn format(database: &Database) -> Result<u64, redb::Error> {
    let reading = database.begin_read()?;
    match reading.open_table(FACTS) {
        Ok(facts) => Ok(facts.get(FORMAT)?.map_or(0, |format| format.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
