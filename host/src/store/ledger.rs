//! The history of one budget, kept beside its guest's values.

use futures::executor::block_on;
use redb::{Database, ReadableDatabase, TableError};

use super::Store;
use super::file::LEDGERS;
use super::group::Write;
use crate::policy::budget::{BudgetStore, Record, StoreError};

/// One budget's history. Its functions block until the disk has it: they are not for
/// the thread of the bridge.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
    name: String,
}

impl Ledger {
    /// The history under this name.
    pub fn new(store: Store, name: &str) -> Ledger {
        Ledger {
            store,
            name: name.to_owned(),
        }
    }
}

impl BudgetStore for Ledger {
    fn load(&mut self) -> Result<Vec<Record>, StoreError> {
        let file = &self.store.0.file;
        file.with(|database| records(database, &self.name))
            .map_err(|fault| StoreError(fault.to_string()))
    }

    fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        let kept = self.store.submit(Write::Record {
            ledger: self.name.clone(),
            record: *record,
        });
        match block_on(kept) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(fault)) => Err(StoreError(fault.to_string())),
            Err(_) => Err(StoreError("its writer is gone".to_owned())),
        }
    }

    fn forget(&mut self, ids: &[u64]) {
        // They count no more whether they are there or not: nobody waits for this.
        drop(self.store.submit(Write::Forget {
            ledger: self.name.clone(),
            ids: ids.to_vec(),
        }));
    }
}

fn records(database: &Database, name: &str) -> Result<Vec<Record>, redb::Error> {
    let reading = database.begin_read()?;
    let ledgers = match reading.open_table(LEDGERS) {
        Ok(ledgers) => ledgers,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut records = Vec::new();
    for entry in ledgers.range((name, 0)..=(name, u64::MAX))? {
        let (_, record) = entry?;
        let record = serde_json::from_slice(record.value());
        records.push(record.map_err(|e| redb::Error::Corrupted(e.to_string()))?);
    }
    Ok(records)
}
