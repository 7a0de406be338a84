//! What surrounds one instance: its memory account and the world it sees.

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{AsContextMut, Engine, ResourceLimiter, Store, StoreContextMut, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::bindings::cln::guest as wit;
use super::intake::{self, Intake};
use super::load::inspect;
use super::pace::{Beat, Pulse};
use super::running::Running;
use super::ticker::{TICK, Ticker};
use crate::capability::stdio::GuestStdio;
use crate::capability::{Capabilities, Gauge};

/// The limits of one instance, in the units of the engine.
#[derive(Debug, Clone)]
pub struct SandboxLimits {
    /// All memories and tables together, in bytes.
    pub memory: usize,
    /// CPU that one call may use, in ms.
    pub cpu_ms: u64,
    /// Bytes that may cross from the guest in one call.
    pub answer: usize,
    /// Handles that the guest may hold: calls under way, timers, sets of them to wait for. Each takes up to 600 bytes
    /// of the bridge's own memory, which no memory limit counts.
    pub handles: usize,
}

/// What the epoch callback of one instance looks at.
#[derive(Debug)]
pub struct Clock {
    /// Of the guest.
    pub pulse: Arc<Pulse>,
    /// Of the engine.
    pub ticker: Arc<Ticker>,
    /// The calls in the guest.
    pub running: Running,
}

impl Clock {
    fn beat(&self, mut store: StoreContextMut<'_, Sandbox>, budget: u64) -> Beat {
        let now = self.ticker.now();
        if !self.pulse.ticked(now) {
            return self.pulse.beat(now, None, u64::MAX);
        }
        let used = match store.async_call_stack() {
            Ok(stack) => self.running.tick(stack, self.pulse.stretch()),
            Err(_) => None,
        };
        self.pulse.beat(now, used, budget)
    }
}

/// The data of a guest's store.
pub struct Sandbox {
    /// What the guest may do.
    pub capabilities: Arc<Capabilities>,
    /// What goes into it.
    pub intake: Arc<Intake>,
    wasi: WasiCtx,
    resources: ResourceTable,
    memory: MemoryAccount,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

/// Resources that a guest may hold open at the same time (streams, pollables).
const RESOURCES: usize = 1_000;
/// Random bytes in one call.
const RANDOM: u64 = 64 << 10;
/// What a guest may pass beside its answer in one crossing: a log line, a topic.
const CROSSING_MARGIN: usize = 64 << 10;

impl Sandbox {
    /// A store for one life of a guest.
    pub fn store(
        engine: &Engine,
        capabilities: Arc<Capabilities>,
        limits: &SandboxLimits,
        intake: Arc<Intake>,
    ) -> Store<Sandbox> {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(RESOURCES);
        let stdio = GuestStdio::new(Arc::clone(&capabilities));
        // No arguments, no environment, no directories, no network.
        let wasi = WasiCtxBuilder::new()
            .stdout(stdio.clone())
            .stderr(stdio)
            .max_random_size(RANDOM)
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        let memory = MemoryAccount::new(limits.memory, Arc::clone(&capabilities.memory));
        let mut store = Store::new(
            engine,
            Sandbox {
                capabilities,
                intake: Arc::clone(&intake),
                wasi,
                resources,
                memory,
            },
        );
        store.limiter(|sandbox| &mut sandbox.memory);
        store.set_max_component_handles(limits.handles);
        store.set_hostcall_fuel(limits.answer.saturating_add(CROSSING_MARGIN));
        let budget = (limits.cpu_ms / TICK.as_millis() as u64).max(1);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |mut store| {
            Ok(match intake.clock().beat(store.as_context_mut(), budget) {
                Beat::GoOn => UpdateDeadline::Continue(1),
                Beat::Yield => UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())),
                Beat::Exhausted(ticks) => {
                    let ms = ticks * TICK.as_millis() as u64;
                    return Err(wasmtime::Error::new(CpuExhausted(ms)));
                }
                Beat::Killed => UpdateDeadline::Interrupt,
            })
        });
        store
    }

    /// Everything that a guest can import, under the same policy for all of them.
    pub fn linker(engine: &Engine) -> wasmtime::Result<Linker<Sandbox>> {
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        type Own = HasSelf<Sandbox>;
        wit::types::add_to_linker::<_, Own>(&mut linker, |s| s)?;
        wit::log::add_to_linker::<_, Own>(&mut linker, |s| s)?;
        wit::rpc::add_to_linker::<_, Own>(&mut linker, |s| s)?;
        wit::notification::add_to_linker::<_, Own>(&mut linker, |s| s)?;
        intake::add_to_linker(&mut linker)?;
        wit::progress::add_to_linker::<_, Own>(&mut linker, |s| s)?;
        wit::timer::add_to_linker::<_, Own>(&mut linker, |s| s)?;
        wit::kv::add_to_linker::<_, Own>(&mut linker, |s| s)?;
        wit::http::add_to_linker::<_, Own>(&mut linker, |s| s)?;
        Ok(linker)
    }
}

impl Sandbox {
    /// Whether the guest was ever refused memory.
    pub fn refused_memory(&self) -> Option<MemoryExhausted> {
        let MemoryAccount { refused, limit, .. } = self.memory;
        refused.then_some(MemoryExhausted(limit))
    }
}

impl wit::types::Host for Sandbox {}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.resources,
        }
    }
}

/// A call used its CPU budget.
#[derive(Debug, thiserror::Error)]
#[error("used {0} ms of CPU; limits.cpu_per_call_ms allows no more")]
pub struct CpuExhausted(u64);

/// A guest wanted more memory than it may have. What it makes of that is something else, such as
/// `unreachable`.
#[derive(Debug, thiserror::Error)]
#[error("it wanted more memory than the {0} bytes that limits.memory_bytes allows")]
pub struct MemoryExhausted(usize);

/// Counts what all memories and tables of one store take together: wasmtime's own
/// limits hold for each of them alone.
#[derive(Debug)]
struct MemoryAccount {
    used: usize,
    limit: usize,
    /// It wanted more.
    refused: bool,
    /// The same for the operator, over all instances of the guest.
    shown: Arc<Gauge>,
}

impl Drop for MemoryAccount {
    fn drop(&mut self) {
        self.shown.sub(self.used);
    }
}

/// Memories and tables that wrapping a module may add to what was inspected.
const WRAPPING: usize = 8;

/// A table element is a pointer to the engine, and counts twice: a table that grows is copied,
/// and what it was copied from stays for a moment.
const TABLE_ELEMENT: usize = 2 * size_of::<usize>();

impl MemoryAccount {
    fn new(limit: usize, shown: Arc<Gauge>) -> Self {
        MemoryAccount {
            used: 0,
            limit,
            refused: false,
            shown,
        }
    }

    fn grow(&mut self, current: usize, desired: usize, unit: usize) -> bool {
        let more = desired.saturating_sub(current).saturating_mul(unit);
        let used = self.used.saturating_add(more);
        let allowed = used <= self.limit;
        if allowed {
            self.shown.add(used - self.used);
            self.used = used;
        }
        self.refused |= !allowed;
        allowed
    }
}

impl ResourceLimiter for MemoryAccount {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, 1))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, TABLE_ELEMENT))
    }

    fn instances(&self) -> usize {
        // A wrapped module is four core instances: itself, the adapter, two shims.
        32
    }

    fn tables(&self) -> usize {
        inspect::TABLES as usize + WRAPPING
    }

    fn memories(&self) -> usize {
        inspect::MEMORIES as usize + WRAPPING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_share_one_account() {
        let shown = Arc::new(Gauge::default());
        let mut account = MemoryAccount::new(1 << 20, Arc::clone(&shown));
        assert!(account.memory_growing(0, 600 << 10, None).unwrap());
        assert!(!account.refused);
        assert!(
            !account.memory_growing(0, 600 << 10, None).unwrap(),
            "a second memory"
        );
        assert!(account.refused);
        assert!(account.table_growing(0, 10_000, None).unwrap());
        assert!(!account.table_growing(10_000, 100_000, None).unwrap());
        assert_eq!(account.used, (600 << 10) + 160_000);
        assert_eq!(shown.get(), (600 << 10) + 160_000);
        drop(account);
        assert_eq!(shown.get(), 0);
    }
}
