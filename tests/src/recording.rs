//! Recorded traffic of a real lightningd v26.06.6, played to a plugin.
//!
//! The recordings are in `recordings/` (its README says how they came about), one file per scenario. What
//! lightningd wrote to a plugin is played again, byte for byte, ids included; what the recorded plugin
//! answered is there to compare with, and need not be what another plugin answers.

use crate::simulator::json::Doc;
use crate::simulator::{Failure, Node, RawCall, Result, judge_hook};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where the recordings are.
pub fn directory() -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "recordings",
        "real-lightningd-v26.06.6",
    ]
    .iter()
    .collect()
}

/// The scenarios that have lightningd's side of the plugin protocol, by name.
pub fn scenarios() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory()).map_err(|e| setup(&directory(), &e))? {
        let path = entry.map_err(|e| setup(&directory(), &e))?.path();
        let is_scenario = path.extension().is_some_and(|ext| ext == "jsonl");
        match path.file_stem().and_then(|stem| stem.to_str()) {
            // That one is a client's side of the RPC socket.
            Some("rpc-socket-client") | None => {}
            Some(name) if is_scenario => names.push(name.to_owned()),
            Some(_) => {}
        }
    }
    names.sort();
    Ok(names)
}

fn setup(path: &std::path::Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::Setup(format!("{}: {why}", path.display()))
}

#[derive(Deserialize)]
struct Line {
    t: f64,
    node: String,
    plugin: String,
    dir: String,
    msg: Box<RawValue>,
}

/// A message of a recording.
#[derive(Clone, Debug)]
pub struct Message {
    /// Seconds since the scenario began.
    pub at: f64,
    /// Whether lightningd wrote it; else the recorded plugin did.
    pub from_lightningd: bool,
    /// `method`, empty in an answer.
    pub method: String,
    /// `id` as it stands in the message, quotes included; `None` in a notification.
    pub id: Option<String>,
    /// The exact text.
    pub text: String,
}

impl Message {
    fn new(at: f64, from_lightningd: bool, text: &str) -> Result<Self> {
        let doc =
            Doc::parse(text).ok_or_else(|| Failure::Setup(format!("not a message: {text}")))?;
        Ok(Self {
            at,
            from_lightningd,
            method: doc.get("method").map_or("", |m| m.text()).to_owned(),
            id: doc.get("id").map(|id| id.full().to_owned()),
            text: text.to_owned(),
        })
    }

    /// The text of `params`.
    pub fn params(&self) -> String {
        Doc::parse(&self.text)
            .and_then(|doc| Some(doc.get("params")?.full().to_owned()))
            .unwrap_or_default()
    }

    /// Whether it belongs to the handshake.
    pub fn is_handshake(&self) -> bool {
        self.from_lightningd && matches!(self.method.as_str(), "getmanifest" | "init")
    }
}

/// What passed between one node and one registration of a plugin, in order.
#[derive(Clone, Debug)]
pub struct Part {
    /// `l1`, `l2`, `l3`.
    pub node: String,
    /// Which registration; see the recordings' README.
    pub plugin: String,
    /// All messages, both ways.
    pub messages: Vec<Message>,
}

/// One scenario.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Its name.
    pub name: String,
    /// By node and registration.
    pub parts: Vec<Part>,
}

impl Recording {
    /// Loads a scenario by name, such as `payments`.
    pub fn load(name: &str) -> Result<Self> {
        let path = directory().join(format!("{name}.jsonl"));
        let text = std::fs::read_to_string(&path).map_err(|e| setup(&path, &e))?;
        let mut parts: BTreeMap<(String, String), Vec<Message>> = BTreeMap::new();
        for line in text.lines() {
            let line: Line = serde_json::from_str(line).map_err(|e| setup(&path, &e))?;
            let message = Message::new(line.t, line.dir == "in", line.msg.get())?;
            let part = parts.entry((line.node, line.plugin)).or_default();
            part.push(message);
        }
        let parts = parts
            .into_iter()
            .map(|((node, plugin), messages)| Part {
                node,
                plugin,
                messages,
            })
            .collect();
        Ok(Self {
            name: name.to_owned(),
            parts,
        })
    }

    /// The part of one node and registration.
    pub fn part(&self, node: &str, plugin: &str) -> Option<&Part> {
        self.parts
            .iter()
            .find(|part| part.node == node && part.plugin == plugin)
    }
}

/// An answer to a played message.
#[derive(Clone, Debug)]
pub struct Played {
    /// What was sent.
    pub message: Message,
    /// The whole response.
    pub response: String,
    /// For a hook: what the answer comes to (see `HookOutcome::result`).
    pub effect: Option<serde_json::Value>,
}

/// What came of playing a part.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Answers, in the order in which their requests were sent.
    pub answers: Vec<Played>,
    /// Notifications that were sent, in order.
    pub notifications: Vec<Message>,
    /// Messages left out, because lightningd would not send them to this plugin: it did not register for
    /// them.
    pub skipped: Vec<Message>,
}

enum Sent {
    Request(Message, RawCall),
    Notification,
}

impl Node {
    /// Plays a part to the first plugin, which has had its handshake: all that lightningd wrote after
    /// its own, in order and without waiting, with the recorded ids. A `db_write` is answered before
    /// the next message. What the plugin did not register for is left out.
    ///
    /// # Errors
    /// A verdict; a request that is not answered, or answered twice; an answer to a hook that lightningd
    /// would die of.
    pub fn play(&self, part: &Part) -> Result<Report> {
        let manifest = self.manifest();
        let stray_before = self.stray_answers(0).len();
        let mut report = Report::default();
        let mut calls = Vec::new();
        for message in part.messages.iter().filter(|m| m.from_lightningd) {
            if message.is_handshake() {
                continue;
            }
            let method = message.method.as_str();
            let registered = match &message.id {
                None => manifest.copies_of(method) > 0,
                Some(_) => {
                    manifest.hook(method).is_some()
                        || manifest.method(method).is_some()
                        || (method == "check" && manifest.can_check)
                        || (method == "setconfig" && manifest.options.iter().any(|o| o.dynamic))
                }
            };
            // The node's own end is the test's to choose.
            if !registered || method == "shutdown" {
                report.skipped.push(message.clone());
                continue;
            }
            match self.send_recorded(message) {
                Sent::Notification => report.notifications.push(message.clone()),
                Sent::Request(message, call) if message.method == "db_write" => {
                    report.answers.push(judged(message, call)?);
                }
                Sent::Request(message, call) => calls.push((message, call)),
            }
        }
        for (message, call) in calls {
            report.answers.push(judged(message, call)?);
        }
        report
            .answers
            .sort_by(|a, b| a.message.at.total_cmp(&b.message.at));
        self.ends_cleanly(stray_before)?;
        Ok(report)
    }

    fn send_recorded(&self, message: &Message) -> Sent {
        let sent = match &message.id {
            Some(id) => Sent::Request(message.clone(), self.expect_answer(0, id)),
            None => Sent::Notification,
        };
        self.send_bytes(format!("{}\n\n", message.text));
        sent
    }

    fn ends_cleanly(&self, stray_before: usize) -> Result<()> {
        let stray = self.stray_answers(0);
        match stray.get(stray_before..) {
            Some([first, ..]) => Err(Failure::Unclean {
                what: format!("an answer that nobody waited for: {first}"),
                transcript: self.transcript(),
            }),
            _ => Ok(()),
        }
    }

    /// Plays a whole recorded stream to the first plugin, handshake included, in pieces as they arrived.
    /// The node must have been started with [`start_silent`](crate::simulator::Builder::start_silent).
    ///
    /// # Errors
    /// As for [`play`](Self::play). A hook that the plugin did not register must be answered too, with
    /// anything.
    pub fn play_stream(&self, stream: &Stream) -> Result<Report> {
        let mut report = Report::default();
        let mut calls = Vec::new();
        for message in &stream.messages {
            match &message.id {
                Some(id) => calls.push((message.clone(), self.expect_answer(0, id))),
                None => report.notifications.push(message.clone()),
            }
        }
        for chunk in stream.chunks() {
            self.send_bytes(chunk);
        }
        let mut registered: Option<Vec<String>> = None;
        for (message, call) in calls {
            let response = call.wait()?;
            if message.method == "getmanifest" {
                let hooks = response.get("result").and_then(|r| r.get("hooks"));
                let name = |hook: crate::simulator::json::Json<'_>| {
                    hook.get("name").unwrap_or(hook).text().to_owned()
                };
                registered = hooks.map(|list| list.elements().map(name).collect());
            }
            let hooked = registered.iter().flatten().any(|h| *h == message.method);
            report.answers.push(checked(message, &response, hooked)?);
        }
        self.ends_cleanly(0)?;
        Ok(report)
    }
}

fn judged(message: Message, call: RawCall) -> Result<Played> {
    let response = call.wait()?;
    let is_hook = crate::simulator::hooks().contains(&message.method.as_str());
    checked(message, &response, is_hook)
}

fn checked(message: Message, response: &Doc, is_hook: bool) -> Result<Played> {
    let text = response.root().full().to_owned();
    let effect = match is_hook {
        false => None,
        true => Some(
            judge_hook(&message.method, &message.params(), &text).map_err(|why| {
                Failure::Setup(format!(
                    "lightningd aborts: {why}\nasked: {}\nanswered: {text}",
                    message.text
                ))
            })?,
        ),
    };
    Ok(Played {
        message,
        response: text,
        effect,
    })
}

/// Every byte that lightningd wrote to one plugin, and how they arrived.
#[derive(Clone, Debug)]
pub struct Stream {
    bytes: Vec<u8>,
    reads: Vec<usize>,
    /// The messages in it.
    pub messages: Vec<Message>,
}

impl Stream {
    /// Loads `raw/<name>.stdin.bin` and `raw/<name>.reads`, such as `l1.recorder`.
    pub fn load(name: &str) -> Result<Self> {
        let folder = directory().join("raw");
        let path = folder.join(format!("{name}.stdin.bin"));
        let bytes = std::fs::read(&path).map_err(|e| setup(&path, &e))?;
        let text = std::str::from_utf8(&bytes).map_err(|e| setup(&path, &e))?;
        let messages = text
            .split("\n\n")
            .filter(|text| !text.is_empty())
            .map(|text| Message::new(0.0, true, text))
            .collect::<Result<_>>()?;
        let path = folder.join(format!("{name}.reads"));
        let text = std::fs::read_to_string(&path).map_err(|e| setup(&path, &e))?;
        let mut reads = Vec::new();
        for line in text.lines() {
            let count = line.split_whitespace().nth(1).and_then(|n| n.parse().ok());
            reads.push(count.ok_or_else(|| setup(&path, &format!("odd line {line}")))?);
        }
        if reads.iter().sum::<usize>() != bytes.len() {
            return Err(setup(&path, &"the reads do not add up to the bytes"));
        }
        Ok(Self {
            bytes,
            reads,
            messages,
        })
    }

    /// The bytes in pieces as they arrived.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.as_slice();
        self.reads.iter().map(move |count| {
            let (chunk, behind) = rest.split_at_checked(*count).unwrap_or((rest, &[]));
            rest = behind;
            chunk
        })
    }
}
