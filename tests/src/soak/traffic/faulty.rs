//! Guests that fail, each one thing after the other.

use std::fmt;

use anyhow::{bail, ensure};
use serde_json::{Value, json};

use super::guests::{BAD, LATE, ROW, TRAPS, shown, topic};

/// What an instance ends by.
const ENDS: [&str; 6] = [
    "trap",
    "loop",
    "hog",
    "overflow",
    "too-large",
    "invalid-utf8",
];
/// Of these, what needs no answer.
const WITHOUT_ANSWER: usize = 4;
/// Answers that cannot be used.
const UNUSABLE: [&str; 5] = ["garbage", "wrong-type", "unknown", "nothing", "two"];
/// Calls that are never answered, side by side.
const NEVERS: u64 = 8;

/// What a request to a faulty guest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A hook that ends in the fallback.
    Hook(&'static str),
    /// A method that ends with the instance.
    Method,
    /// A method that answers, once the guest is there.
    Ping,
}

/// Something to be asked of it.
#[derive(Debug)]
pub(super) struct Request {
    pub method: String,
    pub params: String,
    pub step: Step,
}

/// What one turn sends.
#[derive(Debug, Default)]
pub(super) struct Begun {
    pub requests: Vec<Request>,
    pub notification: Option<(&'static str, Value)>,
    /// What was provoked, how often.
    pub faults: Vec<(&'static str, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Trap,
    Bad,
    Late,
}

/// A guest, and where it stands.
#[derive(Debug)]
pub(super) struct Faulty {
    pub name: &'static str,
    hook: &'static str,
    way: Way,
    turn: u64,
    /// Faults that it was told to make.
    pub provoked: u64,
    /// Lines that say that it starts again.
    pub starts: u64,
    /// Lines about a fallback, and answers that were one.
    pub fallback_lines: u64,
    fallbacks: u64,
    /// Instances that were replaced for what they did before.
    replaced: u64,
    late: u64,
    /// Calls that came when its instance was ending, or gone: no faults of its own.
    absent: u64,
    /// Bad answers in a row.
    row: u64,
    /// Answers that are still to come in this turn.
    open: usize,
    /// The line that says that it starts again is to come in this turn.
    awaits_start: bool,
    /// To be asked before the turn is over.
    then: Option<String>,
    idle: bool,
}

/// All of them.
pub(super) fn all() -> Vec<Faulty> {
    let traps = TRAPS.map(|(name, hook)| (name, hook, Way::Trap));
    let others = [(BAD.0, BAD.1, Way::Bad), (LATE.0, LATE.1, Way::Late)];
    let new = |(name, hook, way)| Faulty {
        name,
        hook,
        way,
        turn: 0,
        provoked: 0,
        starts: 0,
        fallback_lines: 0,
        fallbacks: 0,
        replaced: 0,
        late: 0,
        absent: 0,
        row: 0,
        open: 0,
        awaits_start: false,
        then: None,
        idle: true,
    };
    traps.into_iter().chain(others).map(new).collect()
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.idle, self.open, self.awaits_start) {
            (true, ..) => "idle".to_owned(),
            (_, open, true) => format!("{open} open, to start again"),
            (_, open, false) => format!("{open} open"),
        };
        write!(f, "{} in turn {}: {state}", self.name, self.turn)
    }
}

impl Faulty {
    pub(super) fn is_idle(&self) -> bool {
        self.idle
    }

    /// What it is to do next.
    pub(super) fn begin(&mut self) -> Begun {
        self.turn += 1;
        self.idle = false;
        let mut begun = Begun::default();
        match self.way {
            Way::Trap => self.trap(&mut begun),
            Way::Bad => {
                let play = pick(&UNUSABLE, self.turn);
                begun.requests.push(self.hook_call(play));
                begun.faults.push((play, 1));
                self.row += 1;
                if self.row == ROW {
                    self.row = 0;
                    self.replaced += 1;
                    self.awaits_start = true;
                }
            }
            Way::Late if self.turn.is_multiple_of(4) => {
                begun.requests.push(self.hook_call("late"));
                begun.faults.push(("late", 1));
                self.late += 1;
                self.then = Some("late-nap".to_owned());
            }
            Way::Late => {
                let calls = (0..NEVERS).map(|_| self.hook_call("never"));
                begun.requests.extend(calls);
                begun.faults.push(("never", NEVERS));
            }
        }
        self.provoked += begun.faults.iter().map(|(_, times)| times).sum::<u64>();
        let hooks = begun.requests.iter();
        let hooks = hooks.filter(|request| matches!(request.step, Step::Hook(_)));
        self.fallbacks += hooks.count() as u64;
        self.open = begun.requests.len();
        begun
    }

    fn hook_call(&self, play: &str) -> Request {
        Request {
            method: self.hook.to_owned(),
            params: shown(self.hook, play),
            step: Step::Hook(self.hook),
        }
    }

    fn method_call(&self, play: &str) -> Request {
        Request {
            method: format!("{}-do", self.name),
            params: json!({"move": play}).to_string(),
            step: Step::Method,
        }
    }

    /// The instance ends, and takes with it what is open there.
    fn trap(&mut self, begun: &mut Begun) {
        for _ in 0..self.turn % 4 {
            begun.requests.push(self.hook_call("hold"));
        }
        if self.turn.is_multiple_of(5) {
            begun.requests.push(self.method_call("hold"));
        }
        // Each end comes by each way.
        let play = pick(&ENDS, self.turn);
        let ends_without_answer = ENDS.iter().take(WITHOUT_ANSWER).any(|end| *end == play);
        match self.turn / ENDS.len() as u64 % 3 {
            0 => begun.requests.push(self.method_call(play)),
            1 if ends_without_answer => {
                let topic = topic(self.name);
                begun.notification = Some((topic, json!({topic: {}, "move": play})));
            }
            _ => begun.requests.push(self.hook_call(play)),
        }
        begun.faults.push((play, 1));
        self.awaits_start = true;
    }

    /// One of its answers is there.
    pub(super) fn answered(
        &mut self,
        step: Step,
        message: &Value,
    ) -> anyhow::Result<Option<Request>> {
        let code = &message["error"]["code"];
        match step {
            Step::Hook(_) => {}
            Step::Method => ensure!(*code == -4, "not the end of its instance"),
            Step::Ping if message.get("result").is_some() => {
                self.idle = true;
                return Ok(None);
            }
            // It is not there yet.
            Step::Ping => {
                ensure!(*code == -4, "no answer to a ping");
                return Ok(Some(self.ping()));
            }
        }
        self.open = self.open.saturating_sub(1);
        Ok(self.go_on())
    }

    /// A line about it.
    pub(super) fn line(&mut self, word: &str) -> anyhow::Result<Option<Request>> {
        if word.contains("; it starts again in ") {
            self.starts += 1;
            if self.way == Way::Late {
                self.replaced += 1;
            }
            self.awaits_start = false;
            return Ok(match self.idle {
                true => None,
                false => self.go_on(),
            });
        }
        if word.contains("; lightningd gets as if it were not there") {
            self.fallback_lines += 1;
            // On a busy machine one of a row may come when the row has had its instance replaced.
            if self.way == Way::Late && !word.contains("did not answer within") {
                self.absent += 1;
            }
            return Ok(None);
        }
        bail!("{}: {word}", self.name)
    }

    fn go_on(&mut self) -> Option<Request> {
        if self.open > 0 || self.awaits_start {
            return None;
        }
        Some(match self.then.take() {
            Some(method) => Request {
                method,
                params: "[]".to_owned(),
                step: Step::Ping,
            },
            None => self.ping(),
        })
    }

    fn ping(&self) -> Request {
        Request {
            method: format!("{}-ping", self.name),
            params: "[]".to_owned(),
            step: Step::Ping,
        }
    }

    /// Do the bridge's counters agree?
    pub(super) fn check(
        &self,
        faults: u64,
        restarts: u64,
        late: u64,
        lost_lines: u64,
    ) -> anyhow::Result<()> {
        let replaced = match self.way {
            Way::Trap => 0,
            Way::Bad | Way::Late => self.replaced,
        };
        let expected = self.provoked - self.absent + replaced;
        ensure!(
            faults == expected,
            "{}: {faults} faults are counted, {expected} were provoked",
            self.name
        );
        let starts = match self.way {
            Way::Trap => self.provoked,
            Way::Bad | Way::Late => self.replaced,
        };
        ensure!(
            restarts == starts && self.starts == starts,
            "{}: {restarts} restarts are counted, {} told, and there were {starts}",
            self.name,
            self.starts
        );
        // One that had not entered the guest at its deadline never answers.
        ensure!(
            late <= self.late,
            "{}: {late} late answers are counted, {} could come",
            self.name,
            self.late
        );
        ensure!(
            self.fallback_lines == self.fallbacks && lost_lines == 0,
            "{}: {} fallbacks, {} lines about them, {lost_lines} lines lost",
            self.name,
            self.fallbacks,
            self.fallback_lines
        );
        Ok(())
    }
}

fn pick(from: &[&'static str], turn: u64) -> &'static str {
    let at = turn % from.len().max(1) as u64;
    from.get(at as usize).copied().unwrap_or_default()
}
