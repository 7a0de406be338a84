//! What a process takes, and whether that grows.

use std::fmt;

use anyhow::{Context, ensure};

/// One look at a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Resident memory, in KiB.
    pub resident: u64,
    /// Of that, what is no file's, in KiB.
    pub private: u64,
    /// Open file descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
    /// Mapped areas.
    pub maps: u64,
}

impl fmt::Display for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Vitals {
            resident,
            private,
            descriptors,
            threads,
            maps,
        } = self;
        write!(
            f,
            "{resident} KiB resident, {private} KiB private, {descriptors} descriptors, {threads} threads, {maps} maps"
        )
    }
}

impl Vitals {
    /// Looks at a process.
    pub(super) fn of(pid: u32) -> anyhow::Result<Vitals> {
        let folder = std::path::PathBuf::from(format!("/proc/{pid}"));
        let status = std::fs::read_to_string(folder.join("status")).context("it is gone")?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let word = line.and_then(|line| line.split_whitespace().next());
            word.and_then(|word| word.parse().ok())
                .with_context(|| format!("no {name} in its status"))
        };
        let maps = std::fs::read_to_string(folder.join("maps"))?;
        Ok(Vitals {
            resident: number("VmRSS:")?,
            private: number("RssAnon:")?,
            descriptors: std::fs::read_dir(folder.join("fd"))?.count() as u64,
            threads: number("Threads:")?,
            maps: maps.lines().count() as u64,
        })
    }

    fn each(self, other: Vitals, take: impl Fn(u64, u64) -> u64) -> Vitals {
        Vitals {
            resident: take(self.resident, other.resident),
            private: take(self.private, other.private),
            descriptors: take(self.descriptors, other.descriptors),
            threads: take(self.threads, other.threads),
            maps: take(self.maps, other.maps),
        }
    }
}

/// The most of each in these.
fn most(samples: &[Vitals]) -> Vitals {
    let all = samples.iter().copied();
    all.fold(Vitals::default(), |a, b| a.each(b, u64::max))
}

/// The most of each in the second and in the last quarter of all samples: the first is for warming up.
pub(super) fn quarters(samples: &[Vitals]) -> anyhow::Result<(Vitals, Vitals)> {
    let quarter = samples.len() / 4;
    ensure!(quarter > 0, "{} samples are too few", samples.len());
    let second = samples.get(quarter..2 * quarter).unwrap_or_default();
    let last = samples.get(samples.len() - quarter..).unwrap_or_default();
    Ok((most(second), most(last)))
}

/// Is the last quarter's most within this of the second quarter's?
pub(super) fn is_flat(samples: &[Vitals], within: Vitals) -> anyhow::Result<(Vitals, Vitals)> {
    let (second, last) = quarters(samples)?;
    let allowed = second.each(within, |a, b| a + b);
    let over = last.each(allowed, u64::saturating_sub);
    ensure!(
        over == Vitals::default(),
        "it grows: {second} at most in the second quarter, {last} in the last"
    );
    Ok((second, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_past_the_bound_is_seen_and_a_warm_up_is_none() {
        let sample = |resident| Vitals {
            resident,
            ..Vitals::default()
        };
        let within = sample(10);
        let flat: Vec<Vitals> = [1, 90, 100, 95, 99, 100, 104, 110].map(sample).into();
        assert_eq!(is_flat(&flat, within).unwrap(), (sample(100), sample(110)));
        let grows: Vec<Vitals> = [1, 90, 100, 95, 99, 100, 104, 111].map(sample).into();
        assert!(is_flat(&grows, within).is_err());
        assert!(is_flat(&flat[..3], within).is_err(), "too few");
    }

    #[test]
    fn this_process_has_vitals() {
        let own = Vitals::of(std::process::id()).unwrap();
        assert!(own.resident >= own.private && own.private > 0, "{own}");
        assert!(
            own.descriptors > 2 && own.threads > 0 && own.maps > 10,
            "{own}"
        );
    }
}
