//! Compiled guests, from one start to the next.

use std::path::Path;

use cln_wasm_tests::bridge::{Folder, bridge, manifest, methods};
use cln_wasm_tests::simulator::Node;
use serde_json::{Value, json};

/// Guests of which no two are the same module.
fn guests(count: usize) -> Folder {
    (0..count).fold(Folder::new(), |folder, number| {
        let method = format!("g{number}-hi");
        let manifest = manifest(json!({"rpcmethods": methods(&[&method])}));
        let answers = json!({&method: {"answer": {"number": number}}});
        let script = json!({"manifest": manifest, "methods": answers});
        folder.scripted(&format!("g{number}"), script)
    })
}

fn started(folder: &Folder, home: &Path, count: usize) -> Node {
    let node = bridge(folder).directory(home).start().unwrap();
    for number in 0..count {
        let answer = node.call(&format!("g{number}-hi"), json!([])).unwrap();
        assert_eq!(answer["number"], number);
    }
    node
}

fn cache(node: &Node) -> Value {
    node.call("wasm-list", json!([])).unwrap()["cache"].clone()
}

/// Asks until so many compiled guests are on the disk: they are written after `init`, beside
/// everything else, and a node that stops does not wait for it.
fn wait_written(node: &Node, home: &Path, count: usize) {
    let folder = home.join("regtest/cln-wasm/compiled");
    let is_one = |entry: &std::io::Result<std::fs::DirEntry>| {
        let name = entry.as_ref().map(|entry| entry.file_name());
        name.is_ok_and(|name| name.to_string_lossy().ends_with(".cwasm"))
    };
    let written = || match std::fs::read_dir(&folder) {
        Ok(entries) => entries.filter(is_one).count(),
        Err(_) => 0,
    };
    let mut asked = 0;
    while written() < count {
        cache(node);
        asked += 1;
        assert!(asked < 1_000_000, "{} of {count} are written", written());
    }
}

#[test]
fn guests_are_compiled_once_and_a_new_one_alone() {
    let (folder, home) = (guests(2), tempfile::tempdir().unwrap());
    let node = started(&folder, home.path(), 2);
    assert_eq!(cache(&node), json!({"hits": 0, "misses": 2}));
    wait_written(&node, home.path(), 2);
    node.shutdown().unwrap();

    let node = started(&folder, home.path(), 2);
    assert_eq!(cache(&node), json!({"hits": 2, "misses": 0}));
    node.shutdown().unwrap();

    let more = guests(3);
    let node = started(&more, home.path(), 3);
    assert_eq!(cache(&node), json!({"hits": 2, "misses": 1}));
}
