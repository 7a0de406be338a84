//! tmp
pub fn compile_child_main() -> std::process::ExitCode { std::process::ExitCode::FAILURE }
