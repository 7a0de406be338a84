//! The table: what was measured, what is to be reached, and whether it was.

mod many;

use std::fmt::Write as _;

use crate::cpu::Cores;
use crate::figures::{Figures, median};
use crate::peers::Peer;
use crate::rows::startup::COLD;

/// One line.
#[derive(Debug)]
pub struct Line {
    /// What was measured.
    pub what: String,
    /// One cell for each peer, in the order of [`Peer::ALL`].
    pub cells: [String; 4],
    /// What is to be reached.
    pub goal: String,
    /// Whether it was; None where there is no goal or nothing to compare with.
    pub reached: Option<bool>,
}

/// Which of two is better.
#[derive(Clone, Copy, PartialEq)]
enum Better {
    Less,
    More,
}

/// A limit that a figure of the bridge must keep to, with the words for it.
struct Goal {
    words: &'static str,
    /// One for each round: within a round all meet the same machine, whose speed may be
    /// another in the next. None when what it is compared with was not measured.
    limits: Option<Vec<f64>>,
}

struct Maker<'a> {
    figures: &'a Figures,
    lines: Vec<Line>,
}

impl Maker<'_> {
    fn of(&self, row: &'static str, peer: Peer, cores: Cores) -> Option<&[f64]> {
        self.figures.rounds(row, peer.word(), cores.word(), 0)
    }

    /// So many times what a peer did, in each round.
    fn times(&self, row: &'static str, peer: Peer, cores: Cores, times: f64) -> Option<Vec<f64>> {
        let rounds = self.of(row, peer, cores)?;
        Some(rounds.iter().map(|value| value * times).collect())
    }

    /// A row that all peers have.
    fn peers(
        &mut self,
        what: &str,
        row: &'static str,
        cores: Cores,
        show: fn(f64) -> String,
        better: Better,
        goal: Goal,
    ) {
        let middle = |peer| self.of(row, peer, cores).and_then(median);
        let cells = Peer::ALL.map(|peer| middle(peer).map_or_else(dash, show));
        let limits = goal.limits.unwrap_or_default();
        let values = self.of(row, Peer::Bridge, cores).unwrap_or_default();
        let ratios: Vec<f64> = values.iter().zip(&limits).map(|(v, l)| v / l).collect();
        let ratio = median(&ratios);
        let kept = ratio.map(|ratio| match better {
            Better::Less => ratio <= 1.0,
            Better::More => ratio >= 1.0,
        });
        let mut limit = String::new();
        if let Some(middle) = median(&limits) {
            let _ = write!(limit, " = {}", show(middle));
        }
        if let Some(ratio) = ratio {
            let _ = write!(limit, ", {ratio:.2} of it");
        }
        self.lines.push(Line {
            what: format!("{what}, {}", cores.word()),
            cells,
            goal: format!("{}{limit}", goal.words),
            reached: kept,
        });
    }

    /// A row that only the bridge has.
    fn bridge(&mut self, what: &str, value: Option<String>, goal: &str, reached: Option<bool>) {
        self.beside(what, |_| None, value, goal, reached);
    }

    /// A row of guests, beside as many native plugins where those were measured.
    fn beside(
        &mut self,
        what: &str,
        native: impl Fn(Peer) -> Option<String>,
        value: Option<String>,
        goal: &str,
        reached: Option<bool>,
    ) {
        let Some(value) = value else { return };
        self.lines.push(Line {
            what: what.to_owned(),
            cells: Peer::ALL.map(|peer| match peer {
                Peer::Bridge => value.clone(),
                _ => native(peer).unwrap_or_else(dash),
            }),
            goal: goal.to_owned(),
            reached,
        });
    }
}

fn dash() -> String {
    "–".to_owned()
}

fn micros(value: f64) -> String {
    match value {
        ..100.0 => format!("{value:.1} µs"),
        ..10_000.0 => format!("{value:.0} µs"),
        _ => format!("{:.1} ms", value / 1e3),
    }
}

fn millis(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2} ms"),
        ..10_000.0 => format!("{value:.0} ms"),
        _ => format!("{:.1} s", value / 1e3),
    }
}

fn rate(value: f64) -> String {
    // Three figures: the others are chance.
    let unit = 10f64.powf((value.max(1.0).log10().floor() - 2.0).max(0.0));
    let digits = format!("{:.0}", (value / unit).round() * unit);
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    format!("{}/s", groups.join(","))
}

fn megabytes(kib: f64) -> String {
    format!("{:.1} MB", kib * 1024.0 / 1e6)
}

fn kilobytes(kb: f64) -> String {
    format!("{kb:.0} KB")
}

/// All lines for which there are figures.
pub fn lines(figures: &Figures) -> Vec<Line> {
    let mut maker = Maker {
        figures,
        lines: Vec::new(),
    };
    latency(&mut maker);
    throughput(&mut maker);
    large(&mut maker);
    startup(&mut maker);
    many::memory(&mut maker);
    many::crowd(&mut maker);
    let measured = |line: &Line| line.cells.iter().any(|cell| *cell != dash());
    maker.lines.into_iter().filter(measured).collect()
}

/// The stricter one in each round.
fn least(limits: [Option<Vec<f64>>; 2]) -> Option<Vec<f64>> {
    limits
        .into_iter()
        .flatten()
        .reduce(|a, b| a.iter().zip(b).map(|(a, b)| a.min(b)).collect())
}

fn latency(maker: &mut Maker<'_>) {
    let (p50, p99) = ("hook-p50", "hook-p99");
    let pinned = |row, peer, times| maker.times(row, peer, Cores::Pinned, times);
    let pinned50 = least([pinned(p50, Peer::ClnPlugin, 0.5), pinned(p50, Peer::C, 2.2)]);
    let pinned99 = pinned(p99, Peer::ClnPlugin, 1.0);
    let free = [p50, p99].map(|row| {
        least([Peer::ClnPlugin, Peer::Pyln].map(|peer| maker.times(row, peer, Cores::Free, 1.0)))
    });
    let goal = |words, limits| Goal { words, limits };
    let halves = goal("half of cln-plugin, 2.2 × C", pinned50);
    maker.peers(
        "one hook at a time, p50",
        p50,
        Cores::Pinned,
        micros,
        Better::Less,
        halves,
    );
    maker.peers(
        "one hook at a time, p99",
        p99,
        Cores::Pinned,
        micros,
        Better::Less,
        goal("below cln-plugin", pinned99),
    );
    let [free50, free99] = free;
    let below = "below cln-plugin and pyln-client";
    maker.peers(
        "one hook at a time, p50",
        p50,
        Cores::Free,
        micros,
        Better::Less,
        goal(below, free50),
    );
    maker.peers(
        "one hook at a time, p99",
        p99,
        Cores::Free,
        micros,
        Better::Less,
        goal(below, free99),
    );
}

fn throughput(maker: &mut Maker<'_>) {
    for (cores, times, words) in [
        (Cores::Pinned, 3.0, "3 × cln-plugin"),
        (Cores::Free, 8.0, "8 × cln-plugin"),
    ] {
        let limits = maker.times("hooks-64", Peer::ClnPlugin, cores, times);
        maker.peers(
            "hooks, 64 outstanding",
            "hooks-64",
            cores,
            rate,
            Better::More,
            Goal { words, limits },
        );
    }
    for cores in Cores::BOTH {
        let goal = Goal {
            words: "3 × cln-plugin",
            limits: maker.times("notifications", Peer::ClnPlugin, cores, 3.0),
        };
        maker.peers(
            "notifications to one guest",
            "notifications",
            cores,
            rate,
            Better::More,
            goal,
        );
        let goal = Goal {
            words: "0.3 × cln-plugin to one",
            limits: maker.times("notifications", Peer::ClnPlugin, cores, 0.3),
        };
        maker.peers(
            "notifications to ten guests each",
            "notifications-ten",
            cores,
            rate,
            Better::More,
            goal,
        );
    }
}

fn large(maker: &mut Maker<'_>) {
    for (what, row) in [
        ("method, result of 1 MB", "blob"),
        ("db_write of 10 MB", "db_write"),
    ] {
        for cores in Cores::BOTH {
            let goal = Goal {
                words: "below cln-plugin",
                limits: maker.times(row, Peer::ClnPlugin, cores, 1.0),
            };
            maker.peers(what, row, cores, millis, Better::Less, goal);
        }
    }
}

fn startup(maker: &mut Maker<'_>) {
    let row = "getmanifest";
    let figures = maker.figures;
    let get = |who: &str, at| figures.get(row, who, "", at);
    let bridge = Peer::Bridge.word();
    let native = |peer: Peer| get(peer.word(), 0).map_or_else(dash, millis);
    if let Some(one) = get(bridge, 1) {
        maker.lines.push(Line {
            what: "getmanifest, 1 guest, cached".to_owned(),
            cells: [
                native(Peer::C),
                native(Peer::ClnPlugin),
                native(Peer::Pyln),
                millis(one),
            ],
            goal: String::new(),
            reached: None,
        });
    }
    for (what, who, at, goal, limit) in [
        ("getmanifest, 10 guests, cached", bridge, 10, "", None),
        (
            "getmanifest, 100 guests, cached",
            bridge,
            100,
            "150 ms",
            Some(150.0),
        ),
        ("getmanifest, 1 guest, nothing cached", COLD, 1, "", None),
        (
            "getmanifest, 10 guests, nothing cached",
            COLD,
            10,
            "3 s",
            Some(3000.0),
        ),
        (
            "getmanifest, 100 guests, nothing cached",
            COLD,
            100,
            "bounded by cores, below 120 s",
            Some(120_000.0),
        ),
    ] {
        let value = get(who, at);
        let mut text = value.map(millis);
        let late = figures.get("getmanifest-late", who, "", at);
        if let (Some(text), Some(late @ 1.0..)) = (&mut text, late) {
            let _ = write!(text, ", {late:.0} left out");
        }
        let reached = value.zip(limit).map(|(value, limit)| value <= limit);
        maker.bridge(what, text, goal, reached);
    }
}

/// As Markdown.
pub fn markdown(lines: &[Line]) -> String {
    let mut text = String::from("| |");
    for peer in Peer::ALL {
        // Into a String it cannot fail.
        let _ = write!(text, " {} |", peer.word());
    }
    text.push_str(" to reach | reached |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    for line in lines {
        let reached = match line.reached {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let cells = line.cells.join(" | ");
        let _ = writeln!(
            text,
            "| {} | {cells} | {} | {reached} |",
            line.what, line.goal
        );
    }
    text
}

/// For a terminal: the same in columns.
pub fn plain(lines: &[Line]) -> String {
    let cells: Vec<Vec<String>> = markdown(lines)
        .lines()
        .filter(|line| !line.starts_with("| ---"))
        .map(|line| {
            let line = line.trim_matches('|').replace("**", "");
            line.split('|').map(|cell| cell.trim().to_owned()).collect()
        })
        .collect();
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let lengths = cells
            .iter()
            .filter_map(|row| Some(row.get(column)?.chars().count()));
        lengths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &cells {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "{cell:width$}  ");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_as_a_person_reads_them() {
        assert_eq!(micros(4.72), "4.7 µs");
        assert_eq!(micros(12_345.0), "12.3 ms");
        assert_eq!(millis(0.9), "0.90 ms");
        assert_eq!(millis(111.4), "111 ms");
        assert_eq!(rate(284_321.0), "284,000/s");
        assert_eq!(rate(999_700.0), "1,000,000/s");
        assert_eq!(rate(57.0), "57/s");
        assert_eq!(megabytes(1500.0), "1.5 MB");
    }

    #[test]
    fn a_goal_is_judged_against_what_the_peers_did_in_the_same_run() {
        let mut figures = Figures::default();
        for (peer, value) in [
            (Peer::C, 5.0),
            (Peer::ClnPlugin, 24.0),
            (Peer::Bridge, 11.5),
        ] {
            figures.add("hook-p50", peer.word(), "pinned", 0, "us", value);
        }
        let all = lines(&figures);
        let line = all.first().unwrap();
        assert!(line.goal.ends_with("11.0 µs, 1.05 of it"), "{}", line.goal);
        assert_eq!(line.reached, Some(false));
        assert!(markdown(&all).contains("| 5.0 µs | 24.0 µs | – | 11.5 µs |"));
        assert!(plain(&all).contains("11.5 µs"));
    }

    #[test]
    fn a_round_is_compared_with_itself() {
        let mut figures = Figures::default();
        // The machine is twice as slow in the second round, and three times in the third.
        for (native, bridge) in [(20.0, 9.0), (40.0, 19.0), (60.0, 33.0)] {
            for (peer, value) in [(Peer::ClnPlugin, native), (Peer::Bridge, bridge)] {
                figures.add("hook-p50", peer.word(), "pinned", 0, "us", value);
            }
        }
        let all = lines(&figures);
        let line = all.first().unwrap();
        assert!(line.goal.ends_with("20.0 µs, 0.95 of it"), "{}", line.goal);
        assert_eq!(line.reached, Some(true));
    }
}
