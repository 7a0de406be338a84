//! Where the writes go.

use std::fmt;

use cln_guest::serde_json::{self, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Keeps the writes of every version of the database.
///
/// A version is kept when a method returns `Ok`: only then is lightningd told to
/// commit. An `Err` stops the node before it commits.
pub trait Sink {
    /// Why the writes were not kept.
    type Error: fmt::Display;

    /// The next writes: those of the version after the last one, or more of the last one.
    fn append(&mut self, version: u32, writes: &[String]) -> Result<(), Self::Error>;

    /// The writes of the last version once more: all that is kept of it was never committed.
    fn replace_last(&mut self, version: u32, writes: &[String]) -> Result<(), Self::Error>;

    /// A new beginning: what was kept does not lead to this version.
    fn restart(&mut self, version: u32, writes: &[String]) -> Result<(), Self::Error>;

    /// Where the sink stands, in a few words for the log.
    fn standing(&self) -> String;

    /// What the sink must know to go on after a restart, where it keeps nothing itself.
    fn kept(&self) -> Value {
        Value::Null
    }

    /// Goes on from what [`kept`](Sink::kept) gave.
    fn restore(&mut self, _kept: Value) -> Result<(), String> {
        Ok(())
    }
}

/// A sink that keeps no write but proves which ones it was given: a SHA-256 over
/// the stream. Two who were given the same writes since the same version have the
/// same hash; whoever stores the writes can compare.
///
/// The hash of a version is SHA-256 over: the hash before (32 bytes, zeros at the
/// beginning), the version (4 bytes), the number of writes (8 bytes), and for each
/// write its length in bytes (8 bytes) and itself. Numbers are big-endian.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashChain {
    last: Option<u32>,
    /// Before the last version, for it to be replaced.
    before: Totals,
    now: Totals,
}

/// What a [`HashChain`] has been given since its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Over all of it.
    #[serde(with = "as_hex")]
    pub hash: [u8; 32],
    /// Versions.
    pub versions: u64,
    /// Queries.
    pub writes: u64,
    /// Bytes of the queries.
    pub bytes: u64,
}

impl Totals {
    /// With these writes, of a new version or of the last one.
    fn and(&self, version: u32, is_new: bool, writes: &[String]) -> Totals {
        let mut hash = Sha256::new();
        hash.update(self.hash);
        hash.update(version.to_be_bytes());
        hash.update((writes.len() as u64).to_be_bytes());
        let mut bytes = self.bytes;
        for write in writes {
            hash.update((write.len() as u64).to_be_bytes());
            hash.update(write);
            bytes = bytes.saturating_add(write.len() as u64);
        }
        Totals {
            hash: hash.finalize().into(),
            versions: self.versions.saturating_add(u64::from(is_new)),
            writes: self.writes.saturating_add(writes.len() as u64),
            bytes,
        }
    }
}

impl HashChain {
    /// What it has been given since its beginning.
    pub fn totals(&self) -> &Totals {
        &self.now
    }
}

/// A hash in JSON.
mod as_hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(hash: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(hash))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(D::Error::custom)?;
        Ok(hash)
    }
}

/// Nothing can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Sink for HashChain {
    type Error = Never;

    fn append(&mut self, version: u32, writes: &[String]) -> Result<(), Never> {
        let is_new = self.last != Some(version);
        let next = self.now.and(version, is_new, writes);
        let now = std::mem::replace(&mut self.now, next);
        if is_new {
            self.before = now;
        }
        self.last = Some(version);
        Ok(())
    }

    fn replace_last(&mut self, version: u32, writes: &[String]) -> Result<(), Never> {
        self.now = self.before.and(version, true, writes);
        self.last = Some(version);
        Ok(())
    }

    fn restart(&mut self, version: u32, writes: &[String]) -> Result<(), Never> {
        self.before = Totals::default();
        self.replace_last(version, writes)
    }

    fn standing(&self) -> String {
        let Totals {
            hash,
            versions,
            writes,
            bytes,
        } = &self.now;
        let hash = hex::encode(hash);
        format!("{versions} versions, {writes} writes, {bytes} bytes, hash {hash}")
    }

    fn kept(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn restore(&mut self, kept: Value) -> Result<(), String> {
        *self = serde_json::from_value(kept).map_err(|error| error.to_string())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn chain(versions: &[(u32, &[&str])]) -> HashChain {
        let mut chain = HashChain::default();
        for (version, texts) in versions {
            let Ok(()) = chain.append(*version, &writes(texts));
        }
        chain
    }

    #[test]
    fn the_hash_is_as_documented() {
        let one = chain(&[(7, &["AB", ""])]);
        let mut text = vec![0; 32];
        text.extend([0, 0, 0, 7]);
        text.extend([0, 0, 0, 0, 0, 0, 0, 2]);
        text.extend([0, 0, 0, 0, 0, 0, 0, 2, b'A', b'B']);
        text.extend([0; 8]);
        let hash: [u8; 32] = Sha256::digest(&text).into();
        let totals = Totals {
            hash,
            versions: 1,
            writes: 2,
            bytes: 2,
        };
        assert_eq!(one.totals(), &totals);
        let shown = hex::encode(hash);
        assert_eq!(
            one.standing(),
            format!("1 versions, 2 writes, 2 bytes, hash {shown}")
        );
    }

    #[test]
    fn every_difference_shows() {
        let chains = [
            chain(&[]),
            chain(&[(1, &["ab"])]),
            chain(&[(2, &["ab"])]),
            chain(&[(1, &["a", "b"])]),
            chain(&[(1, &["b", "a"])]),
            chain(&[(1, &["ab"]), (1, &[])]),
            chain(&[(1, &["ab"]), (2, &[])]),
            chain(&[(1, &[]), (2, &["ab"])]),
        ];
        for (number, one) in chains.iter().enumerate() {
            for other in &chains[number + 1..] {
                assert_ne!(one.totals().hash, other.totals().hash);
            }
        }
    }

    #[test]
    fn what_is_replaced_was_never_there() {
        let mut replaced = chain(&[(1, &["a"]), (2, &["lost"])]);
        let Ok(()) = replaced.replace_last(2, &writes(&["b"]));
        let Ok(()) = replaced.replace_last(2, &writes(&["b", "c"]));
        assert_eq!(replaced, chain(&[(1, &["a"]), (2, &["b", "c"])]));

        let mut added = chain(&[(1, &["a"]), (2, &["lost"]), (2, &["lost too"])]);
        assert_eq!(added.totals().versions, 2);
        let Ok(()) = added.replace_last(2, &writes(&["b", "c"]));
        assert_eq!(added, replaced);

        let mut restarted = replaced;
        let Ok(()) = restarted.restart(9, &writes(&["d"]));
        assert_eq!(restarted, chain(&[(9, &["d"])]));
    }
}
