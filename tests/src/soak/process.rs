//! The bridge as a process of its own, with pipes for lightningd.

use std::io::{BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::bridge::binary;

/// No answer takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bridge, ready to be started in the folder of a network, with these guests.
pub(super) fn command(guests: &Path, node: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(node)
        .env("CLN_WASM_DIR", guests)
        .env("LIGHTNINGD_PLUGIN", "1")
        .env("LIGHTNINGD_VERSION", "v26.06.6")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    command
}

/// The params of `init`.
pub(super) fn init(node: &Path) -> Value {
    let configuration = json!({
        "lightning-dir": node, "rpc-file": "lightning-rpc", "startup": true,
        "network": "regtest", "feature_set": {},
    });
    json!({"options": {}, "configuration": configuration})
}

/// A started bridge that has been told `init`.
pub(super) struct Bridge {
    child: Child,
    stdin: Option<ChildStdin>,
    replies: Receiver<Value>,
    next: u64,
    log: Vec<String>,
}

/// An answer to a request.
#[derive(Debug)]
pub(super) struct Reply {
    pub id: u64,
    /// Or the error.
    pub result: Value,
}

impl Bridge {
    /// Starts it in the folder of a network, with these guests.
    pub(super) fn start(guests: &Path, node: &Path) -> anyhow::Result<Bridge> {
        let mut child = command(guests, node)
            .spawn()
            .context("the bridge does not start")?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("no stdout")?;
        let (to, replies) = channel();
        std::thread::spawn(move || {
            let messages = serde_json::Deserializer::from_reader(BufReader::new(stdout));
            // A message that death cut short is none.
            for message in messages.into_iter::<Value>().map_while(Result::ok) {
                if to.send(message).is_err() {
                    return;
                }
            }
        });
        let mut bridge = Bridge {
            child,
            stdin,
            replies,
            next: 1,
            log: Vec::new(),
        };
        bridge.call("getmanifest", &json!({"allow-deprecated-apis": false}))?;
        bridge.call("init", &init(node))?;
        Ok(bridge)
    }

    /// Sends a request; its number.
    pub(super) fn send(&mut self, method: &str, params: &Value) -> anyhow::Result<u64> {
        let id = self.next;
        self.next += 1;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let stdin = self.stdin.as_mut().context("stdin is closed")?;
        stdin
            .write_all(format!("{request}\n\n").as_bytes())
            .with_context(|| format!("it is gone: {:?}", self.log))?;
        Ok(id)
    }

    /// The next answer.
    pub(super) fn reply(&mut self) -> anyhow::Result<Reply> {
        loop {
            match self.replies.recv_timeout(PATIENCE) {
                Ok(message) => {
                    if let Some(reply) = self.take(&message) {
                        return Ok(reply);
                    }
                }
                Err(RecvTimeoutError::Timeout) => bail!("no answer: {:?}", self.log),
                Err(RecvTimeoutError::Disconnected) => bail!("it is gone: {:?}", self.log),
            }
        }
    }

    fn take(&mut self, message: &Value) -> Option<Reply> {
        let Some(id) = message["id"].as_u64() else {
            self.log.push(message["params"].to_string());
            return None;
        };
        let result = message.get("result").unwrap_or(&message["error"]).clone();
        Some(Reply { id, result })
    }

    /// Sends a request, and waits for its answer; nothing else may be open.
    pub(super) fn call(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let id = self.send(method, params)?;
        let reply = self.reply()?;
        if reply.id != id {
            bail!("an answer to {}, not to {id}", reply.id);
        }
        Ok(reply.result)
    }

    /// SIGKILL. What it had answered by then.
    pub(super) fn kill(mut self) -> anyhow::Result<Vec<Reply>> {
        self.child.kill()?;
        self.child.wait()?;
        let messages: Vec<Value> = std::iter::from_fn(|| self.replies.recv().ok()).collect();
        Ok(messages.iter().filter_map(|m| self.take(m)).collect())
    }

    /// As lightningd ends it when it stops: the pipe is closed.
    pub(super) fn end(mut self) -> anyhow::Result<()> {
        drop(self.stdin.take());
        let status = self.child.wait()?;
        if !status.success() {
            bail!("it ended with {status}: {:?}", self.log);
        }
        Ok(())
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // Gone already, but where a check failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
