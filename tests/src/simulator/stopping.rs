//! The ends that a plugin can come to (`lightningd/plugin_control.c`, `lightningd/plugin.c`).

use super::builder::Builder;
use super::manifest::Manifest;
use super::node::Node;
use super::startup;
use super::state::PluginState;
use super::verdict::{Failure, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// How a plugin's process ended.
#[derive(Clone, Debug)]
pub struct Exit {
    /// Its file name.
    pub plugin: String,
    /// Its exit status; `None` where that is not known.
    pub status: Option<ExitStatus>,
    /// Whether it was told with the `shutdown` notification.
    pub told: bool,
}

fn wait_exit(node: &Node, at: usize, told: bool, limit: Duration) -> Result<Exit> {
    node.shared.wait("exit of the plugin", limit, |state| {
        let plugin = state.plugin(at)?;
        let over = plugin.eof && plugin.exit.is_some();
        over.then(|| {
            Ok(Exit {
                plugin: plugin.name.to_string(),
                status: plugin.exit,
                told,
            })
        })
    })
}

pub(crate) fn plugin_stop(node: &Node, at: usize) -> Result<Exit> {
    let mut state = node.shared.lock_to_send()?;
    let Some(plugin) = state.plugin(at).filter(|p| p.state != PluginState::Gone) else {
        return Err(Failure::setup(format!("Could not find plugin {at}")));
    };
    if !plugin.manifest.dynamic {
        return Err(Failure::setup(format!(
            "{} cannot be managed when lightningd is up",
            plugin.name
        )));
    }
    plugin.may_exit = true;
    let told = state.notify_single(at, "shutdown", "{}");
    if !told {
        state.kill(at, "stopped by lightningd via RPC");
    }
    drop(state);
    match wait_exit(node, at, told, node.settings.shutdown_limit) {
        Ok(exit) => Ok(exit),
        Err(_) => {
            let mut state = node.shared.lock();
            let source = format!("plugin-{}", state.name(at));
            state.log(&source, "unusual", "Timeout on shutdown: killing anyway");
            state.kill(at, "stopped by lightningd via RPC");
            Err(Failure::unclean(
                format!("{source} did not exit within the limit after shutdown"),
                &node.shared.transcript,
            ))
        }
    }
}

pub(crate) fn kill_plugin(node: &Node, at: usize) -> Result<Exit> {
    signal(node, at, rustix::process::Signal::KILL)
}

pub(crate) fn terminate_plugin(node: &Node, at: usize) -> Result<Exit> {
    signal(node, at, rustix::process::Signal::TERM)
}

fn signal(node: &Node, at: usize, signal: rustix::process::Signal) -> Result<Exit> {
    let mut state = node.shared.lock();
    if let Some(plugin) = state.plugin(at) {
        plugin.may_exit = true;
        if plugin.exit.is_none() {
            let _ = rustix::process::kill_process(plugin.pid, signal);
        }
    }
    drop(state);
    wait_exit(node, at, false, node.shared.deadline)
}

pub(crate) fn shutdown(node: Node) -> Result<Vec<Exit>> {
    node.socket.stop_listening();
    let mut state = node.shared.lock_to_send()?;
    state.shutting_down = true;
    let mut told = BTreeMap::new();
    for at in 0..state.plugins.len() {
        let Some(plugin) = state.plugin(at) else {
            continue;
        };
        plugin.may_exit = true;
        plugin.pending.clear();
        if plugin.state == PluginState::Gone {
            continue;
        }
        let asked = state.notify_single(at, "shutdown", "{}");
        told.insert(at, asked);
        if !asked {
            state.remove(at, false);
        }
    }
    drop(state);
    let mut exits = Vec::new();
    for (at, told) in told {
        let limit = match told {
            true => node.settings.shutdown_limit,
            false => node.shared.deadline,
        };
        match wait_exit(&node, at, told, limit) {
            Ok(exit) => exits.push(exit),
            Err(_) => {
                let name = node.shared.lock().name(at);
                return Err(Failure::unclean(
                    format!("{name}: failed to self-terminate in time"),
                    &node.shared.transcript,
                ));
            }
        }
    }
    node.socket.stop_all();
    if let Some(verdict) = node.take_verdicts().into_iter().next() {
        return Err(Failure::verdict_of(verdict, &node.shared.transcript));
    }
    let state = node.shared.lock();
    for plugin in &state.plugins {
        if let Some(rest) = &plugin.leftover {
            return Err(Failure::unclean(
                format!("{} left on its stdout: {rest}", plugin.name),
                &node.shared.transcript,
            ));
        }
    }
    drop(state);
    Ok(exits)
}

/// Every file below `directory` with its length and a digest of its content.
fn snapshot(directory: &Path) -> std::io::Result<BTreeMap<PathBuf, (u64, Vec<u8>)>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        files.insert(folder.clone(), (0, Vec::new()));
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else {
                let content = match kind.is_file() {
                    true => std::fs::read(entry.path())?,
                    false => Vec::new(),
                };
                let digest = Sha256::digest(&content).to_vec();
                files.insert(entry.path(), (content.len() as u64, digest));
            }
        }
    }
    Ok(files)
}

pub(crate) fn help(mut builder: Builder) -> Result<Manifest> {
    if let Some(last) = builder.plugins.pop() {
        builder.plugins = vec![last];
    }
    let node = startup::start_silent(builder)?;
    let result = help_run(&node);
    if result.is_err() {
        node.take_verdicts();
    }
    result
}

fn help_run(node: &Node) -> Result<Manifest> {
    let base = node.directory.parent().unwrap_or(&node.directory);
    let before = snapshot(base).map_err(Failure::setup)?;
    startup::send_getmanifest(&mut node.shared.lock(), 0, None);
    startup::wait_manifests(node)?;
    let mut state = node.shared.lock();
    let manifest = state
        .plugin(0)
        .map(|p| p.manifest.clone())
        .unwrap_or_default();
    if let Some(plugin) = state.plugin(0) {
        plugin.may_exit = true;
        // The end of its stdin.
        plugin.to_stdin = None;
    }
    drop(state);
    let exit = wait_exit(node, 0, false, node.shared.deadline)?;
    let after = snapshot(base).map_err(Failure::setup)?;
    let unclean = |what: String| Err(Failure::unclean(what, &node.shared.transcript));
    let changed: Vec<_> = before
        .keys()
        .chain(after.keys())
        .filter(|path| before.get(*path) != after.get(*path))
        .collect();
    if !changed.is_empty() {
        return unclean(format!("--help changed files: {changed:?}"));
    }
    if !exit.status.is_some_and(|s| s.success()) {
        return unclean(format!(
            "after getmanifest and the end of stdin: {:?}",
            exit.status
        ));
    }
    let mut state = node.shared.lock();
    let Some(plugin) = state.plugin(0) else {
        return unclean("no plugin".to_owned());
    };
    if !plugin.stderr.is_empty() || plugin.leftover.is_some() || !plugin.stray.is_empty() {
        let (stderr, rest) = (String::from_utf8_lossy(&plugin.stderr), &plugin.leftover);
        return unclean(format!("not quiet: stderr {stderr:?}, stdout {rest:?}"));
    }
    Ok(manifest)
}
