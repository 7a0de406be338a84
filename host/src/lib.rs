//! The bridge between lightningd and its guests.
