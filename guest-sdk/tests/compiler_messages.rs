//! What the compiler says to an author who got something wrong.
//!
//! Each file in `tests/ui` is a guest that must not compile. Its lines that begin
//! with `//~` are phrases that the message must hold; the rest of a message is the
//! compiler's own and changes with its versions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

/// A crate with one binary for each file, outside the workspace, that depends on this one.
fn crate_of(files: &[PathBuf]) -> PathBuf {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiler-messages");
    let mut manifest = format!(
        "[package]\nname = \"messages\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [workspace]\n\n[dependencies]\ncln-guest = {{ path = {sdk:?} }}\nserde = \"1\"\n"
    );
    for file in files {
        let name = file
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name");
        manifest += &format!("\n[[bin]]\nname = {name:?}\npath = {file:?}\n");
    }
    fs::create_dir_all(&folder).expect("a folder for the crate");
    fs::write(folder.join("Cargo.toml"), manifest).expect("write the manifest");
    // The versions that the workspace is locked to are here already: no network.
    fs::copy(sdk.join("../Cargo.lock"), folder.join("Cargo.lock")).expect("copy the lock file");
    folder
}

/// The errors of each binary, as the compiler shows them.
fn errors(folder: &Path) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(["check", "--offline", "--bins", "--keep-going", "--quiet"])
        .args(["--message-format", "json", "--target-dir", "target"])
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("run cargo");
    let mut errors: BTreeMap<String, String> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if message["message"]["level"] != "error" {
            continue;
        }
        let name = message["target"]["name"].as_str().unwrap_or_default();
        let text = message["message"]["rendered"].as_str().unwrap_or_default();
        *errors.entry(name.to_owned()).or_default() += text;
    }
    assert!(
        !errors.is_empty(),
        "cargo did not come to compiling: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    errors
}

#[test]
fn mistakes_are_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the fixtures")
        .map(|entry| entry.expect("a fixture").path())
        .collect();
    files.sort();
    assert!(files.len() >= 8, "{} fixtures", files.len());
    let errors = errors(&crate_of(&files));

    let mut missing = String::new();
    for file in &files {
        let name = file
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name");
        let text = fs::read_to_string(file).expect("read the fixture");
        let phrases: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("//~ "))
            .collect();
        assert!(!phrases.is_empty(), "{name} expects nothing");
        let Some(said) = errors.get(name) else {
            missing += &format!("{name} compiles\n");
            continue;
        };
        for phrase in phrases.into_iter().filter(|phrase| !said.contains(phrase)) {
            missing += &format!("{name}: no `{phrase}` in\n{said}\n");
        }
    }
    assert!(missing.is_empty(), "{missing}");
}
