//! A lightningd to test against.
//!
//! [`simulator`] plays lightningd's side of the plugin protocol to any plugin executable, as strict as
//! lightningd v26.06 itself. [`bridge`] puts cln-wasm and scripted guests into it, [`hostile`] guests that mean harm.
//! [`recording`] plays traffic of a real lightningd to it. [`lab`] runs real lightningd nodes, where there are any.
//! [`executable`] writes files that are started. [`runes`] says what a rune would permit. [`soak`] kills the bridge and looks what is left.

pub mod bridge;
pub mod executable;
pub mod hostile;
pub mod lab;
pub mod recording;
pub mod runes;
pub mod servers;
pub mod simulator;
pub mod soak;
