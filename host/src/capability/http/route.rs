//! Which way a request takes: straight, or through lightningd's proxy.

use std::net::{IpAddr, SocketAddr};

use serde_json::{Map, Value};
use url::Host;

/// lightningd's options `proxy` and `always-use-proxy`, as `init` tells them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxy {
    /// None: lightningd has no proxy. An error: it has one, and where cannot be read.
    at: Option<Result<SocketAddr, String>>,
    always: bool,
}

/// The way of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To an address of the host, which was looked up here.
    Straight,
    /// Through the SOCKS5 proxy there, which looks names up.
    Socks(SocketAddr),
}

impl Proxy {
    /// Reads `configuration` of `init` (`plugin_populate_init_request` in
    /// lightningd's `lightningd/plugin.c`). Where a proxy is given and the rest
    /// cannot be read, nothing goes out without it.
    pub fn read(configuration: &Map<String, Value>) -> Proxy {
        let at = configuration
            .get("proxy")
            .filter(|proxy| !proxy.is_null())
            .map(address);
        // Before v0.10.2 it had the other name.
        let always = configuration
            .get("always_use_proxy")
            .or_else(|| configuration.get("use_proxy_always"));
        let always = match always.map(Value::as_bool) {
            Some(Some(always)) => always,
            Some(None) => true,
            None => at.is_some(),
        };
        Proxy { at, always }
    }

    /// The way to this host, as connectd would choose it for a peer
    /// (`try_connect_one_addr` in `connectd/connectd.c`): all through the proxy with
    /// `always-use-proxy`, otherwise `.onion` only.
    pub fn way(&self, host: Option<Host<&str>>) -> Result<Way, String> {
        let onion = matches!(host, Some(Host::Domain(name)) if is_onion(name));
        if !self.always && !onion {
            return Ok(Way::Straight);
        }
        match &self.at {
            Some(Ok(address)) => Ok(Way::Socks(*address)),
            Some(Err(why)) => Err(format!("lightningd's proxy cannot be used: {why}")),
            None if onion => Err(
                "a .onion name is reached through lightningd's option proxy, which is not set"
                    .to_owned(),
            ),
            None => Err("lightningd always uses a proxy, and names none".to_owned()),
        }
    }
}

fn is_onion(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit('.')
        .next()
        .is_some_and(|last| last.eq_ignore_ascii_case("onion"))
}

fn address(proxy: &Value) -> Result<SocketAddr, String> {
    let text = proxy.get("address").and_then(Value::as_str);
    let ip: IpAddr = text
        .and_then(|text| text.parse().ok())
        .ok_or("its address is no IP address")?;
    let port = proxy
        .get("port")
        .and_then(Value::as_u64)
        .and_then(|port| u16::try_from(port).ok())
        .filter(|port| *port != 0)
        .ok_or("it has no port")?;
    Ok(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(configuration: Value) -> Proxy {
        Proxy::read(configuration.as_object().unwrap())
    }

    fn way(proxy: &Proxy, host: &str) -> Result<Way, String> {
        let host = Host::parse(host).unwrap();
        proxy.way(Some(match &host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(ip) => Host::Ipv4(*ip),
            Host::Ipv6(ip) => Host::Ipv6(*ip),
        }))
    }

    const TOR: &str = "127.0.0.1:9050";

    #[test]
    fn as_lightningd_writes_it() {
        let tor = json!({"type": "ipv4", "address": "127.0.0.1", "port": 9050});
        let socks = Ok(Way::Socks(TOR.parse().unwrap()));
        let some = read(json!({"proxy": tor, "torv3-enabled": true, "always_use_proxy": false}));
        assert_eq!(way(&some, "example.com"), Ok(Way::Straight));
        assert_eq!(way(&some, "8.8.8.8"), Ok(Way::Straight));
        assert_eq!(way(&some, "abc.onion"), socks);
        assert_eq!(way(&some, "x.abc.ONION."), socks);
        assert_eq!(way(&some, "onion.example.com"), Ok(Way::Straight));
        for always in [
            json!({"proxy": tor, "always_use_proxy": true}),
            json!({"proxy": tor, "use_proxy_always": true}),
        ] {
            let all = read(always);
            for host in ["example.com", "8.8.8.8", "[2001:db8::1]", "abc.onion"] {
                assert_eq!(way(&all, host), socks, "{host}");
            }
        }
        let six = read(
            json!({"proxy": {"type": "ipv6", "address": "::1", "port": 9050}, "always_use_proxy": true}),
        );
        assert_eq!(
            way(&six, "a.b"),
            Ok(Way::Socks("[::1]:9050".parse().unwrap()))
        );
    }

    #[test]
    fn without_a_proxy_onion_names_cannot_be_reached() {
        let none = read(json!({}));
        assert_eq!(way(&none, "example.com"), Ok(Way::Straight));
        assert!(
            way(&none, "abc.onion")
                .unwrap_err()
                .contains("option proxy")
        );
    }

    #[test]
    fn what_cannot_be_read_lets_nothing_past_the_proxy() {
        let good = json!({"type": "ipv4", "address": "127.0.0.1", "port": 9050});
        for odd in [
            json!({"proxy": good}),
            json!({"proxy": good, "always_use_proxy": "no"}),
        ] {
            assert!(matches!(way(&read(odd), "a.b"), Ok(Way::Socks(_))));
        }
        for odd in [
            json!({"proxy": {"type": "torv3", "address": "abc.onion", "port": 9050}, "always_use_proxy": true}),
            json!({"proxy": {"address": "127.0.0.1"}, "always_use_proxy": true}),
            json!({"proxy": {"address": "127.0.0.1", "port": 65536}, "always_use_proxy": true}),
            json!({"proxy": "127.0.0.1:9050", "always_use_proxy": true}),
            json!({"always_use_proxy": true}),
            json!({"proxy": 5}),
        ] {
            assert!(way(&read(odd.clone()), "a.b").is_err(), "{odd}");
        }
        let odd = read(json!({"proxy": 5, "always_use_proxy": false}));
        assert_eq!(way(&odd, "a.b"), Ok(Way::Straight));
        assert!(way(&odd, "a.onion").is_err());
    }
}
