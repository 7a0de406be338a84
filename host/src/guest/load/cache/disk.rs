//! The cache's files: who may touch them, and how they come and go.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, SystemTime},
};

use rustix::fs::OFlags;

use super::{DIGEST, Miss};

/// The end of a compiled guest's file name.
pub(super) const SUFFIX: &str = ".cwasm";
const SECRET: &str = "key";
const UNFINISHED: &str = ".unfinished-";
/// An unfinished file older than this was left by a process that died.
const ABANDONED: Duration = Duration::from_secs(600);

/// What the authentication codes are made with.
pub(super) type Secret = [u8; DIGEST];

/// Nobody but this user may change what is in the folder.
pub(super) fn check_folder(folder: &Path) -> Result<(), Miss> {
    let metadata = fs::metadata(folder).map_err(miss)?;
    if !metadata.is_dir() {
        return Err(Miss::Exposed("the cache is not a folder".to_owned()));
    }
    private("the cache's folder", &metadata)
}

fn private(what: &str, metadata: &Metadata) -> Result<(), Miss> {
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user {
        return Err(Miss::Exposed(format!(
            "{what} belongs to user {}, not {user}",
            metadata.uid()
        )));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(Miss::Exposed(format!(
            "{what} is open to others (mode {:o})",
            metadata.mode() & 0o7777
        )));
    }
    Ok(())
}

fn miss(error: io::Error) -> Miss {
    match error.kind() {
        ErrorKind::NotFound => Miss::Absent,
        _ => Miss::Unusable(error.to_string()),
    }
}

/// Opens a file of this user's, of at most `limit` bytes. The checks are on the open
/// file, so that they hold for the bytes that are read.
fn open_private(path: &Path, limit: u64) -> Result<(File, Metadata), Miss> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = File::options()
        .read(true)
        .custom_flags(i32::try_from(flags).unwrap_or_default())
        .open(path)
        .map_err(miss)?;
    let metadata = file.metadata().map_err(miss)?;
    private("the cached file", &metadata)?;
    if !metadata.is_file() {
        return Err(Miss::Exposed(
            "the cached file is not a regular file".to_owned(),
        ));
    }
    if metadata.len() > limit {
        return Err(Miss::Damaged("too long"));
    }
    Ok((file, metadata))
}

/// The same for a file that not even this user may change by mistake, as it will be
/// mapped, and how many bytes it has.
pub(super) fn open_read_only(path: &Path, limit: u64) -> Result<(File, u64), Miss> {
    let (file, metadata) = open_private(path, limit)?;
    if metadata.mode() & 0o222 != 0 {
        return Err(Miss::Exposed(format!(
            "the cached file may be written to (mode {:o})",
            metadata.mode() & 0o7777
        )));
    }
    Ok((file, metadata.len()))
}

pub(super) fn read_secret(folder: &Path) -> Result<Secret, Miss> {
    let limit = DIGEST as u64;
    let (file, _) = open_private(&folder.join(SECRET), limit)?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(miss)?;
    bytes
        .try_into()
        .map_err(|_| Miss::Damaged("the cache's key has a wrong length"))
}

/// Makes the key if there is none. Of several processes that make one at the same
/// time, the first wins and the others use its key.
pub(super) fn read_or_make_secret(folder: &Path) -> io::Result<Secret> {
    match read_secret(folder) {
        Ok(secret) => return Ok(secret),
        Err(Miss::Absent) => {}
        Err(miss) => return Err(io::Error::other(miss)),
    }
    let mut secret = [0; DIGEST];
    File::open("/dev/urandom")?.read_exact(&mut secret)?;
    let unfinished = Unfinished::write(folder, 0o600, &[&secret])?;
    match fs::hard_link(&unfinished.0, folder.join(SECRET)) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    drop(unfinished);
    read_secret(folder).map_err(io::Error::other)
}

/// Makes the folder, and those above it, for this user alone.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    check_folder(folder).map_err(io::Error::other)
}

/// A file is whole under its name, or not there. One that had the name is left as it
/// is, for those who have it mapped.
pub(super) fn write_read_only(folder: &Path, name: &str, parts: &[&[u8]]) -> io::Result<()> {
    let unfinished = Unfinished::write(folder, 0o400, parts)?;
    fs::rename(&unfinished.0, folder.join(name))
}

/// A file without its name yet; removed if it never gets one.
struct Unfinished(PathBuf);

impl Unfinished {
    fn write(folder: &Path, mode: u32, parts: &[&[u8]]) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let path = folder.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
        // One with this name is left from a process that died, whose id came round.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)?;
        let unfinished = Unfinished(path);
        for part in parts {
            file.write_all(part)?;
        }
        Ok(unfinished)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already if it was renamed; an abandoned one is removed later.
        let _ = fs::remove_file(&self.0);
    }
}

/// Sets the time by which files are evicted.
pub(super) fn mark_used(path: &Path) -> io::Result<()> {
    let flags = OFlags::NOFOLLOW.bits();
    File::options()
        .read(true)
        .custom_flags(i32::try_from(flags).unwrap_or_default())
        .open(path)?
        .set_modified(SystemTime::now())
}

/// Removes what was not used for longest until the compiled guests have at most
/// `size_limit` bytes, and what dead processes left. Returns how many guests were
/// removed.
pub(super) fn evict(folder: &Path, size_limit: u64) -> io::Result<u64> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        // Another process may have removed it since.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        if name.ends_with(SUFFIX) {
            files.push((used, metadata.len(), entry.path()));
        } else if name.starts_with(UNFINISHED) && used.elapsed().is_ok_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(entry.path());
        }
    }
    let mut total = files
        .iter()
        .fold(0u64, |sum, file| sum.saturating_add(file.1));
    files.sort();
    let mut removed = 0;
    for (_, size, path) in files {
        if total <= size_limit {
            break;
        }
        match fs::remove_file(path) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        total = total.saturating_sub(size);
    }
    Ok(removed)
}
