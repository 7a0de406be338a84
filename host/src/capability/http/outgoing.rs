//! What all guests share of the way out.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::exchange::Exchange;
use super::lookup::{Lookup, System};
use super::request::Request;
use super::route::Proxy;
use super::tls::{Roots, Tls};
use super::worker::Worker;
use crate::guest::bindings::cln::guest::http::{Failure, Response};
use crate::policy::Policy;

/// The way out, known from `init` on. Costs next to nothing until the first request.
pub struct Outgoing {
    proxy: Proxy,
    lookup: Arc<dyn Lookup>,
    tls: Arc<Tls>,
    worker: Mutex<Option<Worker>>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

impl Outgoing {
    /// With the system's resolver and certificates.
    pub fn new(proxy: Proxy) -> Self {
        Outgoing::with(proxy, Arc::new(System), Roots::System)
    }

    /// With other ones.
    pub fn with(proxy: Proxy, lookup: Arc<dyn Lookup>, roots: Roots) -> Self {
        Outgoing {
            proxy,
            lookup,
            tls: Arc::new(Tls::new(roots)),
            worker: Mutex::new(None),
        }
    }

    /// One permitted request; its names are looked up in `places` of the guest.
    pub(super) async fn send(
        &self,
        request: Request,
        policy: Arc<Policy>,
        places: Arc<Semaphore>,
        deadline: Duration,
    ) -> Result<Response, Failure> {
        let way = self
            .proxy
            .way(request.url.host())
            .map_err(Failure::Unavailable)?;
        let exchange = Exchange {
            request,
            way,
            policy,
            lookup: Arc::clone(&self.lookup),
            places,
            tls: Arc::clone(&self.tls),
        };
        let running = {
            let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
            let worker = match &mut *worker {
                Some(worker) => worker,
                none => none.insert(Worker::start().map_err(|e| {
                    Failure::Unavailable(format!("the bridge cannot start a thread: {e}"))
                })?),
            };
            worker.run(tokio::time::timeout(deadline, exchange.run()))
        };
        match running.result().await {
            Some(Ok(answer)) => answer,
            Some(Err(_)) => Err(Failure::Timeout),
            None => Err(Failure::Unavailable("the bridge gave it up".to_owned())),
        }
    }
}
