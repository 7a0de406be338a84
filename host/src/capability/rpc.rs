//! Calls of a guest to lightningd.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::value::RawValue;
use wasmtime::component::{Accessor, HasSelf};

use super::Capabilities;
use crate::guest::bindings::cln::guest::rpc::{Failure, Host, HostWithStore};
use crate::guest::bindings::cln::guest::types;
use crate::guest::sandbox::Sandbox;
use crate::lightningd::depth::{DEEPEST, is_too_deep};
use crate::lightningd::rpc_socket::RpcSocketError;
use crate::policy::runes::{Call, evaluate};

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
        Ok(capabilities
            .call(cause, &method, &params, filter.as_deref())
            .await)
    }
}

/// Counts a call for as long as it is under way.
struct InFlight<'a>(&'a Capabilities);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.rpc_in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A deadline for those who want none: a year.
const WITHOUT_END: Duration = Duration::from_secs(365 * 24 * 3600);

impl Capabilities {
    /// Does one of the grants let this call pass? Otherwise what would have to be
    /// written to grant it, or why the nearest grant refuses.
    fn permit(&self, method: &str, params: &RawValue) -> Result<(), String> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut last_used = self
            .rpc_last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut nearest = None;
        for (grant, last_used) in self.policy.grants().rpc().iter().zip(last_used.iter_mut()) {
            let call = Call {
                method: Some(method),
                params: Some(params),
                id: None,
                now,
                last_used: *last_used,
            };
            match evaluate(&grant.restrictions, &call) {
                Ok(()) if grant.budget.is_some() => {
                    nearest =
                        Some("its grant has a budget, and budgets are not kept yet".to_owned());
                }
                Ok(()) => {
                    *last_used = Some(now);
                    return Ok(());
                }
                Err(refusal) => nearest = nearest.or(Some(refusal.to_string())),
            }
        }
        let denied = self.policy.grants().rpc_denied(method);
        Err(match nearest {
            Some(why) => format!("{denied} ({why})"),
            None => denied.to_string(),
        })
    }

    async fn call(
        &self,
        cause: u64,
        method: &str,
        params: &str,
        filter: Option<&str>,
    ) -> Result<String, Failure> {
        let limits = &self.policy.limits;
        let _in_flight = InFlight(self);
        if self.rpc_in_flight.fetch_add(1, Ordering::Relaxed) >= limits.rpc_in_flight {
            let limit = limits.rpc_in_flight;
            return Err(Failure::Limit(format!(
                "limits.rpc_in_flight: {limit} calls are waiting already"
            )));
        }
        if is_too_deep(params) || filter.is_some_and(is_too_deep) {
            return Err(Failure::Malformed(format!("more than {DEEPEST} levels")));
        }
        let parsed: &RawValue =
            serde_json::from_str(params).map_err(|e| Failure::Malformed(e.to_string()))?;
        if !parsed.get().starts_with(['{', '[']) {
            return Err(Failure::Malformed(
                "params are neither array nor object".to_owned(),
            ));
        }
        if let Some(filter) = filter {
            let filter: &RawValue = serde_json::from_str(filter)
                .map_err(|e| Failure::Malformed(format!("filter: {e}")))?;
            if !filter.get().starts_with('{') {
                return Err(Failure::Malformed("filter is not an object".to_owned()));
            }
        }
        if let Err(refusal) = self.permit(method, parsed) {
            self.denied(&refusal);
            return Err(Failure::Denied(refusal));
        }
        let socket = self
            .node
            .rpc()
            .map_err(|why| Failure::Unavailable(why.to_owned()))?;
        let lineage = self
            .open()
            .and_then(|open| open.lineage(cause))
            .unwrap_or_default();
        let mark = self.node.lineages.mark(&self.guest, &lineage);
        let deadline = limits.deadline("rpc").unwrap_or(WITHOUT_END);
        let answer = socket
            .call(mark.id(), method, parsed.get(), filter, deadline)
            .await;
        answer.map(|json| json.get().to_owned()).map_err(failure)
    }
}

fn failure(error: RpcSocketError) -> Failure {
    match error {
        RpcSocketError::Rpc {
            code,
            message,
            data,
        } => Failure::Rpc(types::RpcError {
            code,
            message,
            data: data.map(|d| d.get().to_owned()),
        }),
        RpcSocketError::Timeout { .. } => Failure::Timeout,
        RpcSocketError::TooLarge { .. } => Failure::Limit(error.to_string()),
        RpcSocketError::Malformed { .. } => Failure::Malformed(error.to_string()),
        _ => Failure::Unavailable(error.to_string()),
    }
}
