//! Where a guest may connect to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `http` under `[grant]`: hosts, and whether they may be at private addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpGrant {
    /// One of these must match.
    pub hosts: Vec<HostPattern>,
    /// Whether an address that is not reachable from the whole internet is allowed.
    pub private_addresses: bool,
}

/// `api.example.com`, `api.example.com:8443`, `*.example.com`, `192.0.2.1:80` or
/// `[2001:db8::1]:443`. Without a port only 443 is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    name: Name,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Exact(String),
    /// Any name that ends in this, with at least one label before it.
    Below(String),
    Address(IpAddr),
}

impl HttpGrant {
    /// Whether one of the hosts is this one. `host` as in a URL: a name in any
    /// case, or an address, with or without brackets.
    pub fn allows_host(&self, host: &str, port: u16) -> bool {
        self.hosts.iter().any(|pattern| pattern.matches(host, port))
    }

    /// Whether a connection may go to this address: to be asked for each address
    /// after the name was resolved, as what a name stands for is not the operator's choice.
    pub fn allows_address(&self, address: IpAddr) -> bool {
        self.private_addresses || is_public(address)
    }
}

impl HostPattern {
    /// Reads one pattern. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<HostPattern, String> {
        if text.contains("://") {
            return Err("a host has no scheme: leave out what is before and with \"://\"".into());
        }
        if text.contains(['/', '?', '#', '@']) {
            return Err("a host has no path, query or user".into());
        }
        let (host, port) = split_port(text)?;
        if host == "*" {
            return Err("\"*\" would be every host: name them".into());
        }
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse() {
            return Ok(HostPattern {
                name: Name::Address(address),
                port,
            });
        }
        let (name, below) = match host.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (host, false),
        };
        if name.contains('*') {
            return Err("\"*\" may only be the whole first label, as in \"*.example.com\"".into());
        }
        let name = canonical(name);
        if !is_host_name(&name) {
            return Err("not a host name: letters, digits and \"-\", in labels with \".\" between (an international name in its xn-- form)".into());
        }
        if below && !name.contains('.') {
            return Err(format!("\"*.{name}\" would be a whole top-level domain"));
        }
        let name = if below {
            Name::Below(name)
        } else {
            Name::Exact(name)
        };
        Ok(HostPattern { name, port })
    }

    /// Whether everything that `other` matches is matched by this one too.
    pub fn covers(&self, other: &HostPattern) -> bool {
        if self.port != other.port {
            return false;
        }
        match (&self.name, &other.name) {
            (Name::Below(above), Name::Below(below)) => {
                above == below || below.ends_with(&format!(".{above}"))
            }
            (Name::Below(above), Name::Exact(name)) => name.ends_with(&format!(".{above}")),
            (mine, theirs) => mine == theirs,
        }
    }

    /// Whether this is one of the hosts that are meant.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        if port != self.port {
            return false;
        }
        let bare = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        let address: Option<IpAddr> = bare.parse().ok();
        match (&self.name, address) {
            (Name::Address(granted), Some(asked)) => *granted == asked,
            (Name::Address(_), None) | (_, Some(_)) => false,
            (Name::Exact(granted), None) => canonical(host) == *granted,
            (Name::Below(granted), None) => canonical(host)
                .strip_suffix(granted.as_str())
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|label| !label.is_empty()),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Exact(name) => f.write_str(name)?,
            Name::Below(name) => write!(f, "*.{name}")?,
            Name::Address(IpAddr::V4(address)) => write!(f, "{address}")?,
            Name::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
        }
        if self.port != 443 {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

fn split_port(text: &str) -> Result<(&str, u16), String> {
    let split = match text.strip_prefix('[') {
        Some(rest) => {
            let (_, after) = rest.split_once(']').ok_or("\"[\" without \"]\"")?;
            let host = text.strip_suffix(after).unwrap_or(text);
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err("after \"]\" only a port may follow".into()),
            }
        }
        None => match text.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("an IPv6 address stands in brackets: \"[2001:db8::1]:443\"".into());
            }
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    match split {
        (host, None) => Ok((host, 443)),
        (host, Some(port)) => match port.parse::<u16>() {
            Ok(port) if port > 0 && split.1.is_some_and(|p| !p.starts_with('+')) => {
                Ok((host, port))
            }
            _ => Err("the port must be a number from 1 to 65535".into()),
        },
    }
}

/// Lower case and without the dot of the root.
fn canonical(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.strip_suffix('.').unwrap_or(&name).to_string()
}

fn is_host_name(name: &str) -> bool {
    let label_ok = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    // A last label of digits is what URL parsers read as an IPv4 address.
    let last_is_number = name
        .rsplit('.')
        .next()
        .is_some_and(|label| label.starts_with("0x") || label.bytes().all(|b| b.is_ascii_digit()));
    name.len() <= 253 && !last_is_number && name.split('.').all(label_ok)
}

/// Whether the whole internet may reach this address. Addresses that carry an
/// IPv4 address inside count as that one. By IANA's special-purpose registries.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match inner_v4(v6) {
            Some(v4) => is_public_v4(v4),
            None => is_public_v6(v6),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a == 10
        || a == 127
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 192 && b == 168)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only 2000::/3 is given out, less what is reserved in it.
    (a & 0xe000) == 0x2000
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && !(a == 0x3fff && b < 0x1000)
}

/// The IPv4 address inside: mapped, compatible, NAT64 (64:ff9b::/96) or 6to4.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bytes = address.octets();
    let [a, b, c, d, e, f, ..] = address.segments();
    let last = Ipv4Addr::new(bytes[12], bytes[13], bytes[14], bytes[15]);
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0, 0, 0, 0, 0, 0] => Some(last),
        [0x64, 0xff9b, 0, 0, 0, 0] => Some(last),
        [0x2002, ..] => Some(Ipv4Addr::new(bytes[2], bytes[3], bytes[4], bytes[5])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(hosts: &[&str]) -> HttpGrant {
        HttpGrant {
            hosts: hosts
                .iter()
                .map(|h| HostPattern::parse(h).unwrap())
                .collect(),
            private_addresses: false,
        }
    }

    #[test]
    fn only_what_was_named_matches() {
        let grant = grant(&[
            "api.example.com",
            "*.example.org:8443",
            "192.0.2.7:80",
            "[2001:db8::1]",
        ]);
        for (host, port, yes) in [
            ("api.example.com", 443, true),
            ("API.Example.COM", 443, true),
            ("api.example.com.", 443, true),
            ("api.example.com", 80, false),
            ("example.com", 443, false),
            ("x.api.example.com", 443, false),
            ("api.example.com.evil.net", 443, false),
            ("a.example.org", 8443, true),
            ("a.b.example.org", 8443, true),
            ("example.org", 8443, false),
            (".example.org", 8443, false),
            ("evilexample.org", 8443, false),
            ("a.example.org", 443, false),
            ("192.0.2.7", 80, true),
            ("192.0.2.8", 80, false),
            ("[2001:db8::1]", 443, true),
            ("2001:db8:0::1", 443, true),
            ("2001:db8::2", 443, false),
            ("", 443, false),
        ] {
            assert_eq!(grant.allows_host(host, port), yes, "{host}:{port}");
        }
    }

    #[test]
    fn a_pattern_shows_as_it_is_written() {
        for text in [
            "api.example.com",
            "*.example.org:8443",
            "192.0.2.7:80",
            "[2001:db8::1]",
            "[::1]:8080",
        ] {
            assert_eq!(HostPattern::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn bad_patterns_say_why() {
        for (text, says) in [
            ("https://example.com", "no scheme"),
            ("example.com/path", "no path"),
            ("user@example.com", "no path, query or user"),
            ("*", "every host"),
            ("*:443", "every host"),
            ("*foo.com", "whole first label"),
            ("a.*.com", "whole first label"),
            ("*.com", "top-level"),
            ("", "not a host name"),
            ("exa mple.com", "not a host name"),
            ("-a.com", "not a host name"),
            ("bücher.example", "xn--"),
            ("127.1", "not a host name"),
            ("0x7f000001", "not a host name"),
            ("2001:db8::1", "in brackets"),
            ("[2001:db8::1", "without"),
            ("[2001:db8::1]x", "only a port"),
            ("example.com:0", "from 1 to 65535"),
            ("example.com:65536", "from 1 to 65535"),
            ("example.com:+80", "from 1 to 65535"),
            ("example.com:", "from 1 to 65535"),
        ] {
            let error = HostPattern::parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn private_addresses_are_told_from_public() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
            "64:ff9b:1::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
            assert!(!grant(&[]).allows_address(private.parse().unwrap()));
        }
        for public in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        let open = HttpGrant {
            hosts: Vec::new(),
            private_addresses: true,
        };
        assert!(open.allows_address("127.0.0.1".parse().unwrap()));
    }
}
