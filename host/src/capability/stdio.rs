//! A guest's `println!`: lines of its log, never a byte towards lightningd.

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::Capabilities;
use crate::lightningd::output::Level;

/// Bytes of one line before it is cut; also what a guest may write at once.
const LONGEST_LINE: usize = 8 << 10;

/// Both stdout and stderr of one guest.
#[derive(Clone)]
pub struct GuestStdio {
    capabilities: Arc<Capabilities>,
    line: Arc<Mutex<Vec<u8>>>,
}

impl GuestStdio {
    /// For one instance.
    pub fn new(capabilities: Arc<Capabilities>) -> Self {
        let line = Arc::default();
        GuestStdio { capabilities, line }
    }

    fn take(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let (text, ended) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            line.extend_from_slice(text);
            if ended || line.len() >= LONGEST_LINE {
                self.capabilities
                    .log(Level::Debug, &String::from_utf8_lossy(&line));
                line.clear();
            }
        }
    }
}

impl IsTerminal for GuestStdio {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStdio {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestStdio {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for GuestStdio {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LONGEST_LINE)
    }
}
