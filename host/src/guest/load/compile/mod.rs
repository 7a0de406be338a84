//! Compiling in a child process, the same program under limits.
//!
//! wasmtime does not count it as a vulnerability if a module takes the compiler hours
//! or all memory. In a child it costs the operator one guest.

mod child;

use std::{
    collections::HashMap,
    ffi::OsString,
    future::Future,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    pin::Pin,
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::future::{FutureExt, Shared, WeakShared};
use rustix::process::Signal;
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    sync::Semaphore,
};

use super::{artifact::Artifact, refused::clipped};

pub use child::compile_child_main;

/// The argument that makes this program the child.
pub const CHILD_ARGUMENT: &str = "--compile-guest";

/// The first byte of the child's answer: what follows is the compiled form.
const COMPILED: u8 = b'C';
/// What follows is the reason why the module is not taken, as text.
const REFUSED: u8 = b'R';

/// How much of what the child writes to stderr is kept.
const STDERR_LIMIT: usize = 4096;
/// Threads of one child. Each takes address space, and most guests have too few
/// functions for more.
const THREADS: usize = 4;
/// The most bytes of a compiled form: a 20 MB Python guest has about 60 MB.
const ARTIFACT_LIMIT: u64 = 512 << 20;
/// What the child reads before the module: bytes of address space, seconds of
/// processor time, bytes of the module, each in 8 bytes, big endian.
const PREAMBLE: usize = 24;

/// What one compilation may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Bytes of address space (`RLIMIT_AS`).
    pub address_space: u64,
    /// Seconds of processor time, of all threads together (`RLIMIT_CPU`).
    pub cpu_seconds: u64,
    /// Time by the clock, from the start of the child.
    pub wall: Duration,
    /// Bytes of the compiled form.
    pub artifact: u64,
}

impl Limits {
    /// So long by the clock, with every thread busy, and so many bytes of memory.
    pub fn within(time: Duration, address_space: u64) -> Self {
        Limits {
            address_space,
            cpu_seconds: time
                .as_secs()
                .saturating_add(1)
                .saturating_mul(threads() as u64),
            wall: time,
            artifact: ARTIFACT_LIMIT,
        }
    }
}

/// Threads of one child.
fn threads() -> usize {
    cores().min(THREADS)
}

/// Cores that this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Why there is no compiled form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The module is not taken, today or on any day: see
    /// [`Refused`](super::refused::Refused), whose text this is.
    #[error("{0}")]
    Refused(String),
    /// It took too much processor time.
    #[error("compiling took more than {seconds} s of processor time (limits.compile_time_ms)")]
    Cpu {
        /// The limit.
        seconds: u64,
    },
    /// It took too long by the clock.
    #[error("compiling took longer than {} s (limits.compile_time_ms)", .limit.as_secs_f32())]
    Wall {
        /// The limit.
        limit: Duration,
    },
    /// The compiled form is too large.
    #[error("the compiled form is larger than {limit} bytes")]
    Artifact {
        /// The limit.
        limit: u64,
    },
    /// The child ended in another way: out of memory, or a bug.
    #[error(
        "compiling ended with {how}; limits.compile_memory_bytes allows it {address_space} bytes, and more may help: {said}"
    )]
    Died {
        /// The signal or exit status.
        how: String,
        /// The limit that may have been met.
        address_space: u64,
        /// The child's last words.
        said: String,
    },
    /// The child could not be started or waited for.
    #[error("compiling cannot be started: {0}")]
    NotStarted(String),
}

type Outcome = Result<Artifact, CompileError>;
type Flight = Pin<Box<dyn Future<Output = Outcome> + Send>>;
/// What is under way, by the digest of the module.
type Flights = HashMap<([u8; 32], Limits), WeakShared<Flight>>;

/// Compiles modules: at most one at a time per core, and the same bytes only once at
/// a time.
pub struct Compiler {
    settings: Arc<Settings>,
    flights: Mutex<Flights>,
}

struct Settings {
    program: PathBuf,
    arguments: Vec<OsString>,
    permits: Semaphore,
    started: AtomicU64,
}

impl Compiler {
    /// Compiles with the program that is running, also if its file was replaced since.
    pub fn new() -> std::io::Result<Self> {
        let program = if cfg!(target_os = "linux") {
            // A path would lead to the new file, whose engine may be another.
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe()?
        };
        Ok(Self::with_command(program, vec![CHILD_ARGUMENT.into()]))
    }

    /// Compiles with another program: one that does with these arguments what
    /// [`compile_child_main`] does, and is trusted as this one is.
    pub fn with_command(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Compiler {
            settings: Arc::new(Settings {
                program,
                arguments,
                permits: Semaphore::new(cores()),
                started: AtomicU64::new(0),
            }),
            flights: Mutex::default(),
        }
    }

    /// Inspects a module (core or component), wraps it if it is a core module, and
    /// compiles it, all in a child. Dropping the future ends the child, unless
    /// somebody else waits for the same module under the same limits.
    ///
    /// Needs a tokio runtime with I/O and time.
    pub async fn compile(&self, module: &[u8], limits: Limits) -> Result<Artifact, CompileError> {
        let key = (Sha256::digest(module).into(), limits);
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            flights.retain(|_, flight| flight.upgrade().is_some());
            let under_way: Option<Shared<Flight>> = flights.get(&key).and_then(WeakShared::upgrade);
            under_way.unwrap_or_else(|| {
                let settings = Arc::clone(&self.settings);
                let module = module.to_vec();
                let flight: Flight = Box::pin(async move { settings.run(module, limits).await });
                let flight = flight.shared();
                flights.extend(flight.downgrade().map(|weak| (key, weak)));
                flight
            })
        };
        flight.await
    }

    /// Children started so far.
    pub fn started(&self) -> u64 {
        self.settings.started.load(Relaxed)
    }
}

impl Settings {
    async fn run(&self, module: Vec<u8>, limits: Limits) -> Outcome {
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|error| CompileError::NotStarted(error.to_string()))?;
        let mut child = self
            .spawn()
            .map_err(|error| CompileError::NotStarted(error.to_string()))?;
        self.started.fetch_add(1, Relaxed);
        let spoken =
            tokio::time::timeout(limits.wall, self.converse(&mut child, module, limits)).await;
        let Ok(spoken) = spoken else {
            // Waits for it too, so that no zombie stays behind.
            if let Err(error) = child.kill().await {
                return Err(CompileError::NotStarted(format!(
                    "cannot be ended: {error}"
                )));
            }
            return Err(CompileError::Wall { limit: limits.wall });
        };
        let (status, answer, said) =
            spoken.map_err(|error| CompileError::NotStarted(error.to_string()))?;
        judge(status, answer, &said, &limits)
    }

    fn spawn(&self) -> std::io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            // Nothing of the node's environment, which holds paths and may hold secrets.
            .env_clear()
            .env("RAYON_NUM_THREADS", threads().to_string())
            // The allocator would set a GiB of address space aside, which is all there is.
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    /// Hands over the module and takes the answer. All three pipes are served at the
    /// same time, so that neither side waits for the other.
    async fn converse(
        &self,
        child: &mut Child,
        module: Vec<u8>,
        limits: Limits,
    ) -> std::io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let give = async move {
            if let Some(mut stdin) = stdin {
                // A child that ends before it has read all says why in its status.
                let _ = stdin.write_all(&preamble(&limits, module.len())).await;
                let _ = stdin.write_all(&module).await;
            }
        };
        let take = async move {
            let mut answer = Vec::new();
            if let Some(stdout) = stdout {
                // The tag, the compiled form, and one byte to tell that it is too large.
                let limit = limits.artifact.saturating_add(2);
                stdout.take(limit).read_to_end(&mut answer).await?;
            }
            Ok::<_, std::io::Error>(answer)
        };
        let hear = async move {
            let mut said = Vec::new();
            if let Some(mut stderr) = stderr {
                let mut heard = [0; 1024];
                while let Ok(count @ 1..) = stderr.read(&mut heard).await {
                    let room = STDERR_LIMIT - said.len();
                    let (heard, _) = heard.split_at(count.min(room));
                    said.extend_from_slice(heard);
                }
            }
            said
        };
        let (answer, said, ()) = tokio::join!(take, hear, give);
        Ok((child.wait().await?, answer?, said))
    }
}

fn preamble(limits: &Limits, module_bytes: usize) -> [u8; PREAMBLE] {
    let mut preamble = [0; PREAMBLE];
    let values = [
        limits.address_space,
        limits.cpu_seconds,
        module_bytes as u64,
    ];
    for (field, value) in preamble.chunks_exact_mut(8).zip(values) {
        field.copy_from_slice(&value.to_be_bytes());
    }
    preamble
}

/// What the child's end and its answer mean.
fn judge(status: ExitStatus, mut answer: Vec<u8>, said: &[u8], limits: &Limits) -> Outcome {
    if answer.len() as u64 > limits.artifact.saturating_add(1) {
        return Err(CompileError::Artifact {
            limit: limits.artifact,
        });
    }
    if status.success() {
        match answer.first() {
            Some(&COMPILED) => {
                let range = 1..answer.len();
                return Ok(Artifact::trusted(answer, range));
            }
            Some(&REFUSED) => {
                answer.remove(0);
                return Err(CompileError::Refused(clipped(&String::from_utf8_lossy(
                    &answer,
                ))));
            }
            _ => {}
        }
    }
    if status.signal() == Some(Signal::XCPU.as_raw()) {
        return Err(CompileError::Cpu {
            seconds: limits.cpu_seconds,
        });
    }
    Err(CompileError::Died {
        how: status.to_string(),
        address_space: limits.address_space,
        said: last_words(&String::from_utf8_lossy(said)),
    })
}

/// What the operator is shown of what the child said: what happened, and not where.
fn last_words(said: &str) -> String {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("it said nothing");
    match lines.next() {
        // A panic has its place on the first line, and its reason on the second.
        Some(reason) if first.starts_with("thread ") => clipped(reason),
        _ => clipped(first),
    }
}

#[cfg(test)]
mod tests;
