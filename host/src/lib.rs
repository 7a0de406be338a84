//! The bridge between lightningd and its guests.
//!
//! A room for each step of a message's way, in the order it travels: lightningd's
//! side, the bridge, a guest's life, what a guest may do, what the operator says of
//! it, and what it keeps.

pub mod bridge;
pub mod capability;
pub mod guest;
pub mod lightningd;
pub mod policy;
pub mod store;
