//! Guests send HTTP requests through the bridge, as far as their operator and lightningd's proxy let them.

use base64::Engine;
use cln_wasm_tests::bridge::{Folder, bridge, manifest, methods};
use cln_wasm_tests::servers::{Server, Socks, authority};
use cln_wasm_tests::simulator::Node;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, mpsc};

/// A guest whose method `ask` sends a GET to the URL that it is given and answers what came.
fn asker(http: &str) -> Value {
    json!({
        "manifest": manifest(json!({"rpcmethods": methods(&["ask", "tell", "fall"])})),
        "methods": {
            "ask": [{"http": {"url": ["/0"]}}, "last"],
            "tell": [{"http": {"method": "POST", "url": ["/0"], "headers": {"X-From": "guest"},
                "body": "a body"}}, "last"],
            "fall": "trap",
        },
        "policy": format!("[grant.http]\n{http}"),
    })
}

fn local(port: u16) -> String {
    format!("hosts = [\"127.0.0.1:{port}\"]\nprivate_addresses = true")
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
}

fn at(server: &Server, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", server.port())
}

/// Whether the bridge has its thread for HTTP.
fn has_http_thread(node: &Node) -> bool {
    let pid = node.pid(0).unwrap();
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks.flatten().any(|task| {
        let name = std::fs::read_to_string(task.path().join("comm"));
        name.is_ok_and(|name| name.trim() == "http")
    })
}

#[test]
fn a_granted_guest_asks_and_is_answered_and_others_pay_nothing() {
    let server = Server::answering(ok("hello"));
    let folder = Folder::new().scripted("a", asker(&local(server.port())));
    // What the environment says of proxies is not lightningd's word.
    let nowhere = "http://127.0.0.1:1";
    let node = bridge(&folder)
        .env("http_proxy", nowhere)
        .env("HTTPS_PROXY", nowhere)
        .env("all_proxy", nowhere)
        .start()
        .unwrap();
    assert!(!has_http_thread(&node), "before the first request");
    let answer = node.call("ask", json!([at(&server, "/a?b")])).unwrap();
    assert_eq!(answer, json!({"status": 200, "body": "hello"}));
    assert!(has_http_thread(&node));
    node.call("tell", json!([at(&server, "/c")])).unwrap();
    let requests = server.requests();
    assert!(
        requests[0].starts_with("GET /a?b HTTP/1.1\r\n"),
        "{requests:?}"
    );
    assert!(
        requests[1].starts_with("POST /c HTTP/1.1\r\n"),
        "{requests:?}"
    );
    assert!(
        requests[1].contains("\r\nx-from: guest\r\n"),
        "{requests:?}"
    );
    assert!(requests[1].ends_with("\r\n\r\na body"), "{requests:?}");
    node.shutdown().unwrap();
}

#[test]
fn https_believes_the_systems_certificates() {
    let (certificate, config) = authority(&["127.0.0.1"]);
    let server = Server::playing(Some(config), |_, stream| {
        stream.write_all(ok("safe").as_bytes())
    });
    let url = at(&server, "/").replace("http:", "https:");
    let text = base64::engine::general_purpose::STANDARD.encode(&certificate);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    let folder = Folder::new()
        .scripted("a", asker(&local(server.port())))
        .file("authority.pem", pem);
    let file = folder.path().join("authority.pem");
    let believes = bridge(&folder).env("SSL_CERT_FILE", file.to_string_lossy());
    let node = believes.start().unwrap();
    let answer = node.call("ask", json!([url])).unwrap();
    assert_eq!(answer, json!({"status": 200, "body": "safe"}));
    node.shutdown().unwrap();

    let (other, _) = authority(&[]);
    let text = base64::engine::general_purpose::STANDARD.encode(&other);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    std::fs::write(&file, pem).unwrap();
    let doubts = bridge(&folder).env("SSL_CERT_FILE", file.to_string_lossy());
    let node = doubts.start().unwrap();
    let failure = node.call("ask", json!([url])).unwrap().to_string();
    assert!(
        failure.contains("Unavailable") && failure.contains("certificate"),
        "{failure}"
    );
    node.shutdown().unwrap();
}

#[test]
fn what_is_not_granted_is_denied_and_the_log_has_the_line_to_add() {
    let server = Server::answering(ok("x"));
    let none = json!({
        "manifest": manifest(json!({"rpcmethods": methods(&["ask-none"])})),
        "methods": {"ask-none": [{"http": {"url": ["/0"]}}, "last"]},
    });
    let public = format!("hosts = [\"127.0.0.1:{}\"]", server.port());
    let folder = Folder::new()
        .scripted("none", none)
        .scripted("public", asker(&public));
    let node = bridge(&folder).start().unwrap();
    let url = at(&server, "/?token=secret");
    for (method, guest, line) in [
        (
            "ask-none",
            "none",
            format!(
                "add http = {{ hosts = [\"127.0.0.1:{}\"] }} under [grant] in none.toml",
                server.port()
            ),
        ),
        (
            "ask",
            "public",
            "add private_addresses = true under [grant.http] in public.toml".to_owned(),
        ),
    ] {
        let failure = node.call(method, json!([url])).unwrap();
        let failure = failure["failure"].as_str().unwrap();
        assert!(failure.starts_with("Failure::Denied"), "{failure}");
        let start = format!("{guest}: denied: HTTP to ");
        let told = node.wait_log(|log| log.text.starts_with(&start)).unwrap();
        assert!(told.text.contains(&line), "{}", told.text);
        assert!(!told.text.contains("secret"), "{}", told.text);
        assert_eq!(told.level, "unusual");
    }
    assert!(server.requests().is_empty());
    assert!(!has_http_thread(&node), "nothing was to be sent");
    node.shutdown().unwrap();
}

#[test]
fn lightningds_proxy_is_obeyed() {
    let server = Server::answering(ok("through"));
    let socks = Socks::to(server.address);
    let grant = "hosts = [\"api.test:80\", \"abc.onion:80\"]";
    let folder = Folder::new().scripted("a", asker(grant));
    let through = json!({"status": 200, "body": "through"});

    let node = bridge(&folder).proxy(socks.address, true).start().unwrap();
    assert_eq!(
        node.call("ask", json!(["http://api.test/"])).unwrap(),
        through
    );
    assert_eq!(
        node.call("ask", json!(["http://abc.onion/"])).unwrap(),
        through
    );
    node.shutdown().unwrap();
    let both = ["api.test", "abc.onion"].map(|name| (name.to_owned(), 80));
    assert_eq!(socks.asked(), both);

    // Without always-use-proxy only .onion names take it; `.test` is in no DNS.
    let node = bridge(&folder).proxy(socks.address, false).start().unwrap();
    assert_eq!(
        node.call("ask", json!(["http://abc.onion/"])).unwrap(),
        through
    );
    let failure = node.call("ask", json!(["http://api.test/"])).unwrap();
    assert!(
        failure["failure"]
            .as_str()
            .unwrap()
            .contains("has no address"),
        "{failure}"
    );
    node.shutdown().unwrap();
    assert_eq!(socks.asked().len(), 3);
    assert_eq!(server.requests().len(), 3);

    // A proxy that is not there is no reason to go without.
    let nobody = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
    let node = bridge(&folder).proxy(nobody, true).start().unwrap();
    let failure = node.call("ask", json!(["http://api.test/"])).unwrap();
    assert!(
        failure["failure"].as_str().unwrap().contains("Unavailable"),
        "{failure}"
    );
    node.shutdown().unwrap();
}

#[test]
fn a_guest_that_falls_takes_its_requests_along() {
    let (tell, gone) = mpsc::channel();
    let tell = Mutex::new(tell);
    let server = Server::playing(None, move |request, stream| {
        if request.starts_with("GET /quick ") {
            return stream.write_all(ok("x").as_bytes());
        }
        // No answer: reads until the bridge hangs up.
        let left = stream.read(&mut [0]);
        tell.lock().unwrap().send(left.unwrap_or(0)).unwrap();
        Ok(())
    });
    let folder = Folder::new().scripted("a", asker(&local(server.port())));
    let node = bridge(&folder).start().unwrap();
    let held = node
        .start_call("ask", json!([at(&server, "/held")]))
        .unwrap();
    assert!(server.asked.recv().unwrap().starts_with("GET /held"));
    node.call("fall", json!([])).unwrap_err();
    held.wait().unwrap_err();
    assert_eq!(gone.recv().unwrap(), 0, "the connection was closed");
    node.wait_log(|log| log.text.contains("it starts again"))
        .unwrap();
    node.shutdown().unwrap();
}

#[test]
fn many_requests_of_one_guest_wait_beside_each_other() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let server = Server::playing(None, move |_, stream| {
        released.lock().unwrap().recv().unwrap();
        stream.write_all(ok("x").as_bytes())
    });
    let policy = format!("{}\n[limits]\nhttp_in_flight = 5", local(server.port()));
    let folder = Folder::new().scripted("a", asker(&policy));
    let node = bridge(&folder).start().unwrap();
    let url = at(&server, "/");
    let held: Vec<_> = (0..5)
        .map(|_| node.start_call("ask", json!([url])).unwrap())
        .collect();
    for _ in 0..5 {
        server.asked.recv().unwrap();
    }
    let failure = node.call("ask", json!([url])).unwrap();
    let failure = failure["failure"].as_str().unwrap();
    assert!(failure.contains("limits.http_in_flight: 5"), "{failure}");
    for _ in 0..5 {
        release.send(()).unwrap();
    }
    for held in held {
        assert_eq!(held.wait().unwrap(), json!({"status": 200, "body": "x"}));
    }
    node.shutdown().unwrap();
}
