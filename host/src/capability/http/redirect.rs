//! Redirects within one scheme, host and port. Any other is the guest's to follow,
//! as a request of its own, which is checked like any.

use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, HeaderMap, LOCATION,
};
use reqwest::{Method, StatusCode};

use super::request::{self, Request};

/// Redirects of one request.
pub(super) const MOST: usize = 5;

/// The request that this answer leads to; None: the answer is the answer.
pub(super) fn next(request: &Request, status: StatusCode, headers: &HeaderMap) -> Option<Request> {
    let as_get = match status.as_u16() {
        301 | 302 => request.method == Method::POST,
        303 => request.method != Method::HEAD,
        307 | 308 => false,
        _ => return None,
    };
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let mut url = request.url.join(location).ok()?;
    if url.origin() != request.url.origin() || request::check_url(&url).is_err() {
        return None;
    }
    url.set_fragment(None);
    let mut next = Request {
        url,
        ..request.clone()
    };
    if as_get {
        next.method = Method::GET;
        next.body = None;
        for about_the_body in [
            CONTENT_TYPE,
            CONTENT_ENCODING,
            CONTENT_LANGUAGE,
            CONTENT_LOCATION,
        ] {
            next.headers.remove(about_the_body);
        }
    }
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::header::HeaderValue;
    use url::Url;

    fn led(method: Method, status: u16, location: &str) -> Option<Request> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let request = Request {
            method,
            url: Url::parse("https://a.example.com/x/y?z").unwrap(),
            headers,
            body: Some(Bytes::from_static(b"body")),
        };
        let mut answer = HeaderMap::new();
        answer.insert(LOCATION, HeaderValue::from_str(location).unwrap());
        next(&request, StatusCode::from_u16(status).unwrap(), &answer)
    }

    #[test]
    fn only_the_same_scheme_host_and_port_is_followed() {
        for (location, to) in [
            ("/n", "https://a.example.com/n"),
            ("n?q#f", "https://a.example.com/x/n?q"),
            ("https://a.example.com/n", "https://a.example.com/n"),
            ("https://A.EXAMPLE.com:443/n", "https://a.example.com/n"),
            ("//a.example.com/n", "https://a.example.com/n"),
        ] {
            let next = led(Method::GET, 302, location).unwrap();
            assert_eq!(next.url.as_str(), to, "{location}");
        }
        for location in [
            "http://a.example.com/n",
            "https://a.example.com:444/n",
            "https://b.example.com/n",
            "//b.example.com/n",
            "https://a.example.com./n",
            "https://user@a.example.com/n",
            "https://127.0.0.1/",
            "file:///etc/passwd",
            "https://[",
            "\\\\b.example.com/n",
        ] {
            assert!(led(Method::GET, 302, location).is_none(), "{location}");
        }
        assert!(led(Method::GET, 304, "/n").is_none());
        assert!(led(Method::GET, 200, "/n").is_none());
    }

    #[test]
    fn the_method_changes_as_in_rfc_9110() {
        for (method, status, then) in [
            (Method::POST, 301, Method::GET),
            (Method::POST, 302, Method::GET),
            (Method::PUT, 302, Method::PUT),
            (Method::PUT, 303, Method::GET),
            (Method::HEAD, 303, Method::HEAD),
            (Method::POST, 307, Method::POST),
            (Method::POST, 308, Method::POST),
        ] {
            let changes = method != then;
            let next = led(method, status, "/n").unwrap();
            assert_eq!(next.method, then, "{status}");
            assert_eq!(next.body.is_none(), changes, "{status}");
            assert_eq!(next.headers.is_empty(), changes, "{status}");
        }
    }
}
