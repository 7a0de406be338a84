//! The bridge between lightningd and its guests.
//!
//! A room for each step of a message's way, in the order it travels: lightningd's
//! side ([`lightningd`]), the bridge ([`bridge`]), a guest's life ([`guest`]), what a
//! guest may do ([`capability`]), what the operator says of it ([`policy`]), and what
//! it keeps ([`store`]).

pub mod bridge;
pub mod capability;
pub mod guest;
pub mod lightningd;
pub mod policy;
pub mod store;
