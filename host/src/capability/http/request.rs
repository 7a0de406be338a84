//! What a guest may ask to be sent.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;

use super::headers;
use crate::guest::bindings::cln::guest::http as wit;
use crate::guest::bindings::cln::guest::http::Failure;

/// The longest URL, in bytes.
const LONGEST_URL: usize = 8 << 10;
/// The longest method, in bytes; `PROPPATCH` and its kind have fewer.
const LONGEST_METHOD: usize = 32;

/// A request whose every part was checked.
#[derive(Debug, Clone)]
pub struct Request {
    /// Not `CONNECT` or `TRACE`.
    pub method: Method,
    /// `https`, or `http` to a port other than 443; without user and fragment.
    pub url: Url,
    /// None that are about the connection or the framing.
    pub headers: HeaderMap,
    /// In one piece, so that its length is known.
    pub body: Option<Bytes>,
}

impl Request {
    /// Checks what a guest asks for; `body_bytes` bounds its body.
    pub fn check(asked: wit::Request, body_bytes: u64) -> Result<Request, Failure> {
        let body = asked.body.unwrap_or_default();
        if body.len() as u64 > body_bytes {
            return Err(Failure::Limit(format!(
                "a body of {} bytes, and limits.answer_bytes is {body_bytes}",
                body.len()
            )));
        }
        Ok(Request {
            method: method(&asked.method)?,
            url: url(&asked.url)?,
            headers: headers::read(&asked.headers)?,
            body: (!body.is_empty()).then(|| Bytes::from(body)),
        })
    }
}

fn malformed(what: impl Into<String>) -> Failure {
    Failure::Malformed(what.into())
}

fn method(text: &str) -> Result<Method, Failure> {
    if text.len() > LONGEST_METHOD {
        return Err(malformed("no such method"));
    }
    if ["CONNECT", "TRACE"]
        .iter()
        .any(|no| text.eq_ignore_ascii_case(no))
    {
        return Err(malformed(format!("method {text} is not offered")));
    }
    Method::from_bytes(text.as_bytes()).map_err(|_| malformed("the method is no token of RFC 9110"))
}

/// Reads a URL that a guest, or a redirect, names.
pub(super) fn url(text: &str) -> Result<Url, Failure> {
    if text.len() > LONGEST_URL {
        return Err(Failure::Limit(format!(
            "a URL of {} bytes, and the longest is {LONGEST_URL}",
            text.len()
        )));
    }
    // A URL parser would drop line breaks and tabs: what was meant is not known.
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(malformed(
            "the URL has blanks or control characters: encode them, as in %20",
        ));
    }
    let mut url = Url::parse(text).map_err(|why| malformed(format!("the URL: {why}")))?;
    check_url(&url)?;
    url.set_fragment(None);
    Ok(url)
}

/// What a URL must be, wherever it comes from.
pub(super) fn check_url(url: &Url) -> Result<(), Failure> {
    if !matches!(url.scheme(), "https" | "http") {
        return Err(malformed("only https:// and http:// URLs can be asked for"));
    }
    if url.as_str().len() > 3 * LONGEST_URL {
        return Err(Failure::Limit("the URL is too long".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(malformed(
            "a user or password in the URL: send the header Authorization instead",
        ));
    }
    // A grant without a port means 443 and https. Any other port was written by the operator.
    if url.scheme() == "http" && url.port_or_known_default() == Some(443) {
        return Err(malformed("plain HTTP to port 443: use https://"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, url: &str) -> wit::Request {
        wit::Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
        }
    }

    fn refusal(asked: wit::Request) -> String {
        format!("{:?}", Request::check(asked, 10).unwrap_err())
    }

    #[test]
    fn urls_that_mean_two_things_are_refused() {
        for (url, says) in [
            ("", "the URL"),
            ("/path", "the URL"),
            ("example.com", "the URL"),
            ("ftp://example.com/", "only https"),
            ("file:///etc/passwd", "only https"),
            ("unix:/run/x", "only https"),
            ("https://user@example.com/", "Authorization"),
            ("https://user:secret@example.com/", "Authorization"),
            ("https://:secret@example.com/", "Authorization"),
            ("https://api.example.com\r\nHost: x/", "blanks or control"),
            ("https://api.exam\tple.com/", "blanks or control"),
            (" https://api.example.com/", "blanks or control"),
            ("https://a b/", "blanks or control"),
            ("https://", "the URL"),
            ("https://[::1/", "the URL"),
            ("https://example.com:99999/", "the URL"),
            ("http://example.com:443/", "plain HTTP to port 443"),
        ] {
            let refused = refusal(asked("GET", url));
            assert!(refused.contains(says), "{url:?}: {refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
        let long = format!("https://example.com/{}", "a".repeat(LONGEST_URL));
        assert!(refusal(asked("GET", &long)).starts_with("Failure::Limit"));
    }

    #[test]
    fn a_url_is_taken_as_one_origin() {
        let request = Request::check(asked("get", "HTTPS://Example.COM/a?b#c"), 10).unwrap();
        assert_eq!(request.url.as_str(), "https://example.com/a?b");
        let request = Request::check(asked("GET", "https://a.com\\@evil.com/"), 10).unwrap();
        assert_eq!(request.url.host_str(), Some("a.com"));
    }

    #[test]
    fn methods_that_change_what_a_connection_is_are_refused() {
        for no in ["CONNECT", "connect", "TRACE", "", "GE T", "GET\r\n", "GÉT"] {
            let refused = refusal(asked(no, "https://example.com/"));
            assert!(refused.starts_with("Failure::Malformed"), "{no}: {refused}");
        }
        for yes in ["GET", "POST", "PATCH", "PROPFIND"] {
            let request = Request::check(asked(yes, "https://example.com/"), 10).unwrap();
            assert_eq!(request.method.as_str(), yes);
        }
    }

    #[test]
    fn the_body_has_a_limit() {
        let mut large = asked("POST", "https://example.com/");
        large.body = Some(vec![0; 11]);
        assert!(refusal(large).contains("limits.answer_bytes is 10"));
    }
}
