//! Compiled guests kept for the next start.
//!
//! A compiled form is native code, so what is read here is believed only if this user
//! wrote it: the folder is 0700 and the files 0600, both owned by the user, and every
//! file ends with an HMAC under a random key that lies beside them. Who can read that
//! key can already act as the user; the code is there for all that permissions do not
//! catch: files of another machine or a backup, half written, rotten, or put there by
//! somebody who could write but not read.
//!
//! Nothing is written by [`Cache::load`], because lightningd asks for manifests also
//! when nothing may be written (`lightningd --help`). [`Cache::store`] and
//! [`Cache::mark_used`] are for after `init`.

mod disk;
#[cfg(test)]
mod tests;

use std::{
    hash::{Hash, Hasher},
    io,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER;
use wasmtime::{Engine, component::Component};

use super::{artifact::Artifact, refused::clipped, world::PACKAGE};

/// The first bytes of a file. The number counts changes of the format.
const MAGIC: &[u8; 16] = b"cln-wasm cache 1";
const DIGEST: usize = 32;
/// Magic, key, fingerprint, and the length of the compiled form (big endian).
const HEADER: usize = MAGIC.len() + DIGEST + DIGEST + 8;

/// What a compiled form was made of: the module and the adapter that wraps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; DIGEST]);

impl Key {
    /// The key of a module as it was read from its file.
    pub fn of(module: &[u8]) -> Self {
        let mut digest = Sha256::new();
        digest.update(Sha256::digest(WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER));
        digest.update(module);
        Key(digest.finalize().into())
    }

    fn file_name(&self) -> String {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}{}", disk::SUFFIX)
    }
}

/// What it was made by: the engine (wasmtime's exact version, the compiler's flags, the
/// machine) and the rules of this version about what is taken at all.
fn fingerprint(engine: &Engine) -> [u8; DIGEST] {
    /// A hasher that does not shorten.
    struct Whole(Sha256);

    impl Hasher for Whole {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            // Asked for by nobody here; the digest is what counts.
            let digest: [u8; DIGEST] = self.0.clone().finalize().into();
            digest
                .iter()
                .take(8)
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        }
    }

    let mut whole = Whole(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut whole);
    env!("CARGO_PKG_VERSION").hash(&mut whole);
    PACKAGE.hash(&mut whole);
    whole.0.finalize().into()
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
    size_limit: u64,
    counters: Counters,
}

impl Cache {
    /// The cache in `folder`, which is made when something is stored, and which holds
    /// at most `size_limit` bytes. Touches nothing.
    pub fn new(folder: PathBuf, size_limit: u64) -> Self {
        Cache {
            folder,
            size_limit,
            counters: Counters::default(),
        }
    }

    /// A compiled guest, if there is one to be trusted. Writes nothing.
    pub fn load(&self, engine: &Engine, key: &Key) -> Result<Component, Miss> {
        let loaded = self.verified(engine, key).and_then(|artifact| {
            artifact
                .component(engine)
                .map_err(|error| Miss::Unusable(clipped(&error.to_string())))
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

    /// The bytes are read to memory, and those that were checked are those that are
    /// used: a mapped file could change in between.
    fn verified(&self, engine: &Engine, key: &Key) -> Result<Artifact, Miss> {
        disk::check_folder(&self.folder)?;
        let secret = disk::read_secret(&self.folder)?;
        let file = disk::read_private(&self.folder.join(key.file_name()), self.size_limit)?;

        let (signed, tag) = file
            .len()
            .checked_sub(DIGEST)
            .filter(|signed| *signed >= HEADER)
            .and_then(|signed| file.split_at_checked(signed))
            .ok_or(Miss::Damaged("too short"))?;
        let mut mac = mac(&secret)?;
        mac.update(signed);
        mac.verify_slice(tag)
            .map_err(|_| Miss::Damaged("wrong authentication code"))?;

        // From here on the file is one that was written here; but was it for this?
        let header = header(key, &fingerprint(engine), signed.len() - HEADER);
        let ours = |range| signed.get::<std::ops::Range<usize>>(range);
        let fields = [
            (0..MAGIC.len(), Miss::OtherEngine),
            (
                MAGIC.len()..MAGIC.len() + DIGEST,
                Miss::Damaged("another module"),
            ),
            (MAGIC.len() + DIGEST..HEADER - 8, Miss::OtherEngine),
            (HEADER - 8..HEADER, Miss::Damaged("wrong length")),
        ];
        for (range, miss) in fields {
            if ours(range.clone()) != header.get(range) {
                return Err(miss);
            }
        }
        let range = HEADER..signed.len();
        Ok(Artifact::trusted(file, range))
    }

    /// Keeps a compiled guest, and removes those that were not used for longest if
    /// there are too many. To be called with what was compiled for this engine.
    pub fn store(&self, engine: &Engine, key: &Key, artifact: &Artifact) -> io::Result<()> {
        let bytes = artifact.bytes();
        let total = (HEADER + bytes.len() + DIGEST) as u64;
        if total > self.size_limit {
            return Err(io::Error::other(format!(
                "{total} bytes are more than the cache may hold ({})",
                self.size_limit
            )));
        }
        disk::make_folder(&self.folder)?;
        let secret = disk::read_or_make_secret(&self.folder)?;
        let header = header(key, &fingerprint(engine), bytes.len());
        let mut mac = mac(&secret).map_err(io::Error::other)?;
        mac.update(&header);
        mac.update(bytes);
        let tag = mac.finalize().into_bytes();
        let name = key.file_name();
        disk::write_private(&self.folder, &name, &[&header, bytes, &tag])?;
        let evicted = disk::evict(&self.folder, self.size_limit, &name)?;
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

fn mac(secret: &disk::Secret) -> Result<Hmac<Sha256>, Miss> {
    Hmac::<Sha256>::new_from_slice(secret).map_err(|error| Miss::Unusable(error.to_string()))
}

fn header(key: &Key, fingerprint: &[u8; DIGEST], length: usize) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&key.0);
    header.extend_from_slice(fingerprint);
    header.extend_from_slice(&(length as u64).to_be_bytes());
    header
}
