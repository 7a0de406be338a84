//! A file of the operator's: a module, or the text beside it.

use std::{
    fs::File,
    io::Read,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

/// Read at a time where only the digest is wanted: it stays in the processor's cache
/// between reading and hashing, and comes from the heap, not from a mapping of its own.
const CHUNK: usize = 64 << 10;

/// Opens a regular file of at most `limit` bytes. Symlinks are followed, as the folder
/// is the operator's. The open file is what is asked for its type and size, so that they
/// are those of the bytes read.
fn open(path: &Path, limit: u64) -> Result<File, String> {
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits();
    let file = File::options()
        .read(true)
        // A FIFO would hold up the start of the node until somebody writes to it.
        .custom_flags(i32::try_from(nonblock).unwrap_or_default())
        .open(path)
        .map_err(|error| format!("cannot be opened: {error}"))?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("not a regular file".to_owned());
    }
    if metadata.len() > limit {
        return Err(too_large(limit));
    }
    Ok(file)
}

fn too_large(limit: u64) -> String {
    format!("larger than {limit} bytes: limits.module_bytes is {limit}")
}

fn unreadable(error: std::io::Error) -> String {
    format!("cannot be read: {error}")
}

/// The bytes of a regular file, of which there are at most `limit`.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let file = open(path, limit)?;
    let mut bytes = Vec::new();
    // It may still grow while it is read.
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

/// The BLAKE3 of what [`read`] would give, without keeping any of it.
pub fn digest(path: &Path, limit: u64) -> Result<blake3::Hash, String> {
    let file = open(path, limit)?;
    let mut digest = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    let mut at = 0u64;
    loop {
        let count = match file.read_at(&mut chunk, at) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        let Some(read) = chunk.get(..count).filter(|read| !read.is_empty()) else {
            return Ok(digest.finalize());
        };
        at = at.saturating_add(count as u64);
        if at > limit {
            return Err(too_large(limit));
        }
        digest.update(read);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn both_ways_of_reading_agree() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        for length in [0, 1, CHUNK - 1, CHUNK, 3 * CHUNK + 1] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            fs::write(&path, &bytes).unwrap();
            let limit = length as u64;
            assert_eq!(read(&path, limit).unwrap(), bytes);
            assert_eq!(digest(&path, limit), Ok(blake3::hash(&bytes)));
            if let Some(less) = limit.checked_sub(1) {
                let said = read(&path, less).unwrap_err();
                assert!(
                    said.contains(&format!("limits.module_bytes is {less}")),
                    "{said}"
                );
                assert_eq!(digest(&path, less), Err(said));
            }
        }
    }

    #[test]
    fn only_regular_files_are_read_and_a_fifo_does_not_hold_up_the_node() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        symlink(".", at("loop")).unwrap();
        fs::write(at("file"), "bytes").unwrap();
        symlink("file", at("link")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        for (name, why) in [
            ("folder", "not a regular file"),
            ("dangling", "cannot be opened"),
            ("loop", "not a regular file"),
            ("pipe", "not a regular file"),
        ] {
            let said = read(&at(name), 100).unwrap_err();
            assert!(said.starts_with(why), "{name}: {said}");
            assert_eq!(digest(&at(name), 100), Err(said));
        }
        assert_eq!(read(&at("link"), 100).unwrap(), b"bytes");
    }
}
