//! A guest's life: find, check, compile, run, restart.
//!
//! Nothing here knows lightningd's framing.

pub mod bindings;
pub mod call;
mod exports;
pub mod fault;
pub mod hearing;
pub mod instance;
pub mod intake;
pub mod life;
pub mod load;
pub mod mailbox;
pub mod minute;
pub mod open;
pub mod pace;
pub mod place;
pub mod running;
pub mod sandbox;
mod spare;
pub mod ticker;
pub mod trap;
pub mod turn;
pub mod waking;
