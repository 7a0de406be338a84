//! What the kernel says of a process.

use std::fs;

use anyhow::Context;

/// Its threads.
pub fn threads(process: u32) -> anyhow::Result<Vec<u32>> {
    let folder = format!("/proc/{process}/task");
    let entries = fs::read_dir(&folder).context(folder)?;
    Ok(entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect())
}

/// A way to count memory.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// Its name in the table.
    pub word: &'static str,
    /// The row of a whole process, by the guests in it.
    pub row: &'static str,
    /// The row of one of many native plugins.
    pub of_many: &'static str,
    /// Its name in `smaps_rollup`.
    field: &'static str,
}

/// All pages that are mapped and in memory; the same, pages shared with n processes counted as
/// a n-th; those that are no file's, which the kernel can take back only by swapping.
pub const MEMORY: [Counted; 3] = [
    Counted {
        word: "resident",
        row: "memory-rss",
        of_many: "process-rss",
        field: "Rss:",
    },
    Counted {
        word: "proportional",
        row: "memory-pss",
        of_many: "process-pss",
        field: "Pss:",
    },
    Counted {
        word: "anonymous",
        row: "memory-anonymous",
        of_many: "process-anonymous",
        field: "Anonymous:",
    },
];

/// What it has in memory now, in KiB, in the order of [`MEMORY`].
pub fn memory(process: u32) -> anyhow::Result<[u64; MEMORY.len()]> {
    let path = format!("/proc/{process}/smaps_rollup");
    let text = fs::read_to_string(&path).context(path)?;
    let field = |name: &str| {
        text.lines()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .split_whitespace()
                    .next()?
                    .parse()
                    .ok()
            })
            .with_context(|| format!("no {name} in smaps_rollup"))
    };
    let mut all = [0; MEMORY.len()];
    for (amount, counted) in all.iter_mut().zip(MEMORY) {
        *amount = field(counted.field)?;
    }
    Ok(all)
}

/// How often its threads were given a core, since they began.
pub fn switches(process: u32) -> anyhow::Result<u64> {
    let mut sum = 0;
    for thread in threads(process)? {
        let Ok(text) = fs::read_to_string(format!("/proc/{process}/task/{thread}/status")) else {
            continue;
        };
        for line in text.lines() {
            if line.contains("ctxt_switches:") {
                let count = line.split_whitespace().last().unwrap_or_default();
                sum += count.parse::<u64>().unwrap_or_default();
            }
        }
    }
    Ok(sum)
}
