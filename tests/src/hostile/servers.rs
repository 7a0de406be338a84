//! Servers that mean harm, for guests that ask them; and one that nobody may ask.

use crate::servers::{Server, Stream};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Between two drips.
const DRIP: Duration = Duration::from_millis(100);

/// All of them, started for the first guest that names one.
struct Servers {
    /// Nobody may reach it.
    trap: Server,
    /// Redirects to the trap, with the status that its path says.
    elsewhere: Server,
    /// Redirects to itself.
    circle: Server,
    /// Never ends.
    endless: Server,
    /// A byte now and then.
    drips: Server,
    /// What is no HTTP.
    liar: Server,
}

static SERVERS: Mutex<Option<Servers>> = Mutex::new(None);

impl Servers {
    fn start() -> Servers {
        let trap = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ncaught");
        let target = format!("http://{}/", trap.address);
        Servers {
            trap,
            elsewhere: Server::playing(None, move |request, stream| {
                redirect(request, stream, &target)
            }),
            circle: Server::playing(None, |request, stream| redirect(request, stream, "/302")),
            endless: Server::playing(None, endless),
            drips: Server::playing(None, drip),
            liar: Server::playing(None, lie),
        }
    }

    fn all(&self) -> [(&str, &Server); 6] {
        [
            ("TRAP", &self.trap),
            ("ELSEWHERE", &self.elsewhere),
            ("CIRCLE", &self.circle),
            ("ENDLESS", &self.endless),
            ("DRIPS", &self.drips),
            ("LIAR", &self.liar),
        ]
    }
}

/// The text with each server's address (`%TRAP%`) or port (`%TRAP:port%`) in its place.
pub(super) fn named(mut text: String) -> String {
    for name in ["TRAP", "ELSEWHERE", "CIRCLE", "ENDLESS", "DRIPS", "LIAR"] {
        if !text.contains(&format!("%{name}%")) && !text.contains(&format!("%{name}:port%")) {
            continue;
        }
        let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
        let servers = servers.get_or_insert_with(Servers::start).all();
        if let Some((_, server)) = servers.into_iter().find(|(known, _)| *known == name) {
            text = text
                .replace(&format!("%{name}%"), &server.address.to_string())
                .replace(&format!("%{name}:port%"), &server.port().to_string());
        }
    }
    text
}

/// What came to the server that nobody may ask.
pub(super) fn caught() -> Vec<String> {
    let servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
    let trap = servers.as_ref().map(|servers| &servers.trap);
    trap.map_or_else(Vec::new, Server::requests)
}

/// What a request asks for: the path without its slash.
fn path(request: &str) -> &str {
    let target = request.split(' ').nth(1).unwrap_or_default();
    target.trim_start_matches('/')
}

fn redirect(request: &str, stream: &mut dyn Stream, to: &str) -> io::Result<()> {
    let status = path(request);
    let head = format!("HTTP/1.1 {status} There\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(head.as_bytes())
}

/// Until the client hangs up.
fn endless(request: &str, stream: &mut dyn Stream) -> io::Result<()> {
    let (head, piece) = match path(request) {
        "length" => ("content-length: 4294967296\r\n\r\n", "x".repeat(1 << 14)),
        "close" => ("\r\n", "x".repeat(1 << 14)),
        "chunks" => (
            "transfer-encoding: chunked\r\n\r\n",
            format!("4000\r\n{}\r\n", "x".repeat(1 << 14)),
        ),
        _ => ("", format!("x-more: {}\r\n", "x".repeat(1 << 10))),
    };
    stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes())?;
    loop {
        stream.write_all(piece.as_bytes())?;
    }
}

fn drip(request: &str, stream: &mut dyn Stream) -> io::Result<()> {
    let head = match path(request) {
        "body" => "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
        _ => "HTTP/1.1 200 OK\r\nx-more: ",
    };
    stream.write_all(head.as_bytes())?;
    loop {
        std::thread::sleep(DRIP);
        stream.write_all(b"x")?;
    }
}

fn lie(request: &str, stream: &mut dyn Stream) -> io::Result<()> {
    let ok = "HTTP/1.1 200 OK\r\n";
    let answer = match path(request) {
        "garbage" => "\u{0}\u{1}\u{2} this is no HTTP\r\n\r\n".to_owned(),
        "two-lengths" => format!("{ok}content-length: 1\r\ncontent-length: 2\r\n\r\nabc"),
        "negative-length" => format!("{ok}content-length: -1\r\n\r\nabc"),
        "length-and-chunks" => {
            format!(
                "{ok}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n{ok}\r\n"
            )
        }
        "bad-chunk" => format!("{ok}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\na"),
        "early-end" => format!("{ok}content-length: 10\r\n\r\nabc"),
        "status" => "HTTP/1.1 99999 No\r\n\r\n".to_owned(),
        _ => String::new(),
    };
    stream.write_all(answer.as_bytes())
}
