//! Where the results go: the terminal, a file, charts, and the page about them.

use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::chart::{Axis, Group, Series, bars, lines};
use crate::cpu::Cores;
use crate::figures::Figures;
use crate::peers::Peer;
use crate::process::{Counted, MEMORY};
use crate::rows::startup::COLD;
use crate::table;

/// The files beside `latest.json`.
type Charts = Vec<(&'static str, String)>;

/// Between these lines of `docs/performance.md` the table is written anew.
const MARKS: [&str; 2] = ["<!-- table -->\n", "<!-- end of table -->"];

/// Writes `latest.json` and the charts into a folder.
pub fn write(
    folder: &Path,
    figures: &Figures,
    machine: &Value,
    rounds: usize,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let table: Vec<Value> = table::lines(figures)
        .iter()
        .map(|line| {
            let cells = Peer::ALL.iter().zip(&line.cells).map(|(peer, cell)| (peer.word().to_owned(), json!(cell)));
            let cells: serde_json::Map<String, Value> = cells.collect();
            json!({"what": line.what, "cells": cells, "to_reach": line.goal, "reached": line.reached})
        })
        .collect();
    let all = json!({
        "machine": machine, "rounds": rounds, "table": table, "figures": figures.to_json(),
    });
    std::fs::write(folder.join("latest.json"), format!("{all:#}\n"))?;
    for (name, svg) in charts(figures) {
        std::fs::write(folder.join(name), svg)?;
    }
    Ok(())
}

/// Writes the table into the page.
pub fn write_page(
    page: &Path,
    figures: &Figures,
    machine: &Value,
    rounds: usize,
) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(page).with_context(|| page.display().to_string())?;
    let [from, to] = MARKS;
    let begin = text
        .find(from)
        .context("the page has no place for the table")?
        + from.len();
    let end = text
        .find(to)
        .context("the place for the table has no end")?;
    ensure!(
        begin <= end,
        "the place for the table ends before it begins"
    );
    let word = |key: &str| machine[key].as_str().unwrap_or("unknown").to_owned();
    let table = table::markdown(&table::lines(figures));
    let note = format!(
        "\nMedians of {rounds} rounds. {}, {} cores, {}, Linux {}, {}; load at the start {}.\n\n",
        word("processor"),
        machine["cores"],
        word("memory"),
        word("kernel"),
        word("rustc"),
        word("load")
    );
    let page_text = [&text[..begin], &note, &table, "\n", &text[end..]].concat();
    std::fs::write(page, page_text)?;
    Ok(())
}

fn whole(value: f64) -> String {
    match value {
        1e6.. => format!("{} M", value / 1e6),
        1e3.. => format!("{}k", value / 1e3),
        _ => format!("{value}"),
    }
}

fn bytes(value: f64) -> String {
    match value {
        1e6.. => format!("{:.0} MB", value / 1e6),
        1e3.. => format!("{:.0} KB", value / 1e3),
        _ => format!("{value:.0} B"),
    }
}

fn time(micros: f64) -> String {
    match micros {
        1e6.. => format!("{:.3} s", micros / 1e6).replace(".000", ""),
        1e3..1e5 => format!("{:.1} ms", micros / 1e3).replace(".0 ms", " ms"),
        1e5.. => format!("{:.0} ms", micros / 1e3),
        ..10.0 => format!("{micros:.1} µs").replace(".0 µs", " µs"),
        _ => format!("{micros:.0} µs"),
    }
}

fn count(value: f64) -> String {
    match value {
        1e6.. => format!("{:.1} M/s", value / 1e6),
        1e4.. => format!("{:.0}k/s", value / 1e3),
        _ => format!("{:.1}k/s", value / 1e3),
    }
}

fn charts(figures: &Figures) -> Charts {
    let made = [
        ("latency.svg", latency(figures)),
        ("throughput.svg", throughput(figures)),
        ("outstanding.svg", outstanding(figures)),
        ("payload.svg", payload(figures)),
        ("guests-calls.svg", guests_calls(figures)),
        ("guests-memory.svg", guests_memory(figures)),
        ("guests-start.svg", guests_start(figures)),
    ];
    made.into_iter()
        .filter_map(|(name, svg)| Some((name, svg?)))
        .collect()
}

fn paint(peer: Peer) -> usize {
    Peer::ALL
        .iter()
        .position(|known| *known == peer)
        .unwrap_or(0)
}

fn grouped(figures: &Figures, row: &'static str, behind: Option<&'static str>) -> Vec<Group> {
    let bars = |cores: Cores| {
        let bar = |peer: Peer| {
            let get = |row| figures.get(row, peer.word(), cores.word(), 0);
            Some((
                peer.word().to_owned(),
                paint(peer),
                get(row)?,
                behind.and_then(get),
            ))
        };
        Peer::ALL.into_iter().filter_map(bar).collect()
    };
    let group = |cores: Cores| Group {
        name: match cores {
            Cores::Pinned => "driver and plugin on one core".to_owned(),
            Cores::Free => "on all cores".to_owned(),
        },
        bars: bars(cores),
    };
    Cores::BOTH
        .map(group)
        .into_iter()
        .filter(|group| !group.bars.is_empty())
        .collect()
}

fn latency(figures: &Figures) -> Option<String> {
    bars(
        "One hook at a time",
        "htlc_accepted, 3.2 KB: median, and 99th percentile behind it; shorter is better; each decade the same length",
        time,
        &grouped(figures, "hook-p50", Some("hook-p99")),
    )
}

fn throughput(figures: &Figures) -> Option<String> {
    bars(
        "Hooks per second, 64 outstanding",
        "htlc_accepted, 3.2 KB; longer is better; each decade the same length",
        count,
        &grouped(figures, "hooks-64", None),
    )
}

fn by_peer(figures: &Figures, row: &str, cores: Cores) -> Vec<Series> {
    let one = |peer: Peer| Series {
        name: peer.word().to_owned(),
        colour: paint(peer),
        dashed: false,
        points: figures.series(row, peer.word(), cores.word()),
    };
    Peer::ALL.map(one).into()
}

const HOOKS: Axis = Axis {
    title: "hooks per second",
    log: true,
    show: whole,
};
const GUESTS: Axis = Axis {
    title: "guests loaded",
    log: true,
    show: whole,
};

fn outstanding(figures: &Figures) -> Option<String> {
    let x = Axis {
        title: "hooks outstanding",
        log: true,
        show: whole,
    };
    lines(
        "Hooks per second by outstanding hooks (one core)",
        x,
        HOOKS,
        &by_peer(figures, "scale-outstanding", Cores::Pinned),
    )
}

fn payload(figures: &Figures) -> Option<String> {
    let x = Axis {
        title: "bytes of params",
        log: true,
        show: bytes,
    };
    let y = Axis {
        title: "time of one call, median",
        log: true,
        show: time,
    };
    lines(
        "Time of a call by the size of its params (one core)",
        x,
        y,
        &by_peer(figures, "scale-payload", Cores::Pinned),
    )
}

fn bridge_series(
    figures: &Figures,
    name: &str,
    row: &str,
    who: &str,
    cores: &str,
    colour: usize,
) -> Series {
    Series {
        name: name.to_owned(),
        colour,
        dashed: false,
        // Nothing has no place on a logarithmic axis; 11 and 101 are there for the table.
        points: figures
            .series(row, who, cores)
            .into_iter()
            .filter(|p| p.0 > 0.0 && p.1 > 0.0 && p.0.log10().fract() == 0.0)
            .collect(),
    }
}

fn guests_calls(figures: &Figures) -> Option<String> {
    let who = Peer::Bridge.word();
    let y = Axis {
        title: "calls per second, 64 outstanding",
        log: false,
        show: whole,
    };
    let series = [
        bridge_series(figures, "to one guest", "calls-one", who, "pinned", 3),
        bridge_series(figures, "over all guests", "calls-spread", who, "pinned", 1),
    ];
    lines(
        "Calls per second by guests loaded (one core)",
        GUESTS,
        y,
        &series,
    )
}

fn guests_memory(figures: &Figures) -> Option<String> {
    let who = Peer::Bridge.word();
    let y = Axis {
        title: "memory of the bridge",
        log: true,
        show: bytes,
    };
    let kib = |mut series: Series| {
        series.points.iter_mut().for_each(|p| p.1 *= 1024.0);
        series
    };
    let series = MEMORY.into_iter().zip([3, 1, 2]);
    let series: Vec<Series> = series
        .map(|(counted, colour)| {
            let Counted { word, row, .. } = counted;
            kib(bridge_series(figures, word, row, who, "", colour))
        })
        .collect();
    lines("Memory by guests loaded", GUESTS, y, &series)
}

fn guests_start(figures: &Figures) -> Option<String> {
    let y = Axis {
        title: "from the start of the process to its manifest",
        log: true,
        show: time,
    };
    let micros = |mut series: Series| {
        series.points.iter_mut().for_each(|p| p.1 *= 1000.0);
        series
    };
    let row = "getmanifest";
    let series = [
        micros(bridge_series(
            figures,
            "cached",
            row,
            Peer::Bridge.word(),
            "",
            3,
        )),
        micros(bridge_series(figures, "nothing cached", row, COLD, "", 1)),
    ];
    lines("Start-up by guests loaded", GUESTS, y, &series)
}
