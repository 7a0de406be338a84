//! Guests in a folder.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    file::read,
    refused::{clipped, shown},
};

/// The most bytes of a guest's TOML.
pub const POLICY_LIMIT: u64 = 1 << 20;
/// The most modules in one folder. Past it the folder is not one of guests.
pub const GUEST_LIMIT: usize = 1000;

/// A guest: its module, and what its operator wrote beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The stem of the file's name.
    pub name: String,
    /// Where the module is. Not opened yet.
    pub path: PathBuf,
    /// `NAME.toml` beside it. Not parsed.
    pub policy: Option<Policy>,
}

/// A guest's TOML as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// An entry that is not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stem of the file's name, escaped where it is no name of a guest.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Why, for the operator.
    pub reason: String,
}

/// All of a folder, in the order of the names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The guests.
    pub found: Vec<Found>,
    /// What was left out.
    pub refused: Vec<Refusal>,
}

/// Where guests are: `$CLN_WASM_DIR` if it is set and not empty, else `wasm/` in the
/// working directory, which is `<lightning-dir>/<network>` for a plugin, else `wasm/`
/// one level up. None if there is no such folder; a folder that the operator named is
/// returned whether it is there or not, so that a wrong name is noticed.
pub fn folder(named: Option<&OsStr>, working_directory: &Path) -> Option<PathBuf> {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return Some(working_directory.join(named));
    }
    let mut above = vec![working_directory.join("wasm")];
    above.extend(working_directory.parent().map(|up| up.join("wasm")));
    above.into_iter().find(|folder| folder.is_dir())
}

/// Finds every `*.wasm` of `folder`, sorted by name, with the policy beside it, and
/// nothing else. A file that cannot be taken costs no other. The modules themselves are
/// opened when they are loaded, one at a time per core: a thousand of them are never in
/// memory together. Nothing is written.
///
/// Fails only if the folder itself cannot be read.
pub fn find(folder: &Path) -> io::Result<Listing> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("wasm")) {
            paths.push(path);
        }
        if paths.len() > GUEST_LIMIT {
            return Err(io::Error::other(format!(
                "more than {GUEST_LIMIT} modules in one folder"
            )));
        }
    }
    // Bytes, not the locale, decide the order: it is the order in hook chains.
    paths.sort();

    let mut listing = Listing::default();
    for path in paths {
        match look(&path) {
            Ok(found) => listing.found.push(found),
            Err(reason) => listing.refused.push(Refusal {
                name: shown(&path.file_stem().unwrap_or_default().to_string_lossy()),
                path,
                reason,
            }),
        }
    }
    Ok(listing)
}

fn look(path: &Path) -> Result<Found, String> {
    let stem = path.file_stem().unwrap_or_default();
    let name = name_of(stem)?;
    let policy = match path.with_extension("toml") {
        policy
            if fs::symlink_metadata(&policy)
                .is_err_and(|e| e.kind() == io::ErrorKind::NotFound) =>
        {
            None
        }
        policy => Some(read_policy(policy)?),
    };
    Ok(Found {
        name,
        path: path.to_owned(),
        policy,
    })
}

fn read_policy(path: PathBuf) -> Result<Policy, String> {
    // A policy that cannot be read must not be taken for none: it may be what
    // narrows the guest.
    let text = read(&path, POLICY_LIMIT)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned()))
        .map_err(|why| format!("its policy {}: {why}", clipped(&path.to_string_lossy())))?;
    Ok(Policy { path, text })
}

/// A guest's name, which appears in log lines, ids and file names:
/// `[a-z0-9][a-z0-9_-]{0,63}`.
pub(super) fn name_of(stem: &OsStr) -> Result<String, String> {
    let allowed = |name: &&str| {
        let mut bytes = name.bytes();
        name.len() <= 64
            && bytes
                .next()
                .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
    };
    stem.to_str().filter(allowed).map(ToOwned::to_owned).ok_or_else(|| {
        "a guest's name has 1 to 64 characters out of a-z, 0-9, _ and -, and begins with a letter or digit"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};

    use super::*;

    fn names(listing: &Listing) -> Vec<&str> {
        listing
            .found
            .iter()
            .map(|found| found.name.as_str())
            .collect()
    }

    #[test]
    fn one_bad_entry_costs_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in [
            "b.wasm",
            "a-1_x.wasm",
            "0.wasm",
            "Upper.wasm",
            "-x.wasm",
            "ü.wasm",
            "two words.wasm",
            ".wasm",
        ] {
            fs::write(at(name), name).unwrap();
        }
        fs::write(at("b.toml"), "[grants]").unwrap();
        fs::write(at("alone.toml"), "").unwrap();
        fs::write(at("readme.txt"), "").unwrap();
        fs::write(at("c.wasm"), "").unwrap();
        fs::write(at("c.toml"), [0xff]).unwrap();
        symlink("b.wasm", at("link.wasm")).unwrap();
        fs::write(dir.path().join(OsStr::from_bytes(b"\xff.wasm")), "").unwrap();
        fs::write(at(&format!("{}.wasm", "x".repeat(65))), "").unwrap();
        fs::write(at(&format!("{}.wasm", "y".repeat(64))), "").unwrap();

        let listing = find(dir.path()).unwrap();
        assert_eq!(
            names(&listing),
            ["0", "a-1_x", "b", "link", &"y".repeat(64)]
        );
        let refused: Vec<_> = listing
            .refused
            .iter()
            .map(|r| {
                (
                    r.name.as_str(),
                    r.reason.split(':').next().unwrap_or_default(),
                )
            })
            .collect();
        let no_name = name_of(OsStr::new("")).unwrap_err();
        let longest = "x".repeat(65);
        let policy = format!("its policy {}", at("c.toml").display());
        assert_eq!(
            refused,
            [
                ("-x", no_name.as_str()),
                ("Upper", &no_name),
                ("c", &policy),
                ("two words", &no_name),
                (&longest, &no_name),
                ("ü", &no_name),
                ("\u{fffd}", &no_name),
            ]
        );
        let b = &listing.found[2];
        assert_eq!(b.path, at("b.wasm"));
        assert_eq!(b.policy.as_ref().unwrap().text, "[grants]");
        assert_eq!(listing.found[3].policy, None);
        assert_eq!(find(dir.path()).unwrap(), listing);
    }

    #[test]
    fn a_policy_that_cannot_be_read_is_not_taken_for_none() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.wasm"), "").unwrap();
        symlink("nowhere", dir.path().join("a.toml")).unwrap();
        let listing = find(dir.path()).unwrap();
        assert!(listing.found.is_empty());
        assert!(listing.refused[0].reason.starts_with("its policy "));
    }

    #[test]
    fn the_folder_is_the_named_one_or_the_nearest() {
        let dir = tempfile::tempdir().unwrap();
        let network = dir.path().join("regtest");
        fs::create_dir(&network).unwrap();
        assert_eq!(folder(None, &network), None);
        fs::create_dir(dir.path().join("wasm")).unwrap();
        assert_eq!(folder(None, &network), Some(dir.path().join("wasm")));
        assert_eq!(
            folder(Some(OsStr::new("")), &network),
            Some(dir.path().join("wasm"))
        );
        fs::create_dir(network.join("wasm")).unwrap();
        assert_eq!(folder(None, &network), Some(network.join("wasm")));
        assert_eq!(
            folder(Some(OsStr::new("/missing")), &network),
            Some(PathBuf::from("/missing"))
        );
        assert!(find(Path::new("/missing")).is_err());
    }
}
