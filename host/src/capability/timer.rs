//! Waiting without blocking the guest's other calls.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{Accessor, HasSelf};

use crate::guest::bindings::cln::guest::timer::{Host, HostWithStore};
use crate::guest::sandbox::Sandbox;

/// The longest sleep, in ms: tokio's timer wheel ends there (about two years).
const LONGEST: u64 = 1 << 36;

impl Host for Sandbox {}

impl HostWithStore<Sandbox> for HasSelf<Sandbox> {
    async fn sleep(accessor: &Accessor<Sandbox, Self>, ms: u64) -> wasmtime::Result<()> {
        let capabilities = accessor.with(|mut access| Arc::clone(&access.get().capabilities));
        let trail = &capabilities.faults.trail;
        let step = trail.begin("timer.sleep", &format!("{ms} ms"));
        tokio::time::sleep(Duration::from_millis(ms.min(LONGEST))).await;
        step.end("ok");
        Ok(())
    }
}
