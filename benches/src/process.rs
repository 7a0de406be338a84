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

/// Memory, in KiB.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// All pages that are mapped and in memory.
    pub rss: u64,
    /// The same, pages shared with n processes counted as a n-th.
    pub pss: u64,
}

/// What it has in memory now.
pub fn memory(process: u32) -> anyhow::Result<Memory> {
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
    Ok(Memory {
        rss: field("Rss:")?,
        pss: field("Pss:")?,
    })
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
