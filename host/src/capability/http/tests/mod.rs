//! Requests as a guest sends them, to real servers on this machine.

mod answers;
mod proxy;
mod reach;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use cln_protocol::manifest::CapabilityRequest;
use cln_wasm_tests::servers::{Server, Socks, authority};
use rustls::RootCertStore;

use super::lookup::Lookup;
use super::outgoing::Outgoing;
use super::route::Proxy;
use super::tls::Roots;
use super::*;
use crate::bridge::node::Node;
use crate::lightningd::output::Output;
use crate::policy::{Policy, Requested};

/// A resolver that knows what it was told, and remembers what it was asked.
#[derive(Default)]
struct Names {
    known: HashMap<&'static str, Vec<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    fn of(known: &[(&'static str, &str)]) -> Arc<Names> {
        let mut names = Names::default();
        for (name, address) in known {
            let addresses = names.known.entry(name).or_default();
            addresses.push(address.parse().unwrap());
        }
        Arc::new(names)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Lookup for Names {
    fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let addresses = self.known.get(name).cloned();
        addresses.ok_or_else(|| io::Error::other("no such name"))
    }
}

/// A guest `a` with this in its policy, before `init`.
fn before_init(policy: &str) -> (Capabilities, Arc<Output>) {
    let policy = Policy::parse(policy, Path::new("a.toml")).unwrap();
    let output = Arc::new(Output::default());
    let node = Arc::new(Node::new(Arc::clone(&output)));
    // It asks for what it is granted.
    let hosts = policy.grants().http().map(|http| http.hosts.clone());
    let requests: Vec<CapabilityRequest> = hosts
        .unwrap_or_default()
        .iter()
        .map(|host| CapabilityRequest {
            grant: format!("http: {host}"),
            reason: "a test".to_owned(),
        })
        .collect();
    let guest = Capabilities::new("a".into(), Arc::new(policy), node);
    guest.set_requested(Requested::read(&requests).unwrap());
    (guest, output)
}

/// The same after it.
fn guest(policy: &str, outgoing: Outgoing) -> (Capabilities, Arc<Output>) {
    let (guest, output) = before_init(policy);
    guest.node.set_http(outgoing);
    (guest, output)
}

/// A guest that may reach `api.test` at this port, which is on this machine.
fn local(port: u16, limits: &str) -> Capabilities {
    let (guest, _) = guest(
        &format!("{}\n{limits}", private(port)),
        straight(&Names::of(&[("api.test", "127.0.0.1")])),
    );
    guest
}

fn private(port: u16) -> String {
    format!(
        "[grant]\nhttp = {{ hosts = [\"api.test:{port}\", \"127.0.0.1:{port}\"], private_addresses = true }}"
    )
}

fn straight(names: &Arc<Names>) -> Outgoing {
    let names: Arc<dyn Lookup> = Arc::<Names>::clone(names);
    Outgoing::with(Proxy::default(), names, Roots::System)
}

/// An authority that vouches for these names, and what trusts it.
fn trusted(names: &[&str]) -> (Roots, Arc<rustls::ServerConfig>) {
    let (authority, config) = authority(names);
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    (Roots::These(Arc::new(roots)), config)
}

fn get(url: &str) -> wit::Request {
    wit::Request {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: None,
        timeout_ms: None,
    }
}

fn url(server: &Server, path: &str) -> String {
    format!("http://api.test:{}{path}", server.port())
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nx-b: 1\r\n\r\n{body}",
        body.len()
    )
}

/// The answer's status and body, as text.
async fn sent(guest: &Capabilities, request: wit::Request) -> Result<(u16, String), Failure> {
    let answer = guest.http_send(request).await?;
    Ok((answer.status, String::from_utf8(answer.body).unwrap()))
}

/// What was logged so far.
async fn logged(output: &Output) -> String {
    let mut bytes = Vec::new();
    output.take(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}
