//! Why a store cannot be used, and what the operator can do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a store cannot be used. The text is for the operator, and tells what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// Others than this user could read or change what is kept.
    #[error("{path} {why}: it must belong to lightningd's user, with mode {mode:o} (chown, chmod)")]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The mode that it should have.
        mode: u32,
    },
    /// Somebody else has it open.
    #[error(
        "{0} is in use by another process: a guest of this name runs in another plugin too; give one of them another name, or wait until that process has ended"
    )]
    Locked(PathBuf),
    /// What is in the file is not what was written.
    #[error(
        "{path} is damaged ({why}): put a copy in its place, or move it away; then the guest begins with an empty store, and its budgets with nothing spent"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: Arc<str>,
    },
    /// A later version of the bridge wrote it.
    #[error(
        "{path} has format {found}, and this bridge knows {known}: run the version that wrote it, or move the file away"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The last one that this bridge knows.
        known: u64,
    },
    /// No room.
    #[error("{0} cannot grow: the disk is full, or the quota of lightningd's user; make room")]
    DiskFull(PathBuf),
    /// The disk, or the permissions.
    #[error("{path}: {why}; look after the disk and the permissions")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        why: Arc<str>,
    },
    /// This process cannot do it: no thread, or it ends.
    #[error("the bridge cannot write now: {0}")]
    Process(Arc<str>),
}

impl StoreFault {
    /// From what the system says of this path.
    pub fn io(path: &Path, error: &io::Error) -> StoreFault {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                StoreFault::DiskFull(path.to_owned())
            }
            _ => StoreFault::Io {
                path: path.to_owned(),
                why: error.to_string().into(),
            },
        }
    }

    /// From what the database says of this file.
    pub(super) fn of(path: &Path, error: redb::Error) -> StoreFault {
        match error {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                StoreFault::Locked(path.to_owned())
            }
            // What redb says of a file that is not its own.
            redb::Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
                StoreFault::damaged(path, &error)
            }
            redb::Error::Io(error) => StoreFault::io(path, &error),
            redb::Error::PreviousIo => StoreFault::Io {
                path: path.to_owned(),
                why: "an earlier write failed".into(),
            },
            error => StoreFault::damaged(path, &error),
        }
    }

    pub(super) fn damaged(path: &Path, why: &dyn std::fmt::Display) -> StoreFault {
        StoreFault::Damaged {
            path: path.to_owned(),
            why: why.to_string().into(),
        }
    }
}
