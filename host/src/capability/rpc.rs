//! Calls of a guest to lightningd.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::value::RawValue;
use wasmtime::component::{Accessor, HasSelf};

use super::Capabilities;
use crate::guest::bindings::cln::guest::rpc::{Failure, Host, HostWithStore};
use crate::guest::bindings::cln::guest::types;
use crate::guest::sandbox::Sandbox;
use crate::lightningd::rpc_socket::RpcSocketError;

impl Host for Sandbox {}

impl HostWithStore<Sandbox> for HasSelf<Sandbox> {
    async fn call(
        accessor: &Accessor<Sandbox, Self>,
        cause: u64,
        method: String,
        params: String,
        filter: Option<String>,
    ) -> wasmtime::Result<Result<String, Failure>> {
        let capabilities = accessor.with(|mut access| Arc::clone(&access.get().capabilities));
        Ok(capabilities.call(cause, &method, &params, filter.as_deref()).await)
    }
}

/// Counts a call for as long as it is under way.
struct InFlight<'a>(&'a Capabilities);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.rpc_in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Capabilities {
    async fn call(&self, cause: u64, method: &str, params: &str, filter: Option<&str>) -> Result<String, Failure> {
        let limits = self.policy.limits();
        let _in_flight = InFlight(self);
        if self.rpc_in_flight.fetch_add(1, Ordering::Relaxed) >= limits.rpc_in_flight {
            let limit = limits.rpc_in_flight;
            return Err(Failure::Limit(format!("limits.rpc_in_flight: {limit} calls are waiting already")));
        }
        let parsed: &RawValue = serde_json::from_str(params).map_err(|e| Failure::Malformed(e.to_string()))?;
        if !parsed.get().starts_with(['{', '[']) {
            return Err(Failure::Malformed("params are neither array nor object".to_owned()));
        }
        if let Some(filter) = filter {
            let filter: &RawValue =
                serde_json::from_str(filter).map_err(|e| Failure::Malformed(format!("filter: {e}")))?;
            if !filter.get().starts_with('{') {
                return Err(Failure::Malformed("filter is not an object".to_owned()));
            }
        }
        if let Err(refusal) = self.policy.rpc(method, parsed) {
            let why = refusal.to_string();
            self.denied(&why);
            return Err(Failure::Denied(why));
        }
        let socket = self.node.rpc().map_err(|why| Failure::Unavailable(why.to_owned()))?;
        let lineage = self.open().and_then(|open| open.lineage(cause)).unwrap_or_default();
        let mark = self.node.lineages.mark(&self.guest, &lineage);
        let deadline = Duration::from_millis(limits.rpc_deadline_ms);
        let answer = socket.call(mark.id(), method, parsed.get(), filter, deadline).await;
        answer.map(|json| json.get().to_owned()).map_err(failure)
    }
}

fn failure(error: RpcSocketError) -> Failure {
    match error {
        RpcSocketError::Rpc { code, message, data } => Failure::Rpc(types::RpcError {
            code,
            message,
            data: data.map(|d| d.get().to_owned()),
        }),
        RpcSocketError::Timeout => Failure::Timeout,
        RpcSocketError::TooLarge { .. } => Failure::Limit(error.to_string()),
        RpcSocketError::Malformed { .. } => Failure::Malformed(error.to_string()),
        _ => Failure::Unavailable(error.to_string()),
    }
}
