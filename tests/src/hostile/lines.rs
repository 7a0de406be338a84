//! What the operator must read of a hostile guest, and what must not be.

use super::arena::PATIENCE;
use super::measure::Latencies;
use super::{Hostile, Line};
use crate::simulator::{LogLine, Node};
use std::time::Instant;

/// Waits until the operator has every line of the cards; what is still missing when patience ends.
pub(super) fn missing_lines(node: &Node, group: &[Hostile]) -> Vec<String> {
    let since = Instant::now();
    loop {
        let logs = node.logs();
        let missing: Vec<String> = group
            .iter()
            .flat_map(|guest| missing(&logs, guest))
            .collect();
        // Whatever is still on its way comes before the answer to this.
        let over = Latencies::default().take(node, node).is_err() || since.elapsed() > PATIENCE;
        if missing.is_empty() || over {
            return missing;
        }
    }
}

fn missing(logs: &[LogLine], guest: &Hostile) -> Vec<String> {
    let lead = format!("{}: ", guest.name);
    let lines = guest.card.expect.iter().map(Line::parts).enumerate();
    let missing = lines.filter_map(|(at, (level, text))| {
        let left_out = if guest.card.left_out && at == 0 {
            "left out: "
        } else {
            ""
        };
        let fits = |l: &&LogLine| {
            let said = l
                .text
                .strip_prefix(&lead)
                .and_then(|said| said.strip_prefix(left_out));
            l.level == level && said.is_some_and(|said| said.contains(text))
        };
        if logs.iter().any(|line| fits(&line)) {
            return None;
        }
        let its = logs.iter().filter(|l| l.text.starts_with(&lead));
        let its: Vec<String> = its
            .take(5)
            .map(|l| format!("{} {:.300}", l.level, l.text))
            .collect();
        Some(format!(
            "no line `{lead}{left_out}...{text}` at {level}; there are {its:#?}"
        ))
    });
    missing.collect()
}

/// What must not be, and is.
pub(super) fn forbidden(node: &Node, guest: &Hostile) -> Vec<String> {
    let lead = format!("{}: ", guest.name);
    let mut faults = Vec::new();
    for line in node.logs() {
        let forbidden = guest
            .card
            .forbid
            .iter()
            .any(|text| line.text.contains(text.as_str()));
        if line.text.starts_with(&lead) && forbidden {
            faults.push(format!("it logged {:.300}", line.text));
        }
    }
    let methods = node.manifest().methods;
    if guest.card.left_out && methods.iter().any(|m| m.name.starts_with(&guest.name)) {
        faults.push("it is in the node".to_owned());
    }
    faults
}
