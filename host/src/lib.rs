//! The bridge between lightningd and its guests.

pub mod lightningd;
