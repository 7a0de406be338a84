//! A trap in words that an operator, or the guest's author, can use.

use wasmtime::WasmBacktrace;

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
