//! The rules for `data_version`, the number of the database's versions.
//!
//! It goes up by one with each `db_write` and wraps at 32 bits
//! (`wallet/db.c`, `db/exec.c`).

/// How a version follows the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    /// There is none before it: this is the first one seen.
    First,
    /// One higher: nothing was lost.
    Next,
    /// The same again: see [`changes_version`].
    Again,
    /// Lower: the database is an older one than before.
    Backwards,
    /// Higher by more than one: this many versions were never seen.
    Gap {
        /// At least 1.
        lost: u32,
    },
}

impl Continuity {
    /// How `version` follows `previous`.
    ///
    /// Since the number wraps, "lower" and "higher" are those of serial numbers
    /// (RFC 1982): whichever way round the circle is shorter. 0 is one higher than
    /// 4294967295. Exactly half way round could be either; it counts as lower,
    /// which is the rule that stops the node.
    pub fn of(previous: Option<u32>, version: u32) -> Self {
        let Some(previous) = previous else {
            return Continuity::First;
        };
        match version.wrapping_sub(previous) {
            0 => Continuity::Again,
            1 => Continuity::Next,
            step if step < 1 << 31 => Continuity::Gap { lost: step - 1 },
            _ => Continuity::Backwards,
        }
    }
}

/// Whether these writes end a transaction: lightningd then adds the one that raises
/// `data_version` itself (`db/exec.c`: `db_data_version_incr`).
///
/// It tells the two kinds of writes that come under a version already seen. Those with it
/// are the transaction of that version once more: the first attempt was not committed.
/// Those without stand outside any transaction and come after it, as the `PRAGMA
/// foreign_keys` around a change of the schema (`db/db_sqlite3.c`): a backup that took
/// them for a replacement would lose a version that was committed.
pub fn changes_version(writes: &[String]) -> bool {
    writes.iter().any(|write| write.contains("'data_version'"))
}

#[cfg(test)]
mod tests {
    use super::Continuity::{self, *};

    #[test]
    fn versions_follow_each_other_around_the_circle() {
        const MAX: u32 = u32::MAX;
        const HALF: u32 = 1 << 31;
        for (previous, version, continuity) in [
            (None, 0, First),
            (None, MAX, First),
            (Some(41), 42, Next),
            (Some(MAX), 0, Next),
            (Some(42), 42, Again),
            (Some(0), 0, Again),
            (Some(MAX), MAX, Again),
            (Some(42), 41, Backwards),
            (Some(0), MAX, Backwards),
            (Some(5), MAX - 5, Backwards),
            (Some(42), 44, Gap { lost: 1 }),
            (Some(MAX), 1, Gap { lost: 1 }),
            (Some(MAX - 1), 5, Gap { lost: 6 }),
            (Some(0), HALF - 1, Gap { lost: HALF - 2 }),
            (Some(0), HALF, Backwards),
            (Some(HALF), 0, Backwards),
        ] {
            let found = Continuity::of(previous, version);
            assert_eq!(found, continuity, "{previous:?} then {version}");
        }
    }
}
