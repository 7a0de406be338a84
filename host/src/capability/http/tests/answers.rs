//! What may come back, how much of it, and in what time.

use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::guest::bindings::cln::guest::http::Header;

fn assert_limit<T: std::fmt::Debug>(answer: Result<T, Failure>, says: &str) {
    match answer {
        Err(Failure::Limit(why)) => assert!(why.contains(says), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn redirects_elsewhere_are_the_answer() {
    let other = Server::answering(ok("not asked for"));
    for location in [
        format!("http://127.0.0.1:{}/", other.port()),
        format!("http://api.test:{}/", other.port()),
        format!("https://api.test:{}/", other.port()),
        format!("//127.0.0.1:{}/", other.port()),
    ] {
        let answer =
            format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let server = Server::answering(answer);
        let guest = local(server.port(), "");
        let answer = guest.http_send(get(&url(&server, "/"))).await.unwrap();
        assert_eq!(answer.status, 302);
        let told = answer
            .headers
            .iter()
            .find(|h| h.name == "location")
            .unwrap();
        assert_eq!(told.value, location.as_bytes());
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let server = Server::answering("HTTP/1.1 307 T\r\nlocation: /\r\ncontent-length: 0\r\n\r\n");
    let guest = local(server.port(), "");
    assert_limit(
        sent(&guest, get(&url(&server, "/"))).await,
        "more than 5 redirects",
    );
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn a_posted_body_is_not_sent_on_where_the_method_changes() {
    let server = Server::playing(None, |request, stream| {
        let answer = match request.starts_with("POST") {
            true => "HTTP/1.1 303 See\r\nlocation: /seen\r\ncontent-length: 0\r\n\r\n".to_owned(),
            false => ok("done"),
        };
        stream.write_all(answer.as_bytes())
    });
    let guest = local(server.port(), "");
    let mut request = get(&url(&server, "/"));
    request.method = "POST".to_owned();
    request.body = Some(b"body".to_vec());
    assert_eq!(sent(&guest, request).await.unwrap().1, "done");
    let requests = server.requests();
    assert!(requests[1].starts_with("GET /seen "), "{requests:?}");
    assert!(!requests[1].contains("content-length"), "{requests:?}");
}

const SMALL: &str = "[limits]\nhttp_answer_bytes = 1024";

#[tokio::test]
async fn an_answer_that_says_it_is_too_large_is_not_read() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 1025\r\n\r\n");
    let guest = local(server.port(), SMALL);
    assert_limit(
        sent(&guest, get(&url(&server, "/"))).await,
        "limits.http_answer_bytes, 1024",
    );
}

#[tokio::test]
async fn an_answer_that_does_not_say_it_is_cut_off() {
    let chunked = Server::playing(None, |_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        // Without end, until the bridge hangs up.
        loop {
            stream.write_all(b"100\r\n")?;
            stream.write_all(&[b'x'; 256])?;
            stream.write_all(b"\r\n")?;
        }
    });
    let until_closed = Server::playing(None, |_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            stream.write_all(&[b'x'; 256])?;
        }
    });
    for server in [chunked, until_closed] {
        let guest = local(server.port(), SMALL);
        assert_limit(
            sent(&guest, get(&url(&server, "/"))).await,
            "limits.http_answer_bytes",
        );
    }
}

#[tokio::test]
async fn the_limit_itself_is_allowed() {
    let server = Server::answering(ok(&"x".repeat(1024)));
    let guest = local(server.port(), SMALL);
    assert_eq!(
        sent(&guest, get(&url(&server, "/"))).await.unwrap().1.len(),
        1024
    );
}

#[tokio::test]
async fn nothing_is_decompressed() {
    let mut answer =
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n".to_vec();
    answer.extend_from_slice(&[0x1f, 0x8b, 0x08]);
    let server = Server::answering(answer);
    let guest = local(server.port(), "");
    let answer = guest.http_send(get(&url(&server, "/"))).await.unwrap();
    assert_eq!(answer.body, [0x1f, 0x8b, 0x08]);
}

#[tokio::test]
async fn headers_of_an_answer_are_bounded() {
    let many: String = (0..200).map(|i| format!("x-{i}: y\r\n")).collect();
    let large = format!("x-large: {}\r\n", "y".repeat(65 << 10));
    let endless = format!("x-large: {}\r\n", "y".repeat(2 << 20));
    for (headers, says) in [
        (many, "headers"),
        (large, "bytes of headers"),
        (endless, "headers"),
    ] {
        let server = Server::answering(format!(
            "HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n"
        ));
        let guest = local(server.port(), "");
        assert_limit(sent(&guest, get(&url(&server, "/"))).await, says);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        "no HTTP at all\r\n\r\n",
        "",
    ] {
        let server = Server::answering(answer);
        let guest = local(server.port(), "");
        let failure = sent(&guest, get(&url(&server, "/"))).await.unwrap_err();
        assert!(
            matches!(failure, Failure::Unavailable(_)),
            "{answer}: {failure:?}"
        );
    }
}

/// A server that sends a byte now and then; it tells when its client has gone.
fn dripping() -> (Server, mpsc::Receiver<()>) {
    let (tell, gone) = mpsc::channel();
    let tell = Mutex::new(tell);
    let server = Server::playing(None, move |_, stream| {
        let drip = |stream: &mut dyn cln_wasm_tests::servers::Stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")?;
            loop {
                stream.write_all(b"x")?;
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        let ended: io::Result<()> = drip(stream);
        tell.lock().unwrap().send(()).unwrap();
        ended
    });
    (server, gone)
}

#[tokio::test]
async fn a_slow_drip_meets_the_deadline_of_the_policy() {
    let (server, gone) = dripping();
    let guest = local(server.port(), "[limits.deadline]\nhttp = \"100 ms\"");
    let mut request = get(&url(&server, "/"));
    request.timeout_ms = Some(3_600_000);
    let failure = sent(&guest, request).await.unwrap_err();
    assert!(matches!(failure, Failure::Timeout), "{failure:?}");
    gone.recv().unwrap();
}

#[tokio::test]
async fn a_guest_may_wait_less_long() {
    let (server, gone) = dripping();
    let guest = local(server.port(), "");
    let mut request = get(&url(&server, "/"));
    request.timeout_ms = Some(50);
    let failure = sent(&guest, request).await.unwrap_err();
    assert!(matches!(failure, Failure::Timeout), "{failure:?}");
    gone.recv().unwrap();
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_any_more_ends() {
    let (server, gone) = dripping();
    let guest = Arc::new(local(server.port(), ""));
    let waiting = tokio::spawn({
        let (guest, request) = (Arc::clone(&guest), get(&url(&server, "/")));
        async move { guest.http_send(request).await.map(|a| a.status) }
    });
    tokio::task::spawn_blocking(move || server.asked.recv().unwrap())
        .await
        .unwrap();
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    gone.recv().unwrap();
    assert_eq!(guest.http.in_flight.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn too_many_in_flight_are_refused_until_one_ends() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let server = Server::playing(None, move |_, stream| {
        released.lock().unwrap().recv().unwrap();
        stream.write_all(ok("x").as_bytes())
    });
    let address = url(&server, "/");
    let guest = Arc::new(local(server.port(), "[limits]\nhttp_in_flight = 2"));
    let begin = || {
        let (guest, request) = (Arc::clone(&guest), get(&address));
        tokio::spawn(async move { guest.http_send(request).await.map(|a| a.status) })
    };
    let held = [begin(), begin()];
    tokio::task::spawn_blocking(move || {
        server.asked.recv().unwrap();
        server.asked.recv().unwrap();
    })
    .await
    .unwrap();
    assert_limit(
        sent(&guest, get(&address)).await,
        "limits.http_in_flight: 2",
    );
    release.send(()).unwrap();
    release.send(()).unwrap();
    for held in held {
        assert_eq!(held.await.unwrap().unwrap(), 200);
    }
    release.send(()).unwrap();
    assert_eq!(sent(&guest, get(&address)).await.unwrap().0, 200);
}

#[tokio::test]
async fn nothing_is_smuggled_beside_the_request() {
    let server = Server::answering(ok("x"));
    let guest = local(server.port(), "");
    let address = url(&server, "/");
    for (name, value) in [
        ("x-a", "1\r\n\r\nGET /second HTTP/1.1\r\nhost: x"),
        ("x-a\r\nhost", "x"),
        ("host", "other.test"),
        ("content-length", "0"),
        ("transfer-encoding", "chunked"),
        ("connection", "upgrade"),
        ("proxy-authorization", "x"),
    ] {
        let mut request = get(&address);
        request.headers = vec![Header {
            name: name.to_owned(),
            value: value.into(),
        }];
        let failure = sent(&guest, request).await.unwrap_err();
        assert!(
            matches!(failure, Failure::Malformed(_)),
            "{name}: {failure:?}"
        );
    }
    let mut request = get(&address);
    request.method = "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET".to_owned();
    assert!(matches!(
        sent(&guest, request).await,
        Err(Failure::Malformed(_))
    ));
    let failure = sent(
        &guest,
        get(&format!("{address} HTTP/1.1\r\nhost: x\r\n\r\n")),
    )
    .await;
    assert!(matches!(failure, Err(Failure::Malformed(_))), "{failure:?}");
    assert!(server.requests().is_empty());
}
