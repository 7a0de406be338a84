//! Nodes with the scripted plugin (`plugins/scripted.py`).
#![allow(dead_code)]

use cln_wasm_tests::executable;
use cln_wasm_tests::simulator::{Builder, Node, Simulator};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The plugin's file.
pub fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "plugins", "scripted.py"]
        .iter()
        .collect()
}

/// An executable that runs the plugin with a script of its own: to lightningd, all plugins have one environment.
pub fn wrapped(folder: &Path, name: &str, script: &Value) -> PathBuf {
    let path = folder.join(name);
    let script = script.to_string().replace('\'', "'\\''");
    let plugin = self::path();
    let text = format!("#!/bin/sh\nSCRIPT='{script}' exec {}\n", plugin.display());
    executable::write(&path, &text).unwrap();
    path
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

/// Sends a request over a JSON-RPC socket: every byte of the given number of messages that come back.
pub fn ask(socket: &Path, request: &str, messages: usize) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    let limit = Some(Duration::from_secs(60));
    stream.set_read_timeout(limit).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    // lightningd drops what is still to be answered when its client closes its end.
    while answer.windows(2).filter(|w| w == b"\n\n").count() < messages {
        let count = stream.read(&mut buffer).unwrap();
        assert!(
            count > 0,
            "closed after {:?}",
            String::from_utf8_lossy(&answer)
        );
        answer.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(answer).unwrap()
}
