//! All peers side by side, each with one guest's worth of work: latency and throughput.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;

use super::Bench;
use crate::cpu::Cores;
use crate::figures::quantile;
use crate::guests::Guest;
use crate::peers::Peer;
use crate::plugin::{Plugin, Template};

/// A hook call as a real lightningd sent it: 3.2 KB.
const HTLC_ACCEPTED: &str = include_str!("../../../protocol/tests/fixtures/htlc_accepted.jsonl");
/// A notification as a real lightningd sent it.
pub const BLOCK_ADDED: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"block_added\",\"params\":{\"block_added\":\
    {\"hash\":\"0f5312708dec01f2f300ecc1d0985b656a3567a078b95c639b66819298205995\",\"height\":110}}}\n\n";

/// Calls in one sample of latency.
const CALLS: usize = 2000;
/// How long one sample of throughput takes.
const STRETCH: Duration = Duration::from_millis(150);
/// What a hook is answered.
const CONTINUE: &str = "continue";

/// Outstanding hooks, for the chart.
const OUTSTANDING: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
/// Bytes of a call's parameters, for the chart.
const PAYLOADS: [u64; 6] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
/// Rows of this room.
pub const ROWS: [&str; 9] = [
    "hook-p50",
    "hook-p99",
    "hooks-64",
    "notifications",
    "notifications-ten",
    "blob",
    "db_write",
    "scale-outstanding",
    "scale-payload",
];

/// `htlc_accepted` with the recorded payload.
pub fn htlc_accepted() -> Template {
    let payload = HTLC_ACCEPTED.lines().next().unwrap_or("{}");
    Template::request("htlc_accepted", payload, CONTINUE)
}

/// The processes.
struct Fleet {
    plugins: BTreeMap<Peer, Plugin>,
    /// Those that get `db_write`: the bridge's guest must be alone there.
    solo: Option<Plugin>,
    ten: Option<Plugin>,
    /// Notifications sent so far, to each that is in `plugins`, and to `ten`.
    notified: BTreeMap<Peer, u64>,
    notified_ten: u64,
}

impl Fleet {
    fn start(bench: &Bench) -> anyhow::Result<Fleet> {
        let mut plugins = BTreeMap::new();
        for (peer, start) in &bench.natives {
            if bench.peers.contains(peer) {
                plugins.insert(*peer, Plugin::start(start)?);
            }
        }
        let (mut solo, mut ten) = (None, None);
        if bench.peers.contains(&Peer::Bridge) {
            let network = || bench.networks.join("bridge");
            let guest = [Guest::new("peer", "hn")];
            let start = bench.workshop.bridge("one", &guest, network())?;
            plugins.insert(Peer::Bridge, started(&start, 1)?);
            if bench.wants("db_write") {
                let start = bench.workshop.solo(&Guest::new("solo", "d"), network())?;
                solo = Some(started(&start, 1)?);
            }
            if bench.wants("notifications-ten") {
                let start = bench
                    .workshop
                    .bridge("ten", &Guest::many(10, "n"), network())?;
                ten = Some(started(&start, 10)?);
            }
        }
        Ok(Fleet {
            plugins,
            solo,
            ten,
            notified: BTreeMap::new(),
            notified_ten: 0,
        })
    }

    fn processes(&self) -> Vec<u32> {
        let all = self.plugins.values().chain(&self.solo).chain(&self.ten);
        all.map(Plugin::process).collect()
    }
}

/// Starts a bridge and looks whether all its guests are in it.
pub fn started(start: &crate::plugin::Start, guests: usize) -> anyhow::Result<Plugin> {
    let plugin = Plugin::start(start)?;
    anyhow::ensure!(
        plugin.methods() == guests * 4,
        "{}: {} methods of {guests} guests: {:?}",
        start.name,
        plugin.methods(),
        plugin.complaints
    );
    Ok(plugin)
}

/// Measures all rows of this room, everybody in turn, round after round.
pub fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    if !bench.wants_any(&ROWS) {
        return Ok(());
    }
    let mut fleet = Fleet::start(bench)?;
    for round in 0..bench.rounds {
        for cores in Cores::BOTH {
            bench.machine.assign(cores, &fleet.processes())?;
            table_rows(bench, &mut fleet, cores, round)?;
        }
        // The charts need less: their points confirm each other.
        if round < bench.rounds.div_ceil(2) {
            bench.machine.assign(Cores::Pinned, &fleet.processes())?;
            charts(bench, &mut fleet, Cores::Pinned)?;
        }
        eprintln!("round {} of {}", round + 1, bench.rounds);
    }
    bench.machine.assign(Cores::Free, &[])
}

fn table_rows(
    bench: &mut Bench,
    fleet: &mut Fleet,
    cores: Cores,
    round: usize,
) -> anyhow::Result<()> {
    let hook = htlc_accepted();
    let word = cores.word();
    if bench.wants_any(&["hook-p50", "hook-p99"]) {
        for (peer, plugin) in &mut fleet.plugins {
            // The first calls of all find everything cold.
            if round == 0 {
                plugin.one_at_a_time(&hook, CALLS / 4)?;
            }
            let times: Vec<f64> = plugin
                .one_at_a_time(&hook, CALLS)?
                .iter()
                .map(|time| time.as_secs_f64() * 1e6)
                .collect();
            for (row, part) in [("hook-p50", 0.5), ("hook-p99", 0.99)] {
                let value = quantile(&times, part).context("no call")?;
                bench.figures.add(row, peer.word(), word, 0, "us", value);
            }
        }
    }
    if bench.wants("hooks-64") {
        for (peer, plugin) in &mut fleet.plugins {
            let rate = plugin.outstanding(std::slice::from_ref(&hook), 64, STRETCH)?;
            bench
                .figures
                .add("hooks-64", peer.word(), word, 0, "1/s", rate);
        }
    }
    if bench.wants("notifications") {
        for (peer, plugin) in &mut fleet.plugins {
            let sent = fleet.notified.entry(*peer).or_default();
            let rate = notifications(plugin, &["peer-wait".to_owned()], sent)?;
            bench
                .figures
                .add("notifications", peer.word(), word, 0, "1/s", rate);
        }
    }
    if let Some(ten) = &mut fleet.ten {
        let waits: Vec<String> = Guest::many(10, "n")
            .iter()
            .map(|guest| format!("{}-wait", guest.name))
            .collect();
        let rate = notifications(ten, &waits, &mut fleet.notified_ten)?;
        let who = Peer::Bridge.word();
        bench
            .figures
            .add("notifications-ten", who, word, 0, "1/s", rate);
    }
    if bench.wants("blob") {
        let blob = Template::request("peer-blob", "[1000000]", "xxxxxxxx");
        for (peer, plugin) in &mut fleet.plugins {
            let times = plugin.one_at_a_time(&blob, 12)?;
            add_middle(bench, "blob", *peer, word, 0, "ms", 1e3, &times)?;
        }
    }
    if bench.wants("db_write") {
        let write = db_write(10_000_000);
        let natives = fleet
            .plugins
            .iter_mut()
            .filter(|(peer, _)| **peer != Peer::Bridge);
        let natives = natives.map(|(peer, plugin)| (*peer, plugin));
        for (peer, plugin) in natives.chain(fleet.solo.iter_mut().map(|p| (Peer::Bridge, p))) {
            let times = plugin.one_at_a_time(&write, 3)?;
            add_middle(bench, "db_write", peer, word, 0, "ms", 1e3, &times)?;
        }
    }
    Ok(())
}

fn charts(bench: &mut Bench, fleet: &mut Fleet, cores: Cores) -> anyhow::Result<()> {
    let word = cores.word();
    if bench.wants("scale-outstanding") {
        let hook = htlc_accepted();
        for at in OUTSTANDING {
            for (peer, plugin) in &mut fleet.plugins {
                let rate = plugin.outstanding(
                    std::slice::from_ref(&hook),
                    usize::try_from(at)?,
                    STRETCH / 2,
                )?;
                let who = peer.word();
                bench
                    .figures
                    .add("scale-outstanding", who, word, at, "1/s", rate);
            }
        }
    }
    if bench.wants("scale-payload") {
        for at in PAYLOADS {
            let params = format!("{{\"blob\":\"{}\"}}", "x".repeat(usize::try_from(at)? - 11));
            let call = Template::request("peer-echo", &params, "ok");
            let times = (2_000_000 / at).clamp(3, 500);
            for (peer, plugin) in &mut fleet.plugins {
                let times = plugin.one_at_a_time(&call, usize::try_from(times)?)?;
                add_middle(bench, "scale-payload", *peer, word, at, "us", 1e6, &times)?;
            }
        }
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "what a figure has")]
fn add_middle(
    bench: &mut Bench,
    row: &'static str,
    peer: Peer,
    cores: &'static str,
    at: u64,
    unit: &'static str,
    per_second: f64,
    times: &[Duration],
) -> anyhow::Result<()> {
    let times: Vec<f64> = times.iter().map(|t| t.as_secs_f64() * per_second).collect();
    let value = quantile(&times, 0.5).context("no call")?;
    bench.figures.add(row, peer.word(), cores, at, unit, value);
    Ok(())
}

/// Notifications per second, enough of them to fill the stretch.
fn notifications(plugin: &mut Plugin, waits: &[String], sent: &mut u64) -> anyhow::Result<f64> {
    let mut times = 1000u64;
    loop {
        *sent += times;
        let took = plugin.notify(BLOCK_ADDED.as_bytes(), times, waits, *sent)?;
        let rate = times as f64 / took.as_secs_f64();
        if took >= STRETCH || times >= 400_000 {
            return Ok(rate);
        }
        let enough = (rate * STRETCH.as_secs_f64() * 1.2) as u64;
        times = enough.max(times * 2).min(400_000);
    }
}

/// A `db_write` of about this many bytes, with statements as a node writes them.
fn db_write(bytes: usize) -> Template {
    let statement = format!(
        "INSERT INTO channel_htlcs (id, payment_hash, routing_onion) VALUES (17, x'{}', x'{}')",
        "c5".repeat(32),
        "0f".repeat(1366)
    );
    let statements = vec![statement.as_str(); bytes / statement.len() + 1];
    let params = serde_json::json!({"data_version": 47, "writes": statements});
    Template::request("db_write", &params.to_string(), CONTINUE)
}
