//! Folders that an operator may have by mistake, and `lightningd --help`.

use crate::support::{absolute_binary, bridged, with_guest, with_solo_path};
use cln_wasm_tests::bridge::Folder;
use cln_wasm_tests::lab::{Lab, lightningd_or_skip};
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Whether the bridge is among a node's plugins.
fn runs(lab: &Lab, node: usize) -> bool {
    let list = lab.rpc(node, "plugin", json!(["list"])).unwrap();
    let plugins = list["plugins"].as_array().unwrap();
    plugins.iter().any(|plugin| {
        plugin["name"].as_str().unwrap().ends_with("/cln-wasm") && plugin["active"] == true
    })
}

#[test]
fn a_node_starts_with_any_folder() {
    let empty = Folder::new();
    let text = with_guest(Folder::new(), "hello").file("x.wasm", "This is no module.\n");
    let bare = with_guest(Folder::new(), "hello");
    std::fs::remove_file(bare.path().join("hello.toml")).unwrap();
    let misspelt = with_guest(Folder::new(), "hello").file("hello.toml", "[grant]\nhook = []\n");
    let module = std::fs::read(text.path().join("hello.wasm")).unwrap();
    let cut = Folder::new().file("cut.wasm", &module[..module.len() / 2]);
    let nodes = [
        bridged(empty.path()),
        bridged(text.path()),
        bridged(bare.path()),
        bridged(misspelt.path()),
        bridged(cut.path()),
        bridged(Path::new("/nonexistent/guests")),
        with_solo_path().plugin(&absolute_binary()),
    ];
    let Some(lab) = Lab::start_nodes(&nodes) else {
        return;
    };
    for node in 0..nodes.len() {
        assert!(runs(&lab, node), "node {node}");
    }
    assert_eq!(lab.rpc(1, "hello", json!([])).unwrap(), "Hello World");
    assert_eq!(lab.rpc(2, "hello", json!([])).unwrap_err().code, -32601);
    for (node, why) in [
        (1, "x: left out: "),
        (
            2,
            "hello: left out: 6 things that it needs are not granted: method hello, method gettime, hook ",
        ),
        (
            3,
            "unknown key in [grant]: \"hook\", did you mean \"hooks\"?",
        ),
        (4, "cut: left out: "),
    ] {
        let log = lab.logs(node);
        let said: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("left out"))
            .collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].contains("UNUSUAL plugin-cln-wasm: ") && said[0].contains(why),
            "{said:?}"
        );
    }
    let nowhere = "UNUSUAL plugin-cln-wasm: no guest is loaded: /nonexistent/guests: No such file or directory";
    assert!(lab.logs(5).contains(nowhere), "{}", lab.logs(5));
    // What would grant them, line by line.
    let suggested = "plugin-cln-wasm: hello: methods = [\"hello\", \"gettime\"]";
    assert!(lab.logs(2).contains(suggested), "{}", lab.logs(2));
    for node in [0, 6] {
        assert!(!lab.logs(node).contains("left out"));
    }
    lab.assert_healthy();
}

/// All files and folders under `folder`.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

#[test]
fn help_lists_the_options_and_touches_nothing() {
    let Some(lightningd) = lightningd_or_skip() else {
        return;
    };
    let folder = with_guest(with_guest(Folder::new(), "hello"), "forward-guard");
    let here = tempfile::tempdir().unwrap();
    let home = here.path().join("lightning");
    std::fs::create_dir_all(home.join("regtest")).unwrap();
    let help = |plugin: Option<&Path>| {
        let mut command = Command::new(&lightningd);
        command
            .current_dir(here.path())
            .env("CLN_WASM_DIR", folder.path())
            .env("HOME", here.path())
            .args(["--network=regtest", "--help"])
            .arg(format!("--lightning-dir={}", home.display()));
        if let Some(plugin) = plugin {
            command.arg(format!("--plugin={}", plugin.display()));
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{output:?}");
        text
    };
    let without = help(None);
    let left = files(here.path());
    let before = files(folder.path());
    let with = help(Some(&absolute_binary()));
    let line = with.lines().find(|line| line.contains("--greeting"));
    assert!(
        line.unwrap().contains("What name should I call you?"),
        "{line:?}"
    );
    assert!(with.contains("--forward-guard-max-msat"));
    assert!(!without.contains("--greeting"));
    assert_eq!(files(here.path()), left);
    assert_eq!(files(folder.path()), before);
}
