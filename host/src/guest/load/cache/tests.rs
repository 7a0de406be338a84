use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    time::{Duration, SystemTime},
};

use super::super::{engine::engine, samples, wrap::prepare};
use super::*;

const LIMIT: u64 = 100 << 20;

struct Fixture {
    dir: tempfile::TempDir,
    engine: Engine,
    cache: Cache,
    key: Key,
    artifact: Artifact,
}

impl Fixture {
    fn new() -> Self {
        Self::with_limit(LIMIT)
    }

    fn with_limit(limit: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine().unwrap();
        let module = samples::guest();
        let component = prepare(&module).unwrap();
        let bytes = engine.precompile_component(&component).unwrap();
        let range = 0..bytes.len();
        Fixture {
            cache: Cache::new(dir.path().join("cache"), limit),
            dir,
            engine,
            key: Key::of(&module),
            artifact: Artifact::trusted(bytes, range),
        }
    }

    fn store(&self) {
        self.cache
            .store(&self.engine, &self.key, &self.artifact)
            .unwrap();
    }

    fn load(&self) -> Result<(), Miss> {
        self.cache.load(&self.engine, &self.key).map(drop)
    }

    fn file(&self) -> std::path::PathBuf {
        self.cache.folder.join(self.key.file_name())
    }
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
    assert_eq!(mode(&f.file()), 0o600);
    assert_eq!(mode(&f.cache.folder.join("key")), 0o600);
    assert_eq!(fs::read_dir(&f.cache.folder).unwrap().count(), 2);

    // Another process, and a second store.
    let other = Cache::new(f.cache.folder.clone(), LIMIT);
    other.load(&f.engine, &f.key).unwrap();
    f.store();
    other.load(&f.engine, &f.key).unwrap();
    assert_eq!(
        other.load(&f.engine, &Key::of(b"another")).err(),
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
    let header_fields = [0, 16, 48, 80, 87];
    let places = header_fields
        .into_iter()
        .chain((HEADER..end).step_by(end / 50))
        .chain([end - DIGEST - 1, end - DIGEST, end - 1]);
    for at in places {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(f.file(), &bad).unwrap();
        assert_eq!(
            f.load(),
            Err(Miss::Damaged("wrong authentication code")),
            "byte {at}"
        );
    }
    for length in [0, 1, HEADER, HEADER + DIGEST - 1] {
        fs::write(f.file(), &good[..length]).unwrap();
        assert_eq!(f.load(), Err(Miss::Damaged("too short")), "{length} bytes");
    }
    for length in [HEADER + DIGEST, end - 1] {
        fs::write(f.file(), &good[..length]).unwrap();
        assert_eq!(
            f.load(),
            Err(Miss::Damaged("wrong authentication code")),
            "{length} bytes"
        );
    }
    fs::write(f.file(), [&good[..], b"x"].concat()).unwrap();
    assert_eq!(f.load(), Err(Miss::Damaged("wrong authentication code")));

    fs::write(f.file(), &good).unwrap();
    f.load().unwrap();
    assert!(f.cache.counts().damaged > 50);
}

#[test]
fn a_file_is_bound_to_its_module_its_engine_and_its_key() {
    let f = Fixture::new();
    f.store();
    let good = fs::read(f.file()).unwrap();

    let other = Key::of(b"another module");
    fs::write(f.cache.folder.join(other.file_name()), &good).unwrap();
    fs::set_permissions(
        f.cache.folder.join(other.file_name()),
        Permissions::from_mode(0o600),
    )
    .unwrap();
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
    for (path, private) in [
        (f.cache.folder.clone(), 0o700),
        (f.cache.folder.join("key"), 0o600),
        (f.file(), 0o600),
    ] {
        for bit in [0o001, 0o002, 0o004, 0o010, 0o020, 0o040] {
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
    assert!(f.cache.store(&f.engine, &f.key, &f.artifact).is_err());
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
fn the_longest_unused_goes_first_and_the_new_one_stays() {
    let one = {
        let f = Fixture::new();
        f.store();
        fs::metadata(f.file()).unwrap().len()
    };
    let f = Fixture::with_limit(3 * one);
    let keys: Vec<_> = (0..4u8).map(|n| Key::of(&[n])).collect();
    let there = |key: &Key| f.cache.folder.join(key.file_name()).exists();
    let put = |key: &Key| f.cache.store(&f.engine, key, &f.artifact).unwrap();
    let age = |key: &Key, seconds| {
        File::open(f.cache.folder.join(key.file_name()))
            .unwrap()
            .set_modified(SystemTime::now() - Duration::from_secs(seconds))
            .unwrap();
    };
    for (key, seconds) in keys.iter().zip([30, 20, 10]) {
        put(key);
        age(key, seconds);
    }
    f.cache.mark_used(&keys[0]).unwrap();
    put(&keys[3]);
    assert_eq!(
        keys.iter().map(there).collect::<Vec<_>>(),
        [true, false, true, true]
    );
    assert_eq!(f.cache.counts().evicted, 1);
    for key in [&keys[0], &keys[2], &keys[3]] {
        f.cache.load(&f.engine, key).unwrap();
    }
    assert!(f.cache.mark_used(&keys[1]).is_err());

    let small = Cache::new(f.dir.path().join("small"), one - 1);
    assert!(small.store(&f.engine, &keys[0], &f.artifact).is_err());
    assert!(!f.dir.path().join("small").exists());
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
    f.store();
    assert!(!left.exists());
    assert!(fresh.exists());
}
