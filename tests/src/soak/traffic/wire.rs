//! The bridge as a process, its pipes, and the node's socket: all that it says comes to one place.

use std::io::{BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::super::process;

/// No answer takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// What comes from the bridge.
pub(super) enum Heard {
    /// A message on its stdout.
    Plugin(Value),
    /// A request on the node's socket, and where its answer goes.
    Request(Value, UnixStream),
    /// The end of its stdout; what was wrong, if it was no clean end.
    End(Option<String>),
}

/// A started bridge that has been told `init`.
pub(super) struct Wire {
    child: Child,
    stdin: Option<ChildStdin>,
    heard: Receiver<Heard>,
    next: u64,
}

impl Wire {
    pub(super) fn start(guests: &Path, node: &Path) -> anyhow::Result<Wire> {
        let (to, heard) = channel();
        let listener = UnixListener::bind(node.join("lightning-rpc")).context("the socket")?;
        let requests = to.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let to = requests.clone();
                std::thread::spawn(move || read_requests(&stream, &to));
            }
        });
        let mut child = process::command(guests, node)
            .spawn()
            .context("the bridge does not start")?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("no stdout")?;
        std::thread::spawn(move || {
            let messages = serde_json::Deserializer::from_reader(BufReader::new(stdout));
            for message in messages.into_iter::<Value>() {
                let heard = match message {
                    Ok(message) => Heard::Plugin(message),
                    Err(why) => {
                        drop(to.send(Heard::End(Some(why.to_string()))));
                        return;
                    }
                };
                if to.send(heard).is_err() {
                    return;
                }
            }
            drop(to.send(Heard::End(None)));
        });
        let mut wire = Wire {
            child,
            stdin,
            heard,
            next: 1,
        };
        wire.call(
            "getmanifest",
            &json!({"allow-deprecated-apis": false}).to_string(),
        )?;
        wire.call("init", &process::init(node).to_string())?;
        Ok(wire)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn write(&mut self, message: &str) -> anyhow::Result<()> {
        let stdin = self.stdin.as_mut().context("stdin is closed")?;
        stdin.write_all(message.as_bytes()).context("it is gone")
    }

    /// Sends a request with params as JSON text; its number.
    pub(super) fn request(&mut self, method: &str, params: &str) -> anyhow::Result<u64> {
        let id = self.next;
        self.next += 1;
        self.write(&format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}\n\n"
        ))?;
        Ok(id)
    }

    pub(super) fn notify(&mut self, topic: &str, params: &Value) -> anyhow::Result<()> {
        let message = json!({"jsonrpc": "2.0", "method": topic, "params": params});
        self.write(&format!("{message}\n\n"))
    }

    /// The next word; none for `wait`.
    pub(super) fn hear_within(&mut self, wait: Duration) -> anyhow::Result<Option<Heard>> {
        match self.heard.recv_timeout(wait) {
            Ok(heard) => Ok(Some(heard)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("it is gone"),
        }
    }

    /// The next word.
    pub(super) fn hear(&mut self) -> anyhow::Result<Heard> {
        let heard = self.hear_within(PATIENCE)?;
        heard.with_context(|| format!("not a word for {PATIENCE:?}"))
    }

    /// A request when nothing else is open; its result.
    pub(super) fn call(&mut self, method: &str, params: &str) -> anyhow::Result<Value> {
        let id = self.request(method, params)?;
        loop {
            match self.hear()? {
                Heard::Plugin(message) if message["id"] == id => {
                    ensure!(message.get("error").is_none(), "{method}: {message}");
                    return Ok(message["result"].clone());
                }
                Heard::Plugin(message) => {
                    ensure!(message.get("id").is_none(), "nobody asked for {message}");
                }
                Heard::Request(request, _) => bail!("it asks for {request}"),
                Heard::End(why) => bail!("it ended: {why:?}"),
            }
        }
    }

    /// Closes its stdin, as lightningd does when it stops; what it still said, and how it ended.
    pub(super) fn close(mut self) -> anyhow::Result<(Vec<Value>, ExitStatus)> {
        drop(self.stdin.take());
        let mut rest = Vec::new();
        let until = Instant::now() + PATIENCE;
        loop {
            ensure!(Instant::now() < until, "it does not end");
            match self.hear()? {
                Heard::Plugin(message) => rest.push(message),
                Heard::Request(..) => {}
                Heard::End(None) => break,
                Heard::End(Some(why)) => bail!("its last word is cut short: {why}"),
            }
        }
        let status = self.child.wait()?;
        Ok((rest, status))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // Gone already, but where a check failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_requests(stream: &UnixStream, to: &Sender<Heard>) {
    let requests = serde_json::Deserializer::from_reader(BufReader::new(stream));
    for request in requests.into_iter::<Value>().map_while(Result::ok) {
        let Ok(back) = stream.try_clone() else { return };
        if to.send(Heard::Request(request, back)).is_err() {
            return;
        }
    }
}
