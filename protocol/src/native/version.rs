//! lightningd's version, as in `LIGHTNINGD_VERSION` and `getinfo`.

use std::fmt;

/// A version of Core Lightning: `v26.06.6` is year 26, month 6, patch 6. The
/// releases before 2022 were `v0.MAJOR.MINOR` and order below all later ones.
///
/// A build made some commits after a release (`v26.06-258-g090f4b0`) orders above
/// that release and below the next; a release candidate (`v25.12rc1`) counts as its
/// release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    year: u16,
    month: u16,
    patch: u16,
    commits: u32,
}

impl Version {
    /// A release.
    pub const fn release(year: u16, month: u16, patch: u16) -> Self {
        Version {
            year,
            month,
            patch,
            commits: 0,
        }
    }

    /// Reads what lightningd says of itself. None for what is not in that form (a
    /// build without a tag: `090f4b0-modded`); the rest of this crate takes None
    /// for the newest when names are looked up, and looks at the shape when
    /// messages are upgraded.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let (numbers, rest) = match text.find(|c: char| !c.is_ascii_digit() && c != '.') {
            Some(end) => text.split_at(end),
            None => (text, ""),
        };
        let mut parts = numbers.split('.');
        let year = parts.next()?.parse().ok()?;
        let month = parts.next()?.parse().ok()?;
        let patch = match parts.next() {
            Some(part) => part.parse().ok()?,
            None => 0,
        };
        // v0.7.2.1 and the like: the fourth number changes nothing that is asked here.
        if parts.any(|part| part.parse::<u16>().is_err()) {
            return None;
        }
        let commits = rest
            .split('-')
            .skip(1)
            .find_map(|part| part.parse().ok())
            .unwrap_or(0);
        Some(Version {
            year,
            month,
            patch,
            commits,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.year == 0 {
            write!(f, "v0.{}.{}", self.month, self.patch)?;
        } else {
            write!(f, "v{}.{:02}", self.year, self.month)?;
            if self.patch != 0 {
                write!(f, ".{}", self.patch)?;
            }
        }
        if self.commits != 0 {
            write!(f, "-{}", self.commits)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_lightningd_says() {
        for (text, shown) in [
            ("v26.06.6", "v26.06.6"),
            ("v26.06", "v26.06"),
            ("v26.06-258-g090f4b0", "v26.06-258"),
            ("v23.05-1-gf165dc0-modded", "v23.05-1"),
            ("v26.06-modded", "v26.06"),
            ("v25.12rc1", "v25.12"),
            ("v22.11rc1-1-g123456", "v22.11-1"),
            ("v0.8.2", "v0.8.2"),
            ("v0.11.0.1", "v0.11.0"),
            ("24.02.2\n", "v24.02.2"),
        ] {
            assert_eq!(
                Version::parse(text).map(|v| v.to_string()).as_deref(),
                Some(shown),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in [
            "",
            "v",
            "090f4b0-modded",
            "v26",
            "v26.",
            "unknown",
            "v99999.1",
            "v1..2",
            "v1.2.",
            "v1.2.3.99999",
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn orders_by_time_of_release() {
        let order = [
            "v0.8.2",
            "v0.10.0",
            "v0.10.2",
            "v22.11",
            "v25.02",
            "v25.05-100-gabc",
            "v25.05.1",
            "v25.09",
            "v26.06",
            "v26.06.6",
            "v26.06.6-3-gabc",
        ];
        let parsed: Vec<_> = order.iter().map(|text| Version::parse(text)).collect();
        assert!(parsed.iter().all(Option::is_some));
        assert!(parsed.is_sorted());
        assert!(parsed.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
