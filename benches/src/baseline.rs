//! Counts of today against those that are committed, by processor: code is compiled for the one
//! it runs on, and libraries choose by it.

use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::Value;

/// How much a count may grow before it is an error.
const GROWTH: f64 = 0.05;

/// Writes the counts as the baseline of this processor. Those of others stay.
pub fn renew(path: &Path, counts: &Value, processor: &str) -> anyhow::Result<()> {
    let mut all = read(path)?;
    all[processor] = counts.clone();
    std::fs::write(path, format!("{all:#}\n")).with_context(|| path.display().to_string())
}

/// Prints each count beside its baseline; an error if one grew too much. `false` without a
/// baseline of this processor.
pub fn compare(path: &Path, counts: &Value, processor: &str) -> anyhow::Result<bool> {
    let all = read(path)?;
    let Some(baseline) = all.get(processor) else {
        return Ok(false);
    };
    let (lines, grown) = differences(baseline, counts)?;
    for line in lines {
        println!("{line}");
    }
    ensure!(
        grown.is_empty(),
        "more than {:.0} % more instructions: {}. If that is wanted: scripts/instruction-count.sh --renew",
        GROWTH * 100.0,
        grown.join(", ")
    );
    Ok(true)
}

fn read(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// A line for each kind, and the kinds that grew too much.
fn differences(baseline: &Value, counts: &Value) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let (mut lines, mut grown) = (Vec::new(), Vec::new());
    for (kind, count) in counts.as_object().context("no counts")? {
        let of = |value: &Value| value["instructions"].as_f64();
        let now = of(count).context("a count is missing")?;
        let before = of(&baseline[kind]).with_context(|| format!("no baseline of {kind}"))?;
        let growth = now / before - 1.0;
        let parts = ["bridge", "libc", "guest"].map(|part| format!("{part} {}", count[part]));
        lines.push(format!(
            "{kind}: {now} instructions, {before} before, {:+.2} % ({})",
            growth * 100.0,
            parts.join(", ")
        ));
        if now > before * (1.0 + GROWTH) {
            grown.push(kind.clone());
        }
    }
    Ok((lines, grown))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_processor_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("instructions.json");
        std::fs::write(&path, "{}").unwrap();
        let of = |hook: u64| json!({"hook": {"instructions": hook}});
        assert!(!compare(&path, &of(1000), "a").unwrap());
        renew(&path, &of(1000), "a").unwrap();
        renew(&path, &of(2000), "b").unwrap();
        assert!(compare(&path, &of(2000), "b").unwrap());
        assert!(compare(&path, &of(2000), "a").is_err());
    }

    #[test]
    fn growth_beyond_a_twentieth_is_seen() {
        let of = |hook: u64, method: u64| json!({"hook": {"instructions": hook}, "method": {"instructions": method}});
        let grown = |counts| differences(&of(1000, 1000), &counts).unwrap().1;
        assert!(grown(of(1050, 10)).is_empty());
        assert_eq!(grown(of(1051, 1000)), ["hook"]);
        assert!(
            differences(&json!({}), &of(1, 1)).is_err(),
            "a kind without a baseline"
        );
    }
}
