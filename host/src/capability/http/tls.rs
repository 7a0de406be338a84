//! Whom to believe, and how to talk.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};

/// Certificates that are trusted to name a server.
#[derive(Debug, Clone)]
pub enum Roots {
    /// The system's, read when the first request is sent. `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` in lightningd's environment name others.
    System,
    /// These.
    These(Arc<RootCertStore>),
}

/// Made for the first request that needs it, then shared by all guests.
pub struct Tls {
    roots: Roots,
    made: Mutex<Option<ClientConfig>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// Costs nothing yet.
    pub fn new(roots: Roots) -> Self {
        Tls {
            roots,
            made: Mutex::new(None),
        }
    }

    /// For `https://`. Reads files the first time.
    pub(super) fn config(&self) -> Result<ClientConfig, String> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = &*made {
            return Ok(config.clone());
        }
        let roots = match &self.roots {
            Roots::These(roots) => Arc::clone(roots),
            Roots::System => Arc::new(system()?),
        };
        let config = config(roots)?;
        *made = Some(config.clone());
        Ok(config)
    }

    /// For `http://`: believes nobody.
    pub(super) fn none() -> Result<ClientConfig, String> {
        config(Arc::new(RootCertStore::empty()))
    }
}

fn config(roots: Arc<RootCertStore>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A session that one guest began is not another's to resume.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken > 0 {
        return Ok(roots);
    }
    let why = found
        .errors
        .first()
        .map_or_else(String::new, |e| format!(" ({e})"));
    Err(format!(
        "this system has no CA certificates{why}: install them, such as Debian's package \
         ca-certificates, or name a file in SSL_CERT_FILE in lightningd's environment"
    ))
}
