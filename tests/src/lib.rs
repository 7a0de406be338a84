//! A lightningd to test against.
//!
//! [`simulator`] plays lightningd's side of the plugin protocol to any plugin executable, as strict as
//! lightningd v26.06 itself. [`bridge`] puts cln-wasm and scripted guests into it. [`recording`] plays traffic of a real lightningd to it. [`lab`] runs real
//! lightningd nodes, where there are any.

pub mod bridge;
pub mod lab;
pub mod recording;
pub mod servers;
pub mod simulator;
