//! Counts instructions exactly: the plugin's main thread goes one step at a time.
//!
//! A count does not depend on what else the machine does, so that a small change shows. The
//! machines that run this have no hardware counters, and valgrind stands for a processor
//! without the features that guests are compiled for.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How often each address was executed.
pub type Addresses = HashMap<u64, u64>;

/// A process whose main thread is being stepped.
#[derive(Debug)]
pub struct Stepping {
    process: u32,
    shared: Arc<Shared>,
    tracer: Option<JoinHandle<anyhow::Result<Addresses>>>,
}

#[derive(Debug, Default)]
struct Shared {
    steps: AtomicU64,
    begun: AtomicBool,
    done: AtomicBool,
}

impl Stepping {
    /// Begins. Its other threads are stopped, so that no clock ticks: what they would do,
    /// nobody does.
    pub fn begin(process: u32) -> anyhow::Result<Stepping> {
        let shared = Arc::new(Shared::default());
        let others = crate::process::threads(process)?;
        let seen = Arc::clone(&shared);
        let tracer = std::thread::spawn(move || trace(process, &others, &seen));
        let stepping = Stepping {
            process,
            shared,
            tracer: Some(tracer),
        };
        while !stepping.shared.begun.load(Ordering::SeqCst) {
            stepping.look()?;
        }
        Ok(stepping)
    }

    /// Instructions so far, once the thread waits in the kernel for something to do.
    pub fn at_rest(&self) -> anyhow::Result<u64> {
        let path = format!("/proc/{}/stat", self.process);
        let mut last = (None, Instant::now());
        loop {
            self.look()?;
            let stat = std::fs::read_to_string(&path)?;
            let state = stat.rsplit(") ").next().unwrap_or_default().chars().next();
            let steps = self.shared.steps.load(Ordering::SeqCst);
            // A stop for a step is `t`; asleep it is in a system call that waits.
            let resting = (state == Some('S')).then_some(steps);
            if resting.is_none() || resting != last.0 {
                last = (resting, Instant::now());
            } else if last.1.elapsed() > Duration::from_millis(3) {
                return Ok(steps);
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    fn look(&self) -> anyhow::Result<()> {
        match &self.tracer {
            Some(tracer) if !tracer.is_finished() => Ok(()),
            _ => bail!("the process cannot be stepped"),
        }
    }

    /// Ends, and tells where the instructions were. The process is to be poked first
    /// or after, so that it takes one more step.
    pub fn end(mut self, poke: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Addresses> {
        self.shared.done.store(true, Ordering::SeqCst);
        poke()?;
        let tracer = self.tracer.take().context("it has ended")?;
        tracer.join().map_err(|_| anyhow!("the tracer failed"))?
    }
}

fn pid(thread: u32) -> Pid {
    Pid::from_raw(thread.cast_signed())
}

fn stop(thread: Pid) -> anyhow::Result<()> {
    ptrace::seize(thread, ptrace::Options::empty()).context("ptrace")?;
    ptrace::interrupt(thread)?;
    waitpid(thread, Some(WaitPidFlag::__WALL))?;
    Ok(())
}

/// All requests must come from the thread that traces.
fn trace(process: u32, threads: &[u32], shared: &Shared) -> anyhow::Result<Addresses> {
    let main = pid(process);
    for thread in threads.iter().filter(|thread| **thread != process) {
        stop(pid(*thread))?;
    }
    stop(main)?;
    shared.begun.store(true, Ordering::SeqCst);
    let mut addresses = Addresses::new();
    let (mut deliver, mut last) = (None, 0);
    while !shared.done.load(Ordering::SeqCst) {
        ptrace::step(main, deliver.take())?;
        match waitpid(main, Some(WaitPidFlag::__WALL))? {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => {
                let address = address(main)?;
                // A `rep movsb` stops after each byte, and is one instruction.
                if address != last {
                    shared.steps.fetch_add(1, Ordering::SeqCst);
                    *addresses.entry(address).or_default() += 1;
                    last = address;
                }
            }
            WaitStatus::Stopped(_, signal) => deliver = Some(signal),
            WaitStatus::PtraceEvent(..) => {}
            other => bail!("{other:?}"),
        }
    }
    for thread in threads {
        ptrace::detach(pid(*thread), None)?;
    }
    Ok(addresses)
}

#[cfg(target_arch = "x86_64")]
fn address(thread: Pid) -> nix::Result<u64> {
    Ok(ptrace::getregs(thread)?.rip)
}

#[cfg(not(target_arch = "x86_64"))]
fn address(_: Pid) -> nix::Result<u64> {
    Err(nix::Error::ENOSYS)
}
