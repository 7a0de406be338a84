//! The child's side.

use std::{
    io::{self, Read},
    os::fd::AsFd,
    process::ExitCode,
};

use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal, setrlimit};

use super::{COMPILED, REFUSED};
use crate::guest::load::{
    engine::engine,
    refused::{Refused, chain},
    wrap::prepare,
};

/// Reads limits and a module from stdin and writes the module's compiled form to
/// stdout, or why there is none.
///
/// The limits are set here, before the first byte of the module is read; those of the
/// clock and of the output are the parent's. Files that the parent has open are not
/// here: all that a Rust program opens is closed on exec, and lightningd closes its own
/// before it starts a plugin.
pub fn compile_child_main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut stdin = io::stdin().lock();
    let mut number = || -> io::Result<u64> {
        let mut bytes = [0; 8];
        stdin.read_exact(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    };
    let (address_space, cpu_seconds, module_bytes) = (number()?, number()?, number()?);

    // The parent does without huge pages, for the sake of its guests. A compiler takes tens of megabytes
    // at once: 6,000 faults fewer, and a twelfth of the time.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(false);

    // Before the limits, because it looks at the machine, and the form must be that
    // of the parent's engine.
    let engine = engine()?;
    confine(address_space, cpu_seconds)?;

    let mut module = Vec::new();
    stdin.take(module_bytes).read_to_end(&mut module)?;
    anyhow::ensure!(
        module.len() as u64 == module_bytes,
        "the module broke off after {} bytes",
        module.len()
    );
    let compiled = prepare(&module).and_then(|component| {
        engine
            .precompile_component(&component)
            .map_err(|error| Refused::Uncompilable(chain(&anyhow::Error::from(error))))
    });
    match compiled {
        Ok(bytes) => answer(COMPILED, &bytes)?,
        Err(refused) => answer(REFUSED, refused.to_string().as_bytes())?,
    }
    Ok(())
}

fn confine(address_space: u64, cpu_seconds: u64) -> io::Result<()> {
    // If the bridge ends, so does this.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let limit = |resource, current, maximum| {
        setrlimit(
            resource,
            Rlimit {
                current: Some(current),
                maximum: Some(maximum),
            },
        )
    };
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Fsize, 0, 0)?;
    // The three pipes are open; nothing else will be.
    limit(Resource::Nofile, 3, 3)?;
    limit(Resource::As, address_space, address_space)?;
    // First SIGXCPU, which the parent knows, then SIGKILL.
    limit(Resource::Cpu, cpu_seconds, cpu_seconds.saturating_add(1))?;
    Ok(())
}

/// Past the buffer of `std::io::stdout`, which looks for lines.
fn answer(tag: u8, bytes: &[u8]) -> io::Result<()> {
    let stdout = io::stdout();
    let stdout = stdout.as_fd();
    for mut rest in [&[tag][..], bytes] {
        while !rest.is_empty() {
            match rustix::io::write(stdout, rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
