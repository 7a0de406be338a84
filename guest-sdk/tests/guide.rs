//! `docs/writing-a-guest.md`, followed to the letter: its files make a crate whose
//! tests pass.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

const GUIDE: &str = include_str!("../../docs/writing-a-guest.md");

/// The first block of code after `Put this into `FILE``.
fn file(name: &str) -> &'static str {
    let marker = format!("`{name}`:");
    let (_, rest) = GUIDE.split_once(&marker).expect("the guide names the file");
    let (_, rest) = rest.split_once("```").expect("a block begins");
    let (_, rest) = rest
        .split_once('\n')
        .expect("a language, and then the code");
    let (code, _) = rest.split_once("\n```").expect("the block ends");
    code
}

#[test]
fn the_guide_leads_to_a_tested_guest() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gate");
    for subfolder in ["src", "tests"] {
        fs::create_dir_all(folder.join(subfolder)).expect("a folder for the crate");
    }
    let there = "{ path = \"../cln-wasm/guest-sdk\" }";
    let manifest = file("Cargo.toml");
    assert!(manifest.contains(there), "{manifest}");
    let here = format!("{{ path = {sdk:?} }}");
    // The target folder is inside this workspace, an author's folder is not.
    let manifest = manifest.replace(there, &here) + "\n\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest).expect("write the manifest");
    fs::write(folder.join("src/lib.rs"), file("src/lib.rs")).expect("write the guest");
    fs::write(folder.join("tests/gate.rs"), file("tests/gate.rs")).expect("write the tests");
    fs::copy(sdk.join("../Cargo.lock"), folder.join("Cargo.lock")).expect("copy the lock file");

    let output = Command::new(env!("CARGO"))
        .current_dir(&folder)
        .args(["test", "--offline", "--quiet", "--target-dir", "target"])
        .env("RUSTFLAGS", "-D warnings")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("run cargo");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("2 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
