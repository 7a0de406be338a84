//! tmp
pub mod compile;
pub mod engine;
pub mod find;
pub mod refused;
pub mod solo;
pub mod workshop;
pub mod wrap;
