//! A corpus of hostile guests, and the arena where each is set beside a well-behaved one.
//!
//! `tests/hostile/TOPIC/NAME.wat` is a core module, or a component, in WebAssembly's text format; of a core module
//! only what is hostile stands there, and [`assemble`] adds the rest. `tests/hostile/TOPIC/NAME.json` is a script for
//! the scripted guest, or a file that is no guest at all. Each says what it attacks, and its [`Card`] what is expected;
//! in a `.wat` the lines after `;;!` are the card.

pub mod arena;
pub mod assemble;
mod entry;
mod lines;
pub mod measure;
pub mod servers;

use crate::bridge::{manifest, methods, policy, scripted};
use entry::Entry;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What a hostile guest attacks, and what is expected of the bridge.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Card {
    /// What it attacks.
    pub attack: String,
    /// It is not to be in the node's manifest, and the first line of `expect` says why.
    pub left_out: bool,
    /// Log lines in the guest's name.
    pub expect: Vec<Line>,
    /// What no line in the guest's name may have.
    pub forbid: Vec<String>,
    /// What the operator wrote, over the [usual policy](usual_policy): sections, keys, values.
    pub policy: Map<String, Value>,
    /// The RPC methods that are granted.
    pub rpc: Option<Value>,
    /// The key-value store is granted.
    pub kv: bool,
    /// Members of the manifest, over the usual ones.
    pub manifest: Map<String, Value>,
    /// Several guests out of one text: by the end of their names, what stands for each `%KEY%`.
    pub variants: BTreeMap<String, BTreeMap<String, String>>,
    /// The variants are [`TEXTS`].
    texts: bool,
    /// The script of a scripted guest.
    script: Option<Value>,
    /// A file that is no guest.
    entry: Option<Entry>,
    /// A core module without the section that says which world it was built for.
    pub bare: bool,
    /// What each answer must be: by `method`, `hook`, `check`, `setconfig`.
    pub answers: BTreeMap<String, Expected>,
    /// How often everything is asked; twice unless told.
    pub rounds: Option<usize>,
    /// It has a node for itself and the quiet guest though it is left out.
    pub alone: bool,
}

/// Texts that are none, with what the operator reads of each: `%PTR%` and `%LEN%` in a guest with the usual memory,
/// `%WHY%` in its log line.
const TEXTS: [(&str, &str, &str, &str); 8] = [
    ("huge", "131072", "2000000", "fuel"),
    ("one-gib", "131072", "1073741824", "out of bounds"),
    ("not-utf8", "1536", "14", "utf-8"),
    ("half-a-character", "1568", "7", "utf-8"),
    ("surrogate", "1600", "5", "utf-8"),
    ("past-the-end", "2621430", "100", "out of bounds"),
    ("wraps-around", "-16", "64", "out of bounds"),
    ("minus-one", "16", "-1", "out of bounds"),
];

/// A line of lightningd's log.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// At the level `unusual`, with this text somewhere in it.
    Unusual(String),
    /// At another level.
    At {
        /// lightningd's name of the level.
        level: String,
        /// Somewhere in it.
        text: String,
    },
}

impl Line {
    /// Level and text.
    pub fn parts(&self) -> (&str, &str) {
        match self {
            Line::Unusual(text) => ("unusual", text),
            Line::At { level, text } => (level, text),
        }
    }
}

/// An answer that lightningd is to get.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Expected {
    /// This result.
    Result(Value),
    /// An error with one of these codes.
    Error(Vec<i64>),
}

/// One hostile guest, ready to be put into a folder.
#[derive(Debug, Clone)]
pub struct Hostile {
    /// Its name, as it stands in log lines.
    pub name: String,
    /// What is known of it.
    pub card: Card,
    /// Its file.
    pub file: HostileFile,
    /// Its policy file.
    pub policy: Option<String>,
}

/// What is put into the folder.
#[derive(Debug, Clone)]
pub enum HostileFile {
    /// `NAME.wasm` with these bytes.
    Module(Vec<u8>),
    /// Something else that a folder can hold.
    Entry(Entry),
}

/// Where the corpus is.
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hostile")
}

/// All guests of one topic, in the order of their files.
///
/// # Panics
/// Where a file of the corpus is broken, with its name.
pub fn topic(name: &str) -> Vec<Hostile> {
    let folder = corpus().join(name);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.iter().flat_map(|path| guests(path)).collect()
}

/// The guests of one file.
fn guests(path: &Path) -> Vec<Hostile> {
    let broken = |why: String| -> ! { panic!("{}: {why}", path.display()) };
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| broken(e.to_string()));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let is_text = path.extension().is_some_and(|e| e == "wat");
    let card = match is_text {
        true => assemble::card(&text),
        false => serde_json::from_str(&text).map_err(|e| e.to_string()),
    };
    let card = card.unwrap_or_else(|e| broken(e));
    if card.attack.is_empty() {
        broken("it does not say what it attacks".to_owned());
    }
    if !card.left_out && card.expect.is_empty() && card.answers.is_empty() {
        broken("it does not say what is expected".to_owned());
    }
    let mut card = card;
    if card.texts {
        let values = |(end, ptr, len, why): (&str, &str, &str, &str)| {
            let pairs = [("PTR", ptr), ("LEN", len), ("WHY", why)];
            let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
            (end.to_owned(), BTreeMap::from(pairs))
        };
        card.variants = TEXTS.map(values).into();
    }
    let mut variants = card.variants.clone();
    if variants.is_empty() {
        variants.insert(String::new(), BTreeMap::new());
    }
    let each = variants.into_iter().map(|(end, values)| {
        let name = match end.as_str() {
            "" => stem.clone().into_owned(),
            end => format!("{stem}-{end}"),
        };
        let mut card = card.clone();
        for line in &mut card.expect {
            let (Line::Unusual(text) | Line::At { text, .. }) = line;
            *text = assemble::replaced(text, &name, &values);
            if let Line::At { level, .. } = line {
                *level = assemble::replaced(level, &name, &values);
            }
        }
        let wanted = manifest_of(&name, &card, &values);
        let (module, script) = match (&card.entry, &card.script) {
            (Some(entry), _) => return entry_guest(&name, entry.clone(), card),
            (None, Some(script)) => {
                let script = with_manifest(&replaced(script, &name, &values), &wanted);
                (scripted(&script), script)
            }
            (None, None) => {
                let module = assemble::module(&text, &name, &values, &wanted, card.bare);
                let module = module.unwrap_or_else(|e| broken(e));
                (module, json!({"manifest": wanted}))
            }
        };
        let policy = assemble::replaced(&policy_of(&script, &card), &name, &values);
        Hostile {
            name,
            card,
            file: HostileFile::Module(module),
            policy: Some(policy),
        }
    });
    each.collect()
}

fn entry_guest(name: &str, entry: Entry, card: Card) -> Hostile {
    Hostile {
        name: entry.shown(name),
        card,
        file: HostileFile::Entry(entry),
        policy: None,
    }
}

/// The texts of a script with `%NAME%` and the variant's values in their places; a text that becomes a number is one.
fn replaced(script: &Value, name: &str, values: &BTreeMap<String, String>) -> Value {
    let text = |text: &str| assemble::replaced(text, name, values);
    match script {
        Value::String(before) => {
            let after = text(before);
            match after.parse::<u64>() {
                Ok(number) if *before != after => json!(number),
                _ => Value::String(after),
            }
        }
        Value::Array(all) => all.iter().map(|v| replaced(v, name, values)).collect(),
        Value::Object(all) => all
            .iter()
            .map(|(key, value)| (text(key), replaced(value, name, values)))
            .collect(),
        other => other.clone(),
    }
}

fn with_manifest(script: &Value, wanted: &Value) -> Value {
    let mut script = script.clone();
    if script.get("manifest").is_none() {
        script["manifest"] = wanted.clone();
    }
    script
}

/// One of everything that a guest can be called by.
fn manifest_of(name: &str, card: &Card, values: &BTreeMap<String, String>) -> Value {
    let mut members = json!({
        "options": [{"name": format!("{name}-option"), "type": "string", "description": "", "dynamic": true}],
        "rpcmethods": methods(&[&format!("{name}-do")]),
        "hooks": ["peer_connected"],
        "subscriptions": ["block_added"],
        "notifications": [{"method": format!("{name}-topic")}],
        "cancheck": true,
        "capabilities": [
            {"grant": "rpc: method^", "reason": "to do harm"},
            {"grant": "timer", "reason": "to wait for it"},
            {"grant": "kv", "reason": "to remember it"},
        ],
    });
    for (key, value) in &card.manifest {
        members[key] = value.clone();
    }
    replaced(&manifest(members), name, values)
}

/// Short limits, so that many guests can meet them; and as many restarts as they like, so that they go on.
fn usual_policy() -> Value {
    json!({
        "limits": {"cpu_per_call_ms": 100, "memory_bytes": "16 MiB", "answer_bytes": "64 KiB"},
        "limits.deadline": {"getmanifest": "20 s", "init": "3 s", "hook": "1 s", "method": "1 s", "check": "1 s", "notification": "1 s"},
        "on-fault.restart": {"times": 100_000, "pause": "1 ms", "longest_pause": "50 ms"},
    })
}

fn policy_of(script: &Value, card: &Card) -> String {
    let mut sections = usual_policy();
    for (section, values) in &card.policy {
        for (key, value) in values.as_object().into_iter().flatten() {
            sections[section][key] = value.clone();
        }
    }
    let mut more = String::new();
    for (section, values) in sections.as_object().into_iter().flatten() {
        let _ = writeln!(more, "[{section}]");
        for (key, value) in values.as_object().into_iter().flatten() {
            // Texts, numbers and truth are written alike in TOML.
            let _ = writeln!(more, "{key} = {value}");
        }
    }
    let mut script = script.clone();
    script["policy"] = json!(more);
    script["kv"] = json!(card.kv);
    if let Some(rpc) = &card.rpc {
        script["rpc"] = rpc.clone();
    }
    policy(&script)
}

impl Hostile {
    /// A number of bytes out of its policy.
    fn limit(&self, key: &str) -> u64 {
        let usual = usual_policy();
        let set = self.card.policy.get("limits").and_then(|l| l.get(key));
        let text = set.or(usual["limits"].get(key)).and_then(Value::as_str);
        let (number, unit) = text
            .and_then(|text| text.split_once(' '))
            .unwrap_or_default();
        let unit = match unit {
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            _ => panic!("{}: limits.{key} is {text:?}", self.name),
        };
        number.parse::<u64>().expect("a number") * unit
    }

    /// Puts it into a folder.
    fn put(&self, folder: &Path) {
        let write = |name: String, bytes: &[u8]| {
            std::fs::write(folder.join(name), bytes).expect("a file");
        };
        match &self.file {
            HostileFile::Module(module) => write(format!("{}.wasm", self.name), module),
            HostileFile::Entry(entry) => entry.put(folder),
        }
        if let Some(policy) = &self.policy {
            write(format!("{}.toml", self.name), policy.as_bytes());
        }
    }
}
