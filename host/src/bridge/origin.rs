//! Where the guests come from.

use std::path::{Path, PathBuf};

use crate::guest::load::find::{self, Found};
use crate::guest::load::solo;
use crate::lightningd::output::Level;
use crate::policy::Policy;

/// Where the guests come from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// All `*.wasm` of a folder; none where there is no folder.
    Folder(Option<PathBuf>),
    /// The one guest of a file that lightningd started.
    Solo(PathBuf),
}

/// What is at an origin.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Each guest, or its name and why it is left out.
    pub entries: Vec<Result<Entry, (String, String)>>,
    /// What the operator is told of the origin itself.
    pub word: Option<(Level, String)>,
}

/// A guest with its policy read.
#[derive(Debug)]
pub(super) struct Entry {
    pub name: String,
    /// Where its module is.
    pub module: PathBuf,
    pub policy: Policy,
}

impl Origin {
    /// Looks.
    pub(super) fn list(&self) -> Listed {
        match self {
            Origin::Folder(None) => Listed {
                entries: Vec::new(),
                word: Some((
                    Level::Info,
                    "no guests: there is no folder wasm in lightningd's network folder or the one above it, and $CLN_WASM_DIR is not set".to_owned(),
                )),
            },
            Origin::Folder(Some(folder)) => of_folder(folder),
            Origin::Solo(file) => Listed {
                entries: vec![of_solo_file(file)],
                word: None,
            },
        }
    }
}

fn of_folder(folder: &Path) -> Listed {
    let listing = match find::find(folder) {
        Ok(listing) => listing,
        Err(e) => {
            // It was there when it was chosen, unless somebody named it.
            let word = format!(
                "no guest is loaded: {}: {e} (the folder is $CLN_WASM_DIR where that is set)",
                folder.display()
            );
            return Listed {
                entries: Vec::new(),
                word: Some((Level::Unusual, word)),
            };
        }
    };
    let refused = listing.refused.into_iter().map(|r| Err((r.name, r.reason)));
    let found = listing.found.into_iter().map(with_policy);
    let entries: Vec<_> = found.chain(refused).collect();
    let modules = match entries.len() {
        0 => "no module".to_owned(),
        1 => "1 module".to_owned(),
        n => format!("{n} modules"),
    };
    let word = format!("guests: {modules} in {}", folder.display());
    Listed {
        entries,
        word: Some((Level::Info, word)),
    }
}

fn with_policy(found: Found) -> Result<Entry, (String, String)> {
    let policy = match &found.policy {
        None => Policy::absent(&found.path.with_extension("toml")),
        Some(file) => Policy::parse(&file.text, &file.path)
            .map_err(|e| (found.name.clone(), e.to_string()))?,
    };
    Ok(Entry {
        name: found.name,
        module: found.path,
        policy,
    })
}

fn of_solo_file(file: &Path) -> Result<Entry, (String, String)> {
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let refuse = |why: String| (name.clone(), why);
    let solo = solo::read_file(file).map_err(|e| refuse(e.to_string()))?;
    let policy = Policy::parse(&solo.policy, file).map_err(|e| refuse(e.to_string()))?;
    let Some(module) = policy.wasm.clone() else {
        return Err(refuse(
            "it does not say which module to run: add wasm = \"NAME.wasm\"".to_owned(),
        ));
    };
    Ok(Entry {
        name: solo.name,
        module,
        policy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_is_told_which_folder_it_is_and_what_is_in_it() {
        let none = Origin::Folder(None).list();
        let (level, word) = none.word.unwrap();
        assert_eq!(level, Level::Info);
        assert!(word.contains("$CLN_WASM_DIR is not set"), "{word}");

        let folder = tempfile::tempdir().unwrap();
        let shown = folder.path().display().to_string();
        let said = || {
            let listed = Origin::Folder(Some(folder.path().to_owned())).list();
            (listed.entries.len(), listed.word.unwrap())
        };
        assert_eq!(
            said(),
            (0, (Level::Info, format!("guests: no module in {shown}")))
        );
        for (name, policy) in [("a", ""), ("b", "no toml"), ("two words", "")] {
            std::fs::write(folder.path().join(name).with_extension("wasm"), "").unwrap();
            std::fs::write(folder.path().join(name).with_extension("toml"), policy).unwrap();
        }
        assert_eq!(
            said(),
            (3, (Level::Info, format!("guests: 3 modules in {shown}")))
        );
        let listed = Origin::Folder(Some(folder.path().to_owned())).list();
        let refused = listed.entries.iter().filter(|entry| entry.is_err());
        assert_eq!(refused.count(), 2);
    }

    #[test]
    fn a_folder_that_is_not_there_is_no_guest() {
        let listed = Origin::Folder(Some("/nonexistent/guests".into())).list();
        assert!(listed.entries.is_empty());
        let (level, word) = listed.word.unwrap();
        assert_eq!(level, Level::Unusual);
        assert!(
            word.starts_with("no guest is loaded: /nonexistent/guests: No such file")
                && word.contains("$CLN_WASM_DIR"),
            "{word}"
        );
    }
}
