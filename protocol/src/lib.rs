//! What Core Lightning and a plugin say to each other.
//!
//! One file for each hook holds all there is to it: the payload, the actions
//! (wrong ones cannot be written), the check of an answer, the fallback, the
//! fold of several answers into one, and the tests. The bridge, the guest SDK
//! and the manifest checks all draw on these files.
//!
//! Nothing here does input or output, and nothing knows of WebAssembly.

pub mod filter;
pub mod hook;
pub mod hooks;
pub mod json;
pub mod manifest;
#[cfg(feature = "host")]
pub mod native;
#[cfg(feature = "host")]
pub mod plain;
pub mod primitives;
pub mod topics;
#[cfg(feature = "host")]
pub mod upgrade;
