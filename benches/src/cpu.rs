//! Which cores the driver and what it drives may use.

use anyhow::Context;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Whether driver and plugin share one core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cores {
    /// One, for both: a message costs no wake-up of another core.
    Pinned,
    /// All that there are, as on a node.
    Free,
}

impl Cores {
    /// Both, in the table's order.
    pub const BOTH: [Cores; 2] = [Cores::Pinned, Cores::Free];

    /// As the report has it.
    pub fn word(self) -> &'static str {
        match self {
            Cores::Pinned => "pinned",
            Cores::Free => "not pinned",
        }
    }
}

/// What this process could use when it started.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    all: CpuSet,
    one: CpuSet,
}

impl Machine {
    /// Asks the kernel.
    pub fn new() -> anyhow::Result<Machine> {
        let all = sched_getaffinity(None).context("which cores there are")?;
        let mut one = CpuSet::new();
        // The last one: interrupts prefer the first.
        let last = (0..CpuSet::MAX_CPU).rev().find(|core| all.is_set(*core));
        one.set(last.context("there is no core")?);
        Ok(Machine { all, one })
    }

    fn set(&self, cores: Cores) -> &CpuSet {
        match cores {
            Cores::Pinned => &self.one,
            Cores::Free => &self.all,
        }
    }

    /// Moves this thread, and all threads of these processes.
    pub fn assign(&self, cores: Cores, processes: &[u32]) -> anyhow::Result<()> {
        sched_setaffinity(None, self.set(cores)).context("its own cores")?;
        for process in processes {
            for thread in crate::process::threads(*process)? {
                let pid = Pid::from_raw(thread.cast_signed());
                match sched_setaffinity(pid, self.set(cores)) {
                    // It has ended meanwhile.
                    Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                    Err(e) => return Err(e).context(format!("the cores of {thread}")),
                }
            }
        }
        Ok(())
    }
}
