//! Headers: which ones a guest may send, and how many may come back.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::guest::bindings::cln::guest::http::{Failure, Header};

/// Headers of one request, in number and in bytes of names and values.
const SENT: Bounds = Bounds {
    count: 64,
    bytes: 16 << 10,
};
/// Headers of one answer.
const RECEIVED: Bounds = Bounds {
    count: MOST_RECEIVED,
    bytes: 64 << 10,
};
/// How many headers an answer may have.
pub(super) const MOST_RECEIVED: usize = 128;

/// What says where a request goes, where it ends or who else it passes is not a guest's word.
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

struct Bounds {
    count: usize,
    bytes: usize,
}

impl Bounds {
    fn hold(&self, whose: &str, count: usize, bytes: usize) -> Result<(), Failure> {
        if count > self.count {
            let most = self.count;
            return Err(Failure::Limit(format!(
                "{count} headers in {whose}, and {most} is the most"
            )));
        }
        if bytes > self.bytes {
            let most = self.bytes;
            return Err(Failure::Limit(format!(
                "{bytes} bytes of headers in {whose}, and {most} is the most"
            )));
        }
        Ok(())
    }
}

/// Checks a guest's headers. No value can hold a line break.
pub(super) fn read(headers: &[Header]) -> Result<HeaderMap, Failure> {
    let bytes = headers.iter().map(|h| h.name.len() + h.value.len()).sum();
    SENT.hold("the request", headers.len(), bytes)?;
    let mut map = HeaderMap::with_capacity(headers.len());
    for header in headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| {
            Failure::Malformed("a header's name is no token of RFC 9110".to_owned())
        })?;
        if OURS.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
            return Err(Failure::Malformed(format!(
                "header {name} is the bridge's to set: leave it out"
            )));
        }
        let mut value = HeaderValue::from_bytes(&header.value).map_err(|_| {
            Failure::Malformed(format!(
                "the value of header {name} has line breaks or control characters"
            ))
        })?;
        // Never shown, whatever prints the request.
        value.set_sensitive(true);
        map.append(name, value);
    }
    Ok(map)
}

/// The headers of an answer, for the guest.
pub(super) fn received(map: &HeaderMap) -> Result<Vec<Header>, Failure> {
    let bytes = map
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    RECEIVED.hold("the answer", map.len(), bytes)?;
    let header = |(name, value): (&HeaderName, &HeaderValue)| Header {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
    };
    Ok(map.iter().map(header).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &[u8]) -> Header {
        Header {
            name: name.to_owned(),
            value: value.to_vec(),
        }
    }

    fn refusal(headers: &[Header]) -> String {
        format!("{:?}", read(headers).unwrap_err())
    }

    #[test]
    fn framing_and_the_way_are_not_a_guests_word() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "CONNECTION",
            "Proxy-Authorization",
            "proxy-connection",
            "TE",
            "Trailer",
            "Upgrade",
            "Keep-Alive",
            "Expect",
        ] {
            let refused = refusal(&[header(name, b"x")]);
            assert!(refused.contains("the bridge's to set"), "{name}: {refused}");
        }
    }

    #[test]
    fn nothing_can_be_smuggled_in_names_and_values() {
        for name in ["", "a b", "a:", "a\r\nb", "a\0", ":path", "ä"] {
            assert!(
                refusal(&[header(name, b"x")]).contains("no token"),
                "{name:?}"
            );
        }
        for value in [&b"a\r\nHost: x"[..], b"a\nb", b"a\rb", b"a\0b", b"\x7f"] {
            let refused = refusal(&[header("x-a", value)]);
            assert!(refused.contains("line breaks or control"), "{refused}");
        }
        let map = read(&[header("X-A", b"\xfc\tb"), header("x-a", b"2")]).unwrap();
        assert_eq!(map.get_all("x-a").iter().count(), 2);
        assert!(!format!("{map:?}").contains('2'), "values are not shown");
    }

    #[test]
    fn number_and_size_are_bounded_both_ways() {
        let many: Vec<Header> = (0..65).map(|i| header(&format!("x-{i}"), b"")).collect();
        assert!(refusal(&many).contains("65 headers in the request, and 64"));
        assert!(read(many.get(..64).unwrap()).is_ok());
        assert!(refusal(&[header("x", &[b'a'; 16 << 10])]).contains("bytes of headers"));
        let mut map = HeaderMap::new();
        map.insert("x", HeaderValue::from_bytes(&[b'a'; 64 << 10]).unwrap());
        assert!(received(&map).is_err());
    }
}
