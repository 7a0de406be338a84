//! Small servers on 127.0.0.1 for what guests ask the world: HTTP, plain or in TLS, and a SOCKS5 proxy.
//! They say what came to them, and panic like a test.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A connection, plain or in TLS.
pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// What a server does with one request: head and body, and where the answer goes.
type Play = dyn Fn(&str, &mut dyn Stream) -> io::Result<()> + Send + Sync;

/// A server; each connection has one request and then ends.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Requests, each as it came.
    pub asked: mpsc::Receiver<String>,
}

impl Server {
    /// Answers each request with the same bytes.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Server {
        let answer = answer.into();
        Server::playing(None, move |_, stream| stream.write_all(&answer))
    }

    /// Does with each request as it is told: head and body as text, and where the answer goes.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn playing(
        tls: Option<Arc<ServerConfig>>,
        play: impl Fn(&str, &mut dyn Stream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = mpsc::channel();
        let play: Arc<Play> = Arc::new(play);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (tls, play, tell) = (tls.clone(), Arc::clone(&play), tell.clone());
                std::thread::spawn(move || {
                    // A client that goes away is what some tests are about.
                    let _ = match tls {
                        None => serve(stream, &*play, &tell),
                        Some(config) => ServerConnection::new(config)
                            .map_err(io::Error::other)
                            .and_then(|tls| serve(StreamOwned::new(tls, stream), &*play, &tell)),
                    };
                });
            }
        });
        Server { address, asked }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.asked.try_iter().collect()
    }
}

fn serve(mut stream: impl Stream, play: &Play, tell: &mpsc::Sender<String>) -> io::Result<()> {
    let request = read_request(&mut stream)?;
    // A test that has ended does not listen.
    let _ = tell.send(request.clone());
    play(&request, &mut stream)?;
    stream.flush()
}

fn read_request(stream: &mut impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        bytes.extend_from_slice(&byte);
    }
    let head = String::from_utf8(bytes).map_err(io::Error::other)?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(head + &String::from_utf8(body).map_err(io::Error::other)?)
}

/// A certificate authority of one test, in DER, and a server that it vouches for under these names.
///
/// # Panics
/// When a certificate cannot be made.
pub fn authority(names: &[&str]) -> (CertificateDer<'static>, Arc<ServerConfig>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let authority: &rcgen::Certificate = issuer.as_ref();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (authority.der().clone(), Arc::new(config))
}

/// A SOCKS5 proxy without authentication that knows no names: all go to one address.
pub struct Socks {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Socks {
    /// Every connection goes to `target`, whatever was asked for.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn to(target: SocketAddr) -> Socks {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || relay(client, target, &seen));
            }
        });
        Socks { address, asked }
    }

    /// Names or addresses with ports, as they were asked for.
    ///
    /// # Panics
    /// When a connection was no SOCKS5.
    pub fn asked(&self) -> Vec<(String, u16)> {
        self.asked.lock().unwrap().clone()
    }
}

fn relay(
    mut client: TcpStream,
    target: SocketAddr,
    seen: &Mutex<Vec<(String, u16)>>,
) -> io::Result<()> {
    let mut take = |count: usize| -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        client.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    let greeting = take(2)?;
    assert_eq!(greeting[0], 5, "SOCKS version");
    take(greeting[1].into())?;
    client.write_all(&[5, 0])?;
    let mut take = |count: usize| -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        client.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    let request = take(4)?;
    assert_eq!(request[..3], [5, 1, 0], "CONNECT");
    let name = match request[3] {
        1 => IpAddr::from(<[u8; 4]>::try_from(take(4)?).unwrap()).to_string(),
        3 => {
            let length = take(1)?[0];
            String::from_utf8(take(length.into())?).unwrap()
        }
        4 => IpAddr::from(<[u8; 16]>::try_from(take(16)?).unwrap()).to_string(),
        other => panic!("address type {other}"),
    };
    let port = take(2)?;
    let port = u16::from_be_bytes([port[0], port[1]]);
    seen.lock().unwrap().push((name, port));
    let mut server = TcpStream::connect(target)?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    let (mut back, mut forth) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        let _ = io::copy(&mut forth, &mut server);
        let _ = server.shutdown(std::net::Shutdown::Both);
    });
    io::copy(&mut back, &mut client)?;
    client.shutdown(std::net::Shutdown::Both)
}
