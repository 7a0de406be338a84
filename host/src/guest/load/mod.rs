//! From a folder to something that can be instantiated.
//!
//! A module is [found](find) or named by a [solo](solo) file; a child process
//! [inspects](inspect) it, [wraps](wrap) it where it is a core module, and
//! [compiles](compile) it; the result is [kept](cache) for the next start.
//!
//! Everything that looks inside hostile bytes runs in that child, under limits. What a
//! guest may import and must export is read off the WIT package, in [`world`].

pub mod artifact;
pub mod cache;
pub mod compile;
pub mod engine;
pub mod file;
pub mod find;
pub mod inspect;
pub mod refused;
pub mod room;
pub mod solo;
pub mod workshop;
pub mod world;
pub mod wrap;

#[cfg(test)]
mod samples;
