//! What a cached file ends with: what the compiled form before it is for, and the code
//! that says that it was written here.

use std::{fs::File, hash::Hash, hash::Hasher, os::unix::fs::FileExt};

use blake3::Hasher as Mac;
use sha2::{Digest, Sha256};
use wasmtime::Engine;

use super::{DIGEST, Key, Miss, disk::Secret};
use crate::guest::load::world::PACKAGE;
use crate::policy::Pin;

/// The first bytes of a seal. The number counts changes of the format.
const MAGIC: &[u8; 16] = b"cln-wasm cache 4";
/// Magic, key, fingerprint, the module's SHA-256, and the length of the compiled form (big
/// endian). The SHA-256 is asked for by policies, and takes several times as long to make as
/// the key.
const LABEL: usize = MAGIC.len() + DIGEST + DIGEST + DIGEST + 8;
/// Where in it the SHA-256 is.
const MODULE: usize = LABEL - 8 - DIGEST;
/// The label and the authentication code of all before it: BLAKE3 under the key, which is
/// several times as fast as an HMAC of SHA-256, and at the start of many guests most of what
/// is done.
pub(super) const SEAL: usize = LABEL + DIGEST;

/// Read at a time: it stays in the processor's own cache between reading and hashing.
const CHUNK: usize = 128 << 10;

/// What is to be written behind this compiled form.
pub(super) fn seal(
    secret: &Secret,
    key: &Key,
    module: Pin,
    engine: &Engine,
    compiled: &[u8],
) -> Vec<u8> {
    let mut seal = label(key, &fingerprint(engine), module, compiled.len() as u64);
    let mut mac = Mac::new_keyed(secret);
    mac.update(compiled);
    mac.update(&seal);
    seal.extend_from_slice(mac.finalize().as_bytes());
    seal
}

/// Checks a file of `length` bytes through its descriptor, without keeping what is
/// read. Returns how many bytes the compiled form has at its beginning, and the SHA-256 of
/// the module that it was made of.
pub(super) fn check(
    file: &File,
    length: u64,
    secret: &Secret,
    key: &Key,
    engine: &Engine,
) -> Result<(u64, Pin), Miss> {
    let compiled = length
        .checked_sub(SEAL as u64)
        .ok_or(Miss::Damaged("too short"))?;
    let unusable = |error: std::io::Error| Miss::Unusable(error.to_string());
    let mut mac = Mac::new_keyed(secret);
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    while at < compiled {
        let want = usize::try_from(compiled - at).unwrap_or(CHUNK).min(CHUNK);
        let Some(chunk) = chunk.get_mut(..want) else {
            break;
        };
        file.read_exact_at(chunk, at).map_err(unusable)?;
        mac.update(chunk);
        at += want as u64;
    }
    let mut seal = [0; SEAL];
    file.read_exact_at(&mut seal, compiled).map_err(unusable)?;
    let (found, tag) = seal.split_at(LABEL);
    mac.update(found);
    // In constant time.
    if mac.finalize() != *tag {
        return Err(Miss::Damaged("wrong authentication code"));
    }

    // From here on the file is one that was written here; but was it for this?
    let module = found.get(MODULE..).and_then(|rest| rest.first_chunk());
    let module = Pin::from_bytes(*module.ok_or(Miss::Damaged("too short"))?);
    let expected = label(key, &fingerprint(engine), module, compiled);
    let fields = [
        (0..MAGIC.len(), Miss::OtherEngine),
        (
            MAGIC.len()..MAGIC.len() + DIGEST,
            Miss::Damaged("another module"),
        ),
        (MAGIC.len() + DIGEST..MODULE, Miss::OtherEngine),
        (LABEL - 8..LABEL, Miss::Damaged("wrong length")),
    ];
    for (range, miss) in fields {
        if found.get(range.clone()) != expected.get(range) {
            return Err(miss);
        }
    }
    Ok((compiled, module))
}

fn label(key: &Key, fingerprint: &[u8; DIGEST], module: Pin, length: u64) -> Vec<u8> {
    let mut label = Vec::with_capacity(SEAL);
    label.extend_from_slice(MAGIC);
    label.extend_from_slice(&key.0);
    label.extend_from_slice(fingerprint);
    label.extend_from_slice(module.bytes());
    label.extend_from_slice(&length.to_be_bytes());
    label
}

/// What it was made by: the engine (wasmtime's exact version, the compiler's flags, the
/// machine) and the rules of this version about what is taken at all.
pub(super) fn fingerprint(engine: &Engine) -> [u8; DIGEST] {
    /// A hasher that does not shorten.
    struct Whole(Sha256);

    impl Hasher for Whole {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            // Asked for by nobody here; the digest is what counts.
            let digest: [u8; DIGEST] = self.0.clone().finalize().into();
            digest
                .iter()
                .take(8)
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        }
    }

    let mut whole = Whole(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut whole);
    env!("CARGO_PKG_VERSION").hash(&mut whole);
    PACKAGE.hash(&mut whole);
    whole.0.finalize().into()
}
