//! Where the bridge and the guests are, and a folder of guests as an operator has it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

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
        let folder = self.temporary.path().join("wasm");
        fs::create_dir(&folder)?;
        for entry in fs::read_dir(&self.guests)? {
            let entry = entry?;
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
        fs::write(folder.join("bad.wasm"), "This is no module.\n")?;
        Ok(folder)
    }

    /// The file that makes a guest a plugin of its own, executable, with the module beside it.
    pub fn solo(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.temporary.path().join("solo");
        fs::create_dir_all(&folder)?;
        for file in [format!("{name}.wasm"), format!("{name}.toml")] {
            let from = self.guests.join(&file);
            fs::copy(&from, folder.join(&file)).with_context(|| from.display().to_string())?;
        }
        let file = folder.join(format!("{name}.toml"));
        if !fs::read_to_string(&file)?.starts_with("#!") {
            bail!("{} has no first line that names cln-wasm", file.display());
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
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
