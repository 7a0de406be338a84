use super::*;
use crate::policy::Policy;
use std::path::Path;

fn read(text: &str) -> Result<Limits, String> {
    Policy::parse(text, Path::new("gate.toml"))
        .map(|policy| policy.limits)
        .map_err(|error| error.to_string())
}

#[test]
fn defaults_are_within_their_own_bounds() {
    for limit in LIMITS {
        assert!(limit.bounds.contains(&limit.default), "{}", limit.key);
        let text = format!("[limits]\n{} = {}", limit.key, limit.default);
        assert_eq!(read(&text), Ok(Limits::default()), "{}", limit.key);
    }
    let start: Duration = ["getmanifest", "init"]
        .iter()
        .filter_map(|class| Limits::default().deadline(class))
        .sum();
    assert!(start < Duration::from_secs(120), "lightningd would stop");
}

#[test]
fn each_key_sets_its_own_field() {
    for limit in LIMITS {
        let n = *limit.bounds.end();
        let mut limits = read(&format!("[limits]\n{} = {n}", limit.key)).unwrap();
        assert_eq!(limits.field(limit.key).copied(), Some(n), "{}", limit.key);
        *limits.field(limit.key).unwrap() = limit.default;
        assert_eq!(limits, Limits::default(), "{}", limit.key);
    }
}

#[test]
fn units_may_be_written_out() {
    let limits = read(
        "[limits]\nmemory_bytes = \"16 MiB\"\ncpu_per_call_ms = \"2 s\"\n\
         [limits.deadline]\nhook = \"7s\"\nhtlc_accepted = \"none\"",
    )
    .unwrap();
    assert_eq!(limits.memory_bytes, 16 * MIB);
    assert_eq!(limits.cpu_per_call_ms, 2000);
    assert_eq!(limits.hook_deadline("htlc_accepted"), None);
    assert_eq!(
        limits.hook_deadline("openchannel"),
        Some(Duration::from_secs(7))
    );
    assert_eq!(limits.deadline("method"), Some(Duration::from_secs(60)));
}

#[test]
fn wrong_values_are_named() {
    for (text, says) in [
        (
            "memory_bytes = 1",
            "gate.toml:2:16: memory_bytes must be from 1 MiB to 16 GiB, not 1 B",
        ),
        (
            "memory_bytes = -1",
            "memory_bytes must be bytes, such as 16777216 or \"16 MiB\", not the number -1",
        ),
        ("memory_bytes = 1.5", "not the number 1.5"),
        (
            "timers = \"5\"",
            "timers must be a whole number, not the string \"5\"",
        ),
        ("cpu_per_call_ms = true", "not true"),
        (
            "memory = 1",
            "gate.toml:2:1: unknown key in [limits]: \"memory\", did you mean \"memory_bytes\"? Valid are: memory_bytes, ",
        ),
        ("ram = 1", "\"ram\"; Valid are: memory_bytes, "),
        ("memory_byte = 1", "did you mean \"memory_bytes\"?"),
        (
            "deadline = 5",
            "[limits.deadline] must be a table, not the number 5",
        ),
        ("deadline.hook = 5", "hook must be a duration such as"),
        ("deadline.hook = \"0 s\"", "hook must be a duration such as"),
        (
            "deadline.init = \"none\"",
            "init must be a duration such as",
        ),
        (
            "deadline.htlc_acepted = \"1 s\"",
            "did you mean \"htlc_accepted\"?",
        ),
    ] {
        let error = read(&format!("[limits]\n{text}")).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
}

/// Both tables, as the operator's documentation shows them.
fn markdown() -> String {
    let mut page = String::from(
        "| `[limits]` | default | from | to | why |\n| --- | --- | --- | --- | --- |\n",
    );
    for limit in LIMITS {
        page.push_str(&format!(
            "| `{}` | {} | {} | {} | {} |\n",
            limit.key,
            limit.show(limit.default),
            limit.show(*limit.bounds.start()),
            limit.show(*limit.bounds.end()),
            limit.reason
        ));
    }
    page.push_str(
        "\n| `[limits.deadline]` | default | may be \"none\" | why |\n| --- | --- | --- | --- |\n",
    );
    for class in DEADLINES {
        page.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            class.key,
            show_duration(class.default),
            if class.may_be_none { "yes" } else { "no" },
            class.reason
        ));
    }
    page.push_str("| a hook's name | as `hook` | yes | For this hook instead of `hook`. |\n");
    page
}

#[test]
fn the_documentation_shows_both_tables_as_they_are() {
    let page = include_str!("../../../../docs/operating.md");
    let lines: Vec<&str> = page.lines().collect();
    for line in markdown().lines() {
        assert!(lines.contains(&line), "docs/operating.md lacks\n{line}");
    }
    // And no other row between them.
    for table in markdown().split("\n\n") {
        assert!(
            page.contains(table),
            "docs/operating.md has other rows than\n{table}"
        );
    }
}
