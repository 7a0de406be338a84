//! The rows of many guests in one bridge, and of as many native plugins.

use super::{Line, Maker, dash, kilobytes, megabytes, micros, rate};
use crate::cpu::Cores;
use crate::figures::median;
use crate::peers::Peer;
use crate::process::{Counted, MEMORY};
use crate::rows::crowd::ALONE;

pub(super) fn memory(maker: &mut Maker<'_>) {
    let figures = maker.figures;
    for counted in MEMORY {
        let Counted { word, row, .. } = counted;
        let get = |peer: Peer| figures.get(row, peer.word(), "", 0);
        let none = get(Peer::Bridge);
        if none.is_some() {
            maker.lines.push(Line {
                what: format!("memory ({word}), no guest"),
                cells: Peer::ALL.map(|peer| get(peer).map_or_else(dash, megabytes)),
                goal: "under 20 MB".to_owned(),
                reached: none.map(|kib| kib * 1024.0 < 20e6),
            });
        }
        let at = |guests| figures.get(row, Peer::Bridge.word(), "", guests);
        let growth = |from, to: u64| Some((at(to)? - at(from)?) / (to - from) as f64 * 1.024);
        for (from, to) in [(1, 11), (1, 101)] {
            let each: Option<f64> = growth(from, to);
            let native = |peer: Peer| figures.get(counted.of_many, peer.word(), "", to - from);
            maker.beside(
                &format!("memory ({word}), each guest from {from} to {to}"),
                |peer| native(peer).map(|kib| kilobytes(kib * 1.024)),
                each.map(kilobytes),
                "under 300 KB",
                each.map(|kb| kb < 300.0),
            );
        }
    }
}

pub(super) fn crowd(maker: &mut Maker<'_>) {
    let figures = maker.figures;
    let who = Peer::Bridge.word();
    let wakeups = figures.get("wakeups", who, "", 100);
    maker.bridge(
        "wake-ups at rest, 100 guests",
        wakeups.map(|rate| format!("{rate:.2}/s")),
        "0",
        wakeups.map(|rate| rate == 0.0),
    );
    for cores in Cores::BOTH {
        let get = |row| figures.get(row, who, cores.word(), 0);
        if let (Some(alone), Some(beside)) = (get("quiet-alone-p99"), get("quiet-beside-p99")) {
            maker.bridge(
                &format!("p99 beside a guest that burns CPU, {}", cores.word()),
                Some(format!("{} (alone {})", micros(beside), micros(alone))),
                "twice its own",
                Some(beside < alone * 2.0),
            );
        }
    }
    let rows = [("to one of", "calls-one"), ("spread over", "calls-spread")];
    for ((how, row), cores) in rows
        .map(|row| Cores::BOTH.map(|cores| (row, cores)))
        .concat()
    {
        let series = figures.series(row, who, cores.word());
        let Some((most, last)) = series.last() else {
            continue;
        };
        let rounds = |row| figures.rounds(row, who, cores.word(), *most as u64);
        if let (Some(alone), Some(values)) = (rounds(ALONE), rounds(row)) {
            let ratios: Vec<f64> = values.iter().zip(alone).map(|(v, a)| v / a).collect();
            let (alone, ratio) = (median(alone).unwrap_or(0.0), median(&ratios).unwrap_or(0.0));
            let native = |peer: Peer| figures.get(row, peer.word(), cores.word(), *most as u64);
            maker.beside(
                &format!(
                    "calls, 64 outstanding, {how} 1 → {most:.0} guests, {}",
                    cores.word()
                ),
                |peer| native(peer).map(rate),
                Some(format!("{} → {}", rate(alone), rate(*last))),
                &format!("flat (within a tenth), {ratio:.2} of it"),
                Some(ratio >= 0.9),
            );
        }
    }
}
