//! Compiled guests kept for the next start.
//!
//! A compiled form is native code, so what is read here is believed only if this user
//! wrote it: the folder is 0700 and the files 0400, both owned by the user, and every
//! file ends with a code (keyed BLAKE3) under a random key that lies beside them. Who can read that
//! key can already act as the user; the code is there for all that permissions do not
//! catch: files of another machine or a backup, half written, rotten, or put there by
//! somebody who could write but not read.
//!
//! A file whose code is right is mapped, not read: a guest costs the pages that it
//! touches. A file is therefore never written to again under its name.
//!
//! Nothing is written by [`Cache::load`], because lightningd asks for manifests also
//! when nothing may be written (`lightningd --help`). [`Cache::store`] and
//! [`Cache::mark_used`] are for after `init`.

mod disk;
mod seal;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER;
use wasmtime::{Engine, component::Component};

use super::{artifact::Artifact, refused::clipped};
use crate::policy::Pin;

const DIGEST: usize = 32;

/// What a compiled form was made of: the module and the adapter that wraps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; DIGEST]);

impl Key {
    /// The key of the module that has this BLAKE3, as it was read from its file.
    pub fn of(module: &blake3::Hash) -> Self {
        static ADAPTER: OnceLock<blake3::Hash> = OnceLock::new();
        let adapter = ADAPTER.get_or_init(|| blake3::hash(WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER));
        let mut digest = blake3::Hasher::new();
        digest.update(adapter.as_bytes());
        digest.update(module.as_bytes());
        Key(digest.finalize().into())
    }

    fn file_name(&self) -> String {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}{}", disk::SUFFIX)
    }
}

/// Why a guest must be compiled. Never more than that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Miss {
    /// It is not there.
    #[error("not in the cache")]
    Absent,
    /// The folder or a file could be changed by others.
    #[error("{0}")]
    Exposed(String),
    /// It was compiled by another version, or for another machine.
    #[error("compiled by another version or for another machine")]
    OtherEngine,
    /// It is not what was written.
    #[error("the cached file is damaged or was not written here: {0}")]
    Damaged(&'static str),
    /// The system would not let it be read, or run.
    #[error("the cached file cannot be used: {0}")]
    Unusable(String),
}

/// How often each came about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Loaded.
    pub hits: u64,
    /// [`Miss::Absent`].
    pub absent: u64,
    /// [`Miss::Exposed`].
    pub exposed: u64,
    /// [`Miss::OtherEngine`].
    pub other_engine: u64,
    /// [`Miss::Damaged`].
    pub damaged: u64,
    /// [`Miss::Unusable`].
    pub unusable: u64,
    /// Compiled forms removed to keep within the size.
    pub evicted: u64,
}

#[derive(Debug, Default)]
struct Counters {
    hits: AtomicU64,
    absent: AtomicU64,
    exposed: AtomicU64,
    other_engine: AtomicU64,
    damaged: AtomicU64,
    unusable: AtomicU64,
    evicted: AtomicU64,
}

/// A folder of compiled guests. Several bridges may use the same one.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    largest: u64,
    counters: Counters,
}

impl Cache {
    /// The cache in `folder`, which is made when something is stored. No file has more
    /// than `largest` bytes. Touches nothing.
    pub fn new(folder: PathBuf, largest: u64) -> Self {
        Cache {
            folder,
            largest,
            counters: Counters::default(),
        }
    }

    /// A compiled guest, if there is one to be trusted, and the SHA-256 of its module. Writes
    /// nothing.
    pub fn load(&self, engine: &Engine, key: &Key) -> Result<(Component, Pin), Miss> {
        let loaded = self.verified(engine, key).and_then(|(artifact, module)| {
            let component = artifact.component(engine);
            let component =
                component.map_err(|error| Miss::Unusable(clipped(&error.to_string())))?;
            Ok((component, module))
        });
        let counter = match &loaded {
            Ok(_) => &self.counters.hits,
            Err(Miss::Absent) => &self.counters.absent,
            Err(Miss::Exposed(_)) => &self.counters.exposed,
            Err(Miss::OtherEngine) => &self.counters.other_engine,
            Err(Miss::Damaged(_)) => &self.counters.damaged,
            Err(Miss::Unusable(_)) => &self.counters.unusable,
        };
        counter.fetch_add(1, Relaxed);
        loaded
    }

    fn verified(&self, engine: &Engine, key: &Key) -> Result<(Artifact, Pin), Miss> {
        disk::check_folder(&self.folder)?;
        let secret = disk::read_secret(&self.folder)?;
        let path = self.folder.join(key.file_name());
        let (file, length) = disk::open_read_only(&path, self.largest)?;
        let (compiled, module) = seal::check(&file, length, &secret, key, engine)?;
        Ok((Artifact::authenticated(file, compiled), module))
    }

    /// Keeps a compiled guest: what the compiling child made for this engine of the module with
    /// this SHA-256. [`Cache::evict`] is for afterwards.
    pub fn store(
        &self,
        engine: &Engine,
        key: &Key,
        module: Pin,
        artifact: &Artifact,
    ) -> io::Result<()> {
        // What is in a file is in the cache.
        let Some(bytes) = artifact.bytes() else {
            return Ok(());
        };
        let total = (bytes.len() + seal::SEAL) as u64;
        if total > self.largest {
            return Err(io::Error::other(format!(
                "{total} bytes are more than the cache may hold ({})",
                self.largest
            )));
        }
        disk::make_folder(&self.folder)?;
        let secret = disk::read_or_make_secret(&self.folder)?;
        let seal = seal::seal(&secret, key, module, engine, bytes);
        disk::write_read_only(&self.folder, &key.file_name(), &[bytes, &seal])
    }

    /// Removes those that were not used for longest, until all together have at most
    /// `size_limit` bytes. Guests that run from them go on.
    pub fn evict(&self, size_limit: u64) -> io::Result<()> {
        let evicted = disk::evict(&self.folder, size_limit)?;
        self.counters.evicted.fetch_add(evicted, Relaxed);
        Ok(())
    }

    /// Notes that a guest was loaded, so that it is not the first to be removed.
    pub fn mark_used(&self, key: &Key) -> io::Result<()> {
        disk::mark_used(&self.folder.join(key.file_name()))
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        Counts {
            hits: read(&self.counters.hits),
            absent: read(&self.counters.absent),
            exposed: read(&self.counters.exposed),
            other_engine: read(&self.counters.other_engine),
            damaged: read(&self.counters.damaged),
            unusable: read(&self.counters.unusable),
            evicted: read(&self.counters.evicted),
        }
    }
}
