//! Does the operator's grant cover this URL?

use std::net::IpAddr;

use url::{Host, Url};

use crate::guest::bindings::cln::guest::http::Failure;
use crate::policy::Grants;

/// Checks the host and port, and the address where the URL has one instead of a
/// name. The refusal says which line would grant it.
pub(super) fn permit(grants: &Grants, url: &Url) -> Result<(), Failure> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    grants
        .http_host(host, port)
        .map_err(|denied| Failure::Denied(denied.to_string()))?;
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    grants
        .http_address(literal)
        .map_err(|denied| Failure::Denied(denied.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use std::path::Path;

    fn permitted(grant: &str, url: &str) -> Result<(), String> {
        let text = format!("[grant]\nhttp = {grant}");
        let policy = Policy::parse(&text, Path::new("a.toml")).unwrap();
        match permit(policy.grants(), &Url::parse(url).unwrap()) {
            Ok(()) => Ok(()),
            Err(Failure::Denied(why)) => Err(why),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_literal_counts_as_the_address_that_it_is_in_every_spelling() {
        let every = "{ hosts = [\"127.0.0.1\", \"[::1]\", \"[::ffff:7f00:1]\", \"8.8.8.8\"] }";
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.01/",
            "https://127.0.0.1./",
            "https://１２７.0.0.1/",
            "https://[::1]/",
            "https://[0:0:0:0:0:0:0:1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
        ] {
            let why = permitted(every, url).unwrap_err();
            assert!(why.contains("HTTP to the private address"), "{url}: {why}");
            assert!(why.contains("private_addresses = true"), "{url}: {why}");
            let open = every.replace(" }", ", private_addresses = true }");
            assert_eq!(permitted(&open, url), Ok(()), "{url}");
        }
        assert_eq!(permitted(every, "https://8.8.8.8/"), Ok(()));
        assert_eq!(permitted(every, "https://0x08080808/"), Ok(()));
    }

    #[test]
    fn a_granted_name_says_nothing_of_other_hosts_and_ports() {
        let grant = "{ hosts = [\"api.example.com\"] }";
        assert_eq!(permitted(grant, "https://API.example.com/x?y"), Ok(()));
        for url in [
            "https://api.example.com:8443/",
            "http://api.example.com/",
            "https://example.com/",
            "https://api.example.com.evil.net/",
            "https://169.254.169.254/latest/meta-data/",
        ] {
            let why = permitted(grant, url).unwrap_err();
            assert!(why.contains("http = { hosts = ["), "{url}: {why}");
        }
        let why = permitted(grant, "http://api.example.com/").unwrap_err();
        assert!(why.contains("\"api.example.com:80\""), "{why}");
    }
}
