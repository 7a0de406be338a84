//! Where a module becomes something that can be linked and run.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use super::artifact::Artifact;
use super::cache::{Cache, Key};
use super::compile::{self, Compiler};
use super::engine;
use super::file;
use super::room::Room;
use crate::guest::sandbox::Sandbox;
use crate::policy::{Limits, Pin};

/// Compiled forms kept, in bytes. A Rust guest takes 1 to 2 MB, a Python guest 40 MB.
const CACHE_SIZE: u64 = 1 << 30;
/// And so many for each guest that is loaded, if that is more: they must not push each
/// other out, to be compiled at every start.
const CACHE_PER_GUEST: u64 = 4 << 20;

/// The engine, the linker, the compiler, and what was compiled before.
pub struct Workshop {
    engine: Engine,
    linker: Linker<Sandbox>,
    compiler: Compiler,
    cache: Arc<Cache>,
    permits: Semaphore,
    /// Modules in memory, on their way through the compiler: those that wait stay on the disk.
    compiling: Semaphore,
    room: Arc<Room>,
    /// What happened before `init`, when nothing may be written.
    to_keep: Mutex<Vec<Kept>>,
    /// After `init`.
    may_write: AtomicBool,
    hits: AtomicU64,
    misses: AtomicU64,
}

enum Kept {
    Compiled(Key, Pin, Artifact),
    Used(Key),
}

impl std::fmt::Debug for Workshop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workshop").finish_non_exhaustive()
    }
}

/// A guest in compiled form.
pub struct Loaded {
    component: Component,
    /// The SHA-256 of the module that it was made of.
    pub digest: Pin,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded")
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl Workshop {
    /// Ready to load guests; compiled forms are in `cache`.
    pub fn open(cache: PathBuf) -> wasmtime::Result<Workshop> {
        let engine = engine::engine()?;
        let linker = Sandbox::linker(&engine)?;
        Ok(Workshop {
            engine,
            linker,
            compiler: Compiler::new()?,
            cache: Arc::new(Cache::new(cache, CACHE_SIZE)),
            permits: Semaphore::new(compile::cores()),
            compiling: Semaphore::new(compile::cores()),
            room: Arc::new(Room::of_this_process()),
            to_keep: Mutex::default(),
            may_write: AtomicBool::new(false),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        })
    }

    /// Modules whose compiled form was in the cache, and those that had none.
    pub fn cache_counts(&self) -> (u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.hits), count(&self.misses))
    }

    /// The engine of all guests.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The module in a file, which must be the pinned one if there is a pin: from the
    /// cache, else checked and compiled in a child process. Writes nothing, unless
    /// compiling took until after `init`: then the next start has it. The error is for
    /// the operator.
    pub async fn load(
        &self,
        path: &Path,
        pin: Option<Pin>,
        limits: &Limits,
    ) -> Result<Loaded, String> {
        if let Some(loaded) = self.load_cached(path, pin, limits).await? {
            return Ok(loaded);
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let turn = self.compiling.acquire().await.map_err(|e| e.to_string())?;
        // Read once more, and judged by what is read now: the file may be another since.
        let (path, module_bytes) = (path.to_owned(), limits.module_bytes);
        let read = move || {
            let module = file::read(&path, module_bytes)?;
            let (key, digest) = (Key::of(&blake3::hash(&module)), Pin::of(&module));
            check(pin, digest)?;
            Ok::<_, String>((module, key, digest))
        };
        let (module, key, digest) = self.aside(read).await??;
        let artifact = match self.made(&key) {
            Some(artifact) => artifact,
            None => {
                let time = Duration::from_millis(limits.compile_time_ms);
                let within = compile::Limits::within(time, limits.compile_memory_bytes);
                let artifact = self.compiler.compile(&module, within).await;
                let artifact = artifact.map_err(|e| e.to_string())?;
                self.keep_later(Kept::Compiled(key, digest, artifact.clone()));
                artifact
            }
        };
        drop((module, turn));
        let engine = self.engine.clone();
        let component = self.aside(move || artifact.component(&engine)).await;
        let component = component?.map_err(|e| format!("{e:#}"))?;
        if self.may_write.load(Ordering::SeqCst) {
            // Too late for this start, and nobody is there to be told.
            drop(self.keep().await);
        }
        Ok(Loaded { component, digest })
    }

    /// What the cache has for the module in this file, if anything: then of the module no
    /// more is needed than its BLAKE3, and its SHA-256 is known. In one go, so that what was
    /// just read is still in the processor's cache.
    async fn load_cached(
        &self,
        path: &Path,
        pin: Option<Pin>,
        limits: &Limits,
    ) -> Result<Option<Loaded>, String> {
        let (path, module_bytes) = (path.to_owned(), limits.module_bytes);
        let (cache, engine) = (Arc::clone(&self.cache), self.engine.clone());
        let room = Arc::clone(&self.room);
        let look = move || {
            let key = Key::of(&file::digest(&path, module_bytes)?);
            room.take().map_err(|e| e.to_string())?;
            let loaded = cache.load(&engine, &key).ok();
            if let Some((_, digest)) = loaded {
                check(pin, digest)?;
            }
            Ok::<_, String>((loaded, key))
        };
        let (loaded, key) = self.aside(look).await??;
        let Some((component, digest)) = loaded else {
            return Ok(None);
        };
        self.hits.fetch_add(1, Ordering::Relaxed);
        self.keep_later(Kept::Used(key));
        Ok(Some(Loaded { component, digest }))
    }

    /// The guest with its imports; nothing of it has run.
    pub fn link(&self, loaded: &Loaded) -> wasmtime::Result<InstancePre<Sandbox>> {
        self.linker.instantiate_pre(&loaded.component)
    }

    /// After `init`: keeps what was compiled, for the next start. Errors are for the
    /// operator; the guests run all the same.
    pub async fn keep(&self) -> Vec<String> {
        self.may_write.store(true, Ordering::SeqCst);
        let all = std::mem::take(&mut *self.to_keep.lock().unwrap_or_else(PoisonError::into_inner));
        let (cache, engine) = (Arc::clone(&self.cache), self.engine.clone());
        let size = self.room.taken().saturating_mul(CACHE_PER_GUEST);
        let kept = self.aside(move || {
            let mut any_stored = false;
            let mut problems = Vec::new();
            for kept in all {
                let done = match &kept {
                    Kept::Compiled(key, module, artifact) => {
                        any_stored = true;
                        cache.store(&engine, key, *module, artifact)
                    }
                    Kept::Used(key) => cache.mark_used(key),
                };
                problems.extend(done.err());
            }
            if any_stored {
                problems.extend(cache.evict(size.max(CACHE_SIZE)).err());
            }
            problems.iter().map(ToString::to_string).collect()
        });
        kept.await.unwrap_or_else(|e| vec![e])
    }

    /// Runs what would hold up the bridge, as many at a time as there are cores: a
    /// thread for each guest would cost more than it saves.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let _permit = self.permits.acquire().await.map_err(|e| e.to_string())?;
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|e| e.to_string())
    }

    /// What was compiled in this start already, under another name.
    fn made(&self, key: &Key) -> Option<Artifact> {
        let to_keep = self.to_keep.lock().unwrap_or_else(PoisonError::into_inner);
        to_keep.iter().find_map(|kept| match kept {
            Kept::Compiled(made, _, artifact) if made == key => Some(artifact.clone()),
            _ => None,
        })
    }

    fn keep_later(&self, kept: Kept) {
        self.to_keep
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(kept);
    }
}

fn check(pin: Option<Pin>, found: Pin) -> Result<(), String> {
    pin.map_or(Ok(()), |pin| pin.check(found))
        .map_err(|e| e.to_string())
}
