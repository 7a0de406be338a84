//! The plugin that lightningd starts.

use std::process::ExitCode;

use cln_wasm::guest::load::compile::{CHILD_ARGUMENT, compile_child_main};

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == CHILD_ARGUMENT)
    {
        return compile_child_main();
    }
    ExitCode::FAILURE
}
