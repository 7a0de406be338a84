//! A compiled guest, as bytes. The type stands for where they come from.

use std::{ops::Range, sync::Arc};

use wasmtime::{Engine, component::Component};

/// Native code that this very program has made: there is no way to build one but by
/// the compiling child, or from the cache after its authentication code was checked.
#[derive(Clone)]
pub struct Artifact {
    bytes: Arc<Vec<u8>>,
    /// Where in `bytes` it is.
    range: Range<usize>,
}

impl Artifact {
    /// `range` of `bytes`; nothing if there is no such range. To be called with bytes
    /// of the two origins named above only.
    pub(super) fn trusted(bytes: Vec<u8>, range: Range<usize>) -> Self {
        Artifact {
            bytes: Arc::new(bytes),
            range,
        }
    }

    /// The serialized form.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }

    /// Makes it runnable. Fails if it was compiled for another engine, or memory for
    /// its code cannot be had.
    #[allow(unsafe_code)]
    pub fn component(&self, engine: &Engine) -> Result<Component, wasmtime::Error> {
        // SAFETY: the bytes must come from `Engine::precompile_component`, unchanged
        // since. They come from the child's call of it, over a pipe whose other end
        // only that child has; or from a file of the cache, read to memory once, and
        // the bytes that were authenticated there with a key that only this user can
        // read are the bytes that are used here. Nothing else can build this type, and
        // nothing can write to the bytes behind the `Arc`. What was compiled for
        // another version of wasmtime or other settings is refused by `deserialize`.
        unsafe { Component::deserialize(engine, self.bytes()) }
    }
}

impl std::fmt::Debug for Artifact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Artifact({} bytes)", self.bytes().len())
    }
}
