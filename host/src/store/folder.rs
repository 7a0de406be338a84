//! The files of the stores: whose they are, and that their names last.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::fault::StoreFault;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Opens a store's file, and makes it and its folder where there is none.
pub(super) fn open(path: &Path) -> Result<File, StoreFault> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)
        .map_err(|e| StoreFault::io(folder, &e))?;
    let metadata = std::fs::metadata(folder).map_err(|e| StoreFault::io(folder, &e))?;
    private(folder, &metadata, FOLDER_MODE)?;
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .mode(FILE_MODE)
        .custom_flags(i32::try_from(flags).unwrap_or_default());
    let file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = options.create_new(true).open(path);
            // A file whose name is lost with the power is lost as a whole.
            file.and_then(|file| keep_names(folder).map(|()| file))
        }
        opened => opened,
    };
    let file = file.map_err(|e| StoreFault::io(path, &e))?;
    // On the open file, so that it holds for the bytes that are read.
    let metadata = file.metadata().map_err(|e| StoreFault::io(path, &e))?;
    if !metadata.is_file() {
        return Err(StoreFault::Exposed {
            path: path.to_owned(),
            why: "is not a regular file".to_owned(),
            mode: FILE_MODE,
        });
    }
    private(path, &metadata, FILE_MODE)?;
    Ok(file)
}

/// Makes the names in the folder, and in those above it that may be new, last.
fn keep_names(folder: &Path) -> io::Result<()> {
    for folder in folder.ancestors().take(3) {
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Only this user may read or change it.
fn private(path: &Path, metadata: &Metadata, mode: u32) -> Result<(), StoreFault> {
    let user = rustix::process::geteuid().as_raw();
    let why = if metadata.uid() != user {
        format!("belongs to user {}, not {user}", metadata.uid())
    } else if metadata.mode() & 0o077 != 0 {
        format!("is open to others (mode {:o})", metadata.mode() & 0o7777)
    } else {
        return Ok(());
    };
    let path = path.to_owned();
    Err(StoreFault::Exposed { path, why, mode })
}
