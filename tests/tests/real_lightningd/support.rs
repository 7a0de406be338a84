//! What these tests share: guests as an operator has them, nodes with the bridge, their processes.

use cln_wasm_tests::bridge::{Folder, binary, built_guest};
use cln_wasm_tests::executable;
use cln_wasm_tests::lab::{Lab, NodeSetup};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::path::{Path, PathBuf};

/// A guest of this repository's `guests`, with the policy that it comes with.
pub fn with_guest(folder: Folder, name: &str) -> Folder {
    let module = built_guest(name, &format!("guests/{name}"));
    folder.guest(name, &module, &policy(name))
}

/// The policy that a guest comes with.
fn policy(name: &str) -> String {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = workspace.join(format!("guests/{name}/{name}.toml"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A node with the bridge and a folder of guests; the bridge is on PATH too.
pub fn bridged(folder: &Path) -> NodeSetup {
    with_solo_path()
        .plugin(&absolute_binary())
        .env("CLN_WASM_DIR", folder.to_string_lossy())
}

/// A node whose PATH has the bridge, for files that begin with `#!/usr/bin/env cln-wasm`.
pub fn with_solo_path() -> NodeSetup {
    let binary = absolute_binary();
    let folder = binary.parent().unwrap_or(Path::new("/")).display();
    let path = std::env::var("PATH").unwrap_or_default();
    NodeSetup::new().env("PATH", format!("{folder}:{path}"))
}

/// The bridge.
pub fn absolute_binary() -> PathBuf {
    binary().canonicalize().expect("the bridge's path")
}

/// A guest's policy as the executable that lightningd is to start, with the module beside it.
pub fn solo(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    let at = |file: String| folder.path().join(file);
    let module = built_guest(name, &format!("guests/{name}"));
    std::fs::write(at(format!("{name}.wasm")), module).unwrap();
    let path = at(format!("{name}.toml"));
    executable::write(&path, &policy(name)).unwrap();
    path
}

/// A process, by a handle that cannot come to mean another.
pub struct Process {
    command: String,
    handle: OwnedFd,
}

impl Process {
    /// Waits until it is gone.
    pub fn wait_gone(&self) {
        let most = Timespec {
            tv_sec: 60,
            tv_nsec: 0,
        };
        let mut ends = [PollFd::new(&self.handle, PollFlags::IN)];
        assert_eq!(
            poll(&mut ends, Some(&most)),
            Ok(1),
            "{} is still there",
            self.command
        );
    }
}

/// The processes that a node has started and whose command line has `text`.
pub fn children(lab: &Lab, node: usize, text: &str) -> Vec<Process> {
    let parent = lab.node(node).pid.to_string();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter_map(|number| {
            let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
            // Behind the name, which may have anything in it: state, parent.
            let above = stat
                .rsplit_once(')')?
                .1
                .split_whitespace()
                .nth(1)?
                .to_owned();
            let line = std::fs::read(format!("/proc/{number}/cmdline")).ok()?;
            let command = String::from_utf8_lossy(&line).replace('\0', " ");
            if above != parent || !command.contains(text) {
                return None;
            }
            let handle = pidfd_open(Pid::from_raw(number)?, PidfdFlags::empty()).ok()?;
            Some(Process { command, handle })
        })
        .collect()
}

/// How often a node's log has `text`.
pub fn count(lab: &Lab, node: usize, text: &str) -> usize {
    lab.logs(node)
        .lines()
        .filter(|line| line.contains(text))
        .count()
}
