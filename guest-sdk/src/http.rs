//! HTTP requests, through the bridge.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use cln_protocol::json;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::border::Outside;
use crate::error::HttpError;

/// A way to hosts that the operator grants (`http = { hosts = [...] }`). Cheap to clone;
/// requests may be open at the same time, as many as `limits.http_in_flight`.
///
/// ```
/// # use cln_guest::prelude::*;
/// # struct State;
/// #[derive(serde::Deserialize)]
/// struct Ticker {
///     last: f64,
/// }
///
/// async fn price(cx: Cx<State>, _: ()) -> Result<f64, RpcError> {
///     let answer = cx.http().get("https://api.example.com/ticker?pair=btceur").send().await?;
///     let ticker: Ticker = answer.success()?.json()?;
///     cx.http().post_json("https://hooks.example.com/seen", &json!({"last": ticker.last})).await?;
///     Ok(ticker.last)
/// }
/// ```
#[derive(Clone)]
pub struct Http {
    border: Rc<Outside>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

impl Http {
    pub(crate) fn new(border: Rc<Outside>) -> Self {
        Http { border }
    }

    /// A request of any method but `CONNECT` and `TRACE`. Nothing goes out before
    /// [`send`](HttpCall::send).
    pub fn request(&self, method: &str, url: impl Into<String>) -> HttpCall {
        HttpCall {
            border: Rc::clone(&self.border),
            request: HttpRequest {
                method: method.to_owned(),
                url: url.into(),
                headers: Vec::new(),
                body: None,
                timeout: None,
            },
            encoding: None,
        }
    }

    /// `GET`.
    pub fn get(&self, url: impl Into<String>) -> HttpCall {
        self.request("GET", url)
    }

    /// `POST`.
    pub fn post(&self, url: impl Into<String>) -> HttpCall {
        self.request("POST", url)
    }

    /// `PUT`.
    pub fn put(&self, url: impl Into<String>) -> HttpCall {
        self.request("PUT", url)
    }

    /// `DELETE`.
    pub fn delete(&self, url: impl Into<String>) -> HttpCall {
        self.request("DELETE", url)
    }

    /// Asks for JSON. An answer without success is an error.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        url: impl Into<String>,
    ) -> Result<T, HttpError> {
        let call = self.get(url).header("accept", "application/json");
        call.send().await?.success()?.json()
    }

    /// Posts JSON. An answer without success is an error.
    pub async fn post_json(
        &self,
        url: impl Into<String>,
        body: &(impl Serialize + ?Sized),
    ) -> Result<HttpResponse, HttpError> {
        self.post(url).json(body).send().await?.success()
    }
}

/// What crosses the border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST`, ...
    pub method: String,
    /// An absolute `https://` URL; `http://` where the grant names the port.
    pub url: String,
    /// Names and values, in their order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// None and empty are the same.
    pub body: Option<Vec<u8>>,
    /// For the whole exchange; the operator's own deadline (30 s unless told) holds too.
    pub timeout: Option<Duration>,
}

impl HttpRequest {
    /// The first header of this name, in any case, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

fn find<'a>(headers: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a str> {
    let (_, value) = headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(value).ok()
}

/// A request in the making.
#[must_use = "nothing is sent before send()"]
pub struct HttpCall {
    border: Rc<Outside>,
    request: HttpRequest,
    /// Why the body could not be written.
    encoding: Option<String>,
}

impl fmt::Debug for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest may hold keys and tokens.
        f.debug_struct("HttpCall")
            .field("method", &self.request.method)
            .finish_non_exhaustive()
    }
}

impl HttpCall {
    /// One more header. `Host`, `Content-Length` and others about the connection or
    /// the framing are the bridge's to set: they make the request malformed.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let header = (name.to_owned(), value.as_ref().to_owned());
        self.request.headers.push(header);
        self
    }

    /// `Authorization: Bearer TOKEN`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// The body, at most `limits.answer_bytes` (4 MiB unless told).
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request.body = Some(body.into());
        self
    }

    /// The body as JSON, with its `Content-Type`.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        match json::to_string(body) {
            Ok(text) => self.header("content-type", "application/json").body(text),
            Err(error) => HttpCall {
                encoding: Some(error.to_string()),
                ..self
            },
        }
    }

    /// Waits no longer than this for the whole answer. A time-out longer than the
    /// operator's deadline has no effect.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request.timeout = Some(timeout);
        self
    }

    /// Sends it and waits for the whole answer. One with an error status is an answer
    /// too: see [`HttpResponse::success`]. Redirects within one scheme, host and port
    /// are followed, five at most; one to elsewhere is the answer.
    pub async fn send(self) -> Result<HttpResponse, HttpError> {
        match self.encoding {
            Some(reason) => Err(HttpError::Malformed(format!("the body: {reason}"))),
            None => self.border.http(self.request).await,
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpResponse {
    /// 200 to 599.
    pub status: u16,
    /// Names in lower case, and values, in their order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// As it came: ask for no `Accept-Encoding` that the guest cannot undo.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// An answer with a body, for tests.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        HttpResponse {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// The same with one more header.
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let header = (name.to_ascii_lowercase(), value.as_ref().to_owned());
        self.headers.push(header);
        self
    }

    /// The first header of this name, in any case, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Itself if the status is 200 to 299, otherwise [`HttpError::Status`].
    pub fn success(self) -> Result<HttpResponse, HttpError> {
        match self.status {
            200..=299 => Ok(self),
            status => Err(HttpError::Status {
                status,
                location: self.header("location").map(str::to_owned),
            }),
        }
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, read as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        json::from_slice(&self.body).map_err(|error| HttpError::Decode(error.to_string()))
    }
}
