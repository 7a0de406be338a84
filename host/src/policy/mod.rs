//! What the operator allows one guest, and what happens when it fails.
//!
//! `NAME.toml` beside `NAME.wasm` is the whole of it:
//!
//! ```toml
//! sha256 = "…64 hex digits…"          # this very module and no other
//! enabled = true
//!
//! [grant]                               # what is not here is denied
//! hooks = ["openchannel"]               # or [grant.hooks], which may name secrets too
//! subscriptions = ["channel_opened"]
//! methods = ["gate-list"]
//! rpc = ["listpeers", { restrictions = ["method=pay"], budget = { per_day_msat = "5000sat" } }]
//! kv = true
//! http = { hosts = ["api.example.com"] }
//!
//! [limits]
//! memory_bytes = "32 MiB"
//! [limits.deadline]
//! openchannel = "2 s"
//!
//! [on-fault]
//! openchannel = "closed"
//! ```
//!
//! Without a file a guest computes, logs and reads its own options. A file that
//! says anything unknown is refused as a whole: a slip of the pen must not become
//! a grant, nor the absence of a limit. The `wasm` key is for a file that is
//! itself handed to lightningd as a plugin (`#!/usr/bin/env cln-wasm`).

pub mod budget;
mod document;
pub mod error;
pub mod gate;
pub mod grant;
pub mod http;
pub mod limits;
pub mod on_fault;
mod pin;
mod quantity;
pub mod request;
pub mod rpc;
pub mod runes;
pub mod suggest;
pub mod vocabulary;

use std::path::{Path, PathBuf};

use toml::de::DeTable;

pub(crate) use document::quote;
pub use error::{PolicyError, Problem};
pub use gate::{Allowed, RpcGate, RpcRefusal};
pub use grant::{DeliveryGrant, Denied, Grants};
pub use http::{HostPattern, HttpGrant};
pub use limits::Limits;
pub use on_fault::{OnFault, Restart};
pub use pin::{Pin, PinMismatch};
pub use request::{Request, Requested, Wanted};
pub use rpc::RpcGrant;
pub use suggest::{Asked, AskedRpc, Requests, suggest};

use document::Document;

/// One guest's policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Where the module is, where the file says so: relative to the file's folder.
    pub wasm: Option<PathBuf>,
    /// The one module that this policy is for.
    pub sha256: Option<Pin>,
    /// False: the guest is left out.
    pub enabled: bool,
    /// How much it may use.
    pub limits: Limits,
    /// What happens when it fails.
    pub on_fault: OnFault,
    grants: Grants,
}

impl Default for Policy {
    /// A guest without a policy: it computes, logs and reads its own options.
    fn default() -> Self {
        Policy::absent(Path::new("NAME.toml"))
    }
}

impl Policy {
    /// The policy of a guest whose file, which would be at `origin`, is not there.
    pub fn absent(origin: &Path) -> Policy {
        Policy {
            wasm: None,
            sha256: None,
            enabled: true,
            limits: Limits::default(),
            on_fault: OnFault::default(),
            grants: Grants::none(origin),
        }
    }

    /// Reads the policy in `text`, which came from the file `origin`.
    ///
    /// # Errors
    ///
    /// All that is wrong, each with its line and column, what is valid there, and
    /// the name most likely meant.
    pub fn parse(text: &str, origin: &Path) -> Result<Policy, PolicyError> {
        let mut document = Document::new(text);
        let (table, syntax) = DeTable::parse_recoverable(text);
        let mut policy = Policy::absent(origin);
        if syntax.is_empty() {
            policy = Policy::read(&mut document, table.get_ref(), origin);
        }
        // What could be read of a broken file says too little to be judged.
        for error in syntax {
            let at = error.span().unwrap_or(0..0);
            document.problem(at, error.message().to_string());
        }
        let problems = document.finish();
        if problems.is_empty() {
            Ok(policy)
        } else {
            Err(PolicyError {
                origin: origin.to_path_buf(),
                problems,
            })
        }
    }

    /// What the guest may do.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    fn read(document: &mut Document<'_>, table: &DeTable<'_>, origin: &Path) -> Policy {
        let mut policy = Policy::absent(origin);
        let valid = ["wasm", "sha256", "enabled", "grant", "limits", "on-fault"];
        document.only("the policy", table, &valid);
        if let Some(value) = table.get("wasm")
            && let Some(path) = document.string(value, "wasm")
        {
            if path.is_empty() {
                document.problem(value.span(), "wasm must be the path of a .wasm file");
            } else {
                let folder = origin.parent().unwrap_or(Path::new(""));
                policy.wasm = Some(folder.join(path));
            }
        }
        if let Some(value) = table.get("sha256")
            && let Some(text) = document.string(value, "sha256")
        {
            match Pin::parse(text) {
                Some(pin) => policy.sha256 = Some(pin),
                None => {
                    document.expected(value, "sha256", "64 hex digits (see `sha256sum NAME.wasm`)")
                }
            }
        }
        if let Some(value) = table.get("enabled") {
            policy.enabled = document.boolean(value, "enabled").unwrap_or(false);
        }
        if let Some(value) = table.get("grant")
            && let Some(table) = document.table(value, "[grant]")
        {
            policy.grants = Grants::read(document, table, origin);
        }
        if let Some(value) = table.get("limits")
            && let Some(table) = document.table(value, "[limits]")
        {
            policy.limits = Limits::read(document, table);
        }
        if let Some(value) = table.get("on-fault")
            && let Some(table) = document.table(value, "[on-fault]")
        {
            policy.on_fault = OnFault::read(document, table);
        }
        policy
    }
}

#[cfg(test)]
mod tests;
