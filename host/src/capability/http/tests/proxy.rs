//! lightningd's proxy is obeyed.

use std::net::SocketAddr;

use super::*;
use serde_json::{Value, json};

fn proxy(at: SocketAddr, always: bool) -> Proxy {
    let configuration = json!({
        "proxy": {"type": "ipv4", "address": at.ip().to_string(), "port": at.port()},
        "torv3-enabled": true,
        "always_use_proxy": always,
    });
    let Value::Object(configuration) = configuration else {
        unreachable!()
    };
    Proxy::read(&configuration)
}

fn through(socks: &Socks, always: bool, names: &Arc<Names>, roots: Roots) -> Outgoing {
    let names: Arc<dyn Lookup> = Arc::<Names>::clone(names);
    Outgoing::with(proxy(socks.address, always), names, roots)
}

#[tokio::test]
async fn always_use_proxy_hands_on_the_name_and_looks_nothing_up() {
    let server = Server::answering(ok("through"));
    let socks = Socks::to(server.address);
    // Were it looked up, it would be denied.
    let names = Names::of(&[("api.test", "127.0.0.1")]);
    let grant =
        "[grant]\nhttp = { hosts = [\"api.test:80\", \"8.8.8.8:80\", \"[2606:4700::1111]:80\"] }";
    let (guest, _) = guest(grant, through(&socks, true, &names, Roots::System));
    assert_eq!(
        sent(&guest, get("http://api.test/")).await.unwrap().1,
        "through"
    );
    assert_eq!(
        sent(&guest, get("http://8.8.8.8/")).await.unwrap().1,
        "through"
    );
    assert_eq!(
        sent(&guest, get("http://[2606:4700::1111]/"))
            .await
            .unwrap()
            .1,
        "through"
    );
    let asked = [("api.test", 80), ("8.8.8.8", 80), ("2606:4700::1111", 80)];
    assert_eq!(
        socks.asked(),
        asked.map(|(name, port)| (name.to_owned(), port))
    );
    assert!(names.asked().is_empty(), "no local lookup");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn https_goes_through_it_end_to_end() {
    let (roots, config) = trusted(&["api.test"]);
    let server = Server::playing(Some(config), |_, stream| {
        stream.write_all(ok("safe").as_bytes())
    });
    let socks = Socks::to(server.address);
    let names = Names::of(&[]);
    let grant = "[grant]\nhttp = { hosts = [\"api.test\", \"other.test\"] }";
    let (guest, _) = guest(grant, through(&socks, true, &names, roots));
    assert_eq!(
        sent(&guest, get("https://api.test/")).await.unwrap().1,
        "safe"
    );
    let failure = sent(&guest, get("https://other.test/")).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Unavailable(why) if why.contains("certificate")),
        "{failure:?}"
    );
    assert_eq!(socks.asked()[0], ("api.test".to_owned(), 443));
    assert!(names.asked().is_empty());
}

#[tokio::test]
async fn the_grant_holds_through_the_proxy() {
    let server = Server::answering(ok("x"));
    let socks = Socks::to(server.address);
    let names = Names::of(&[]);
    let grant = "[grant]\nhttp = { hosts = [\"api.test:80\", \"127.0.0.1:80\"] }";
    let (guest, _) = guest(grant, through(&socks, true, &names, Roots::System));
    for url in [
        "http://other.test/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://api.test:81/",
    ] {
        let failure = sent(&guest, get(url)).await.unwrap_err();
        assert!(matches!(failure, Failure::Denied(_)), "{url}: {failure:?}");
    }
    assert!(socks.asked().is_empty());
}

#[tokio::test]
async fn a_proxy_alone_is_for_onion_names() {
    let server = Server::answering(ok("x"));
    let socks = Socks::to(server.address);
    let names = Names::of(&[("api.test", "127.0.0.1")]);
    let port = server.port();
    let grant = format!(
        "[grant]\nhttp = {{ hosts = [\"api.test:{port}\", \"abc.onion:80\"], private_addresses = true }}"
    );
    let (guest, _) = guest(&grant, through(&socks, false, &names, Roots::System));
    assert_eq!(sent(&guest, get("http://abc.onion/")).await.unwrap().1, "x");
    assert_eq!(socks.asked(), [("abc.onion".to_owned(), 80)]);
    assert!(names.asked().is_empty());
    assert_eq!(sent(&guest, get(&url(&server, "/"))).await.unwrap().1, "x");
    assert_eq!(socks.asked().len(), 1);
    assert_eq!(names.asked(), ["api.test"]);
}

#[tokio::test]
async fn an_onion_name_without_a_proxy_is_not_looked_up() {
    let names = Names::of(&[("abc.onion", "8.8.8.8")]);
    let (guest, _) = guest(
        "[grant]\nhttp = { hosts = [\"abc.onion\"] }",
        straight(&names),
    );
    let failure = sent(&guest, get("https://abc.onion/")).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Unavailable(why) if why.contains("option proxy")),
        "{failure:?}"
    );
    assert!(names.asked().is_empty());
}

#[tokio::test]
async fn a_proxy_that_is_down_lets_nothing_past() {
    let server = Server::answering(ok("x"));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let names = Names::of(&[("api.test", "127.0.0.1")]);
    let lookup: Arc<dyn Lookup> = Arc::<Names>::clone(&names);
    let outgoing = Outgoing::with(proxy(nobody, true), lookup, Roots::System);
    let (guest, _) = guest(&private(server.port()), outgoing);
    let failure = sent(&guest, get(&url(&server, "/"))).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Unavailable(why) if why.contains("proxy")),
        "{failure:?}"
    );
    assert!(server.requests().is_empty() && names.asked().is_empty());
}
