//! Who may be reached at all.

use super::*;
use crate::guest::bindings::cln::guest::http::Header;

#[tokio::test]
async fn a_granted_host_gets_the_request_as_it_was_made() {
    let server = Server::answering(ok("hello"));
    let guest = local(server.port(), "");
    let mut request = get(&url(&server, "/a?b=c#d"));
    request.method = "POST".to_owned();
    request.body = Some(b"body".to_vec());
    request.headers = vec![
        Header {
            name: "X-Key".to_owned(),
            value: b"k".to_vec(),
        },
        Header {
            name: "x-key".to_owned(),
            value: b"l".to_vec(),
        },
    ];
    let answer = guest.http_send(request).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, b"hello");
    let b = answer.headers.iter().find(|h| h.name == "x-b").unwrap();
    assert_eq!(b.value, b"1");
    let requests = server.requests();
    let [request] = &requests[..] else {
        panic!("{requests:?}")
    };
    assert!(request.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\nbody"), "{request}");
    for line in [
        format!("host: api.test:{}", server.port()),
        "x-key: k".into(),
        "x-key: l".into(),
        "content-length: 4".into(),
    ] {
        assert!(
            request.contains(&format!("\r\n{line}\r\n")),
            "{line}: {request}"
        );
    }
    for ours in ["cookie", "user-agent", "referer", "accept-encoding"] {
        assert!(!request.contains(ours), "{request}");
    }
}

#[tokio::test]
async fn what_is_not_granted_is_denied_told_and_counted() {
    let names = Names::of(&[("other.test", "127.0.0.1")]);
    let (guest, output) = guest(
        "[grant]\nhttp = { hosts = [\"api.test\"] }",
        straight(&names),
    );
    let failure = sent(&guest, get("https://other.test/?token=secret"))
        .await
        .unwrap_err();
    let Failure::Denied(why) = failure else {
        panic!("{failure:?}")
    };
    let line = "http = { hosts = [\"api.test\", \"other.test\"] }";
    assert!(
        why.contains(line) && why.contains("[grant] in a.toml"),
        "{why}"
    );
    assert_eq!(guest.counters.denied.get(), 1);
    assert!(names.asked().is_empty(), "nothing was looked up");
    let log = logged(&output).await;
    assert!(log.contains("a: denied: HTTP to other.test"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[tokio::test]
async fn without_a_grant_nothing_passes_and_nothing_is_set_up() {
    let (guest, _) = before_init("");
    let failure = sent(&guest, get("https://api.test/")).await.unwrap_err();
    let Failure::Denied(why) = failure else {
        panic!("{failure:?}")
    };
    assert!(
        why.contains("add http = { hosts = [\"api.test\"] } under [grant] in a.toml"),
        "{why}"
    );
}

#[tokio::test]
async fn before_init_and_in_shutdown_there_is_no_way_out() {
    let server = Server::answering(ok("x"));
    let (guest, _) = before_init(&private(server.port()));
    let failure = sent(&guest, get(&url(&server, "/"))).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Unavailable(why) if why.contains("after init")),
        "{failure:?}"
    );
    guest
        .node
        .set_http(straight(&Names::of(&[("api.test", "127.0.0.1")])));
    assert_eq!(sent(&guest, get(&url(&server, "/"))).await.unwrap().0, 200);
    guest.node.close();
    let failure = sent(&guest, get(&url(&server, "/"))).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Unavailable(why) if why.contains("shutting down")),
        "{failure:?}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_name_with_a_private_address_is_not_connected_to() {
    let server = Server::answering(ok("x"));
    for address in [
        "127.0.0.1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
    ] {
        let names = Names::of(&[("api.test", address)]);
        let policy = format!(
            "[grant]\nhttp = {{ hosts = [\"api.test:{}\"] }}",
            server.port()
        );
        let (guest, output) = guest(&policy, straight(&names));
        let failure = sent(&guest, get(&url(&server, "/"))).await.unwrap_err();
        let Failure::Denied(why) = failure else {
            panic!("{failure:?}")
        };
        assert!(why.contains("private_addresses = true"), "{why}");
        assert!(why.contains("api.test has that address"), "{why}");
        assert_eq!(guest.counters.denied.get(), 1);
        assert!(
            logged(&output)
                .await
                .contains("denied: HTTP to the private address")
        );
        assert_eq!(names.asked(), ["api.test"]);
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_private_literal_is_not_connected_to_in_any_spelling() {
    let server = Server::answering(ok("x"));
    let port = server.port();
    let hosts = format!("[\"127.0.0.1:{port}\", \"[::ffff:7f00:1]:{port}\"]");
    let names = Names::of(&[]);
    let (shut, _) = guest(
        &format!("[grant]\nhttp = {{ hosts = {hosts} }}"),
        straight(&names),
    );
    let open = format!("[grant]\nhttp = {{ hosts = {hosts}, private_addresses = true }}");
    let (open, _) = guest(&open, straight(&names));
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
    ] {
        let url = format!("http://{host}:{port}/");
        let failure = sent(&shut, get(&url)).await.unwrap_err();
        assert!(matches!(failure, Failure::Denied(_)), "{host}: {failure:?}");
        if !host.starts_with('[') {
            assert_eq!(sent(&open, get(&url)).await.unwrap().1, "x", "{host}");
        }
    }
    assert_eq!(server.requests().len(), 5);
    assert!(names.asked().is_empty(), "a literal is no name");
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_for_redirects_too() {
    let server = Server::playing(None, |request, stream| {
        let answer = match request.starts_with("GET /a ") {
            true => "HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n".to_owned(),
            false => ok("b"),
        };
        stream.write_all(answer.as_bytes())
    });
    let names = Names::of(&[("api.test", "127.0.0.1")]);
    let (guest, _) = guest(&private(server.port()), straight(&names));
    assert_eq!(
        sent(&guest, get(&url(&server, "/a"))).await.unwrap(),
        (200, "b".to_owned())
    );
    assert_eq!(
        names.asked(),
        ["api.test"],
        "one lookup for the whole exchange"
    );
}

#[tokio::test]
async fn a_name_that_is_not_there_says_so() {
    let (guest, _) = guest(
        "[grant]\nhttp = { hosts = [\"api.test\"] }",
        straight(&Names::of(&[])),
    );
    let failure = sent(&guest, get("https://api.test/?secret"))
        .await
        .unwrap_err();
    assert!(
        matches!(&failure, Failure::Unavailable(why) if why == "api.test has no address: no such name"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_port_where_nobody_listens_says_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let guest = local(port, "");
    let failure = sent(&guest, get(&format!("http://api.test:{port}/?secret")))
        .await
        .unwrap_err();
    let Failure::Unavailable(why) = failure else {
        panic!("{failure:?}")
    };
    assert!(
        why.starts_with("api.test: ") && why.contains("refused"),
        "{why}"
    );
    assert!(!why.contains("secret"), "{why}");
}

/// A guest with this test's certificate authority.
fn believing(port: u16, roots: Roots) -> Capabilities {
    let names = Names::of(&[("api.test", "127.0.0.1")]);
    let names: Arc<dyn Lookup> = names;
    let (guest, _) = guest(
        &private(port),
        Outgoing::with(Proxy::default(), names, roots),
    );
    guest
}

#[tokio::test]
async fn https_believes_the_roots_and_the_right_name_only() {
    let (roots, config) = trusted(&["api.test"]);
    let server = Server::playing(Some(config), |_, stream| {
        stream.write_all(ok("safe").as_bytes())
    });
    let port = server.port();
    let address = format!("https://api.test:{port}/");
    let guest = believing(port, roots);
    assert_eq!(
        sent(&guest, get(&address)).await.unwrap(),
        (200, "safe".to_owned())
    );
    // Another name than the certificate's.
    let failure = sent(&guest, get(&format!("https://127.0.0.1:{port}/")))
        .await
        .unwrap_err();
    assert!(
        matches!(&failure, Failure::Unavailable(why) if why.contains("certificate")),
        "{failure:?}"
    );
    // Another authority.
    let (others, _) = trusted(&[]);
    let guest = believing(port, others);
    let failure = sent(&guest, get(&address)).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Unavailable(why) if why.contains("invalid peer certificate")),
        "{failure:?}"
    );
    assert_eq!(server.requests().len(), 1);
}

/// A resolver that hangs until it is let go.
struct Hanging {
    asked: AtomicU64,
    let_go: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Lookup for Hanging {
    fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        // Returns when the sender is dropped, too.
        let _ = self.let_go.lock().unwrap().recv();
        Err(io::Error::other("let go"))
    }
}

#[tokio::test]
async fn lookups_that_hang_keep_their_places() {
    let (sender, let_go) = std::sync::mpsc::channel();
    let hanging = Arc::new(Hanging {
        asked: AtomicU64::new(0),
        let_go: Mutex::new(let_go),
    });
    let lookup: Arc<dyn Lookup> = Arc::<Hanging>::clone(&hanging);
    let outgoing = Outgoing::with(Proxy::default(), lookup, Roots::System);
    let (guest, _) = guest("[grant]\nhttp = { hosts = [\"api.test\"] }", outgoing);
    let hurried = || {
        let mut request = get("https://api.test/");
        request.timeout_ms = Some(20);
        request
    };
    for _ in 0..2 * lookup::FOR_ONE_GUEST {
        let failure = sent(&guest, hurried()).await.unwrap_err();
        assert!(matches!(failure, Failure::Timeout), "{failure:?}");
    }
    assert!(hanging.asked.load(Ordering::Relaxed) <= lookup::FOR_ONE_GUEST as u64);
    drop(sender);
    let failure = sent(&guest, get("https://api.test/")).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Unavailable(why) if why.contains("let go")),
        "{failure:?}"
    );
}
