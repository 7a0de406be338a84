//! What every reader of hostile input must do, whatever the bytes.
//!
//! One function for each fuzz target. Each takes any bytes and panics where a property does not
//! hold. The files of the bridge that read are compiled in as they are, by path: the crate
//! `cln-wasm` would bring the engine, which takes ten minutes to compile with instrumentation.

mod hooks;
mod json;
mod lightningd;
mod manifest;
mod policy_properties;
mod rpc_socket;
mod runes;

// At the root, as in the bridge: its files name each other `crate::policy` and `crate::bridge`.
#[allow(dead_code, unused_imports)]
#[path = "../../host/src/policy/mod.rs"]
mod policy;
#[allow(dead_code)]
#[path = "../../host/src/bridge/withhold.rs"]
mod withhold;
mod bridge {
    pub(crate) use crate::withhold;
}

pub use hooks::hooks;
pub use json::json;
pub use lightningd::framing;
pub use manifest::manifest;
pub use policy_properties::policy;
pub use rpc_socket::rpc_answers;
pub use runes::runes;

/// How many bytes come in each read: from the first byte of the input, so that what libFuzzer
/// changes there changes the cuts and nothing else.
struct Cuts(u32);

impl Cuts {
    fn new(seed: u8) -> Self {
        Cuts(u32::from(seed) | 0x100)
    }

    /// The next piece of `rest`, and what follows it.
    fn cut<'b>(&mut self, rest: &'b [u8]) -> (&'b [u8], &'b [u8]) {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Mostly short: the ends are where it matters.
        let most = [1, 2, 5, 17, 64, 300][(self.0 >> 16) as usize % 6];
        let length = 1 + (self.0 >> 20) as usize % most;
        rest.split_at(length.min(rest.len()))
    }
}

/// The values in a text that is nothing but JSON objects and arrays, as serde_json cuts them; None
/// for any other text.
fn objects_and_arrays(bytes: &[u8]) -> Option<Vec<&str>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let values =
        serde_json::Deserializer::from_str(text).into_iter::<&serde_json::value::RawValue>();
    let values: Vec<&str> = values
        .map(|value| value.map(|v| v.get()))
        .collect::<Result<_, _>>()
        .ok()?;
    values
        .iter()
        .all(|value| value.starts_with(['{', '[']))
        .then_some(values)
}
