use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    time::{Duration, SystemTime},
};

use super::super::{engine::engine, samples, wrap::prepare};
use super::seal::{SEAL, fingerprint};
use super::*;

const LIMIT: u64 = 100 << 20;

struct Fixture {
    dir: tempfile::TempDir,
    engine: Engine,
    cache: Cache,
    key: Key,
    module: Pin,
    artifact: Artifact,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine().unwrap();
        let module = samples::guest();
        let component = prepare(&module).unwrap();
        let bytes = engine.precompile_component(&component).unwrap();
        let range = 0..bytes.len();
        Fixture {
            cache: Cache::new(dir.path().join("cache"), LIMIT),
            dir,
            engine,
            key: Key::of(&blake3::hash(&module)),
            module: Pin::of(&module),
            artifact: Artifact::trusted(bytes, range),
        }
    }

    fn store(&self) {
        self.cache
            .store(&self.engine, &self.key, self.module, &self.artifact)
            .unwrap();
    }

    fn load(&self) -> Result<(), Miss> {
        let (_, module) = self.cache.load(&self.engine, &self.key)?;
        assert_eq!(module, self.module);
        Ok(())
    }

    fn file(&self) -> std::path::PathBuf {
        self.cache.folder.join(self.key.file_name())
    }

    /// Puts these bytes under this guest's name, as somebody else would.
    fn put(&self, bytes: &[u8]) {
        put(&self.file(), bytes);
    }
}

fn put(path: &Path, bytes: &[u8]) {
    drop(fs::remove_file(path));
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o400)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn what_was_stored_is_loaded() {
    let f = Fixture::new();
    assert_eq!(f.load(), Err(Miss::Absent));
    assert!(!f.cache.folder.exists(), "loading must not write");
    f.store();
    f.load().unwrap();
    assert_eq!(mode(&f.cache.folder), 0o700);
    assert_eq!(mode(&f.file()), 0o400);
    assert_eq!(mode(&f.cache.folder.join("key")), 0o600);
    assert_eq!(fs::read_dir(&f.cache.folder).unwrap().count(), 2);

    // Another process, and a second store.
    let other = Cache::new(f.cache.folder.clone(), LIMIT);
    other.load(&f.engine, &f.key).unwrap();
    f.store();
    other.load(&f.engine, &f.key).unwrap();
    assert_eq!(
        other.load(&f.engine, &Key::of(&[1; DIGEST].into())).err(),
        Some(Miss::Absent)
    );
    assert_eq!(
        f.cache.counts(),
        Counts {
            hits: 1,
            absent: 1,
            ..Counts::default()
        }
    );
}

#[test]
fn every_flipped_bit_is_a_miss() {
    let f = Fixture::new();
    f.store();
    let good = fs::read(f.file()).unwrap();
    let end = good.len();
    // Magic, key, fingerprint, module, length, code.
    let seal_fields = [0, 16, 48, 80, 112, 119, 120].map(|at| end - SEAL + at);
    let places = (0..end)
        .step_by(end / 50)
        .chain(seal_fields)
        .chain([end - SEAL - 1, end - 1]);
    for at in places {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        f.put(&bad);
        assert_eq!(
            f.load(),
            Err(Miss::Damaged("wrong authentication code")),
            "byte {at}"
        );
    }
    for length in [0, 1, SEAL - 1] {
        f.put(&good[..length]);
        assert_eq!(f.load(), Err(Miss::Damaged("too short")), "{length} bytes");
    }
    for length in [SEAL, end - SEAL, end - 1] {
        f.put(&good[..length]);
        assert_eq!(
            f.load(),
            Err(Miss::Damaged("wrong authentication code")),
            "{length} bytes"
        );
    }
    f.put(&[&good[..], b"x"].concat());
    assert_eq!(f.load(), Err(Miss::Damaged("wrong authentication code")));

    f.put(&good);
    f.load().unwrap();
    assert!(f.cache.counts().damaged > 50);
}

#[test]
fn a_file_is_bound_to_its_module_its_engine_and_its_key() {
    let f = Fixture::new();
    f.store();
    let good = fs::read(f.file()).unwrap();

    let other = Key::of(&[1; DIGEST].into());
    put(&f.cache.folder.join(other.file_name()), &good);
    assert_eq!(
        f.cache.load(&f.engine, &other).err(),
        Some(Miss::Damaged("another module"))
    );

    let elsewhere = Engine::new(wasmtime::Config::new().epoch_interruption(false)).unwrap();
    assert_ne!(fingerprint(&elsewhere), fingerprint(&f.engine));
    assert_eq!(fingerprint(&engine().unwrap()), fingerprint(&f.engine));
    assert_eq!(
        f.cache.load(&elsewhere, &f.key).err(),
        Some(Miss::OtherEngine)
    );

    fs::write(f.cache.folder.join("key"), [7; DIGEST]).unwrap();
    assert_eq!(f.load(), Err(Miss::Damaged("wrong authentication code")));
    fs::write(f.cache.folder.join("key"), [7; DIGEST - 1]).unwrap();
    assert_eq!(
        f.load(),
        Err(Miss::Damaged("the cache's key has a wrong length"))
    );
    fs::remove_file(f.cache.folder.join("key")).unwrap();
    assert_eq!(f.load(), Err(Miss::Absent));
    f.store();
    f.load().unwrap();
}

#[test]
fn what_others_could_have_written_is_not_read() {
    let f = Fixture::new();
    f.store();
    let by_others = [0o001, 0o002, 0o004, 0o010, 0o020, 0o040];
    for (path, private, bits) in [
        (f.cache.folder.clone(), 0o700, &by_others[..]),
        (f.cache.folder.join("key"), 0o600, &by_others),
        (f.file(), 0o400, &by_others),
        // It is mapped: not even by this user.
        (f.file(), 0o400, &[0o200]),
    ] {
        for bit in bits {
            fs::set_permissions(&path, Permissions::from_mode(private | bit)).unwrap();
            assert!(
                matches!(f.load(), Err(Miss::Exposed(_))),
                "{path:?} {bit:o}"
            );
        }
        fs::set_permissions(&path, Permissions::from_mode(private)).unwrap();
        f.load().unwrap();
    }
    fs::set_permissions(&f.cache.folder, Permissions::from_mode(0o755)).unwrap();
    assert!(
        f.cache
            .store(&f.engine, &f.key, f.module, &f.artifact)
            .is_err()
    );
    fs::set_permissions(&f.cache.folder, Permissions::from_mode(0o700)).unwrap();

    let moved = f.dir.path().join("moved");
    fs::rename(f.file(), &moved).unwrap();
    std::os::unix::fs::symlink(&moved, f.file()).unwrap();
    assert!(matches!(f.load(), Err(Miss::Unusable(_))));
    fs::remove_file(f.file()).unwrap();
    fs::create_dir(f.file()).unwrap();
    fs::set_permissions(f.file(), Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(f.load(), Err(Miss::Exposed(_))));
    // As root the owner can be changed.
    if rustix::process::geteuid().is_root() {
        fs::remove_dir(f.file()).unwrap();
        f.store();
        std::os::unix::fs::chown(f.file(), Some(12345), None).unwrap();
        assert!(matches!(f.load(), Err(Miss::Exposed(why)) if why.contains("user 12345")));
    }
}

#[test]
fn the_longest_unused_goes_first() {
    let f = Fixture::new();
    let keys: Vec<_> = (0..4u8).map(|n| Key::of(&[n; DIGEST].into())).collect();
    let there = |key: &Key| f.cache.folder.join(key.file_name()).exists();
    for (key, seconds) in keys.iter().zip([30, 20, 10, 0]) {
        f.cache
            .store(&f.engine, key, f.module, &f.artifact)
            .unwrap();
        File::open(f.cache.folder.join(key.file_name()))
            .unwrap()
            .set_modified(SystemTime::now() - Duration::from_secs(seconds))
            .unwrap();
    }
    let one = fs::metadata(f.cache.folder.join(keys[0].file_name()))
        .unwrap()
        .len();
    f.cache.mark_used(&keys[0]).unwrap();
    f.cache.evict(4 * one).unwrap();
    assert_eq!(f.cache.counts().evicted, 0);
    let mapped = f.cache.load(&f.engine, &keys[1]).unwrap();
    f.cache.evict(4 * one - 1).unwrap();
    assert_eq!(
        keys.iter().map(there).collect::<Vec<_>>(),
        [true, false, true, true]
    );
    assert_eq!(f.cache.counts().evicted, 1);
    for key in [&keys[0], &keys[2], &keys[3]] {
        f.cache.load(&f.engine, key).unwrap();
    }
    assert!(f.cache.mark_used(&keys[1]).is_err());
    drop(mapped);

    let small = Cache::new(f.dir.path().join("small"), one - 1);
    assert!(
        small
            .store(&f.engine, &keys[0], f.module, &f.artifact)
            .is_err()
    );
    assert!(!f.dir.path().join("small").exists());
}

/// Bytes of this process's own in its mappings of the file: pages that were copied to be
/// written to. None if the file is not mapped.
#[cfg(target_os = "linux")]
fn private_bytes(path: &Path) -> Option<u64> {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let (mut ours, mut sum) = (false, None);
    for line in maps.lines() {
        if line
            .split_whitespace()
            .next()
            .is_some_and(|w| !w.ends_with(':'))
        {
            ours = line.contains(path.to_str().unwrap());
            sum = sum.or(ours.then_some(0));
        } else if ours && line.starts_with("Anonymous:") {
            let kib = line.split_whitespace().nth(1).unwrap();
            sum = sum.map(|sum| sum + kib.parse::<u64>().unwrap() * 1024);
        }
    }
    sum
}

#[cfg(target_os = "linux")]
#[test]
fn a_form_from_the_cache_is_mapped_and_not_copied() {
    let f = Fixture::new();
    f.store();
    assert_eq!(private_bytes(&f.file()), None);
    let (component, _) = f.cache.load(&f.engine, &f.key).unwrap();
    assert_eq!(private_bytes(&f.file()), Some(0));
    drop(component);
    assert_eq!(private_bytes(&f.file()), None);
}

#[test]
fn what_is_mapped_stays_as_it_was_when_its_file_is_replaced_or_removed() {
    let f = Fixture::new();
    f.store();
    let before = fs::metadata(f.file()).unwrap().ino();
    let (component, _) = f.cache.load(&f.engine, &f.key).unwrap();
    let text = component.text().to_vec();
    f.store();
    assert_ne!(fs::metadata(f.file()).unwrap().ino(), before);
    assert_eq!(component.text(), text);
    f.put(&[0; 10]);
    assert_eq!(component.text(), text);
    f.cache.evict(0).unwrap();
    assert!(!f.file().exists());
    assert_eq!(component.text(), text);
}

#[test]
fn what_a_dead_process_left_behind_is_removed() {
    let f = Fixture::new();
    f.store();
    let left = f.cache.folder.join(".unfinished-1-2");
    let fresh = f.cache.folder.join(".unfinished-1-3");
    for path in [&left, &fresh] {
        fs::write(path, "half").unwrap();
    }
    File::open(&left)
        .unwrap()
        .set_modified(SystemTime::now() - Duration::from_secs(3600))
        .unwrap();
    f.cache.evict(LIMIT).unwrap();
    assert!(!left.exists());
    assert!(fresh.exists());
    assert!(f.file().exists());
}
