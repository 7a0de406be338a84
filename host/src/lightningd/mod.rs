//! lightningd's side: everything that knows its framing and its messages.

pub mod rpc_socket;
