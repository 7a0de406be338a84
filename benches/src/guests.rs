//! Guests to measure with: the one that was built, under as many names as are wanted.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use memchr::memmem;

use crate::plugin::Start;

/// What the guest's name and parts are written behind.
const MARK: &[u8] = b"cln-wasm measured guest: name and parts follow=";
const ROOM: usize = 128;

/// What makes bridges with guests in them.
#[derive(Debug)]
pub struct Workshop {
    bridge: PathBuf,
    module: Vec<u8>,
    place: usize,
    /// Guests and network folders go here.
    root: PathBuf,
}

/// A guest's name and what it takes part in, as `tests/guests/measured` reads them.
#[derive(Debug, Clone)]
pub struct Guest {
    /// The first part of its methods' names.
    pub name: String,
    /// Of `h`, `d` and `n`.
    pub parts: &'static str,
}

impl Guest {
    /// One guest.
    pub fn new(name: impl Into<String>, parts: &'static str) -> Guest {
        let name = name.into();
        Guest { name, parts }
    }

    /// Guests with numbers for names.
    pub fn many(count: usize, parts: &'static str) -> Vec<Guest> {
        let name = |number| Guest::new(format!("g{number:04}"), parts);
        (0..count).map(name).collect()
    }
}

impl Workshop {
    /// Takes the built guest and the bridge.
    pub fn open(bridge: PathBuf, guest: &Path, root: PathBuf) -> anyhow::Result<Workshop> {
        let module = std::fs::read(guest)
            .with_context(|| format!("{}: build it with bench.sh", guest.display()))?;
        let place = memmem::find(&module, MARK).context("the guest has no place for its name")?;
        let place = place + MARK.len();
        ensure!(bridge.is_file(), "there is no {}", bridge.display());
        Ok(Workshop {
            bridge,
            module,
            place,
            root,
        })
    }

    /// The guest's module, as it is given to the bridge.
    pub fn module(&self, guest: &Guest) -> anyhow::Result<Vec<u8>> {
        let text = format!("{} {}", guest.name, guest.parts);
        ensure!(text.len() <= ROOM - MARK.len(), "no room for {text}");
        let mut module = self.module.clone();
        let place = self.place..self.place + text.len();
        let place = module.get_mut(place).context("no room in the module")?;
        place.copy_from_slice(text.as_bytes());
        Ok(module)
    }

    fn policy(guest: &Guest) -> String {
        let Guest { name, parts } = guest;
        let mut hooks = String::new();
        if parts.contains('h') {
            // As most operators would have it: it does not see the secrets.
            hooks.push_str("htlc_accepted = true, ");
        }
        if parts.contains('d') {
            hooks.push_str("db_write = { secrets = [\"db_write\"] }");
        }
        let topic = if parts.contains('n') {
            "\"block_added\""
        } else {
            ""
        };
        let mut text = String::from("[grant]\n");
        // Into a String it cannot fail.
        let _ = writeln!(text, "hooks = {{ {} }}", hooks.trim_end_matches(", "));
        let _ = writeln!(text, "subscriptions = [{topic}]");
        let _ = writeln!(
            text,
            "methods = [\"{name}-echo\", \"{name}-blob\", \"{name}-wait\", \"{name}-burn\"]"
        );
        // What is sent in one burst is more than a node ever sends.
        text.push_str("[limits]\nqueue_length = 1048576\nmemory_bytes = \"512 MiB\"\n");
        text.push_str("cpu_per_call_ms = \"1 min\"\ncpu_per_minute_ms = \"10 min\"\n");
        text.push_str("answer_bytes = \"64 MiB\"\n");
        text
    }

    fn start(&self, name: &str, network: PathBuf) -> anyhow::Result<Start> {
        std::fs::create_dir_all(&network)?;
        Ok(Start {
            name: name.to_owned(),
            command: vec![self.bridge.clone()],
            environment: Vec::new(),
            folder: network,
        })
    }

    /// A bridge with these guests. `network` is its folder; the cache is in there.
    pub fn bridge(&self, name: &str, guests: &[Guest], network: PathBuf) -> anyhow::Result<Start> {
        let folder = self.root.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        for guest in guests {
            let file = |ending: &str| folder.join(format!("{}.{ending}", guest.name));
            std::fs::write(file("wasm"), self.module(guest)?)?;
            std::fs::write(file("toml"), Workshop::policy(guest))?;
        }
        let mut start = self.start(name, network)?;
        start.environment.push(("CLN_WASM_DIR".to_owned(), folder));
        Ok(start)
    }

    /// One guest as a plugin of its own.
    pub fn solo(&self, guest: &Guest, network: PathBuf) -> anyhow::Result<Start> {
        let folder = self.root.join("solo");
        std::fs::create_dir_all(&folder)?;
        let module = folder.join(format!("{}.wasm", guest.name));
        std::fs::write(&module, self.module(guest)?)?;
        let file = folder.join(&guest.name);
        let text = format!(
            "#!/usr/bin/env cln-wasm\nwasm = \"{}.wasm\"\n{}",
            guest.name,
            Workshop::policy(guest)
        );
        std::fs::write(&file, text)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
        let mut start = self.start(&guest.name, network)?;
        start.command.push(file);
        Ok(start)
    }
}
