//! lightningd as a plugin sees it, without lightningd.
//!
//! ```no_run
//! use cln_wasm_tests::simulator::Simulator;
//! use serde_json::json;
//!
//! # fn main() -> Result<(), cln_wasm_tests::simulator::Failure> {
//! let node = Simulator::builder()
//!     .plugin("/path/to/plugin")
//!     .option("greeting", json!("Hello"))
//!     .native("getinfo", |_| Ok(json!({"id": "02..."})))
//!     .start()?;
//! assert_eq!(node.call("hello", json!(["world"]))?, json!("Hello world"));
//! let ended = node.hook("peer_connected", json!({"peer": {"id": "02..."}}))?;
//! assert_eq!(ended.result, json!({"result": "continue"}));
//! node.shutdown()?;
//! # Ok(())
//! # }
//! ```
//!
//! The plugin runs in `<directory>/regtest` with lightningd's environment. Whatever it writes is judged as
//! lightningd v26.06 would: a [`Verdict`] is reached for anything that gets a plugin killed or a node
//! down, and an untaken verdict fails the test when the [`Node`] is dropped. Nothing waits longer than
//! the deadline of the builder, and every failure prints the transcript of all traffic.
//!
//! What it does not do: the state behind the commands (they are played by the test), blinded payments
//! inside `htlc_accepted` payload replacements, and lightningd's own log lines in `log` notifications.

mod builder;
mod calls;
mod chain;
mod command;
mod framing;
mod hook_rules;
pub mod json;
mod manifest;
mod manifest_rules;
mod native;
mod node;
mod option_rules;
mod plugin_side;
mod process;
mod rpc_socket;
mod setconfig;
mod startup;
mod state;
mod stopping;
mod tokenizer;
mod transcript;
mod values;
mod verdict;

pub use builder::{AsJson, Builder, Simulator};
pub use calls::{Call, HookRun, RawCall};
pub use chain::HookOutcome;
pub use manifest::{Deprecation, Filters, HookSpec, Manifest, MethodSpec, OptionSpec, OptionType};
pub use node::{CallOptions, Node};
pub use state::LogLine;
pub use stopping::Exit;
pub use transcript::Transcript;
pub use verdict::{Failure, Result, RpcError, Verdict};

/// The hooks of lightningd v26.06.
pub fn hooks() -> &'static [&'static str] {
    native::HOOKS
}

/// The notification topics of lightningd v26.06.
pub fn topics() -> &'static [&'static str] {
    native::TOPICS
}

/// Judges the answer to getmanifest of the only plugin: `response` is the whole JSON-RPC response.
///
/// # Errors
/// Why lightningd would kill the plugin, not start, or crash.
pub fn judge_manifest(
    response: &str,
    allow_deprecated_apis: bool,
) -> std::result::Result<(), String> {
    let doc =
        json::Doc::parse(response).ok_or("the response is not JSON as lightningd reads it")?;
    let mut registry = manifest::Registry::new(&[], allow_deprecated_apis);
    match manifest_rules::read(doc.root(), "plugin", &mut registry) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(format!("{refusal:?}")),
    }
}

/// Judges one answer to one hook as the only plugin: `params` is the payload as JSON text, `response`
/// the whole JSON-RPC response. Gives the effect, or what lightningd would die of.
pub fn judge_hook(
    hook: &str,
    params: &str,
    response: &str,
) -> std::result::Result<serde_json::Value, String> {
    let mut fold = hook_rules::Fold::new(hook, params);
    let doc =
        json::Doc::parse(response).ok_or("the response is not JSON as lightningd reads it")?;
    fold.answer(&doc)?;
    Ok(fold.outcome())
}
