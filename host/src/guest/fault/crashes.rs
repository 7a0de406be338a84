//! The folder of crash bundles: one file for each fault, a bounded number for each
//! guest, written by a thread of its own and never before `init`.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;

use super::bundle::{Bundle, utc};
use crate::bridge::node::Log;

/// Below the network's folder, which lightningd makes the working directory of its
/// plugins.
pub const FOLDER: &str = "cln-wasm/crashes";
/// Bundles that wait to be written, of all guests together. With 64 KiB each this
/// bounds what a disk that hangs can cost in memory.
const WAITING: usize = 64;
const SUFFIX: &str = ".json";
const UNFINISHED: &str = ".unfinished";

/// Where crash bundles go.
#[derive(Debug)]
pub struct Crashes {
    folder: PathBuf,
    log: Log,
    queue: Mutex<Queue>,
    idle: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// `init` has come: lightningd means to run, and files may be written.
    open: bool,
    writing: bool,
    waiting: VecDeque<Waiting>,
    named: u64,
    failed: u64,
}

#[derive(Debug)]
struct Waiting {
    bundle: Bundle,
    file: String,
    bytes: usize,
    keep: usize,
}

impl Crashes {
    /// Bundles go below `folder`; none is written before [`open`](Self::open).
    pub fn new(folder: PathBuf, log: Log) -> Self {
        Crashes {
            folder,
            log,
            queue: Mutex::default(),
            idle: Notify::new(),
        }
    }

    /// From now on files may be written; also those of faults until now.
    pub fn open(self: &Arc<Self>) {
        self.lock().open = true;
        self.write();
    }

    /// Queues one to be written with at most so many `bytes`, beside the last of this
    /// guest so that at most `keep` are there. The path that it will have; none if too
    /// many wait already.
    pub fn put(self: &Arc<Self>, bundle: Bundle, bytes: usize, keep: usize) -> Option<PathBuf> {
        let mut queue = self.lock();
        if keep == 0 || queue.waiting.len() >= WAITING {
            return None;
        }
        queue.named += 1;
        let time = utc(bundle.time).replace([':', '-'], "");
        let file = format!("{time}-{:06}{SUFFIX}", queue.named);
        let path = self.folder.join(&*bundle.guest).join(&file);
        queue.waiting.push_back(Waiting {
            bundle,
            file,
            bytes,
            keep,
        });
        drop(queue);
        self.write();
        Some(path)
    }

    /// Waits until all that may be written is.
    pub async fn written(&self) {
        loop {
            let idle = self.idle.notified();
            {
                let queue = self.lock();
                if !queue.open || (!queue.writing && queue.waiting.is_empty()) {
                    return;
                }
            }
            idle.await;
        }
    }

    fn write(self: &Arc<Self>) {
        {
            let mut queue = self.lock();
            if !queue.open || queue.writing || queue.waiting.is_empty() {
                return;
            }
            queue.writing = true;
        }
        let crashes = Arc::clone(self);
        // Nobody waits for the task itself: whoever ends the bridge asks `written`.
        drop(tokio::task::spawn_blocking(move || {
            while let Some(waiting) = crashes.next() {
                if let Err(error) = store(&crashes.folder, &waiting) {
                    crashes.failed(&waiting, &error);
                }
            }
            crashes.idle.notify_waiters();
        }));
    }

    fn next(&self) -> Option<Waiting> {
        let mut queue = self.lock();
        let next = queue.waiting.pop_front();
        queue.writing = next.is_some();
        next
    }

    fn failed(&self, waiting: &Waiting, error: &io::Error) {
        let failed = {
            let mut queue = self.lock();
            queue.failed += 1;
            queue.failed
        };
        // Said at 1, 2, 4, 8 ...: a full disk must not fill the log, too.
        if failed.is_power_of_two() {
            let file = &waiting.file;
            let word = format!("crash bundle {file} cannot be written: {error} ({failed} so far)");
            self.log.unusual(&waiting.bundle.guest, &word);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn store(folder: &Path, waiting: &Waiting) -> io::Result<()> {
    let Waiting {
        bundle,
        file,
        bytes,
        keep,
    } = waiting;
    let folder = folder.join(&*bundle.guest);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    private(&folder)?;
    make_room(&folder, keep.saturating_sub(1))?;
    let unfinished = folder.join(UNFINISHED);
    // One that is there was left by a process that died.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    let written = out.write_all(&bundle.render(*bytes));
    match written.and_then(|()| fs::rename(&unfinished, folder.join(file))) {
        Ok(()) => Ok(()),
        Err(error) => {
            // What is left of it would only take room.
            drop(fs::remove_file(&unfinished));
            Err(error)
        }
    }
}

/// A folder that others may read or change is not written to.
fn private(folder: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(folder)?;
    let user = rustix::process::geteuid().as_raw();
    if !metadata.is_dir() || metadata.uid() != user || metadata.mode() & 0o077 != 0 {
        let folder = folder.display();
        return Err(io::Error::other(format!(
            "{folder} must be a folder of this user's with mode 0700"
        )));
    }
    Ok(())
}

/// Removes the oldest until at most `left` are there: their names begin with the time.
fn make_room(folder: &Path, left: usize) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|name| name.ends_with(SUFFIX)) {
            names.push(name);
        }
    }
    names.sort();
    let too_many = names.len().saturating_sub(left);
    for name in names.into_iter().take(too_many) {
        match fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// When a bundle may be written again: so many in each minute, the others counted.
#[derive(Debug)]
pub struct PerMinute {
    most: u64,
    used: u64,
    since: Option<SystemTime>,
    refused: u64,
}

impl PerMinute {
    /// At most `most` in one minute.
    pub fn new(most: u64) -> Self {
        PerMinute {
            most,
            used: 0,
            since: None,
            refused: 0,
        }
    }

    /// May one more pass? Then how many did not since the last that did.
    pub fn pass(&mut self, now: SystemTime) -> Option<u64> {
        let since = *self.since.get_or_insert(now);
        // A clock that was set back begins a new minute, too.
        if now.duration_since(since).map_or(60, |gone| gone.as_secs()) >= 60 {
            self.since = Some(now);
            self.used = 0;
        }
        if self.used >= self.most {
            self.refused += 1;
            return None;
        }
        self.used += 1;
        Some(std::mem::take(&mut self.refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lightningd::output::Output;
    use crate::policy::Limits;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};

    fn bundle(guest: &str) -> Bundle {
        Bundle {
            guest: guest.into(),
            sha256: None,
            lightningd: None,
            time: SystemTime::now(),
            now: Instant::now(),
            kind: "trap",
            text: "x".to_owned(),
            backtrace: Arc::default(),
            call: None,
            limits: Limits::default(),
            memory: 0,
            host_calls: Vec::new(),
            lines: Vec::new(),
            faults: 1,
            without_bundle: 0,
        }
    }

    fn crashes(folder: &Path) -> (Arc<Crashes>, Arc<Output>) {
        let output = Arc::new(Output::default());
        let log = Log::to(Arc::clone(&output));
        (Arc::new(Crashes::new(folder.to_path_buf(), log)), output)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn nothing_is_written_before_it_is_opened_and_the_oldest_go() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("cln-wasm/crashes");
        let (crashes, _output) = crashes(&folder);
        let mut paths = vec![crashes.put(bundle("a"), 4_096, 3).unwrap()];
        crashes.written().await;
        assert!(fs::read_dir(home.path()).unwrap().next().is_none());
        crashes.open();
        for _ in 0..4 {
            paths.push(crashes.put(bundle("a"), 4_096, 3).unwrap());
        }
        crashes.written().await;
        let there: Vec<bool> = paths.iter().map(|path| path.is_file()).collect();
        assert_eq!(there, [false, false, true, true, true]);
        assert_eq!(mode(paths.last().unwrap()), 0o600);
        for folder in [
            folder.join("a"),
            folder.clone(),
            home.path().join("cln-wasm"),
        ] {
            assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        }
        assert!(
            crashes.put(bundle("a"), 4_096, 0).is_none(),
            "none are to be kept"
        );
    }

    #[tokio::test]
    async fn only_so_many_wait() {
        let home = tempfile::tempdir().unwrap();
        let (crashes, _output) = crashes(home.path());
        let put = || crashes.put(bundle("a"), 4_096, 1_000).is_some();
        assert_eq!((0..100).filter(|_| put()).count(), WAITING);
        crashes.open();
        crashes.written().await;
        assert_eq!(
            fs::read_dir(home.path().join("a")).unwrap().count(),
            WAITING
        );
    }

    #[tokio::test]
    async fn a_folder_that_is_open_to_others_is_not_used_and_that_is_said() {
        let home = tempfile::tempdir().unwrap();
        let open = home.path().join("a");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        let (crashes, output) = crashes(home.path());
        crashes.open();
        for _ in 0..3 {
            crashes.put(bundle("a"), 4_096, 3).unwrap();
        }
        crashes.written().await;
        assert!(fs::read_dir(&open).unwrap().next().is_none());
        let mut said = Vec::new();
        output.take(&mut said).await.unwrap();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(said.matches("cannot be written").count(), 2, "{said}");
    }

    #[test]
    fn a_minute_has_room_for_so_many() {
        let mut rate = PerMinute::new(2);
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let at = |s| start + Duration::from_secs(s);
        assert_eq!([rate.pass(at(0)), rate.pass(at(59))], [Some(0), Some(0)]);
        assert_eq!([rate.pass(at(59)), rate.pass(at(59))], [None, None]);
        assert_eq!(rate.pass(at(60)), Some(2));
        assert_eq!(rate.pass(at(10)), Some(0), "the clock was set back");
    }
}
