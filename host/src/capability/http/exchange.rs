//! One request, over connections of its own, to its whole answer.

use std::future::ready;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::{Client, redirect::Policy as Redirects, retry};
use tokio::sync::Semaphore;
use url::Host;

use super::lookup::{self, Lookup};
use super::request::Request;
use super::route::Way;
use super::tls::Tls;
use super::{failure, headers, redirect};
use crate::guest::bindings::cln::guest::http::{Failure, Response};
use crate::policy::Policy;

/// All that one exchange needs.
pub(super) struct Exchange {
    pub(super) request: Request,
    pub(super) way: Way,
    pub(super) policy: Arc<Policy>,
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) places: Arc<Semaphore>,
    pub(super) tls: Arc<Tls>,
}

impl Exchange {
    /// Sends it, follows redirects, reads the answer.
    pub(super) async fn run(self) -> Result<Response, Failure> {
        let host = self.request.url.host_str().unwrap_or_default().to_owned();
        let checked = self.checked_addresses().await?;
        let client = self.client(checked).map_err(Failure::Unavailable)?;
        let most = self.policy.limits.http_answer_bytes;
        let mut request = self.request;
        for _ in 0..=redirect::MOST {
            let answer = client
                .execute(written(&request))
                .await
                .map_err(|e| failure::of(e, &host))?;
            match redirect::next(&request, answer.status(), answer.headers()) {
                Some(next) => request = next,
                None => return read(answer, most, &host).await,
            }
        }
        let most = redirect::MOST;
        Err(Failure::Limit(format!(
            "{host}: more than {most} redirects"
        )))
    }

    /// What the name stands for, as far as it may be connected to. Nothing for an
    /// address, which was checked as part of the URL, or where the proxy looks up.
    async fn checked_addresses(&self) -> Result<Checked, Failure> {
        let mut checked = Checked::default();
        if let (Way::Straight, Some(Host::Domain(name))) = (self.way, self.request.url.host()) {
            let (lookup, places) = (Arc::clone(&self.lookup), Arc::clone(&self.places));
            checked.addresses =
                lookup::addresses(lookup, places, name, self.policy.grants()).await?;
            checked.name = name.to_owned();
        }
        Ok(checked)
    }

    /// A client for this exchange alone: no other guest's connections, nothing idle
    /// is kept, nothing of the environment, and no address but those that were checked.
    fn client(&self, checked: Checked) -> Result<Client, String> {
        let tls = match self.request.url.scheme() {
            "https" => self.tls.config()?,
            _ => Tls::none()?,
        };
        let builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(checked))
            .redirect(Redirects::none())
            .retry(retry::never())
            .referer(false)
            .http1_only()
            .http1_max_headers(headers::MOST_RECEIVED)
            .pool_max_idle_per_host(0)
            .tcp_keepalive(None)
            .no_proxy();
        let builder = match self.way {
            Way::Straight => builder,
            Way::Socks(address) => {
                // "h": the proxy gets the name.
                let proxy = format!("socks5h://{address}");
                builder.proxy(reqwest::Proxy::all(proxy).map_err(|e| e.to_string())?)
            }
        };
        builder.build().map_err(|e| e.to_string())
    }
}

/// A name and the only addresses that it has for this exchange.
#[derive(Debug, Clone, Default)]
struct Checked {
    name: String,
    addresses: Vec<IpAddr>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        if name.as_str() != self.name {
            let word = "a name that was not checked";
            return Box::pin(ready(Err(word.into())));
        }
        // The client puts the port of the URL in.
        let addresses = self.addresses.clone().into_iter();
        Box::pin(ready(Ok(
            Box::new(addresses.map(|address| SocketAddr::new(address, 0))) as reqwest::dns::Addrs,
        )))
    }
}

fn written(request: &Request) -> reqwest::Request {
    let mut written = reqwest::Request::new(request.method.clone(), request.url.clone());
    *written.headers_mut() = request.headers.clone();
    *written.body_mut() = request.body.clone().map(Into::into);
    written
}

/// The answer, never with more in memory than `most` bytes and one piece from the network.
async fn read(mut answer: reqwest::Response, most: u64, host: &str) -> Result<Response, Failure> {
    let too_large = || {
        Failure::Limit(format!(
            "the answer of {host} is larger than limits.http_answer_bytes, {most}"
        ))
    };
    let headers = headers::received(answer.headers())?;
    let status = answer.status().as_u16();
    if answer.content_length().is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|e| failure::of(e, host))? {
        if body.len() as u64 + piece.len() as u64 > most {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(Response {
        status,
        headers,
        body,
    })
}
