//! Real nodes, and one connection to a node's JSON-RPC socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Two connected nodes with a channel; they end with this.
pub(super) struct Network {
    child: Child,
    pub(super) rpc_paths: Vec<PathBuf>,
}

impl Network {
    pub(super) fn start(lab: &Path) -> Network {
        let mut child = Command::new("python3")
            .arg(lab.join("network.py"))
            .args(["--nodes", "2", "--seconds", "600"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("network.py");
        let mut rpc_paths = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.expect("network.py's output");
            if let Some((_, rest)) = line.split_once("--lightning-dir=") {
                let directory = rest.split_whitespace().next().unwrap();
                rpc_paths.push(Path::new(directory).join("regtest/lightning-rpc"));
            }
            if rpc_paths.len() == 2 {
                break;
            }
        }
        assert_eq!(rpc_paths.len(), 2, "network.py ended early");
        Network { child, rpc_paths }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Asked, not killed: network.py stops its nodes on the way out.
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

pub(super) struct Rpc {
    stream: UnixStream,
    buffer: Vec<u8>,
    next_id: u64,
}

impl Rpc {
    pub(super) fn connect(path: &Path) -> Rpc {
        let stream = UnixStream::connect(path).expect("lightning-rpc");
        Rpc {
            stream,
            buffer: Vec::new(),
            next_id: 0,
        }
    }

    pub(super) fn result(&mut self, method: &str, params: &str) -> Value {
        self.call(method, params)
            .unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    /// The result, or the error's message.
    pub(super) fn call(&mut self, method: &str, params: &str) -> Result<Value, String> {
        self.next_id += 1;
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":"{}","method":"{method}","params":{params}}}"#,
            self.next_id
        );
        self.stream.write_all(request.as_bytes()).unwrap();
        let end = loop {
            if let Some(end) = self.buffer.windows(2).position(|w| w == b"\n\n") {
                break end;
            }
            let mut chunk = [0; 65536];
            let n = self.stream.read(&mut chunk).unwrap();
            assert!(n > 0, "lightningd closed the connection on {request}");
            self.buffer.extend_from_slice(&chunk[..n]);
        };
        let answer: Value = serde_json::from_slice(&self.buffer[..end]).unwrap();
        self.buffer.drain(..end + 2);
        match answer.get("error") {
            Some(error) => Err(error["message"].as_str().unwrap().to_string()),
            None => Ok(answer["result"].clone()),
        }
    }
}
