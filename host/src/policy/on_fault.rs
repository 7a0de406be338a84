//! What the bridge does when a guest fails.

use std::collections::BTreeMap;
use std::time::Duration;

use cln_protocol::hook::Stance;
use toml::de::DeTable;

use super::document::{Document, Value};
use super::quantity::duration;
use super::vocabulary::{HOOKS, names};

/// `[on-fault]`: open or closed for each hook, and how often the guest may start again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnFault {
    hooks: BTreeMap<String, Stance>,
    default: Option<Stance>,
    /// Answers in a row, to one hook or method, that cannot be used, after which the
    /// instance is replaced, which is a fault for [`restart`](Self::restart). None: never.
    pub bad_answers: Option<u64>,
    /// The same for answers that come too late or not at all. Calls that were open
    /// side by side count once.
    pub late_answers: Option<u64>,
    /// When the guest may start again.
    pub restart: Restart,
}

/// `[on-fault.restart]`: after each fault the guest starts again after a pause
/// that doubles each time; too many faults, and it is left out (quarantine).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// Faults after which it starts again, within [`within`](Self::within). 0: never again.
    pub times: u32,
    /// The stretch of time in which faults are counted. A guest that stays healthy
    /// this long begins again with a clean record.
    pub within: Duration,
    /// The pause after the first fault.
    pub pause: Duration,
    /// The pause never gets longer than this.
    pub longest_pause: Duration,
}

impl Default for Restart {
    fn default() -> Self {
        Restart {
            times: 5,
            within: Duration::from_secs(600),
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
        }
    }
}

impl Restart {
    /// The pause after the `n`th fault in a row (from 1).
    pub fn pause_after(&self, n: u32) -> Duration {
        let doublings = n.saturating_sub(1).min(31);
        self.pause
            .saturating_mul(1 << doublings)
            .min(self.longest_pause)
    }
}

impl Default for OnFault {
    fn default() -> Self {
        OnFault {
            hooks: BTreeMap::new(),
            default: None,
            // Nobody has a use for a guest that answers nothing else.
            bad_answers: Some(10),
            // With 5 s for each, two minutes and a half in which not one was in time: no
            // busy machine, and an outage of somebody else's service costs restarts at
            // most so rarely that the guest does not get into quarantine.
            late_answers: Some(30),
            restart: Restart::default(),
        }
    }
}

impl OnFault {
    /// Open or closed for `hook`: what the file says of it, else the file's
    /// `default`, else the hook's own.
    pub fn stance(&self, hook: &str, own: Stance) -> Stance {
        self.chosen(hook).unwrap_or(own)
    }

    /// What the operator chose for `hook`, by its name or by `default`.
    pub fn chosen(&self, hook: &str) -> Option<Stance> {
        self.hooks.get(hook).copied().or(self.default)
    }

    pub(super) fn read(document: &mut Document<'_>, table: &DeTable<'_>) -> OnFault {
        let mut on_fault = OnFault::default();
        let mut valid = vec!["default", "restart", "bad_answers", "late_answers"];
        valid.extend(names(HOOKS));
        document.only("[on-fault]", table, &valid);
        for (key, value) in table {
            let key: &str = key.get_ref();
            match key {
                "default" => on_fault.default = stance(document, value, key),
                "restart" => {
                    if let Some(table) = document.table(value, "[on-fault.restart]") {
                        on_fault.restart = Restart::read(document, table);
                    }
                }
                "bad_answers" => on_fault.bad_answers = row(document, value, key),
                "late_answers" => on_fault.late_answers = row(document, value, key),
                hook if valid.contains(&hook) => {
                    if let Some(stance) = stance(document, value, hook) {
                        on_fault.hooks.insert(hook.to_string(), stance);
                    }
                }
                _ => {}
            }
        }
        on_fault
    }
}

fn row(document: &mut Document<'_>, value: Value<'_, '_>, key: &str) -> Option<u64> {
    if value.get_ref().as_str() == Some("none") {
        return None;
    }
    let read = Document::number(value).filter(|n| *n > 0);
    if read.is_none() {
        document.expected(value, key, "a whole number from 1, or \"none\"");
    }
    read
}

fn stance(document: &mut Document<'_>, value: Value<'_, '_>, key: &str) -> Option<Stance> {
    match value.get_ref().as_str() {
        Some("open") => Some(Stance::Open),
        Some("closed") => Some(Stance::Closed),
        _ => {
            document.expected(
                value,
                key,
                "\"open\" (go on as if the guest were not there) or \"closed\" (refuse, where the hook can)",
            );
            None
        }
    }
}

impl Restart {
    fn read(document: &mut Document<'_>, table: &DeTable<'_>) -> Restart {
        let mut restart = Restart::default();
        let valid = ["times", "within", "pause", "longest_pause"];
        document.only("[on-fault.restart]", table, &valid);
        if let Some(value) = table.get("times") {
            match Document::number(value).and_then(|n| u32::try_from(n).ok()) {
                Some(n) => restart.times = n,
                None => document.expected(value, "times", "a whole number"),
            }
        }
        for (key, field) in [
            ("within", &mut restart.within),
            ("pause", &mut restart.pause),
            ("longest_pause", &mut restart.longest_pause),
        ] {
            let Some(value) = table.get(key) else {
                continue;
            };
            match value.get_ref().as_str().map(duration) {
                Some(Ok(time)) if !time.is_zero() => *field = time,
                _ => document.expected(value, key, "a duration such as \"500 ms\" or \"10 min\""),
            }
        }
        restart
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use std::path::Path;

    fn read(text: &str) -> Result<OnFault, String> {
        Policy::parse(text, Path::new("gate.toml"))
            .map(|policy| policy.on_fault)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_nearest_word_counts() {
        let silent = read("").unwrap();
        assert_eq!(
            silent.stance("htlc_accepted", Stance::Closed),
            Stance::Closed
        );
        assert_eq!(silent.stance("peer_connected", Stance::Open), Stance::Open);

        let said = read("[on-fault]\ndefault = \"closed\"\npeer_connected = \"open\"").unwrap();
        assert_eq!(said.stance("peer_connected", Stance::Closed), Stance::Open);
        assert_eq!(said.stance("openchannel", Stance::Open), Stance::Closed);
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let restart = read(
            "[on-fault.restart]\ntimes = 3\nwithin = \"1 min\"\npause = \"1 s\"\nlongest_pause = \"5 s\"",
        )
        .unwrap()
        .restart;
        assert_eq!(restart.times, 3);
        assert_eq!(restart.within, Duration::from_secs(60));
        let pauses: Vec<u64> = [0, 1, 2, 3, 4, 5, u32::MAX]
            .iter()
            .map(|n| restart.pause_after(*n).as_secs())
            .collect();
        assert_eq!(pauses, [1, 1, 2, 4, 5, 5, 5]);
    }

    #[test]
    fn wrong_words_are_named() {
        for (text, says) in [
            (
                "[on-fault]\nopenchanel = \"open\"",
                "gate.toml:2:1: unknown key in [on-fault]: \"openchanel\", did you mean \"openchannel\"?",
            ),
            (
                "[on-fault]\nopenchannel = \"shut\"",
                "openchannel must be \"open\" (go on",
            ),
            ("[on-fault]\nopenchannel = true", "not true"),
            (
                "[on-fault]\nbad_answers = 0",
                "bad_answers must be a whole number from 1, or \"none\", not the number 0",
            ),
            (
                "[on-fault]\nlate_answers = \"never\"",
                "late_answers must be a whole number from 1, or \"none\", not the string",
            ),
            (
                "[on-fault]\nbad_answer = 3",
                "did you mean \"bad_answers\"?",
            ),
            (
                "[on-fault]\nrestart = 3",
                "[on-fault.restart] must be a table",
            ),
            ("[on-fault.restart]\ntime = 3", "did you mean \"times\"?"),
            (
                "[on-fault.restart]\ntimes = -3",
                "times must be a whole number, not the number -3",
            ),
            ("[on-fault.restart]\npause = 3", "pause must be a duration"),
            (
                "[on_fault]",
                "unknown key in the policy: \"on_fault\", did you mean \"on-fault\"?",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
