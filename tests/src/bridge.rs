//! The bridge in the simulator: its binary, a folder of guests, and guests whose every move is data.
//!
//! ```no_run
//! use cln_wasm_tests::bridge::{Folder, bridge};
//! use serde_json::json;
//!
//! let folder = Folder::new().scripted("a", json!({
//!     "manifest": {"options": [], "rpcmethods": [{"name": "hi", "usage": ""}], "hooks": ["peer_connected"]},
//!     "methods": {"hi": {"answer": "there"}},
//!     "hooks": {"peer_connected": "trap"},
//! }));
//! let node = bridge(&folder).start().unwrap();
//! assert_eq!(node.call("hi", json!([])).unwrap(), json!("there"));
//! ```
//!
//! What a script may say stands in `guests/scripted/src/lib.rs`. Some members are for this side:
//! `"rpc"` (a list of methods to grant), `"kv"` (`true` grants it), `"policy"` (TOML that is added), `"no-policy"`
//! (no file), and `"before-manifest"` (moves before the manifest is given).

use crate::simulator::{Builder, Simulator};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What precedes the script in the built guest.
const MARK: &[u8] = b"cln-wasm scripted guest: the script follows=";
/// The whole place, with the mark.
const ROOM: usize = 64 << 10;

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// The bridge: `$CLN_WASM_BIN`, else the release build.
///
/// # Panics
/// When there is none, with the command that builds it.
pub fn binary() -> PathBuf {
    let built = std::env::var_os("CLN_WASM_BIN").map_or_else(
        || workspace().join("target/release/cln-wasm"),
        PathBuf::from,
    );
    assert!(
        built.is_file(),
        "there is no {}: build it with `cargo build --release -p cln-wasm`, or name another in CLN_WASM_BIN",
        built.display()
    );
    built
}

/// A guest of this workspace, as built.
///
/// # Panics
/// When it is not there, with the command that builds it.
pub fn built_guest(name: &str, crate_dir: &str) -> Vec<u8> {
    let folder = match crate_dir.starts_with("tests/") {
        true => "target/test-guests",
        false => "target/guests",
    };
    let path = workspace().join(folder).join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|e| {
        panic!(
            "{}: {e}; build it with `scripts/build-guests.sh {crate_dir}`",
            path.display()
        )
    })
}

/// The scripted guest with its script in place.
///
/// # Panics
/// When the guest is not built, or the script is too long.
pub fn scripted(script: &Value) -> Vec<u8> {
    let mut module = built_guest("scripted", "tests/guests/scripted");
    let mut places = module
        .windows(MARK.len())
        .enumerate()
        .filter(|(_, w)| *w == MARK);
    let (at, _) = places.next().expect("the place of the script");
    assert!(places.next().is_none(), "the mark is there twice");
    let text = own_strings(script).to_string();
    let room = ROOM - MARK.len();
    assert!(
        text.len() <= room,
        "a script of {} bytes, and there is room for {room}",
        text.len()
    );
    let from = at + MARK.len();
    module[from..from + text.len()].copy_from_slice(text.as_bytes());
    module
}

/// A manifest that is written as an object becomes the move that answers it, and asks for all that
/// the guest could be granted unless it says itself what it asks for.
fn own_strings(script: &Value) -> Value {
    let mut script = script.clone();
    let requests = requests(&script);
    if let Some(manifest) = script.get_mut("manifest") {
        if manifest.get("options").is_some() {
            *manifest = json!({ "answer": manifest.take() });
        }
        if let Some(manifest) = manifest.get_mut("answer").and_then(Value::as_object_mut)
            && manifest.contains_key("options")
        {
            manifest.entry("capabilities").or_insert(requests);
        }
    }
    if let Some(before) = script.get("before-manifest").cloned() {
        script["manifest"] = json!([before, script["manifest"]]);
    }
    script
}

/// A request for whatever a script and its policy may be about.
fn requests(script: &Value) -> Value {
    let manifest = &script["manifest"];
    let manifest = manifest.get("answer").unwrap_or(manifest);
    // Every method; a script's policy says which it is granted.
    let mut grants = ["rpc: method^", "timer", "kv"].map(str::to_owned).to_vec();
    grants.extend(
        hosts(script)
            .into_iter()
            .map(|host| format!("http: {host}")),
    );
    for (hook, secrets) in HOOK_SECRETS {
        let may = match *hook {
            "rpc_command" => " may=replace,return.result",
            _ => "",
        };
        if names(&manifest["hooks"], "name")
            .iter()
            .any(|name| name == hook)
        {
            grants.push(format!("hooks: {hook} secrets={}{may}", secrets.join(",")));
        }
    }
    let topics = names(&manifest["subscriptions"], "");
    for (topic, secrets) in TOPIC_SECRETS {
        if topics.iter().any(|name| name == topic || name == "*") {
            grants.push(format!(
                "subscriptions: {topic} secrets={}",
                secrets.join(",")
            ));
        }
    }
    let reason = "the script may say so";
    let request = |grant| json!({"grant": grant, "reason": reason});
    Value::Array(grants.into_iter().map(request).collect())
}

/// The hosts that the script's own part of the policy grants.
fn hosts(script: &Value) -> Vec<String> {
    let policy = script["policy"].as_str().unwrap_or_default();
    let lists = policy
        .lines()
        .filter_map(|line| line.trim().strip_prefix("hosts = "));
    lists
        .filter_map(|list| serde_json::from_str::<Vec<String>>(list).ok())
        .flatten()
        .collect()
}

/// Names in a list of names or of objects that have one.
fn names(list: &Value, key: &str) -> Vec<String> {
    let name = |item: &Value| item.as_str().or(item[key].as_str()).map(str::to_owned);
    let mut names: Vec<String> = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(name)
        .collect();
    names.dedup();
    names
}

/// A policy that grants all that the manifest of a script asks for, with all secrets.
pub fn policy(script: &Value) -> String {
    let manifest = &script["manifest"];
    let manifest = manifest.get("answer").unwrap_or(manifest);
    let mut text = String::from("[grant]\n");
    for (key, member, name) in [
        ("methods", "rpcmethods", "name"),
        ("options", "options", "name"),
        ("notifications", "notifications", "method"),
        ("custommessages", "custommessages", ""),
    ] {
        let list = match member {
            "custommessages" => manifest[member].clone(),
            _ => json!(names(&manifest[member], name)),
        };
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            // A list of plain strings or numbers is written alike in both.
            let _ = writeln!(text, "{key} = {list}");
        }
    }
    if script.get("rpc").is_some() {
        let _ = writeln!(text, "rpc = {}", script["rpc"]);
    }
    if script["kv"] == true {
        text.push_str("kv = true\n");
    }
    text.push_str("timer = true\n");
    deliveries(
        &mut text,
        "hooks",
        &names(&manifest["hooks"], "name"),
        HOOK_SECRETS,
    );
    deliveries(
        &mut text,
        "subscriptions",
        &names(&manifest["subscriptions"], ""),
        TOPIC_SECRETS,
    );
    if let Some(places) = manifest["featurebits"].as_object() {
        let _ = writeln!(text, "[grant.featurebits]");
        for (place, bits) in places {
            let _ = writeln!(
                text,
                "{place} = {}",
                json!(set_bits(bits.as_str().unwrap_or_default()))
            );
        }
    }
    let more = script["policy"].as_str().unwrap_or_default();
    let _ = writeln!(text, "{more}");
    text
}

/// What a grant of a delivery may add.
type Secrets = [(&'static str, &'static [&'static str])];

const HOOK_SECRETS: &Secrets = &[
    ("db_write", &["db_write"]),
    ("invoice_payment", &["preimage"]),
    (
        "htlc_accepted",
        &["shared_secret", "payment_secret", "preimage"],
    ),
    ("rpc_command", &["params"]),
    ("recover", &["codex32"]),
];
const TOPIC_SECRETS: &Secrets = &[
    ("forward_event", &["preimage"]),
    ("invoice_creation", &["preimage"]),
    ("invoice_payment", &["preimage"]),
    ("sendpay_success", &["payment_preimage"]),
];

fn deliveries(text: &mut String, key: &str, names: &[String], secrets: &Secrets) {
    if names.is_empty() {
        return;
    }
    let _ = writeln!(text, "[grant.{key}]");
    let mut all = names.to_vec();
    if names.iter().any(|name| name == "*") {
        // `*` alone grants the topics without their secrets.
        all.extend(secrets.iter().map(|(name, _)| (*name).to_owned()));
    }
    all.sort();
    all.dedup();
    for name in all {
        match secrets.iter().find(|(known, _)| *known == name) {
            Some((_, secrets)) => {
                let may = match (key, name.as_str()) {
                    ("hooks", "rpc_command") => ", may = [\"replace\", \"return.result\"]",
                    _ => "",
                };
                let secrets = json!(secrets);
                let _ = writeln!(text, "{name} = {{ secrets = {secrets}{may} }}");
            }
            None => drop(writeln!(text, "{} = true", json!(name))),
        }
    }
}

/// The numbers of the bits in a hex string, the lowest in the last byte.
fn set_bits(hex: &str) -> Vec<usize> {
    let bytes = hex::decode(hex).unwrap_or_default();
    let bits = bytes.iter().rev().enumerate();
    bits.flat_map(|(at, byte)| {
        (0..8)
            .filter(move |bit| byte >> bit & 1 == 1)
            .map(move |bit| at * 8 + bit)
    })
    .collect()
}

/// A folder of guests, gone when dropped.
pub struct Folder(tempfile::TempDir);

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    /// An empty folder.
    pub fn new() -> Self {
        Self(
            tempfile::Builder::new()
                .prefix("guests-")
                .tempdir()
                .expect("a temporary folder"),
        )
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Puts any file into it.
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path().join(name), bytes).expect("a file");
        self
    }

    /// Puts a guest and its policy into it.
    pub fn guest(self, name: &str, module: &[u8], policy: &str) -> Self {
        self.file(&format!("{name}.wasm"), module)
            .file(&format!("{name}.toml"), policy)
    }

    /// Puts a scripted guest into it, with a policy that grants what its manifest asks for.
    pub fn scripted(self, name: &str, script: Value) -> Self {
        let module = scripted(&script);
        let folder = self.file(&format!("{name}.wasm"), module);
        if script["no-policy"] == true {
            return folder;
        }
        folder.file(&format!("{name}.toml"), policy(&script))
    }

    /// Puts a scripted guest into it as a plugin of its own; the file that lightningd is to start.
    pub fn solo(&self, name: &str, script: Value) -> PathBuf {
        let folder = self.path().join("modules");
        std::fs::create_dir_all(&folder).expect("a folder");
        let module = folder.join(format!("{name}.wasm"));
        std::fs::write(&module, scripted(&script)).expect("a module");
        let path = self.path().join(name);
        let text = format!(
            "#!/usr/bin/env cln-wasm\nwasm = {}\n{}",
            json!(module.to_string_lossy()),
            policy(&script)
        );
        crate::executable::write(&path, &text).expect("an executable file");
        path
    }
}

/// A node with the bridge and these guests.
pub fn bridge(folder: &Folder) -> Builder {
    add_bridge(
        Simulator::builder().deadline(Duration::from_secs(60)),
        folder,
    )
}

/// Adds the bridge with these guests to a node.
pub fn add_bridge(builder: Builder, folder: &Folder) -> Builder {
    let path = folder.path().to_string_lossy().into_owned();
    builder.plugin(binary()).env("CLN_WASM_DIR", path)
}

/// Adds a file that [`Folder::solo`] gave, with the bridge on its PATH.
pub fn add_solo(builder: Builder, file: &Path) -> Builder {
    let binary = binary();
    let binary = binary.canonicalize().unwrap_or(binary);
    let folder = binary
        .parent()
        .unwrap_or(Path::new("/"))
        .to_string_lossy()
        .into_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    builder.plugin(file).env("PATH", format!("{folder}:{path}"))
}

/// A manifest with empty lists and what is given.
pub fn manifest(members: Value) -> Value {
    let mut all = Map::new();
    all.insert("options".into(), json!([]));
    all.insert("rpcmethods".into(), json!([]));
    all.insert("dynamic".into(), json!(true));
    if let Value::Object(members) = members {
        all.extend(members);
    }
    Value::Object(all)
}

/// RPC methods by name, as a manifest has them.
pub fn methods(names: &[&str]) -> Value {
    let all = names
        .iter()
        .map(|name| json!({"name": name, "usage": "", "description": "for a test"}));
    Value::Array(all.collect())
}

/// What a real lightningd sent to a hook, as JSON text.
///
/// # Panics
/// For a hook that was never recorded.
pub fn payload(hook: &str) -> String {
    let path = workspace()
        .join("protocol/tests/fixtures")
        .join(format!("{hook}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().next().unwrap_or_default().to_owned()
}
