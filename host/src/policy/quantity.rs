//! Bytes, durations and amounts, as an operator writes them.

use std::time::Duration;

/// `16777216`, `"16 MiB"`, `"512 KiB"`, `"4 GB"`: bytes.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let units = [
        ("", 1),
        ("B", 1),
        ("KB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    scaled(
        text,
        &units,
        "bytes such as 16777216, \"16 MiB\" or \"512 KiB\" (units: B, KB, MB, GB, KiB, MiB, GiB)",
    )
}

/// `"500 ms"`, `"5s"`, `"2 min"`, `"1 h"`: always with a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let units = [
        ("ms", 1),
        ("s", 1000),
        ("sec", 1000),
        ("min", 60_000),
        ("h", 3_600_000),
        ("hour", 3_600_000),
        ("day", 86_400_000),
    ];
    scaled(
        text,
        &units,
        "a duration such as \"500 ms\", \"5 s\", \"2 min\" or \"1 h\" (units: ms, s, min, h, day)",
    )
    .map(Duration::from_millis)
}

/// The longest time that one would write down: the largest unit that fits.
pub(super) fn show_duration(time: Duration) -> String {
    let ms = time.as_millis();
    for (unit, size) in [("h", 3_600_000), ("min", 60_000), ("s", 1000)] {
        if ms >= size && ms.is_multiple_of(size) {
            return format!("{} {unit}", ms / size);
        }
    }
    format!("{ms} ms")
}

/// The shortest way to write this many bytes exactly.
pub(super) fn show_bytes(bytes: u64) -> String {
    for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes >= size && bytes.is_multiple_of(size) {
            return format!("{} {unit}", bytes / size);
        }
    }
    format!("{bytes} B")
}

fn scaled(text: &str, units: &[(&str, u64)], wanted: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let factor = units
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .map(|(_, factor)| *factor)
        .ok_or_else(|| wanted.to_string())?;
    number
        .replace('_', "")
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(|| wanted.to_string())
}

/// An amount in lightningd's own notation, in msat: digits, which may be followed
/// by `msat`, `sat`, or (then also with up to 11 decimals) `btc`
/// (`common/amount.c:parse_amount_msat`). None: lightningd would refuse it, or it
/// is above 2^64 - 1 msat.
pub(super) fn msat(text: &str) -> Option<u64> {
    in_units(text, 0)
}

/// An amount whose bare digits are satoshi (`common/amount.c:parse_amount_sat`),
/// in msat. Laxer than lightningd, which takes no part of a satoshi here: that
/// call then fails by itself.
pub(super) fn sat(text: &str) -> Option<u64> {
    in_units(text, 3)
}

fn in_units(text: &str, bare: u32) -> Option<u64> {
    let digits = |s: &str| s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len());
    let (whole, rest) = text.split_at(digits(text));
    let (decimals, suffix) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (decimals, suffix) = rest.split_at(digits(rest));
            (Some(decimals), suffix)
        }
        None => (None, rest),
    };
    let tens = match (decimals, suffix) {
        (None, "") => bare,
        (None, "msat") => 0,
        (None, "sat") => 3,
        (_, "btc") => 11,
        _ => return None,
    };
    let decimals = decimals.unwrap_or("");
    let places = u32::try_from(decimals.len()).ok()?;
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = if decimals.is_empty() {
        0
    } else {
        decimals.parse().ok()?
    };
    let part = part.checked_mul(10u64.checked_pow(tens.checked_sub(places)?)?)?;
    whole
        .checked_mul(10u64.checked_pow(tens)?)?
        .checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_durations() {
        assert_eq!(bytes("16 MiB"), Ok(16 << 20));
        assert_eq!(bytes("16mib"), Ok(16 << 20));
        assert_eq!(bytes("1_000"), Ok(1000));
        assert_eq!(bytes("2 KB"), Ok(2000));
        for bad in [
            "",
            "MiB",
            "-1",
            "1.5 MiB",
            "16 MiBs",
            "99999999999 GiB",
            "١ KiB",
        ] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("500 ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2 min"), Ok(Duration::from_secs(120)));
        for bad in ["5", "s", "none", "1 year", "-1 s", "18446744073709551615 h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for n in [0, 1, 1023, 1024, 1 << 20, 3 << 30, (1 << 20) + 1] {
            assert_eq!(bytes(&show_bytes(n)), Ok(n));
        }
        for ms in [1, 999, 1000, 90_000, 60_000, 3_600_000, 86_400_000] {
            let time = Duration::from_millis(ms);
            assert_eq!(duration(&show_duration(time)), Ok(time));
        }
    }

    #[test]
    fn amounts_as_lightningd_reads_them() {
        for (text, amount) in [
            ("0", Some(0)),
            ("1", Some(1)),
            ("1000msat", Some(1000)),
            ("1sat", Some(1000)),
            ("1btc", Some(100_000_000_000)),
            ("0.00000000001btc", Some(1)),
            ("1.5btc", Some(150_000_000_000)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("184467440737095517sat", None),
            ("0.000000000001btc", None),
            ("1.5", None),
            ("1.5sat", None),
            ("", None),
            ("sat", None),
            (".5btc", None),
            ("-1", None),
            ("1 sat", None),
            ("all", None),
            ("any", None),
            ("1SAT", None),
        ] {
            assert_eq!(msat(text), amount, "{text}");
        }
        assert_eq!(sat("5"), Some(5000));
        assert_eq!(sat("5sat"), Some(5000));
        assert_eq!(sat("5000msat"), Some(5000));
        assert_eq!(sat("all"), None);
    }
}
