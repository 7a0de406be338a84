//! The plugin that lightningd starts.
fn main() {}
