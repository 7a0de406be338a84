//! Against a server in the same process that does what the test says.

mod server;

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use futures::future::join_all;
use tokio::sync::oneshot;

use self::server::Server;
use super::*;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(30);

type Result = std::result::Result<Box<RawValue>, RpcSocketError>;

/// A call in the background.
fn start(socket: &Arc<RpcSocket>, id: &str) -> tokio::task::JoinHandle<Result> {
    start_with(socket, id, "[]", LONG)
}

fn start_with(
    socket: &Arc<RpcSocket>,
    id: &str,
    params: &str,
    deadline: Duration,
) -> tokio::task::JoinHandle<Result> {
    let (socket, id, params) = (Arc::clone(socket), id.to_owned(), params.to_owned());
    tokio::spawn(async move {
        socket
            .call(&id, "m", &params, None, deadline, usize::MAX)
            .await
    })
}

fn text(result: Result) -> String {
    result.unwrap().get().to_owned()
}

fn check_send<T: Send>(future: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
    future
}

#[tokio::test]
async fn nothing_is_opened_before_the_first_call() {
    let server = Server::new();
    let socket = server.socket(Config::default());
    assert_eq!(socket.counts(), Counts::default());
    let serve = async {
        let mut peer = server.accept().await;
        let request = peer.request().await.unwrap();
        assert_eq!(
            request,
            serde_json::json!({"jsonrpc": "2.0", "id": "cln-wasm:a#1", "method": "getinfo",
                               "filter": {"id": true}, "params": {"a": [1]}})
        );
        peer.answer(&request, "{ \"id\":\"02\" }").await;
        peer
    };
    let call = check_send(socket.call(
        "cln-wasm:a#1",
        "getinfo",
        "{\"a\":[1]}",
        Some("{\"id\":true}"),
        LONG,
        usize::MAX,
    ));
    let (result, _peer) = tokio::join!(call, serve);
    assert_eq!(text(result), "{ \"id\":\"02\" }");
    assert_eq!(socket.counts().connected, 1);
}

#[tokio::test]
async fn a_thousand_calls_answered_backwards() {
    let server = Server::new();
    let socket = server.one_connection();
    let calls: Vec<_> = (0..1000).map(|n| start(&socket, &n.to_string())).collect();
    let mut peer = server.accept().await;
    let mut requests = Vec::new();
    while requests.len() < 1000 {
        requests.push(peer.request().await.unwrap());
    }
    for request in requests.iter().rev() {
        let id = request["id"].as_str().unwrap().to_owned();
        peer.answer(request, &format!("[{id}]")).await;
    }
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(text(call.await.unwrap()), format!("[{n}]"));
    }
    let counts = socket.counts();
    assert_eq!((counts.connected, counts.sent, counts.late), (1, 1000, 0));
}

#[tokio::test]
async fn a_burst_is_one_write() {
    let server = Server::new();
    let socket = server.one_connection();
    let calls: Vec<_> = (0..50).map(|n| start(&socket, &n.to_string())).collect();
    let mut peer = server.accept().await;
    peer.request().await.unwrap();
    // What came with the first request came in the same read.
    assert_eq!(
        peer.unread.windows(2).filter(|two| *two == b"\n\n").count(),
        49
    );
    socket.close();
    join_all(calls).await;
}

#[tokio::test]
async fn answers_may_come_in_pieces_or_together() {
    let server = Server::new();
    let socket = server.one_connection();
    let calls: Vec<_> = (0..4).map(|n| start(&socket, &n.to_string())).collect();
    let mut peer = server.accept().await;
    for _ in 0..4 {
        peer.request().await.unwrap();
    }
    let all = (0..4)
        .map(|n| format!(" {{\"result\":{{\"}}\":\"{n}\"}},\"id\":\"{n}\"}}"))
        .collect::<String>();
    let (pieces, together) = all.split_at(all.len() / 2);
    for byte in pieces.chars() {
        peer.write(&byte.to_string()).await;
        peer.stream.writable().await.unwrap();
        tokio::task::yield_now().await;
    }
    peer.write(together).await;
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(text(call.await.unwrap()), format!("{{\"}}\":\"{n}\"}}"));
    }
}

#[tokio::test]
async fn an_answer_past_the_limit_fails_its_call_alone() {
    let server = Server::new();
    let socket = server.socket(Config {
        connections: 1,
        answer_limit: 10_000,
        ..Config::default()
    });
    let large = start(&socket, "large");
    let small = start(&socket, "small");
    let mut peer = server.accept().await;
    peer.request().await.unwrap();
    let small_request = peer.request().await.unwrap();
    peer.write("{\"result\":{\"x\":[").await;
    for _ in 0..1000 {
        peer.write(&"\"}\",".repeat(1000)).await;
    }
    peer.write("0]},\"id\":\"large\"}\n\n").await;
    peer.answer(&small_request, "{}").await;
    assert!(matches!(
        large.await.unwrap(),
        Err(RpcSocketError::TooLarge {
            side: Side::Answer,
            limit: 10_000
        })
    ));
    assert_eq!(text(small.await.unwrap()), "{}");
    assert_eq!(socket.counts().too_large, 1);
    assert_eq!(socket.counts().connected, 1);
}

#[tokio::test]
async fn an_answer_past_what_its_caller_wants_fails_that_call_alone() {
    let server = Server::new();
    let socket = server.one_connection();
    let most = |id: &str, most| {
        let (socket, id) = (Arc::clone(&socket), id.to_owned());
        tokio::spawn(async move { socket.call(&id, "m", "[]", None, LONG, most).await })
    };
    let (over, exact) = (most("over", 9), most("exact", 10));
    let (error, small_error) = (most("error", 9), most("small error", 10));
    let any = start(&socket, "any");
    let mut peer = server.accept().await;
    for _ in 0..5 {
        let request = peer.request().await.unwrap();
        let id = &request["id"];
        match id.as_str().unwrap() {
            "error" | "small error" => {
                peer.write(&format!(
                    "{{\"id\":{id},\"error\":{{\"code\":-1,\"message\":\"four\",\"data\":\"data\"}}}}"
                ))
                .await;
            }
            _ => peer.answer(&request, "\"12345678\"").await,
        }
    }
    for large in [over, error] {
        let large = large.await.unwrap().unwrap_err();
        assert!(
            matches!(
                large,
                RpcSocketError::TooLarge {
                    side: Side::Outcome(10),
                    limit: 9
                }
            ),
            "{large:?}"
        );
        assert!(large.may_have_taken_effect());
    }
    for fits in [exact, any] {
        assert_eq!(text(fits.await.unwrap()), "\"12345678\"");
    }
    assert!(matches!(
        small_error.await.unwrap(),
        Err(RpcSocketError::Rpc { code: -1, .. })
    ));
    let counts = socket.counts();
    assert_eq!((counts.too_large, counts.connected), (2, 1));
    // Nothing is left of them: a second answer is one to no call.
    peer.write("{\"id\":\"over\",\"result\":1}").await;
    let next = start(&socket, "next");
    let request = peer.request().await.unwrap();
    peer.answer(&request, "{}").await;
    assert_eq!(text(next.await.unwrap()), "{}");
    assert_eq!(socket.counts().unknown_id, 1);
}

#[tokio::test]
async fn a_large_answer_below_the_limit_comes_whole() {
    let server = Server::new();
    let socket = server.one_connection();
    let call = start(&socket, "1");
    let mut peer = server.accept().await;
    let request = peer.request().await.unwrap();
    let large = format!("[\"{}\"]", "0123456789".repeat(2_000_000));
    peer.answer(&request, &large).await;
    assert_eq!(text(call.await.unwrap()), large);
}

#[tokio::test]
async fn a_broken_connection_ends_its_calls_and_the_next_call_reconnects() {
    let server = Server::new();
    let socket = server.one_connection();
    let calls: Vec<_> = (0..3).map(|n| start(&socket, &n.to_string())).collect();
    let mut peer = server.accept().await;
    for _ in 0..3 {
        peer.request().await.unwrap();
    }
    peer.write("{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"result\":{\"half\":")
        .await;
    drop(peer);
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        assert!(error.may_have_taken_effect());
        assert_eq!(
            error.to_string(),
            "lightningd closed the connection; the call may have taken effect"
        );
    }
    let call = start(&socket, "4");
    let mut peer = server.accept().await;
    let request = peer.request().await.unwrap();
    peer.answer(&request, "4").await;
    assert_eq!(text(call.await.unwrap()), "4");
    assert_eq!((socket.counts().connected, socket.counts().lost), (2, 1));
}

#[tokio::test]
async fn text_that_is_not_json_ends_the_connection() {
    let server = Server::new();
    let socket = server.one_connection();
    let call = start(&socket, "1");
    let mut peer = server.accept().await;
    peer.request().await.unwrap();
    peer.write("oops").await;
    assert!(matches!(
        call.await.unwrap(),
        Err(RpcSocketError::Unavailable { sent: true, .. })
    ));
    assert_eq!(peer.request().await, None);
}

#[tokio::test]
async fn without_lightningd_a_call_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let socket = RpcSocket::new(dir.path().join("lightning-rpc"), Config::default());
    let error = socket
        .call("1", "m", "{}", None, LONG, usize::MAX)
        .await
        .unwrap_err();
    assert!(!error.may_have_taken_effect());
    let said = error.to_string();
    assert!(said.starts_with("cannot connect to /"), "{said}");
    assert!(said.ends_with("the call was not sent"), "{said}");
}

#[tokio::test]
async fn a_late_answer_is_dropped_and_counted() {
    let server = Server::new();
    let socket = server.one_connection();
    let late = start_with(&socket, "late", "[]", SHORT);
    let mut peer = server.accept().await;
    let late_request = peer.request().await.unwrap();
    assert!(matches!(
        late.await.unwrap(),
        Err(RpcSocketError::Timeout { sent: true })
    ));

    let next = start(&socket, "next");
    let next_request = peer.request().await.unwrap();
    peer.answer(&late_request, "1").await;
    peer.answer(&late_request, "1").await;
    peer.write("{\"id\":8,\"result\":1}{\"id\":null,\"error\":{}}")
        .await;
    peer.write("{\"method\":\"message\",\"params\":{\"id\":\"next\"}}")
        .await;
    peer.answer(&next_request, "2").await;
    assert_eq!(text(next.await.unwrap()), "2");
    let counts = socket.counts();
    assert_eq!(
        (
            counts.late,
            counts.unknown_id,
            counts.malformed,
            counts.notifications
        ),
        (1, 1, 2, 1)
    );
}

#[tokio::test]
async fn a_dropped_call_that_was_not_sent_never_is() {
    let server = Server::new();
    let socket = server.one_connection();
    {
        let call = socket.call("dropped", "m", "[]", None, LONG, usize::MAX);
        let mut call = std::pin::pin!(call);
        // Queued, and dropped before the connection's task has run.
        assert!(futures::poll!(&mut call).is_pending());
    }
    let next = start(&socket, "next");
    let mut peer = server.accept().await;
    let request = peer.request().await.unwrap();
    assert_eq!(request["id"], "next");
    peer.answer(&request, "{}").await;
    text(next.await.unwrap());
    let counts = socket.counts();
    assert_eq!((counts.sent, counts.withdrawn), (1, 1));
}

#[tokio::test]
async fn calls_that_lightningd_does_not_read_are_bounded() {
    let server = Server::new();
    let socket = server.socket(Config {
        connections: 1,
        unsent_limit: 1000,
        ..Config::default()
    });
    // More than the kernel's buffers hold: it stays in the task's hands, unread.
    let blocking = start_with(
        &socket,
        "blocking",
        &format!("[\"{}\"]", "x".repeat(8 << 20)),
        LONG,
    );
    let mut peer = server.accept().await;
    peer.stream.readable().await.unwrap();
    let params = format!("[\"{}\"]", "x".repeat(400));
    let queued: Vec<_> = (0..5)
        .map(|n| start_with(&socket, &n.to_string(), &params, SHORT))
        .collect();
    let mut ends = BTreeMap::new();
    for call in queued {
        let error = call.await.unwrap().unwrap_err();
        assert!(!error.may_have_taken_effect(), "{error}");
        *ends
            .entry(matches!(error, RpcSocketError::Timeout { .. }))
            .or_insert(0) += 1;
    }
    assert_eq!(ends, BTreeMap::from([(true, 2), (false, 3)]));

    // The two that met their deadline were withdrawn: the next request read is another.
    let next = start(&socket, "next");
    assert_eq!(peer.request().await.unwrap()["id"], "blocking");
    let request = peer.request().await.unwrap();
    assert_eq!(request["id"], "next");
    peer.answer(&request, "{}").await;
    text(next.await.unwrap());
    blocking.abort();
}

#[tokio::test]
async fn busy_connections_make_another_up_to_the_limit() {
    let server = Server::new();
    let socket = server.socket(Config {
        connections: 2,
        ..Config::default()
    });
    let first = start(&socket, "1");
    let mut one = server.accept().await;
    let first_request = one.request().await.unwrap();
    let second = start(&socket, "2");
    let mut two = server.accept().await;
    assert_eq!(two.request().await.unwrap()["id"], "2");

    // Idle again, so the third call goes there rather than to a new connection.
    one.answer(&first_request, "{}").await;
    text(first.await.unwrap());
    let third = start(&socket, "3");
    assert_eq!(one.request().await.unwrap()["id"], "3");

    // Both busy with one call each, the first with a large answer: to the second.
    one.write(&format!(
        "{{\"id\":\"3\",\"result\":[\"{}",
        "x".repeat(2 << 20)
    ))
    .await;
    let mut rest = vec![start(&socket, "4")];
    assert_eq!(two.request().await.unwrap()["id"], "4");
    rest.push(start(&socket, "5"));
    assert_eq!(two.request().await.unwrap()["id"], "5");
    assert_eq!(socket.counts().connected, 2);
    socket.close();
    rest.extend([second, third]);
    for call in rest {
        assert!(call.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn an_id_under_way_is_not_given_twice() {
    let server = Server::new();
    let socket = server.one_connection();
    let _call = start(&socket, "1");
    let mut peer = server.accept().await;
    peer.request().await.unwrap();
    assert!(matches!(
        socket.call("1", "m", "[]", None, LONG, usize::MAX).await,
        Err(RpcSocketError::Malformed { .. })
    ));
}

#[tokio::test]
async fn close_ends_everything() {
    let server = Server::new();
    let socket = server.one_connection();
    let call = start(&socket, "1");
    let mut peer = server.accept().await;
    peer.request().await.unwrap();
    socket.close();
    assert!(matches!(
        call.await.unwrap(),
        Err(RpcSocketError::Unavailable { sent: true, .. })
    ));
    assert_eq!(peer.request().await, None);
    assert!(matches!(
        socket.call("2", "m", "[]", None, LONG, usize::MAX).await,
        Err(RpcSocketError::Unavailable { sent: false, .. })
    ));
}

#[tokio::test]
async fn dropping_the_socket_closes_its_connections() {
    let server = Server::new();
    let socket = server.one_connection();
    let (answered, done) = oneshot::channel();
    let serve = async {
        let mut peer = server.accept().await;
        let request = peer.request().await.unwrap();
        peer.answer(&request, "{}").await;
        done.await.unwrap();
        assert_eq!(peer.request().await, None);
    };
    let call = async {
        text(socket.call("1", "m", "[]", None, LONG, usize::MAX).await);
        drop(socket);
        answered.send(()).unwrap();
    };
    tokio::join!(serve, call);
}
