//! The bridge between lightningd and its guests.

pub mod guest;
pub mod lightningd;
