//! What lies in a guests' folder and is no guest.

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde::Deserialize;
use std::os::unix::fs::symlink;
use std::path::Path;

/// An entry of the folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    /// The whole name of the file, where it is not `NAME.wasm`.
    name: Option<String>,
    /// How the bridge names it in its log, where that is not the name of the corpus' file.
    shown: Option<String>,
    /// What it is.
    kind: Kind,
    /// What stands beside it as its policy.
    policy: Option<Kind>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// A file with this text.
    Text(String),
    /// A file with these bytes, in hex.
    Hex(String),
    /// A file that is this large and takes no room on the disk.
    Sparse(u64),
    /// The scripted guest, up to this byte.
    Truncated(usize),
    /// The scripted guest with this many bytes of its code turned round.
    Damaged(usize),
    /// A symbolic link to this path.
    Symlink(String),
    /// An empty folder.
    Directory,
    /// A pipe into which nobody writes.
    Fifo,
}

impl Entry {
    /// How the bridge names it.
    pub fn shown(&self, name: &str) -> String {
        self.shown.clone().unwrap_or_else(|| name.to_owned())
    }

    /// Puts it into the folder.
    pub fn put(&self, folder: &Path) {
        let shown = self.shown.as_deref().unwrap_or_default();
        let name = self.name.clone().unwrap_or_else(|| format!("{shown}.wasm"));
        self.kind.put(&folder.join(name));
        if let Some(policy) = &self.policy {
            policy.put(&folder.join(format!("{shown}.toml")));
        }
    }
}

impl Kind {
    fn put(&self, path: &Path) {
        let write = |bytes: &[u8]| std::fs::write(path, bytes).expect("a file");
        let guest = || crate::bridge::scripted(&serde_json::json!({"manifest": {}}));
        match self {
            Kind::Text(text) => write(text.as_bytes()),
            Kind::Hex(hex) => write(&hex::decode(hex).expect("hex")),
            Kind::Sparse(size) => {
                let file = std::fs::File::create(path).expect("a file");
                file.set_len(*size).expect("its length");
            }
            Kind::Truncated(length) => write(guest().get(..*length).expect("so long")),
            Kind::Damaged(count) => {
                let mut module = guest();
                let middle = module.len() / 4;
                module[middle..middle + count].reverse();
                write(&module);
            }
            Kind::Symlink(to) => symlink(to, path).expect("a link"),
            Kind::Directory => std::fs::create_dir(path).expect("a folder"),
            Kind::Fifo => {
                mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).expect("a pipe");
            }
        }
    }
}
