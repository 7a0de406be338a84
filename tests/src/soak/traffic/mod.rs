//! Sends the bridge all that it can take, hooks, methods and notifications, to guests of which some answer, one holds,
//! one calls the node, two observe and the others fail in every way they know; and checks that
//!
//! - each request has one answer, and it is the right one: of its own guest, or the fallback;
//! - each notification was delivered, in order, or counted as dropped;
//! - the operator reads of each fault, and the counters are right;
//! - the bridge takes no more memory, descriptors, threads and mappings in the end than it did after warming up.
//!
//! All is stopped again and again, until nothing is open: then the sums must be right, and what the bridge takes is
//! what is left over.

mod faulty;
mod guests;
mod heard;
mod sums;
mod vitals;
mod wire;

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use faulty::{Faulty, Step};
use heard::is_broken;
use sums::bundles;
pub use vitals::Vitals;
use wire::Wire;

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many hooks to call, at least.
    pub hooks: u64,
    /// How many faults to provoke, at least.
    pub faults: u64,
    /// How often to stop and look.
    pub looks: u64,
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Hooks that were called and answered.
    pub hooks: u64,
    /// Other requests that were answered.
    pub requests: u64,
    /// HTLCs that were held and released, among the hooks.
    pub held: u64,
    /// Calls of guests to the node.
    pub rpc: u64,
    /// Notifications that were sent to two observers: sent, delivered to each, dropped by each.
    pub notifications: (u64, [u64; 2], [u64; 2]),
    /// Faults that were provoked, by what the guest did.
    pub faults: HashMap<&'static str, u64>,
    /// Instances that were replaced.
    pub restarts: u64,
    /// Fallbacks that lightningd got, each with a line for the operator.
    pub fallbacks: u64,
    /// Crash bundles on the disk.
    pub bundles: usize,
    /// Of the times when nothing was open: the most in the second quarter and in the last.
    pub quiet: (Vitals, Vitals),
    /// The same of the times in between.
    pub busy: (Vitals, Vitals),
    /// How long it took.
    pub took: Duration,
}

/// What the last quarter may have more than the second where nothing is open. What a store, its pages and its stacks
/// leave behind differs from time to time; a leak of 4 bytes a hook would be more after a million.
const QUIET: Vitals = Vitals {
    resident: 2 << 10,
    private: 2 << 10,
    descriptors: 4,
    threads: 4,
    maps: 64,
};
/// The same in the middle of things: guests that take all the memory they may, each in its moment.
const BUSY: Vitals = Vitals {
    resident: 24 << 10,
    private: 24 << 10,
    descriptors: 64,
    threads: 16,
    maps: 256,
};
/// Requests that wait for their answer, beside HTLCs and faults.
const WINDOW: usize = 128;
/// HTLCs that are held at once.
const WAVE: u64 = 300;
/// Releases of HTLCs that are under way.
const RELEASES: usize = 16;
/// Words of the bridge from one look under load to the next.
const BETWEEN_LOOKS: u64 = 2_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Who waits for an answer.
enum Open {
    /// A hook that is let pass.
    Hook(&'static str),
    /// A method that gives back its params.
    Echo(Value),
    /// A method whose result is the node's word.
    Node,
    Htlc(u64),
    Release,
    /// `rpc_command`, for a call of a guest: where its answer goes.
    Command(UnixStream, Value),
    /// Something of this faulty guest's.
    Faulty(usize, Step),
}

/// Carries the plan out; `tell` hears of each stop.
///
/// # Errors
/// The first promise that was broken, or the bridge did not start.
pub fn run(plan: &Plan, mut tell: impl FnMut(u64, &Report, &Vitals)) -> anyhow::Result<Report> {
    let guests = guests::folder();
    let node = tempfile::Builder::new().prefix("soak-").tempdir()?;
    let wire = Wire::start(guests.path(), node.path())?;
    let mut traffic = Traffic {
        plan: *plan,
        began: Instant::now(),
        wire,
        report: Report::default(),
        open: HashMap::new(),
        work_open: 0,
        turn: 0,
        height: 0,
        wave: Wave::default(),
        faulty: faulty::all(),
        judged: HashMap::new(),
        heard: 0,
        busy: Vec::new(),
        payloads: HashMap::new(),
    };
    let mut quiet = Vec::new();
    for look in 1..=plan.looks {
        let share = look as f64 / plan.looks as f64;
        traffic.until(share)?;
        traffic.stop()?;
        traffic.settle()?;
        let vitals = Vitals::of(traffic.wire.pid())?;
        quiet.push(vitals);
        traffic.report.took = traffic.began.elapsed();
        tell(look, &traffic.report, &vitals);
    }
    traffic.report.bundles = bundles(node.path())?;
    let (wire, mut report, busy) = (traffic.wire, traffic.report, traffic.busy);
    let (rest, status) = wire.close()?;
    ensure!(status.success(), "it ended with {status}: {rest:?}");
    for message in &rest {
        ensure!(
            message.get("id").is_none(),
            "one answer too many: {message}"
        );
        ensure!(!is_broken(&message["params"]["level"]), "{message}");
    }
    report.quiet = vitals::is_flat(&quiet, QUIET).context("where nothing is open")?;
    report.busy = vitals::is_flat(&busy, BUSY).context("in the middle of things")?;
    Ok(report)
}

/// HTLCs of one wave: all are held before the first is released.
#[derive(Default)]
struct Wave {
    /// Of all waves.
    sent: u64,
    /// Still to be released, the first in the end.
    left: Vec<u64>,
    releases: usize,
    /// Hooks without an answer.
    open: usize,
}

struct Traffic {
    plan: Plan,
    began: Instant,
    wire: Wire,
    report: Report,
    open: HashMap<u64, Open>,
    work_open: usize,
    turn: u64,
    height: u64,
    wave: Wave,
    faulty: Vec<Faulty>,
    /// Answers that lightningd takes, by hook.
    judged: HashMap<&'static str, Vec<String>>,
    heard: u64,
    busy: Vec<Vitals>,
    payloads: HashMap<&'static str, String>,
}

impl Traffic {
    fn provoked(&self) -> u64 {
        self.faulty.iter().map(|faulty| faulty.provoked).sum()
    }

    /// How much of the hooks and of the faults there is.
    fn shares(&self) -> (f64, f64) {
        let share = |done: u64, of: u64| done as f64 / of.max(1) as f64;
        (
            share(self.report.hooks, self.plan.hooks),
            share(self.provoked(), self.plan.faults),
        )
    }

    /// Goes on until this share of the plan is carried out.
    fn until(&mut self, share: f64) -> anyhow::Result<()> {
        loop {
            let (hooks, faults) = self.shares();
            if hooks >= share && faults >= share {
                return Ok(());
            }
            // Neither runs away from the other.
            if hooks < share {
                self.work()?;
            }
            if faults < share {
                self.fail()?;
            }
            self.listen()?;
        }
    }

    /// Waits until nothing is open.
    fn stop(&mut self) -> anyhow::Result<()> {
        loop {
            self.release()?;
            let idle = self.faulty.iter().all(Faulty::is_idle);
            if self.open.is_empty() && idle {
                return Ok(());
            }
            self.listen()?;
        }
    }

    fn listen(&mut self) -> anyhow::Result<()> {
        let mut heard = Some(self.wire.hear().with_context(|| self.standing())?);
        while let Some(word) = heard {
            self.take(word)?;
            heard = self.wire.hear_within(Duration::ZERO)?;
        }
        Ok(())
    }

    /// For people, when it does not go on.
    fn standing(&self) -> String {
        let faulty: Vec<String> = self.faulty.iter().map(ToString::to_string).collect();
        format!("{} open; {}", self.open.len(), faulty.join("; "))
    }

    fn send(&mut self, method: &str, params: &str, open: Open) -> anyhow::Result<()> {
        let id = self.wire.request(method, params)?;
        self.open.insert(id, open);
        Ok(())
    }

    fn work(&mut self) -> anyhow::Result<()> {
        while self.work_open < WINDOW {
            self.turn += 1;
            self.work_open += 1;
            match self.turn % 16 {
                0 => {
                    let params = json!([self.turn]);
                    self.send("echo", &params.to_string(), Open::Echo(params))?;
                }
                1 => self.send("ask-node", "[]", Open::Node)?,
                2 => self.hook("invoice_payment")?,
                n if n % 2 == 0 => self.hook(guests::ANSWERED[0])?,
                _ => self.hook(guests::ANSWERED[1])?,
            }
            if self.turn.is_multiple_of(8) {
                self.height += 1;
                let block =
                    json!({"block_added": {"hash": "00".repeat(32), "height": self.height}});
                self.wire.notify("block_added", &block)?;
            }
        }
        if self.wave.open == 0 {
            for _ in 0..WAVE {
                self.wave.sent += 1;
                self.wave.open += 1;
                let number = self.wave.sent;
                self.send("htlc_accepted", &guests::htlc(number), Open::Htlc(number))?;
                self.wave.left.push(number);
            }
            // Neither in order nor in reverse.
            self.wave
                .left
                .sort_by_key(|n| n.wrapping_mul(0x9e37_79b9) % 1_024);
        }
        self.release()
    }

    fn hook(&mut self, hook: &'static str) -> anyhow::Result<()> {
        let payload = self.payloads.entry(hook);
        let payload = payload.or_insert_with(|| crate::bridge::payload(hook));
        let id = self.wire.request(hook, payload)?;
        self.open.insert(id, Open::Hook(hook));
        Ok(())
    }

    fn release(&mut self) -> anyhow::Result<()> {
        while self.wave.releases < RELEASES {
            let Some(number) = self.wave.left.pop() else {
                break;
            };
            self.wave.releases += 1;
            let params = json!([number, guests::verdict(number)]);
            self.send("release", &params.to_string(), Open::Release)?;
        }
        Ok(())
    }

    fn fail(&mut self) -> anyhow::Result<()> {
        for at in 0..self.faulty.len() {
            let Some(faulty) = self.faulty.get_mut(at).filter(|f| f.is_idle()) else {
                continue;
            };
            let begun = faulty.begin();
            for (kind, times) in begun.faults {
                *self.report.faults.entry(kind).or_default() += times;
            }
            for request in begun.requests {
                let open = Open::Faulty(at, request.step);
                self.send(&request.method, &request.params, open)?;
            }
            if let Some((topic, params)) = begun.notification {
                self.wire.notify(topic, &params)?;
            }
        }
        Ok(())
    }
}
