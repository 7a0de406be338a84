//! The plugin's process and its pipes. Three threads look after each: one writes its stdin from a queue
//! without a bound, as lightningd does; one reads its stdout; one waits for its end.

use super::framing::{Inbox, Next};
use super::plugin_side;
use super::state::Shared;
use super::verdict::{Failure, Result, Verdict};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, PoisonError};

/// What lightningd runs: program, arguments, environment on top of the test's own.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) program: std::path::PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
}

/// A started process, before its threads run.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) pid: rustix::process::Pid,
    pub(crate) to_stdin: Sender<Vec<u8>>,
    queue: Receiver<Vec<u8>>,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: std::process::ChildStderr,
}

pub(crate) fn spawn(launch: &Launch, directory: &Path) -> Result<Started> {
    let mut child = Command::new(&launch.program)
        .args(&launch.args)
        .envs(launch.env.iter().map(|(k, v)| (k, v)))
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| Failure::setup(format!("cannot start {}: {e}", launch.program.display())))?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let ((Some(stdin), Some(stdout), Some(stderr)), Some(pid)) = (pipes, pid) else {
        return Err(Failure::setup("the plugin has no pipes"));
    };
    let (to_stdin, queue) = channel();
    Ok(Started {
        child,
        pid,
        to_stdin,
        queue,
        stdin,
        stdout,
        stderr,
    })
}

impl Started {
    /// Starts the threads for plugin number `at`, which is in the state by now.
    pub(crate) fn run(self, at: usize, shared: &Arc<Shared>) {
        let Self {
            child,
            pid,
            to_stdin: _,
            queue,
            stdin,
            stdout,
            stderr,
        } = self;
        std::thread::spawn(move || write_all(stdin, &queue));
        let to = shared.clone();
        std::thread::spawn(move || read_stderr(stderr, at, &to));
        let to = shared.clone();
        std::thread::spawn(move || read_stdout(stdout, at, &to));
        let to = shared.clone();
        std::thread::spawn(move || reap(child, pid, at, &to));
    }
}

fn write_all(mut stdin: ChildStdin, queue: &Receiver<Vec<u8>>) {
    // The queue ends, and with it stdin, when the node lets go of its sender.
    while let Ok(bytes) = queue.recv() {
        if stdin.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn read_stderr(mut stderr: impl Read, at: usize, shared: &Shared) {
    let mut buffer = [0; 8192];
    while let Ok(count) = stderr.read(&mut buffer) {
        let Some(bytes) = buffer.get(..count).filter(|b| !b.is_empty()) else {
            return;
        };
        let mut state = shared.lock();
        let name = state.name(at);
        shared.transcript.stderr(&name, bytes);
        if let Some(plugin) = state.plugin(at) {
            plugin.stderr.extend_from_slice(bytes);
        }
    }
}

fn read_stdout(mut stdout: ChildStdout, at: usize, shared: &Shared) {
    let mut inbox = Inbox::new();
    let mut buffer = vec![0; 1 << 16];
    let name = shared.lock().name(at);
    let mut stuck = false;
    loop {
        let count = match stdout.read(&mut buffer) {
            Ok(count) => count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => 0,
        };
        if count == 0 {
            break;
        }
        if stuck {
            continue;
        }
        inbox.push(buffer.get(..count).unwrap_or_default());
        match take_messages(&mut inbox, at, &name, shared) {
            Reading::GoesOn => {}
            // Read and never looked at, until the plugin ends.
            Reading::Stuck => stuck = true,
            // Whatever is left is what it was killed for.
            Reading::Ended => return shared.lock().stdout_ended(at, None),
        }
    }
    shared.lock().stdout_ended(at, inbox.leftover());
}

enum Reading {
    GoesOn,
    Stuck,
    Ended,
}

/// Handles every whole message.
fn take_messages(inbox: &mut Inbox, at: usize, name: &Arc<str>, shared: &Shared) -> Reading {
    loop {
        let next = inbox.next();
        let mut state = shared.lock();
        // While a db_write is under way lightningd reads from nobody else.
        while state
            .exclusive
            .as_ref()
            .is_some_and(|served| !served.contains(&at))
        {
            state = shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match next {
            Next::Message(doc) => {
                shared
                    .transcript
                    .received(name, doc.root().full().as_bytes());
                plugin_side::message(&mut state, at, &doc);
            }
            Next::Wait => return Reading::GoesOn,
            Next::Stuck => {
                let verdict = Verdict::StreamHangs {
                    plugin: name.to_string(),
                };
                shared.transcript.remark(name, &verdict.to_string());
                state.verdicts.push(verdict);
                // Nothing will ever be answered: tell those who wait.
                if let Some(plugin) = state.plugin(at) {
                    plugin.pending.clear();
                }
                drop(state);
                shared.changed.notify_all();
                return Reading::Stuck;
            }
            Next::Broken(reason) => {
                state.kill(at, &reason);
                return Reading::Ended;
            }
        }
    }
}

fn reap(mut child: Child, pid: rustix::process::Pid, at: usize, shared: &Shared) {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    // Wait without reaping, so that nobody signals a pid that is no longer this plugin's.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
    let mut state = shared.lock();
    let status = child.wait().ok();
    state.exited(at, status);
}
