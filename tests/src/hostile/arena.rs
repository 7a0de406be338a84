//! A hostile guest, or several, beside a quiet one in one bridge, and another bridge with the quiet one alone.

use super::lines::{forbidden, missing_lines};
use super::measure::{Latencies, peak, quiet};
use super::{Expected, Hostile, HostileFile};
use crate::bridge::{Folder, bridge, payload};
use crate::simulator::{Builder, Call, HookRun, Node, RpcError};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Answers of the quiet guest in one measurement, at least.
const ANSWERS: usize = 200;
/// Fresh measurements before the quiet guest counts as held up: the machine has other things to do, too, and what it
/// does in the moment of a few answers decides a p99.
const MEASUREMENTS: usize = 5;
/// Every deadline of the usual policy. A hook goes from guest to guest.
const DEADLINE: Duration = Duration::from_secs(1);
/// What an answer may take past that on a machine that does other things too.
const MARGIN: Duration = Duration::from_secs(8);
/// How long to wait for anything else: a log line, the end.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// What a guest may cost the bridge beside its memory: its compiled form as it comes from the child and as it is
/// mapped, stacks, copies of texts on their way.
const BESIDE_MEMORY: u64 = 12 << 20;
/// How many guests that are left out share a node.
const LEFT_OUT_TOGETHER: usize = 10;
/// Commands that no guest here may reach.
const FORBIDDEN: [&str; 4] = ["pay", "stop", "withdraw", "datastore"];

/// Commands of the simulated node, and what became of them.
#[derive(Default)]
struct Natives {
    forbidden: AtomicUsize,
    over: Mutex<bool>,
    changed: Condvar,
}

impl Natives {
    fn add_to(self: &Arc<Self>, mut builder: Builder) -> Builder {
        for name in FORBIDDEN {
            let natives = Arc::clone(self);
            builder = builder.native(name, move |_| {
                natives.forbidden.fetch_add(1, Ordering::SeqCst);
                Ok(json!({}))
            });
        }
        let natives = Arc::clone(self);
        builder
            .native("getinfo", |_| Ok(json!({"id": "02"})))
            .native("hostile-error", |_| Err(RpcError::new(-1, "no")))
            .native_raw("hostile-large", |_| {
                Ok(format!("\"{}\"", "x".repeat(4 << 20)))
            })
            .native("hostile-wait", move |_| {
                let over = natives.over.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = natives.changed.wait_while(over, |over| !*over);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
                Ok(json!({}))
            })
    }

    fn end(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

/// The control bridge, and one place for all nodes' compiled guests.
pub struct Arena {
    control: Node,
    place: tempfile::TempDir,
    _folder: Folder,
}

/// What was found out about a node of hostile guests.
#[derive(Debug)]
pub struct Report {
    /// The guests.
    pub names: Vec<String>,
    /// What is not as it must be; nothing, if all is well.
    pub faults: Vec<String>,
    /// How it went, for people.
    pub summary: String,
}

/// Something that was asked, and must be answered.
struct Asked {
    /// By `method`, `hook`, `check` or `setconfig`.
    kind: &'static str,
    name: String,
    since: Instant,
    answer: Open,
}

enum Open {
    Call(Call),
    Hook(HookRun),
}

impl Asked {
    fn is_done(&mut self) -> bool {
        match &mut self.answer {
            Open::Call(call) => call.is_done(),
            Open::Hook(run) => run.is_done(),
        }
    }

    /// The answer, already there, in the form of the cards; the error says why it is none.
    fn answer(self) -> Result<(Option<Value>, Option<i64>), String> {
        match self.answer {
            // lightningd hands a result on whose numbers or characters not every reader of JSON takes.
            Open::Call(call) => match call.wait_raw() {
                Ok(result) => Ok((serde_json::from_str(&result).ok(), None)),
                Err(e) if e.code().is_some() => Ok((None, e.code())),
                Err(e) => Err(first_line(&e)),
            },
            Open::Hook(run) => run
                .wait()
                .map(|ended| (Some(ended.result), None))
                .map_err(|e| first_line(&e)),
        }
    }
}

fn first_line(what: &impl std::fmt::Display) -> String {
    what.to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

impl Default for Arena {
    fn default() -> Self {
        Self::new()
    }
}

impl Arena {
    /// Starts the control bridge.
    pub fn new() -> Self {
        let folder = Folder::new().scripted("zz-quiet", quiet());
        let control = bridge(&folder).start().expect("the quiet guest alone");
        let place = tempfile::tempdir().expect("a folder");
        Arena {
            control,
            place,
            _folder: folder,
        }
    }

    /// Attacks with each of the guests. Those out of one file share a node, and so do some of those that are left out.
    pub fn attack_with(&self, guests: Vec<Hostile>) -> Vec<Report> {
        let together = |a: &Hostile, b: &Hostile| a.card.attack == b.card.attack;
        let (left_out, others): (Vec<_>, Vec<_>) = guests
            .into_iter()
            .partition(|g| g.card.left_out && !g.card.alone);
        let left_out = left_out.chunks(LEFT_OUT_TOGETHER).map(<[_]>::to_vec);
        let others = others.chunk_by(together).map(<[_]>::to_vec);
        left_out
            .chain(others)
            .map(|group| self.attack(&group))
            .collect()
    }

    fn attack(&self, group: &[Hostile]) -> Report {
        let names: Vec<String> = group.iter().map(|guest| guest.name.clone()).collect();
        let mut slow = Vec::new();
        loop {
            let began = Instant::now();
            let (faults, mut latencies, memory) = self.attack_once(group);
            let (beside, alone) = latencies.p99();
            let summary = format!(
                "{:.1} s, {} answers, p99 {:.1} ms beside and {:.1} ms alone, {memory}",
                began.elapsed().as_secs_f64(),
                latencies.len(),
                beside.as_secs_f64() * 1e3,
                alone.as_secs_f64() * 1e3
            );
            let fair = latencies.is_fair();
            if !fair {
                slow.push(format!("the quiet guest is held up: {summary}"));
            }
            if fair || !faults.is_empty() || slow.len() == MEASUREMENTS {
                let faults = match fair {
                    true => faults,
                    false => faults.into_iter().chain(slow).collect(),
                };
                return Report {
                    names,
                    faults,
                    summary,
                };
            }
        }
    }

    /// What is not as it must be, and what was measured.
    fn attack_once(&self, group: &[Hostile]) -> (Vec<String>, Latencies, String) {
        let mut latencies = Latencies::default();
        let natives = Arc::new(Natives::default());
        let folder = Folder::new();
        for guest in group {
            guest.put(folder.path());
        }
        let folder = folder.scripted("zz-quiet", quiet());
        let builder = natives.add_to(bridge(&folder)).directory(self.place.path());
        let node = builder.deadline(PATIENCE).start();
        let node = match node {
            Ok(node) => node,
            Err(e) => {
                let why = format!("the node does not start: {e}");
                return (vec![why], latencies, String::new());
            }
        };
        let mut faults = Vec::new();
        let went = self.ask_everything(&node, group, &mut latencies, &mut faults);
        faults.extend(went.err());
        faults.extend(missing_lines(&node, group));
        faults.extend(group.iter().flat_map(|guest| forbidden(&node, guest)));
        let memory = memory(&node, &self.control, group);
        let (memory, too_much) = memory;
        faults.extend(too_much);
        faults.extend(at_the_end(node, &natives));
        (faults, latencies, memory)
    }

    /// Asks all that can be asked, in rounds, while the quiet guests answer.
    fn ask_everything(
        &self,
        node: &Node,
        group: &[Hostile],
        latencies: &mut Latencies,
        faults: &mut Vec<String>,
    ) -> Result<(), String> {
        let rounds = group
            .iter()
            .map(|guest| guest.card.rounds.unwrap_or(2))
            .max();
        let limit = DEADLINE * group.len() as u32 + MARGIN;
        for _ in 0..rounds.unwrap_or(1) {
            let mut open = ask(node).map_err(|e| first_line(&e))?;
            while !open.is_empty() {
                latencies
                    .take(node, &self.control)
                    .map_err(|e| first_line(&e))?;
                for at in (0..open.len()).rev() {
                    if open.get_mut(at).is_some_and(Asked::is_done) {
                        let done = open.swap_remove(at);
                        faults.extend(unexpected(group, done));
                    } else if open
                        .get(at)
                        .is_some_and(|asked| asked.since.elapsed() > limit)
                    {
                        let late = open.swap_remove(at);
                        faults.push(format!(
                            "no answer to {} {} within {limit:?}",
                            late.kind, late.name
                        ));
                    }
                }
            }
        }
        while latencies.len() < ANSWERS {
            latencies
                .take(node, &self.control)
                .map_err(|e| first_line(&e))?;
        }
        Ok(())
    }

    /// Ends the control bridge.
    pub fn close(self) {
        self.control.shutdown().expect("the quiet guest's end");
    }
}

/// Sends everything that the node has a taker for, but the quiet guest's own.
fn ask(node: &Node) -> crate::simulator::Result<Vec<Asked>> {
    let manifest = node.manifest();
    let mut open = Vec::new();
    let mut keep = |kind, name: &str, answer| {
        open.push(Asked {
            kind,
            name: name.to_owned(),
            since: Instant::now(),
            answer,
        });
    };
    node.notify("block_added", json!({"hash": "00".repeat(32), "height": 1}))?;
    for method in manifest.methods.iter().filter(|m| m.name != "quiet-echo") {
        let call = node.start_call(&method.name, json!({}))?;
        keep("method", &method.name, Open::Call(call));
        let check = node.start_call("check", json!({"command_to_check": method.name}))?;
        keep("check", &method.name, Open::Call(check));
    }
    for option in manifest.options.iter().filter(|o| o.dynamic) {
        let set = node.start_call("setconfig", json!({"config": option.name, "val": "1"}))?;
        keep("setconfig", &option.name, Open::Call(set));
    }
    for hook in manifest.hooks.iter().filter(|h| h.name != "custommsg") {
        let run = node.start_hook(&hook.name, payload(&hook.name))?;
        keep("hook", &hook.name, Open::Hook(run));
    }
    Ok(open)
}

/// Why an answer is not the one of the card.
fn unexpected(group: &[Hostile], asked: Asked) -> Option<String> {
    let (kind, name) = (asked.kind, asked.name.clone());
    let answer = match asked.answer() {
        Ok(answer) => answer,
        Err(why) => return Some(format!("{kind} {name}: {why}")),
    };
    let its_own = |guest: &&Hostile| {
        guest.card.answers.contains_key(kind) && (kind == "hook" || name.starts_with(&guest.name))
    };
    let guest = group.iter().find(its_own)?;
    let right = match (guest.card.answers.get(kind)?, &answer) {
        (Expected::Result(wanted), (Some(result), _)) => wanted == result,
        (Expected::Error(codes), (_, Some(code))) => codes.contains(code),
        _ => false,
    };
    (!right).then(|| format!("{kind} {name}: answered {answer:?}"))
}

/// What the bridge took at most, and whether that is more than it may be.
fn memory(node: &Node, control: &Node, group: &[Hostile]) -> (String, Option<String>) {
    let (Some(attacked), Some(alone)) = (node.pid(0), control.pid(0)) else {
        return (String::new(), Some("the bridge is gone".to_owned()));
    };
    let (took, base) = (peak(attacked), peak(alone));
    let each = |guest: &Hostile| match &guest.file {
        HostileFile::Module(module) => {
            guest.limit("memory_bytes")
                + 2 * guest.limit("answer_bytes")
                + 8 * module.len() as u64
                + BESIDE_MEMORY
        }
        // Some are read as a whole.
        HostileFile::Entry(_) => 2 << 20,
    };
    let allowed = base + group.iter().map(each).sum::<u64>();
    let mib = |bytes: u64| bytes >> 20;
    let word = format!("{} of {} MiB, {} alone", mib(took), mib(allowed), mib(base));
    let too_much = (took > allowed).then(|| format!("too much memory: {word}"));
    (word, too_much)
}

/// What is wrong when all is over: the bridge must still be there, and end as it should.
fn at_the_end(node: Node, natives: &Natives) -> Vec<String> {
    let mut faults = Vec::new();
    if let Err(e) = Latencies::default().take(&node, &node) {
        faults.push(format!(
            "the quiet guest does not answer at the end: {}",
            first_line(&e)
        ));
    }
    natives.end();
    let verdicts = node.take_verdicts();
    faults.extend(verdicts.iter().map(|verdict| format!("{verdict:.600}")));
    for line in node.logs().iter().filter(|line| line.level == "broken") {
        faults.push(format!("BROKEN: {:.300}", line.text));
    }
    if natives.forbidden.load(Ordering::SeqCst) > 0 {
        faults.push("a command was called that nobody was granted".to_owned());
    }
    for request in super::servers::caught() {
        faults.push(format!(
            "a server was asked that nobody may ask: {request:.300}"
        ));
    }
    if !verdicts.is_empty() {
        return faults;
    }
    match node.shutdown() {
        Ok(exits) => {
            let bad = exits
                .iter()
                .find(|exit| !exit.status.is_some_and(|s| s.success()));
            faults.extend(bad.map(|exit| format!("the bridge ended with {exit:?}")));
        }
        Err(e) => faults.push(format!("the end: {}", first_line(&e))),
    }
    faults
}

/// Runs one topic, and fails with all that is wrong.
///
/// # Panics
/// With the guests and their faults.
pub fn run(topic: &str) {
    // One at a time: what is measured here is what a guest does to another, not what two tests do.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut guests = super::topic(topic);
    if let Ok(only) = std::env::var("HOSTILE") {
        guests.retain(|guest| guest.name.contains(&only));
    }
    if guests.is_empty() {
        return;
    }
    let count = guests.len();
    let arena = Arena::new();
    let reports = arena.attack_with(guests);
    arena.close();
    for report in &reports {
        println!("{topic}: {}: {}", report.names.join(", "), report.summary);
    }
    let bad: Vec<String> = reports
        .iter()
        .filter(|report| !report.faults.is_empty())
        .map(|report| {
            format!(
                "{}:\n  {}",
                report.names.join(", "),
                report.faults.join("\n  ")
            )
        })
        .collect();
    assert!(
        bad.is_empty(),
        "of {count} hostile guests in {topic}:\n{}",
        bad.join("\n")
    );
}

/// The names of all topics.
pub fn topics() -> Vec<String> {
    let is_folder = |path: &Path| path.is_dir();
    let entries = std::fs::read_dir(super::corpus()).expect("the corpus");
    let paths = entries.flatten().map(|entry| entry.path());
    let mut names: Vec<String> = paths
        .filter(|path| is_folder(path))
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}
