//! Nodes with the scripted plugin (`plugins/scripted.py`).
#![allow(dead_code)]

use cln_wasm_tests::simulator::{Builder, Node, Simulator};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// The plugin's file.
pub fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "plugins", "scripted.py"]
        .iter()
        .collect()
}

/// A builder with one scripted plugin.
pub fn builder(script: Value) -> Builder {
    add(
        Simulator::builder().deadline(Duration::from_secs(60)),
        script,
    )
}

/// Adds a scripted plugin.
pub fn add(builder: Builder, script: Value) -> Builder {
    builder.plugin(path()).env("SCRIPT", script.to_string())
}

/// A node with one scripted plugin.
pub fn start(script: Value) -> Node {
    builder(script).start().unwrap()
}

/// A node with one plugin that behaves well.
pub fn well_behaved() -> Node {
    start(json!({}))
}
