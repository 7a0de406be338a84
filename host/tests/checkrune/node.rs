//! One connection to a node's JSON-RPC socket, over which requests go as they are written.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

/// A client.
pub struct Rpc {
    stream: UnixStream,
    buffer: Vec<u8>,
    next_id: u64,
}

impl Rpc {
    pub fn connect(path: &Path) -> Rpc {
        let stream = UnixStream::connect(path).expect("lightning-rpc");
        Rpc {
            stream,
            buffer: Vec::new(),
            next_id: 0,
        }
    }

    pub fn result(&mut self, method: &str, params: &str) -> Value {
        self.call(method, params)
            .unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    /// The result, or the error's message.
    pub fn call(&mut self, method: &str, params: &str) -> Result<Value, String> {
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
