//! Caches signatures that this process has verified, or has made itself as a peer.
//!
//! A transaction's signatures are needed several times: first the orderer verifies the envelope.
//! Then the committer verifies it again, together with endorsements that this process may have
//! made. Whether a signature is valid for a key and a digest never changes, so neither a
//! configuration nor the clock can make an entry wrong. Whether the identity with that key is valid
//! is checked elsewhere, each time.
//!
//! Invariant: an entry is the SHA-256 of key, digest and signature with their lengths, so two
//! signatures never share one. Invalid signatures are never entered.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use foldhash::fast::RandomState;

use crate::signature::Signature;
use wasmcc_types::sha256_all;

/// Entries of one generation, of 32 bytes each. There are two generations. A busy peer enters some
/// 10,000 signatures a second, and needs one again within about a second.
const GENERATION_ENTRIES: usize = 16 * 1024;

/// The signatures known to this process.
pub(crate) static KNOWN: KnownSignatures = KnownSignatures::new(GENERATION_ENTRIES);

/// A signature with its key and the digest that it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SignatureEntry([u8; 32]);

/// A bounded set of entries.
pub(crate) struct KnownSignatures {
    limit: usize,
    sets: RwLock<Option<SignatureGenerations>>,
}

/// A full young generation becomes the old one; entries that are used again move back.
#[derive(Default)]
struct SignatureGenerations {
    young: SignatureSet,
    old: SignatureSet,
}

/// Entries are hashes already, so a quick hash of them is enough.
type SignatureSet = HashSet<SignatureEntry, RandomState>;

impl SignatureEntry {
    /// Hashes the parts. `key` is the point of an ECDSA key; its length identifies the curve.
    pub(crate) fn new(key: &[u8], digest: &[u8; 32], signature: &Signature) -> Self {
        let [r, s] = signature.numbers();
        let parts = [key, digest, r, s];
        let lengths = parts.map(|part| (part.len() as u64).to_be_bytes());
        let pairs = lengths.iter().zip(parts);
        Self(sha256_all(pairs.flat_map(|(length, part)| [&length[..], part])))
    }
}

impl KnownSignatures {
    /// Makes a cache of two generations with `limit` entries each.
    const fn new(limit: usize) -> Self {
        Self { limit, sets: RwLock::new(None) }
    }

    /// True if the signature is known to be valid.
    pub(crate) fn contains(&self, entry: &SignatureEntry) -> bool {
        {
            let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
            let Some(SignatureGenerations { young, old }) = &*sets else { return false };
            if young.contains(entry) {
                return true;
            }
            if !old.contains(entry) {
                return false;
            }
        }
        self.insert(*entry);
        true
    }

    /// Enters a valid signature.
    pub(crate) fn insert(&self, entry: SignatureEntry) {
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        let sets = sets.get_or_insert_default();
        if sets.young.len() >= self.limit {
            sets.old = std::mem::take(&mut sets.young);
        }
        sets.young.insert(entry);
    }
}

/// Clears the cache, so that each signature is computed again. For measurements.
pub fn forget_signatures() {
    *KNOWN.sets.write().unwrap_or_else(PoisonError::into_inner) = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64) -> SignatureEntry {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        SignatureEntry(bytes)
    }

    #[test]
    fn entries_are_bounded_and_those_that_are_used_stay() {
        let verified = KnownSignatures::new(10);
        assert!(!verified.contains(&entry(0)));
        for number in 0..1_000 {
            verified.insert(entry(number));
            assert!(verified.contains(&entry(0)), "{number}");
            let sets = verified.sets.read().unwrap();
            let sets = sets.as_ref().unwrap();
            assert!(sets.young.len() + sets.old.len() <= 20);
        }
        assert!(verified.contains(&entry(999)));
        assert!(!verified.contains(&entry(500)));
    }
}
