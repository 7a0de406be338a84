//! From a name to addresses that may be connected to.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::guest::bindings::cln::guest::http::Failure;
use crate::policy::{Denied, Grants};

/// Lookups of one guest at the same time. A lookup cannot be cancelled: it keeps
/// its place until the resolver gives up, whoever has stopped waiting.
pub(super) const FOR_ONE_GUEST: usize = 4;
/// Addresses of one name that are tried.
const MOST: usize = 16;

/// The system's resolver, or a test's.
pub trait Lookup: Send + Sync {
    /// The addresses of a name. May block.
    ///
    /// # Errors
    /// There is no such name, or it cannot be asked for now.
    fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// `getaddrinfo`, as lightningd uses it.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Lookup for System {
    fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok((name, 0).to_socket_addrs()?.map(|a| a.ip()).collect())
    }
}

/// The addresses of `name` that the grant allows, which is for the caller to
/// connect to and to no other: a second lookup could have another answer.
pub(super) async fn addresses(
    lookup: Arc<dyn Lookup>,
    places: Arc<Semaphore>,
    name: &str,
    grants: &Grants,
) -> Result<Vec<IpAddr>, Failure> {
    let unavailable = |why: String| Failure::Unavailable(format!("{name} has no address: {why}"));
    let place = places
        .acquire_owned()
        .await
        .map_err(|e| unavailable(e.to_string()))?;
    let asked = name.to_owned();
    let found = tokio::task::spawn_blocking(move || {
        let _place = place;
        lookup.lookup(&asked)
    });
    let found = match found.await {
        Ok(Ok(found)) => found,
        Ok(Err(e)) => return Err(unavailable(e.to_string())),
        Err(e) => return Err(unavailable(e.to_string())),
    };
    allowed(found, grants).map_err(|denied| match denied {
        Some(denied) => Failure::Denied(format!("{denied} ({name} has that address)")),
        None => unavailable("it is not in the DNS".to_owned()),
    })
}

/// Those that the grant allows; if none, the first that it does not.
fn allowed(found: Vec<IpAddr>, grants: &Grants) -> Result<Vec<IpAddr>, Option<Denied>> {
    let mut first_denied = None;
    let mut allowed = Vec::new();
    for address in found {
        match grants.http_address(address) {
            Ok(()) if allowed.len() < MOST => allowed.push(address),
            Ok(()) => {}
            Err(denied) => first_denied = first_denied.or(Some(denied)),
        }
    }
    if allowed.is_empty() {
        return Err(first_denied);
    }
    Ok(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use std::path::Path;

    #[test]
    fn private_addresses_among_public_ones_are_passed_by() {
        let text = "[grant]\nhttp = { hosts = [\"a.example.com\"] }";
        let policy = Policy::parse(text, Path::new("a.toml")).unwrap();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let found = vec![
            ip("127.0.0.1"),
            ip("8.8.8.8"),
            ip("::ffff:10.0.0.1"),
            ip("2606:4700::1111"),
        ];
        let kept = allowed(found, policy.grants()).unwrap();
        assert_eq!(kept, [ip("8.8.8.8"), ip("2606:4700::1111")]);
        let denied = allowed(vec![ip("::ffff:127.0.0.1")], policy.grants()).unwrap_err();
        assert!(
            denied
                .unwrap()
                .to_string()
                .contains("private_addresses = true")
        );
        assert_eq!(allowed(Vec::new(), policy.grants()), Err(None));
    }
}
