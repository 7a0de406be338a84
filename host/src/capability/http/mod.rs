//! Requests of a guest to hosts that the operator named.
//!
//! A request passes, in this order: the limit of requests in flight, the form of
//! what is asked ([`request`]), the grant for its host, and for its address where
//! the URL has one ([`permit`]). Then lightningd's proxy settings say which way it
//! takes ([`route`]), a name is looked up and each address is checked ([`lookup`]),
//! and one connection is made for it, to an address that was checked ([`exchange`]).

pub mod exchange;
mod failure;
mod headers;
pub mod lookup;
pub mod outgoing;
mod permit;
mod redirect;
pub mod request;
pub mod route;
pub mod tls;
mod worker;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::component::{Accessor, HasSelf};

use self::request::Request;
use super::Capabilities;
use super::effective::Capability;
use crate::guest::bindings::cln::guest::http as wit;
use crate::guest::bindings::cln::guest::http::{Failure, Response};
use crate::guest::sandbox::Sandbox;

impl wit::Host for Sandbox {}

impl wit::HostWithStore<Sandbox> for HasSelf<Sandbox> {
    async fn send(
        accessor: &Accessor<Sandbox, Self>,
        request: wit::Request,
    ) -> wasmtime::Result<Result<Response, Failure>> {
        let capabilities = accessor.with(|mut access| Arc::clone(&access.get().capabilities));
        Ok(capabilities.http_send(request).await)
    }
}

/// One guest's share of it.
#[derive(Debug)]
pub struct HttpUse {
    in_flight: AtomicU64,
    /// Lookups of names, which go on when nobody waits for them any more.
    lookups: Arc<Semaphore>,
}

impl Default for HttpUse {
    fn default() -> Self {
        HttpUse {
            in_flight: AtomicU64::new(0),
            lookups: Arc::new(Semaphore::new(lookup::FOR_ONE_GUEST)),
        }
    }
}

/// Counts a request for as long as it is under way.
struct InFlight<'a>(&'a HttpUse);

impl<'a> InFlight<'a> {
    fn begin(used: &'a HttpUse, limit: u64) -> Result<Self, Failure> {
        let begun = InFlight(used);
        if used.in_flight.fetch_add(1, Ordering::Relaxed) >= limit {
            return Err(Failure::Limit(format!(
                "limits.http_in_flight: {limit} requests are waiting already"
            )));
        }
        Ok(begun)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Capabilities {
    /// One request and its whole answer.
    pub(super) async fn http_send(&self, asked: wit::Request) -> Result<Response, Failure> {
        let answer = self.exchange(asked).await;
        if let Err(Failure::Denied(why)) = &answer {
            self.denied(why);
        }
        answer
    }

    async fn exchange(&self, asked: wit::Request) -> Result<Response, Failure> {
        let limits = &self.policy.limits;
        let _in_flight = InFlight::begin(&self.http, limits.http_in_flight)?;
        let timeout = asked.timeout_ms.map(Duration::from_millis);
        let request = Request::check(asked, limits.answer_bytes)?;
        self.judge(Capability::Http {
            host: request.url.host_str().unwrap_or_default(),
            port: request.url.port_or_known_default().unwrap_or_default(),
        })
        .map_err(Failure::Denied)?;
        permit::permit(self.policy.grants(), &request.url)?;
        let outgoing = self
            .node
            .http()
            .map_err(|why| Failure::Unavailable(why.to_owned()))?;
        // The policy has no "none" for this deadline.
        let longest = limits.deadline("http").unwrap_or(Duration::from_secs(30));
        let deadline = timeout.map_or(longest, |asked| asked.min(longest));
        let lookups = Arc::clone(&self.http.lookups);
        outgoing
            .send(request, Arc::clone(&self.policy), lookups, deadline)
            .await
    }
}
