//! The stream of database writes that a continuous backup is made of, watched.
//!
//! lightningd hands every change of its database to the hook `db_write` before it
//! commits. This guest checks that no version of the database is missing and keeps a
//! hash over all writes. The hash and the last version are in the guest's store before
//! lightningd may commit, so that the next start goes on from there. The writes themselves are not stored:
//! what would store them is a [`Sink`].
//!
//! | `data_version` | means | done |
//! | --- | --- | --- |
//! | one higher than before, 0 after 4294967295 too | all is well | continue |
//! | the same, with the write that raises it | the writes before were not committed | these replace them, continue |
//! | the same, without it | writes outside any transaction, such as `PRAGMA foreign_keys` | these are added, continue |
//! | lower | an older database was put in place | **the node is stopped**, nothing is committed |
//! | higher by two or more | versions were lost | a new beginning, loudly: the database must be copied anew. With `backup-halt-on-gap` the node is stopped |
//!
//! The option comes with `init`, after the first writes of the node's start. A gap among
//! those is judged when the next write comes.
//!
//! It registers no method: while lightningd waits for the answer, nothing else may be done
//! in the same process.

mod continuity;
mod sink;

use std::cell::{Cell, RefCell};

use cln_guest::prelude::*;

pub use continuity::{Continuity, changes_version};
pub use sink::{HashChain, Never, Sink, Totals};

const HALT_ON_GAP: FlagOption = FlagOption::new(
    "backup-halt-on-gap",
    "Stop the node when versions of the database were lost, instead of going on without them",
);

/// What the guest knows from its first instant on: `db_write` comes before `init`.
#[derive(Debug, Default)]
pub struct Backup<K> {
    inner: RefCell<Inner<K>>,
    /// What was kept at the last start has been read.
    loaded: Cell<bool>,
}

/// Where the guest's store has how things stand.
const KEPT: &str = "standing";

/// How things stand, over a restart.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Kept {
    last: Option<u32>,
    gap: Option<String>,
    sink: Value,
}

#[derive(Debug, Default)]
struct Inner<K> {
    last: Option<u32>,
    /// The last gap: the backup before it does not lead to the database any more.
    gap: Option<String>,
    sink: K,
}

impl<K: Sink> Backup<K> {
    /// Into `sink`, which is empty.
    pub fn new(sink: K) -> Self {
        let inner = Inner {
            last: None,
            gap: None,
            sink,
        };
        Backup {
            inner: RefCell::new(inner),
            loaded: Cell::new(false),
        }
    }

    fn kept(&self) -> Kept {
        let inner = self.inner.borrow();
        Kept {
            last: inner.last,
            gap: inner.gap.clone(),
            sink: inner.sink.kept(),
        }
    }

    fn restore(&self, kept: Kept) -> Result<(), String> {
        let mut inner = self.inner.borrow_mut();
        inner.sink.restore(kept.sink)?;
        inner.last = kept.last;
        inner.gap = kept.gap;
        Ok(())
    }

    /// Takes in one version. `Err` says why the node must stop before it commits; the
    /// version then does not count as seen.
    pub fn write(&self, version: u32, writes: &[String], halt_on_gap: bool) -> Result<(), String> {
        let mut inner = self.inner.borrow_mut();
        let Inner { last, gap, sink } = &mut *inner;
        let continuity = Continuity::of(*last, version);
        if let (Continuity::Gap { lost }, Some(last)) = (continuity, *last) {
            *gap = Some(format!(
                "{lost} versions of the database were lost between {last} and {version}"
            ));
        }
        if let (Some(gap), true) = (&gap, halt_on_gap) {
            return Err(format!("{gap}, and backup-halt-on-gap is set"));
        }
        let kept = match continuity {
            Continuity::First => {
                log::info!("begins at version {version} of the database");
                sink.restart(version, writes)
            }
            Continuity::Next => sink.append(version, writes),
            Continuity::Again if !changes_version(writes) => sink.append(version, writes),
            Continuity::Again => {
                log::info!("version {version} of the database again: it was not committed before");
                sink.replace_last(version, writes)
            }
            Continuity::Backwards => {
                let last = last.unwrap_or_default();
                return Err(format!(
                    "the database went back from version {last} to {version}: \
                     an older copy was put in place, or another program writes to it; \
                     for a database that is meant to begin anew, move the store of this guest away \
                     (cln-wasm/state in the node's network folder)"
                ));
            }
            Continuity::Gap { .. } => {
                let gap = gap.as_deref().unwrap_or_default();
                log::error!(
                    "{gap}: every backup before {version} is of no use, copy the database anew"
                );
                sink.restart(version, writes)
            }
        };
        kept.map_err(|error| format!("version {version} was not kept: {error}"))?;
        *last = Some(version);
        log::debug!("version {version}: {}", sink.standing());
        Ok(())
    }

    /// Where the sink stands, in a few words.
    pub fn standing(&self) -> String {
        self.inner.borrow().sink.standing()
    }
}

async fn on_db_write<K: Sink + 'static>(
    cx: Cx<Backup<K>>,
    payload: DbWritePayload,
) -> DbWriteAction {
    let version = payload.data_version;
    let done = match &payload.writes {
        Some(writes) => take(&cx, version, writes).await,
        None => {
            Err("the writes are withheld: grant hooks.db_write with its secret `db_write`".into())
        }
    };
    match done {
        Ok(()) => DbWriteAction::pass(),
        Err(reason) => {
            log::error!("stops the node before it commits version {version}: {reason}");
            DbWriteAction::halt()
        }
    }
}

/// Takes in one version, and keeps how things then stand before lightningd commits it.
async fn take<K: Sink + 'static>(
    cx: &Cx<Backup<K>>,
    version: u32,
    writes: &[String],
) -> Result<(), String> {
    let backup = cx.state();
    if !backup.loaded.get() {
        let kept = cx.kv().get_json(KEPT).await;
        let kept = kept.map_err(|error| format!("how things stood cannot be read: {error}"))?;
        if let Some(kept) = kept {
            backup.restore(kept)?;
        }
        backup.loaded.set(true);
    }
    backup.write(version, writes, cx.option(&HALT_ON_GAP))?;
    let kept = cx.kv().set_json(KEPT, &backup.kept()).await;
    kept.map_err(|error| {
        // The store has the truth, whether this was kept or not.
        backup.loaded.set(false);
        format!("version {version} was not kept: {error}")
    })
}

async fn on_init<K: Sink + 'static>(cx: Cx<Backup<K>>) {
    log::info!("so far {}", cx.state().standing());
}

/// A guest that keeps the writes in this sink.
pub fn guest_with<K: Sink + 'static>(sink: K) -> Guest<Backup<K>> {
    Guest::with_state(Backup::new(sink))
        .option(&HALT_ON_GAP)
        .hook::<DbWrite>(on_db_write)
        .background(on_init)
        .request(
            "hooks: db_write secrets=db_write",
            "to check that no version is missing and to hash the writes",
        )
        .request("kv", "to know the last version after a restart")
}

/// The guest.
pub fn guest() -> Guest<Backup<HashChain>> {
    guest_with(HashChain::default())
}

cln_guest::export!(guest);
