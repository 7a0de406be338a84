//! A guest's life. Nothing here knows lightningd's framing.

pub mod load;
