//! Calls of a guest to lightningd.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cln_protocol::plain::{DEEPEST, is_too_deep};
use serde_json::value::RawValue;
use wasmtime::component::{Accessor, HasSelf};

use super::Capabilities;
use crate::bridge::lineage::Lineage;
use crate::guest::bindings::cln::guest::rpc::{Failure, Host, HostWithStore};
use crate::guest::bindings::cln::guest::types;
use crate::guest::call::CallId;
use crate::guest::sandbox::Sandbox;
use crate::lightningd::output::Level;
use crate::lightningd::rpc_socket::{RpcSocketError, Side};
use crate::policy::budget::{Reservation, StoreError, nothing_was_sent, spent};
use crate::policy::{Allowed, RpcRefusal};

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
        let step = capabilities.faults.trail.begin("rpc.call", &method);
        let answer = capabilities.call(cause, method, params, filter).await;
        match &answer {
            Ok(_) => step.end("ok"),
            Err(Failure::Rpc(error)) => step.end(&format!("error {}", error.code)),
            Err(Failure::Denied(_)) => step.end("denied"),
            Err(Failure::Timeout) => step.end("timeout"),
            Err(Failure::Unavailable(_)) => step.end("unavailable"),
            Err(Failure::Limit(_)) => step.end("limit"),
            Err(Failure::Malformed(_)) => step.end("malformed"),
        }
        Ok(answer)
    }
}

/// Counts a call for as long as it is under way.
struct InFlight(Arc<Capabilities>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.rpc_in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A deadline for those who want none: a year.
const WITHOUT_END: Duration = Duration::from_secs(365 * 24 * 3600);

/// How much of an answer the bridge takes at least where an amount was set aside: it
/// says what was spent, also when it is more than the guest may have.
const SPENDING_ANSWER: u64 = 64 << 10;

/// The time since 1970, UTC.
fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A call that may be made.
struct Permitted {
    lineage: Lineage,
    method: String,
    params: Box<RawValue>,
    filter: Option<String>,
    _in_flight: InFlight,
}

impl Capabilities {
    /// Does one of the grants let this call pass? Where a budget is to be asked, off
    /// this thread: its history is on the disk.
    pub(super) async fn permit(
        self: &Arc<Self>,
        method: &str,
        params: &RawValue,
    ) -> Result<Allowed, RpcRefusal> {
        if !self.gate.may_wait() {
            return self.gate.judge(method, Some(params), now());
        }
        let (own, asked, params) = (Arc::clone(self), method.to_owned(), params.to_owned());
        let judged =
            tokio::task::spawn_blocking(move || own.gate.judge(&asked, Some(&params), now()));
        judged
            .await
            .unwrap_or_else(|_| Err(self.gate.fault(method, "the bridge ends")))
    }

    /// What led to a call. One in the background names no cause: any call that is open
    /// in the guest may be it. That makes it as deep as the deepest of them, so that
    /// guests cannot call each other without end; but it does not hide it from the
    /// guests whose calls those are, as guards must see what they did not cause.
    fn cause(&self, cause: CallId) -> Lineage {
        let Some(open) = self.open() else {
            return Lineage::default();
        };
        open.lineage(cause).unwrap_or_else(|| {
            let depth = open.deepest().max(self.hearing.lineage().depth());
            Lineage::of_depth(depth)
        })
    }

    async fn call(
        self: &Arc<Self>,
        cause: u64,
        method: String,
        params: String,
        filter: Option<String>,
    ) -> Result<String, Failure> {
        let limits = &self.policy.limits;
        let in_flight = InFlight(Arc::clone(self));
        if self.rpc_in_flight.fetch_add(1, Ordering::Relaxed) >= limits.rpc_in_flight {
            let limit = limits.rpc_in_flight;
            return Err(Failure::Limit(format!(
                "limits.rpc_in_flight: {limit} calls are waiting already"
            )));
        }
        if is_too_deep(&params) || filter.as_deref().is_some_and(is_too_deep) {
            return Err(Failure::Malformed(format!("more than {DEEPEST} levels")));
        }
        let params =
            RawValue::from_string(params).map_err(|e| Failure::Malformed(e.to_string()))?;
        if !params.get().starts_with(['{', '[']) {
            return Err(Failure::Malformed(
                "params are neither array nor object".to_owned(),
            ));
        }
        if let Some(filter) = &filter {
            let filter: &RawValue = serde_json::from_str(filter)
                .map_err(|e| Failure::Malformed(format!("filter: {e}")))?;
            if !filter.get().starts_with('{') {
                return Err(Failure::Malformed("filter is not an object".to_owned()));
            }
        }
        if let Err(why) = self.asks_for_call(&method, &params) {
            self.denied(&why);
            return Err(Failure::Denied(why));
        }
        let lineage = self.cause(cause);
        if lineage.depth() >= limits.chain_depth {
            let why = format!(
                "limits.chain_depth: {} calls of guests led to this one already",
                lineage.depth()
            );
            self.log(Level::Unusual, &format!("RPC call {method}: {why}"));
            return Err(Failure::Limit(why));
        }
        if self.gate.may_wait() {
            // Nothing is set aside for a call that cannot be made, and no file
            // is opened before init.
            self.node
                .rpc()
                .map_err(|why| Failure::Unavailable(why.to_owned()))?;
        }
        let allowed = match self.permit(&method, &params).await {
            Ok(allowed) => allowed,
            Err(refusal) if refusal.is_fault() => {
                return Err(Failure::Unavailable(refusal.to_string()));
            }
            Err(refusal) => {
                let why = refusal.to_string();
                self.denied(&why);
                return Err(Failure::Denied(why));
            }
        };
        let permitted = Permitted {
            lineage,
            method,
            params,
            filter,
            _in_flight: in_flight,
        };
        match allowed.reservation {
            None => {
                let answer = self.ask(&permitted, self.most_of_answer()).await;
                self.fitting(answer)
            }
            // A task of its own: what was spent is written down also when the guest
            // that asked ends meanwhile.
            Some(reservation) => {
                let own = Arc::clone(self);
                let spending = tokio::spawn(async move { own.spend(permitted, reservation).await });
                spending
                    .await
                    .unwrap_or_else(|_| Err(Failure::Unavailable("the bridge ends".to_owned())))
            }
        }
    }

    /// Makes a call whose answer may have `most` bytes.
    async fn ask(&self, permitted: &Permitted, most: u64) -> Result<Box<RawValue>, RpcSocketError> {
        let socket = self.node.rpc().map_err(|why| RpcSocketError::Unavailable {
            why: why.into(),
            sent: false,
        })?;
        let mark = self.node.lineages.mark(&self.guest, &permitted.lineage);
        let deadline = self.policy.limits.deadline("rpc").unwrap_or(WITHOUT_END);
        let Permitted {
            method,
            params,
            filter,
            ..
        } = permitted;
        socket
            .call(
                mark.id(),
                method,
                params.get(),
                filter.as_deref(),
                deadline,
                usize::try_from(most).unwrap_or(usize::MAX),
            )
            .await
    }

    /// Makes a call for which an amount is set aside, and writes down what it did spend.
    async fn spend(
        &self,
        permitted: Permitted,
        reservation: Reservation,
    ) -> Result<String, Failure> {
        let most = self.most_of_answer().max(SPENDING_ANSWER);
        let answer = self.ask(&permitted, most).await;
        let outcome = match (&answer, &permitted.filter) {
            // A filter may have hidden that the payment is still under way.
            (Ok(_), Some(_)) => Outcome::Unknown,
            _ => outcome(&permitted.method, &answer),
        };
        let settled = tokio::task::spawn_blocking(move || settle(reservation, outcome)).await;
        if let Ok(Err(error)) = settled {
            let what = format!("{}: {error}; it counts in full", permitted.method);
            self.node.log.unusual(&self.guest, &what);
        }
        self.fitting(answer)
    }

    /// An answer that the guest can take: one that does not fit its memory would end it.
    fn fitting(&self, answer: Result<Box<RawValue>, RpcSocketError>) -> Result<String, Failure> {
        let most = self.most_of_answer();
        let too_large = |bytes: usize| {
            Failure::Limit(format!(
                "the answer has {bytes} bytes; limits.rpc_answer_bytes and half of limits.memory_bytes allow {most}"
            ))
        };
        match answer {
            Ok(answer) if answer.get().len() as u64 > most => Err(too_large(answer.get().len())),
            Ok(answer) => Ok(Box::<str>::from(answer).into_string()),
            Err(RpcSocketError::TooLarge {
                side: Side::Outcome(bytes),
                ..
            }) => Err(too_large(bytes)),
            Err(error) => Err(failure(error)),
        }
    }

    /// The most bytes of an answer that the guest can take.
    fn most_of_answer(&self) -> u64 {
        let limits = &self.policy.limits;
        limits.rpc_answer_bytes.min(limits.memory_bytes / 2)
    }
}

/// What an answer says about the money.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// It is known, in msat.
    Spent(u64),
    /// All that was set aside may have been spent.
    Unknown,
}

fn outcome(method: &str, answer: &Result<Box<RawValue>, RpcSocketError>) -> Outcome {
    match answer {
        Ok(result) => spent(method, result).map_or(Outcome::Unknown, Outcome::Spent),
        Err(RpcSocketError::Rpc { code, .. }) if nothing_was_sent(*code) => Outcome::Spent(0),
        Err(error) if !error.may_have_taken_effect() => Outcome::Spent(0),
        Err(_) => Outcome::Unknown,
    }
}

/// The whole amount counts as spent.
pub(super) async fn settle_whole(reservation: Reservation) -> Result<(), String> {
    let settled = tokio::task::spawn_blocking(move || settle(reservation, Outcome::Unknown));
    match settled.await {
        Ok(settled) => settled.map_err(|error| error.to_string()),
        Err(_) => Err("the bridge ends".to_owned()),
    }
}

/// Blocks until the disk has it.
fn settle(reservation: Reservation, outcome: Outcome) -> Result<(), StoreError> {
    match outcome {
        Outcome::Spent(msat) => reservation.settle(msat, now()),
        Outcome::Unknown => {
            let all = reservation.msat();
            reservation.settle(all, now())
        }
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
