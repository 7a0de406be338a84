//! What it was measured on.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// Processor, memory, kernel, versions, and how busy the machine was.
pub fn describe(bridge: &Path) -> Value {
    let first = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let value = text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        });
        value.unwrap_or_else(|| "unknown".to_owned())
    };
    let read = |path: &str| {
        fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    json!({
        "processor": first("/proc/cpuinfo", "model name"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": first("/proc/meminfo", "MemTotal"),
        "kernel": read("/proc/sys/kernel/osrelease"),
        "load": read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        "rustc": says(Command::new("rustc").arg("--version")),
        "bridge": says(Command::new(bridge).arg("--version")),
        "cc": says(Command::new("cc").arg("--version")),
        "python": says(Command::new("python3").arg("--version")),
    })
}

/// The first line that a program prints.
fn says(command: &mut Command) -> String {
    let output = command
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&output).into_owned();
    text.lines().next().unwrap_or("unknown").to_owned()
}
