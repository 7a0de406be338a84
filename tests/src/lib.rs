//! A lightningd to test against.
