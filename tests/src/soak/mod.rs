//! Kills the bridge with SIGKILL, over and over, while a guest writes to its store and
//! spends under a budget, and checks after each death that
//!
//! - every write that was acknowledged is there, and none that was never asked for;
//! - nothing was spent past the budget, whatever the answers of lightningd were;
//! - the store still counts to the byte.
//!
//! The bridge runs by itself over pipes, with a socket that plays lightningd's RPC. [`traffic`] is the other soak, in
//! which it lives, and its guests die.

mod money;
mod process;
pub mod traffic;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use crate::bridge::{self, Folder};
use money::Money;
use process::{Bridge, Reply};

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How often to kill.
    pub rounds: u32,
    /// Where chance begins: the same number gives the same moments to kill at, in acknowledgements.
    pub seed: u64,
    /// Rounds on one state; then a new one begins, with a budget unspent.
    pub rounds_per_state: u32,
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Deaths.
    pub kills: u32,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes that were under way at a death, and of those how many were found kept.
    pub open: (u64, u64),
    /// Spending calls that reached lightningd.
    pub payments: u64,
    /// Spending calls that the budget refused.
    pub refused: u64,
    /// The most that was spent on one state, in msat.
    pub most_spent: u64,
    /// How long it took.
    pub took: Duration,
}

/// The most that may be spent on one state, in msat.
pub const BUDGET: u64 = 100_000;
/// What one call asks for at most, fee included, in msat.
const PRICE: u64 = 1_000;
const KEYS: u64 = 8;
const SETS: u64 = 24;
const PAYS: u64 = 6;
const QUOTA: u64 = 1 << 20;
/// What each entry counts for beside its key and its value, in bytes.
const OVERHEAD: u64 = 64;

/// Where a key stands: what was acknowledged last, and what was asked last.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    acknowledged: u64,
    asked: u64,
}

/// A generator of numbers, good enough to choose moments.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }
}

fn guest() -> Folder {
    let methods = bridge::methods(&["s-set", "s-list", "s-fill", "s-pay"]);
    let script = json!({
        "manifest": bridge::manifest(json!({"rpcmethods": methods})),
        "methods": {
            "s-set": [{"kv": ["set", {"$": "/0"}, {"$": "/1"}]}, "last"],
            "s-fill": [{"kv": ["fill", {"$": "/0"}, {"$": "/1"}]}, "last"],
            "s-list": [{"kv": ["list", "", null, 1000, true]}, "last"],
            "s-pay": [{"rpc": ["keysend", {"destination": "02", "amount_msat": PRICE, "maxfee": 0}]}, "last"],
        },
    });
    let policy = format!(
        "[grant]\nmethods = [\"s-set\", \"s-list\", \"s-fill\", \"s-pay\"]\nkv = true\n\
         [[grant.rpc]]\nmethods = [\"keysend\"]\nbudget = {{ per_hour_msat = {BUDGET} }}\n\
         [limits]\nkv_bytes = {QUOTA}\n"
    );
    Folder::new().guest("soak", &bridge::scripted(&script), &policy)
}

/// Carries the plan out; `tell` hears of each round that is done.
///
/// # Errors
/// The first promise that was broken, or the bridge did not start.
pub fn run(plan: &Plan, mut tell: impl FnMut(u32, &Report)) -> anyhow::Result<Report> {
    let began = Instant::now();
    let guests = guest();
    let node = tempfile::Builder::new().prefix("soak-").tempdir()?;
    let money = Money::listen(&node.path().join("lightning-rpc"), plan.seed)?;
    let mut soak = Soak {
        chance: Chance(plan.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
        report: Report::default(),
        standing: BTreeMap::new(),
        sequence: 0,
    };
    warm_up(guests.path(), node.path())?;
    for round in 0..plan.rounds {
        if round % plan.rounds_per_state.max(1) == 0 {
            soak.new_state(guests.path(), node.path(), &money)?;
        }
        soak.round(guests.path(), node.path(), &money)
            .with_context(|| format!("round {round} of seed {}", plan.seed))?;
        soak.report.took = began.elapsed();
        tell(round + 1, &soak.report);
    }
    soak.last_look(guests.path(), node.path(), &money)?;
    soak.report.took = began.elapsed();
    Ok(soak.report)
}

/// Lets the bridge keep the compiled guest, so that later starts take milliseconds.
fn warm_up(guests: &Path, node: &Path) -> anyhow::Result<()> {
    let mut bridge = Bridge::start(guests, node)?;
    let compiled = node.join("cln-wasm/compiled");
    let until = Instant::now() + Duration::from_secs(120);
    while !std::fs::read_dir(&compiled).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|f| f.path().extension() == Some("cwasm".as_ref())))
    }) {
        ensure!(Instant::now() < until, "the compiled guest was not kept");
        bridge.call("s-list", &json!([]))?;
    }
    bridge.end()
}

struct Soak {
    chance: Chance,
    report: Report,
    standing: BTreeMap<String, Standing>,
    /// Grows with each write.
    sequence: u64,
}

impl Soak {
    fn new_state(&mut self, guests: &Path, node: &Path, money: &Money) -> anyhow::Result<()> {
        if !self.standing.is_empty() {
            self.last_look(guests, node, money)?;
        }
        let file = node.join("cln-wasm/state/soak.redb");
        if file.exists() {
            std::fs::remove_file(file)?;
        }
        self.standing.clear();
        money.reset();
        Ok(())
    }

    fn round(&mut self, guests: &Path, node: &Path, money: &Money) -> anyhow::Result<()> {
        let mut bridge = Bridge::start(guests, node)?;
        self.compare(&mut bridge)?;
        let mut sets = BTreeMap::new();
        let mut pays = Vec::new();
        for n in 0..SETS {
            let key = format!("key{}", self.chance.below(KEYS));
            self.sequence += 1;
            let id = bridge.send("s-set", &json!([key, self.sequence.to_string()]))?;
            self.standing.entry(key.clone()).or_default().asked = self.sequence;
            sets.insert(id, (key, self.sequence));
            if n % (SETS / PAYS) == 0 {
                pays.push(bridge.send("s-pay", &json!([]))?);
            }
        }
        // So many answers come in any case: payments may have none.
        let wait_for = self.chance.below(SETS);
        for _ in 0..wait_for {
            self.note(bridge.reply()?, &mut sets, &pays)?;
        }
        // Death comes at any moment after that.
        std::thread::sleep(Duration::from_micros(self.chance.below(3_000)));
        // What was written before it counts as acknowledged, too.
        for reply in bridge.kill()? {
            self.note(reply, &mut sets, &pays)?;
        }
        self.report.kills += 1;
        self.report.open.0 += sets.len() as u64;
        self.check_money(money)
    }

    fn note(
        &mut self,
        reply: Reply,
        sets: &mut BTreeMap<u64, (String, u64)>,
        pays: &[u64],
    ) -> anyhow::Result<()> {
        let Reply { id, result } = reply;
        if let Some((key, sequence)) = sets.remove(&id) {
            ensure!(result == json!("set"), "set {key}: {result}");
            let standing = self.standing.entry(key).or_default();
            standing.acknowledged = standing.acknowledged.max(sequence);
            self.report.acknowledged += 1;
        } else if pays.contains(&id) {
            let failure = result["failure"].as_str().unwrap_or_default();
            if failure.contains("of the budget of") {
                self.report.refused += 1;
            } else if !failure.is_empty() && !failure.contains("Unavailable") {
                bail!("pay: {result}");
            }
        }
        Ok(())
    }

    /// Is everything there that was acknowledged?
    fn compare(&mut self, bridge: &mut Bridge) -> anyhow::Result<()> {
        let listed = bridge.call("s-list", &json!([]))?;
        let entries = listed["entries"].as_array();
        let entries = entries.with_context(|| format!("no list: {listed}"))?;
        let mut there: BTreeMap<&str, u64> = BTreeMap::new();
        for entry in entries {
            let number = entry[1].as_str().and_then(|text| text.parse().ok());
            let number = number.with_context(|| format!("never written: {entry}"))?;
            there.insert(entry[0].as_str().unwrap_or_default(), number);
        }
        for (key, standing) in &mut self.standing {
            let found = there.remove(key.as_str()).unwrap_or(0);
            ensure!(
                found >= standing.acknowledged,
                "{key}: {} was acknowledged, and {found} is there",
                standing.acknowledged
            );
            ensure!(
                found <= standing.asked,
                "{key}: {found} was never asked for"
            );
            if found > standing.acknowledged {
                self.report.open.1 += 1;
            }
            *standing = Standing {
                acknowledged: found,
                asked: found,
            };
        }
        ensure!(there.is_empty(), "never written: {there:?}");
        Ok(())
    }

    fn check_money(&mut self, money: &Money) -> anyhow::Result<()> {
        let (payments, spent) = money.spent();
        ensure!(
            spent <= BUDGET,
            "{spent} msat were spent, and the budget is {BUDGET} msat"
        );
        self.report.payments += payments;
        self.report.most_spent = self.report.most_spent.max(spent);
        Ok(())
    }

    /// The end of a state: compares once more, and fills the store to the byte.
    fn last_look(&mut self, guests: &Path, node: &Path, money: &Money) -> anyhow::Result<()> {
        let mut bridge = Bridge::start(guests, node)?;
        self.compare(&mut bridge)?;
        let size = |(key, standing): (&String, &Standing)| match standing.acknowledged {
            0 => 0,
            n => key.len() as u64 + n.to_string().len() as u64 + OVERHEAD,
        };
        let used: u64 = self.standing.iter().map(size).sum();
        let room = QUOTA - used - OVERHEAD - 1;
        let over = bridge.call("s-fill", &json!(["z", room + 1]))?;
        ensure!(
            over["failure"]
                .as_str()
                .is_some_and(|f| f.contains("limits.kv_bytes")),
            "one byte over the quota: {over}"
        );
        let fits = bridge.call("s-fill", &json!(["z", room]))?;
        ensure!(
            fits == json!("set"),
            "the last {room} bytes of the quota: {fits}"
        );
        // Spends what is left, and a little more.
        money.be_reliable();
        for _ in 0..BUDGET / PRICE + 1 {
            let paid: Value = bridge.call("s-pay", &json!([]))?;
            let failure = paid["failure"].as_str().unwrap_or_default();
            if failure.contains("of the budget of") {
                self.report.refused += 1;
                self.check_money(money)?;
                return bridge.end();
            }
        }
        self.check_money(money)?;
        bail!("the budget never ended");
    }
}
