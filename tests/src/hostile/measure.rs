//! What a hostile guest costs the others: time and memory.

use crate::simulator::{Node, Result};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Below this nobody is held up. Two cores are shared by the bridge, a guest that burns CPU, this test and whatever
/// else the machine does. Whoever is woken waits for a time slice of the kernel's (3 to 4 ms) to end when both cores
/// are taken, and one answer has two such waits: the bridge's and the test's.
pub const FLOOR: Duration = Duration::from_millis(10);

/// The quiet guest's answers: beside the hostile one, and in a bridge of its own, in turn. Both see the same machine
/// in the same moment, so what they differ in is the hostile guest's doing.
#[derive(Debug, Default)]
pub struct Latencies {
    beside: Vec<Duration>,
    alone: Vec<Duration>,
}

impl Latencies {
    /// One answer of each.
    pub fn take(&mut self, attacked: &Node, control: &Node) -> Result<()> {
        let turn = self.beside.len();
        // Neither is always the first.
        if turn.is_multiple_of(4) || turn % 4 == 3 {
            self.beside.push(ping(attacked, turn)?);
            self.alone.push(ping(control, turn)?);
        } else {
            self.alone.push(ping(control, turn)?);
            self.beside.push(ping(attacked, turn)?);
        }
        Ok(())
    }

    /// How many of each.
    pub fn len(&self) -> usize {
        self.beside.len()
    }

    /// Whether there is none yet.
    pub fn is_empty(&self) -> bool {
        self.beside.is_empty()
    }

    /// The time that 99 of 100 answers keep: beside the hostile guest, and alone.
    pub fn p99(&mut self) -> (Duration, Duration) {
        (p99(&mut self.beside), p99(&mut self.alone))
    }

    /// Is the quiet guest's p99 within twice its own, or below the floor?
    pub fn is_fair(&mut self) -> bool {
        let (beside, alone) = self.p99();
        beside <= FLOOR.max(alone * 2)
    }
}

fn p99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let at = (times.len() * 99).div_ceil(100).saturating_sub(1);
    times.get(at).copied().unwrap_or_default()
}

/// One answer of the quiet guest, right or a panic: of its method and of its hook in turn.
fn ping(node: &Node, turn: usize) -> Result<Duration> {
    let began = Instant::now();
    if turn.is_multiple_of(2) {
        let mut call = node.start_call("quiet-echo", json!([turn, "a"]))?;
        // A word about this call could only be somebody else's.
        let note = call.next_note()?;
        let took = began.elapsed();
        assert_eq!(note, None, "a word about the quiet guest's call");
        let answer = call.wait()?;
        assert_eq!(answer, json!([turn, "a"]), "the quiet guest's method");
        return Ok(took);
    }
    let shown = json!({"peer_id": "02".repeat(33), "payload": "8001"});
    let ended = node.hook("custommsg", shown)?;
    let took = began.elapsed();
    assert_eq!(
        ended.result,
        json!({"result": "continue"}),
        "the quiet guest's hook"
    );
    Ok(took)
}

/// The quiet guest's script.
pub fn quiet() -> Value {
    let methods = crate::bridge::methods(&["quiet-echo"]);
    let manifest =
        json!({"rpcmethods": methods, "hooks": ["custommsg"], "subscriptions": ["block_added"]});
    json!({"manifest": crate::bridge::manifest(manifest), "methods": {"quiet-echo": "echo"}})
}

/// The most bytes of memory that a process has had resident at any time.
pub fn peak(pid: i32) -> u64 {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse::<u64>().ok())
        .expect("VmHWM")
        << 10
}
