//! The script, as a test left it in the data of this module.

use serde_json::Value;
use std::hint::black_box;
use std::sync::OnceLock;

/// Where a test finds the place.
const MARK: &[u8] = b"cln-wasm scripted guest: the script follows=";
/// Bytes of the whole place.
const ROOM: usize = 64 << 10;

/// Blanks, not zeros: what a test does not write over is still JSON, and the linker keeps it in the file.
static PLACE: [u8; ROOM] = {
    let mut place = [b' '; ROOM];
    let mut at = 0;
    while at < MARK.len() {
        place[at] = MARK[at];
        at += 1;
    }
    place
};

/// The whole script.
pub fn script() -> &'static Value {
    static SCRIPT: OnceLock<Value> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        // Without the black box the compiler would read the placeholder, not what is there.
        let place: &[u8; ROOM] = black_box(&PLACE);
        serde_json::from_slice(&place[MARK.len()..]).expect("a script")
    })
}

/// What the script has for an event: of a kind (`hooks`) and a name (`htlc_accepted`).
pub fn find(kind: &str, name: &str) -> Option<&'static Value> {
    let of_kind = script().get(kind)?;
    if name.is_empty() {
        return Some(of_kind);
    }
    of_kind.get(name).or_else(|| of_kind.get("*"))
}

/// A switch at the top of the script.
pub fn flag(name: &str) -> bool {
    script().get(name).and_then(Value::as_bool).unwrap_or(false)
}
