//! How many guests this process has room for: what the kernel lets it have open and
//! mapped. Past that, things fail one by one, in guests that had nothing to do with it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that a guest keeps open: its compiled form, its store.
const FILES_PER_GUEST: u64 = 2;
/// Files for all else: pipes, calls of lightningd's RPC, HTTP, crash bundles.
const OTHER_FILES: u64 = 200;
/// Mappings of a guest: a Rust guest has 15 (its compiled form, memories, stacks), and a
/// few more for each call that is being run.
const MAPPINGS_PER_GUEST: u64 = 30;
/// Mappings for all else: the program, its threads and their heaps.
const OTHER_MAPPINGS: u64 = 2000;

/// Room for guests, which is taken and not given back: a guest stays until the end.
#[derive(Debug)]
pub struct Room {
    files: u64,
    mappings: u64,
    taken: AtomicU64,
}

/// There is none left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no room for more than {guests} guests: {why}")]
pub struct NoRoom {
    guests: u64,
    why: String,
}

impl Room {
    /// Asks the kernel, after it has let this process open as many files as it ever
    /// would.
    pub fn of_this_process() -> Room {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        let files = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => maximum,
            Err(_) => current,
        };
        // Only Linux has this limit.
        let mappings = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok();
        let mappings = mappings.and_then(|text| text.trim().parse().ok());
        Room::within(files.unwrap_or(u64::MAX), mappings.unwrap_or(u64::MAX))
    }

    fn within(files: u64, mappings: u64) -> Room {
        Room {
            files,
            mappings,
            taken: AtomicU64::new(0),
        }
    }

    /// Guests that have taken theirs.
    pub fn taken(&self) -> u64 {
        self.taken.load(Relaxed)
    }

    /// Takes the room for one guest.
    pub fn take(&self) -> Result<(), NoRoom> {
        let by_files = self.files.saturating_sub(OTHER_FILES) / FILES_PER_GUEST;
        let by_mappings = self.mappings.saturating_sub(OTHER_MAPPINGS) / MAPPINGS_PER_GUEST;
        let guests = by_files.min(by_mappings);
        let room = |taken: u64| (taken < guests).then_some(taken.saturating_add(1));
        match self.taken.fetch_update(Relaxed, Relaxed, room) {
            Ok(_) => Ok(()),
            Err(_) if by_files <= by_mappings => Err(NoRoom {
                guests,
                why: format!(
                    "lightningd may have {} files open (ulimit -Hn), and so may its plugins",
                    self.files
                ),
            }),
            Err(_) => Err(NoRoom {
                guests,
                why: format!(
                    "a process may have {} mappings (sysctl vm.max_map_count)",
                    self.mappings
                ),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scarcer_one_counts_and_is_named() {
        let room = Room::within(OTHER_FILES + 2 * FILES_PER_GUEST + 1, 65530);
        assert_eq!((room.take(), room.take()), (Ok(()), Ok(())));
        let refused = room.take().unwrap_err().to_string();
        assert!(refused.starts_with("no room for more than 2 guests: "));
        assert!(refused.contains("205 files"), "{refused}");
        assert_eq!(room.take().unwrap_err().to_string(), refused);

        let room = Room::within(u64::MAX, OTHER_MAPPINGS + MAPPINGS_PER_GUEST);
        assert_eq!(room.take(), Ok(()));
        let refused = room.take().unwrap_err().to_string();
        assert!(refused.contains("vm.max_map_count"), "{refused}");

        assert!(Room::within(0, 0).take().is_err());
    }

    #[test]
    fn a_thousand_guests_fit_where_the_limits_are_usual() {
        let room = Room::within(4096, 65530);
        assert!((0..1000).all(|_| room.take().is_ok()));
    }

    #[test]
    fn all_the_files_that_may_be_open_can_be_opened() {
        let room = Room::of_this_process();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
        assert_eq!(room.files, current.unwrap_or(u64::MAX));
    }
}
