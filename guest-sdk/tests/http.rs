//! A guest that sends HTTP requests, run in the harness.

use std::time::Duration;

use cln_guest::harness::Harness;
use cln_guest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Ticker {
    last: u64,
}

async fn price(cx: Cx<()>, _: ()) -> Result<u64, RpcError> {
    let ticker: Ticker = cx
        .http()
        .get_json("https://api.example.com/ticker?pair=btceur")
        .await?;
    let hook = "https://hooks.example.com/seen";
    cx.http()
        .post_json(hook, &json!({"last": ticker.last}))
        .await?;
    Ok(ticker.last)
}

async fn fetch(cx: Cx<()>, (url,): (String,)) -> Result<Value, RpcError> {
    let call = cx.http().put(url).bearer("t0ken").body("text");
    match call.timeout(Duration::from_secs(2)).send().await {
        Ok(answer) => Ok(
            json!({"status": answer.status, "kind": answer.header("Content-Type"),
            "text": answer.text()}),
        ),
        Err(HttpError::Denied(why)) => Ok(json!({"denied": why})),
        Err(other) => Err(other.into()),
    }
}

fn harness() -> Harness {
    let guest = Guest::with_state(())
        .method(Method::new("price", "", "What a bitcoin costs"), price)
        .method(Method::new("fetch", "url", "Fetches"), fetch)
        .request("http: api.example.com", "to know the price");
    let mut harness = Harness::new(guest);
    harness.init().unwrap();
    harness
}

#[test]
fn json_goes_both_ways() {
    let mut harness = harness();
    harness.on_http("https://api.example.com/ticker", |request| {
        assert_eq!(request.header("ACCEPT"), Some("application/json"));
        Ok(HttpResponse::new(200, r#"{"last": 5}"#))
    });
    harness.on_http("https://hooks.example.com/", |_| {
        Ok(HttpResponse::new(204, ""))
    });
    assert_eq!(harness.call("price", json!([])).unwrap(), json!(5));
    let requests = harness.http_requests();
    let sent: Vec<_> = requests
        .iter()
        .map(|r| (r.method.as_str(), r.url.as_str()))
        .collect();
    assert_eq!(
        sent,
        [
            ("GET", "https://api.example.com/ticker?pair=btceur"),
            ("POST", "https://hooks.example.com/seen")
        ]
    );
    assert_eq!(requests[1].header("content-type"), Some("application/json"));
    assert_eq!(requests[1].body.as_deref(), Some(&br#"{"last":5}"#[..]));
    assert!(harness.http_requests().is_empty(), "they were taken");
}

#[test]
fn a_request_is_what_its_author_made() {
    let mut harness = harness();
    harness.on_http("http://a.test:80/", |_| {
        Ok(HttpResponse::new(404, "gone").with_header("Content-Type", "text/plain"))
    });
    let answer = harness
        .call("fetch", json!(["http://a.test:80/x"]))
        .unwrap();
    assert_eq!(
        answer,
        json!({"status": 404, "kind": "text/plain", "text": "gone"})
    );
    let request = harness.http_requests().remove(0);
    assert_eq!(request.header("Authorization"), Some("Bearer t0ken"));
    assert_eq!(request.body.as_deref(), Some(&b"text"[..]));
    assert_eq!(request.timeout, Some(Duration::from_secs(2)));
}

#[test]
fn failures_have_their_types() {
    let mut harness = harness();
    let message =
        |harness: &mut Harness, method, params| harness.call(method, params).unwrap_err().message;
    let why = message(&mut harness, "price", json!([]));
    assert!(
        why.contains("nobody answers GET https://api.example.com/ticker"),
        "{why}"
    );
    harness.on_http("https://api.example.com/", |_| {
        Ok(HttpResponse::new(302, "").with_header("location", "https://b.test/"))
    });
    assert_eq!(
        message(&mut harness, "price", json!([])),
        "answered with status 302"
    );
    harness.on_http("https://api.example.com/ticker", |_| {
        Ok(HttpResponse::new(200, "{}"))
    });
    let why = message(&mut harness, "price", json!([]));
    assert!(
        why.contains("not as expected") && why.contains("last"),
        "{why}"
    );
    harness.on_http("https://b.test/", |_| {
        Err(HttpError::Denied("add it".to_owned()))
    });
    let answer = harness.call("fetch", json!(["https://b.test/"])).unwrap();
    assert_eq!(answer, json!({"denied": "add it"}));
    let why = message(&mut harness, "fetch", json!(["ftp://b.test/"]));
    assert!(why.starts_with("malformed request"), "{why}");

    let response = HttpResponse::new(301, "").with_header("Location", "https://b.test/");
    let location = Some("https://b.test/".to_owned());
    assert_eq!(
        response.success(),
        Err(HttpError::Status {
            status: 301,
            location
        })
    );
}
