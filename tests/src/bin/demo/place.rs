//! Where the bridge and the guests are, and a folder of guests as an operator has it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use cln_wasm_tests::executable;

/// What is in `guests`; whatever else an operator has built is left alone.
const GUESTS: [&str; 7] = [
    "backup",
    "custommsg-echo",
    "event-log",
    "forward-guard",
    "hello",
    "holdinvoice",
    "rpc-guard",
];

/// The bridge and the guests.
pub struct Place {
    /// The program `cln-wasm`.
    pub bridge: PathBuf,
    guests: PathBuf,
    temporary: tempfile::TempDir,
}

impl Place {
    /// `$CLN_WASM_BIN`, else `cln-wasm` beside this program; the guests in `guests`, one level up.
    pub fn find() -> anyhow::Result<Place> {
        let here = std::env::current_exe().context("where is this program?")?;
        let beside = here.parent().unwrap_or(Path::new(""));
        let bridge = match std::env::var_os("CLN_WASM_BIN") {
            Some(named) => PathBuf::from(named),
            None => beside.join("cln-wasm"),
        };
        let bridge = fs::canonicalize(&bridge)
            .with_context(|| format!("{}: cargo build --release makes it", bridge.display()))?;
        let guests = beside.join("../guests");
        let guests = fs::canonicalize(&guests)
            .with_context(|| format!("{}: scripts/build-guests.sh makes it", guests.display()))?;
        Ok(Place {
            bridge,
            guests,
            temporary: tempfile::tempdir().context("no temporary folder")?,
        })
    }

    /// A folder with all guests, and a text file that is called one.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        let folder = self.wasm_folder();
        fs::create_dir(&folder)?;
        for name in GUESTS {
            self.copy(name, &folder)?;
        }
        fs::write(folder.join("bad.wasm"), "This is no module.\n")?;
        Ok(folder)
    }

    /// Where that folder is.
    pub fn wasm_folder(&self) -> PathBuf {
        self.temporary.path().join("wasm")
    }

    fn copy(&self, name: &str, folder: &Path) -> anyhow::Result<()> {
        for file in [format!("{name}.wasm"), format!("{name}.toml")] {
            let from = self.guests.join(&file);
            let missing = || format!("{}: scripts/build-guests.sh makes it", from.display());
            fs::copy(&from, folder.join(&file)).with_context(missing)?;
        }
        Ok(())
    }

    /// The file that makes a guest a plugin of its own, executable, with the module beside it.
    pub fn solo(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.temporary.path().join("solo");
        fs::create_dir_all(&folder)?;
        self.copy(name, &folder)?;
        let file = folder.join(format!("{name}.toml"));
        executable::write(&file, &fs::read_to_string(&file)?)?;
        Ok(file)
    }

    /// The same, with the bridge's path in the first line in place of `env`.
    pub fn solo_by_path(&self, name: &str) -> anyhow::Result<PathBuf> {
        let file = self.solo(name)?;
        let text = fs::read_to_string(&file)?;
        let (_, body) = text.split_once('\n').context("more than one line")?;
        executable::write(&file, &format!("#!{}\n{body}", self.bridge.display()))?;
        Ok(file)
    }

    /// `PATH` with the bridge on it, for `#!/usr/bin/env cln-wasm`.
    pub fn path(&self) -> anyhow::Result<String> {
        let before = std::env::var_os("PATH").unwrap_or_default();
        let beside = self.bridge.parent().map(Path::to_owned);
        let all = beside.into_iter().chain(std::env::split_paths(&before));
        let joined = std::env::join_paths(all).context("PATH")?;
        joined.into_string().ok().context("PATH is not text")
    }
}
