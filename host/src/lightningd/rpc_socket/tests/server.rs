//! The other end: a server in the same process.

use std::{path::PathBuf, sync::Arc};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};

use super::super::{Config, RpcSocket};

/// The other end of one connection.
pub(super) struct Peer {
    pub(super) stream: UnixStream,
    pub(super) unread: Vec<u8>,
}

impl Peer {
    /// The next request; None at the end of the connection.
    pub(super) async fn request(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                let rest = self.unread.split_off(end + 2);
                let text = std::mem::replace(&mut self.unread, rest);
                return Some(serde_json::from_slice(&text).unwrap());
            }
            self.unread.reserve(1 << 16);
            if self.stream.read_buf(&mut self.unread).await.unwrap() == 0 {
                return None;
            }
        }
    }

    pub(super) async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    pub(super) async fn answer(&mut self, request: &Value, result: &str) {
        let id = &request["id"];
        self.write(&format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n\n"
        ))
        .await;
    }
}

pub(super) struct Server {
    pub(super) listener: UnixListener,
    pub(super) path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Server {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lightning-rpc");
        Server {
            listener: UnixListener::bind(&path).unwrap(),
            path,
            _dir: dir,
        }
    }

    pub(super) fn socket(&self, config: Config) -> Arc<RpcSocket> {
        Arc::new(RpcSocket::new(self.path.clone(), config))
    }

    pub(super) fn one_connection(&self) -> Arc<RpcSocket> {
        self.socket(Config {
            connections: 1,
            ..Config::default()
        })
    }

    pub(super) async fn accept(&self) -> Peer {
        Peer {
            stream: self.listener.accept().await.unwrap().0,
            unread: Vec::new(),
        }
    }
}
