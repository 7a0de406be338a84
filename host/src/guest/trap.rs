//! A trap in words that an operator, or the guest's author, can use.

use std::sync::Arc;

use wasmtime::{Trap, WasmBacktrace};

use super::sandbox::{CpuExhausted, MemoryExhausted};

/// Frames of a backtrace that are kept, and bytes of each.
const FRAMES: usize = 64;
const FRAME: usize = 240;

/// Frames that say nothing about the guest: Rust's own panic machinery.
const PLUMBING: [&str; 7] = [
    "core::panicking",
    "std::panicking",
    "rust_panic",
    "__rust",
    "std::sys",
    "abort",
    "core::option::",
];

/// One line: what happened, and in which function of the guest.
pub fn describe(error: &wasmtime::Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = match cause.downcast_ref::<wasmtime_wasi::I32Exit>() {
            Some(exit) => format!("it called exit({})", exit.0),
            None => cause.to_string(),
        };
        let is_trace = text.starts_with("error while executing at wasm backtrace");
        if !is_trace && !causes.contains(&text) {
            causes.push(text);
        }
    }
    let what = if causes.is_empty() {
        "WebAssembly trap".to_owned()
    } else {
        causes.join(": ")
    };
    match error.downcast_ref::<WasmBacktrace>().and_then(place) {
        Some(place) => format!("{what} (in {place})"),
        None => what,
    }
}

/// The guest's functions, the innermost first.
pub fn backtrace(error: &wasmtime::Error) -> Arc<[String]> {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
        return Arc::default();
    };
    let mut frames: Vec<String> = trace.frames().iter().take(FRAMES).map(frame).collect();
    let more = trace.frames().len().saturating_sub(FRAMES);
    if more > 0 {
        frames.push(format!("({more} more)"));
    }
    frames.into()
}

fn frame(frame: &wasmtime::FrameInfo) -> String {
    let name = match frame.func_name() {
        Some(name) => rustc_demangle::demangle(name).to_string(),
        None => format!("function {}", frame.func_index()),
    };
    name.chars().take(FRAME).collect()
}

/// Was it a limit that ended the guest, and no mistake of its own?
pub fn is_limit(error: &wasmtime::Error) -> bool {
    let overflow = |trap: &Trap| *trap == Trap::StackOverflow;
    error.is::<CpuExhausted>()
        || error.is::<MemoryExhausted>()
        || error.downcast_ref::<Trap>().is_some_and(overflow)
}

fn place(trace: &WasmBacktrace) -> Option<String> {
    let mut names = trace.frames().iter().filter_map(|frame| frame.func_name());
    let name = names.find(|name| !PLUMBING.iter().any(|p| name.contains(p)))?;
    Some(format!(
        "{:.160}",
        rustc_demangle::demangle(name)
            .to_string()
            .trim_end_matches("::h")
    ))
}
