//! Counts of today against those that are committed.

use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

/// How much a count may grow before it is an error.
const GROWTH: f64 = 0.05;

/// Writes the counts as the baseline.
pub fn renew(path: &Path, counts: &Value, processor: &Value) -> anyhow::Result<()> {
    let all = json!({ "processor": processor, "counts": counts });
    std::fs::write(path, format!("{all:#}\n")).with_context(|| path.display().to_string())
}

/// Prints each count beside its baseline; an error if one grew too much.
pub fn compare(path: &Path, counts: &Value, processor: &Value) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let baseline: Value = serde_json::from_str(&text)?;
    if baseline["processor"] != *processor {
        println!(
            "the baseline is of another processor ({}): code compiled for this one may count differently",
            baseline["processor"]
        );
    }
    let (lines, grown) = differences(&baseline["counts"], counts)?;
    for line in lines {
        println!("{line}");
    }
    ensure!(
        grown.is_empty(),
        "more than {:.0} % more instructions: {}. If that is wanted: scripts/instruction-count.sh --renew",
        GROWTH * 100.0,
        grown.join(", ")
    );
    Ok(())
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
    use super::*;

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
