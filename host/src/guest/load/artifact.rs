//! A compiled guest. The type stands for where it comes from.

use std::{fs::File, ops::Range, os::fd::AsRawFd, sync::Arc};

use wasmtime::{Engine, component::Component};

/// Native code that this very program has made: there is no way to build one but by
/// the compiling child, or from the cache after its authentication code was checked.
#[derive(Clone)]
pub struct Artifact(Form);

#[derive(Clone)]
enum Form {
    /// As the child gave it.
    Memory {
        bytes: Arc<Vec<u8>>,
        /// Where in `bytes` it is.
        range: Range<usize>,
    },
    /// A file of the cache, open: it begins with the compiled form.
    File { file: Arc<File>, length: u64 },
}

/// Where the files that this process has open can be opened once more: the very file,
/// whatever has its name meanwhile.
const OPEN_FILES: &str = if cfg!(target_os = "linux") {
    "/proc/self/fd"
} else {
    "/dev/fd"
};

impl Artifact {
    /// `range` of `bytes`; nothing if there is no such range. To be called with what the
    /// compiling child gave only.
    pub(super) fn trusted(bytes: Vec<u8>, range: Range<usize>) -> Self {
        Artifact(Form::Memory {
            bytes: Arc::new(bytes),
            range,
        })
    }

    /// The first `length` bytes of `file`. To be called with a file of the cache, which
    /// only this user can write to, after its authentication code was checked through
    /// this very `file`.
    pub(super) fn authenticated(file: File, length: u64) -> Self {
        Artifact(Form::File {
            file: Arc::new(file),
            length,
        })
    }

    /// The serialized form, if it is in memory.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Memory { bytes, range } => bytes.get(range.clone()),
            Form::File { .. } => None,
        }
    }

    /// Makes it runnable. A file is mapped: its pages are shared with all who map it, and
    /// in memory only where they were touched.
    ///
    /// Fails if it was compiled for another engine, or memory for its code cannot be had.
    #[allow(unsafe_code)]
    pub fn component(&self, engine: &Engine) -> Result<Component, wasmtime::Error> {
        match &self.0 {
            // SAFETY: the bytes must come from `Engine::precompile_component`, unchanged
            // since. They come from the child's call of it, over a pipe whose other end
            // only that child has, and nothing can write to what is behind the `Arc`.
            Form::Memory { .. } => unsafe {
                Component::deserialize(engine, self.bytes().unwrap_or_default())
            },
            Form::File { file, .. } => {
                let path = format!("{OPEN_FILES}/{}", file.as_raw_fd());
                // SAFETY: the file must hold what `Engine::precompile_component` gave, and
                // must not change while it is mapped. An authentication code by a key that
                // only this user can read was checked over all of it, read through the
                // descriptor that is mapped here: a file that was put under its name since
                // is not this one. It is not written to again: `cache/disk.rs` makes each
                // file under another name, read-only for its owner too, and renames it when
                // it is whole; to evict is to unlink, which a mapping outlives. Whoever
                // could write to it all the same, past its mode (0400, in a folder of mode
                // 0700, both checked), is this user or root, who can as well write to this
                // process's memory or replace its program. What follows the compiled form in
                // the file (the seal) is not looked at by `deserialize_file`, which goes by
                // the ELF tables at the beginning.
                unsafe { Component::deserialize_file(engine, path) }
            }
        }
    }
}

impl std::fmt::Debug for Artifact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Form::Memory { range, .. } => write!(f, "Artifact({} bytes)", range.len()),
            Form::File { length, .. } => write!(f, "Artifact({length} bytes in a file)"),
        }
    }
}
