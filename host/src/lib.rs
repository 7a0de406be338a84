//! The bridge between lightningd and its guests.
//!
//! A room for each step of a message's way, in the order it travels.

pub mod lightningd;
