//! lightningd's side: bytes, messages, and the RPC socket.
//!
//! Nothing here knows of WebAssembly.

pub mod framing;
pub mod message;
pub mod output;
pub mod rpc_socket;
pub mod stdio;
