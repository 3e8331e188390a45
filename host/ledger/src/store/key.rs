//! The keys of a channel's table: one letter for the kind of row, then the parts.
//!
//! All rows of a channel are in one table, so that one batch can change them atomically.
//! Namespaces, collections and, in the history, keys are preceded by their length, so that the
//! parts are unambiguous. State keys come last and unchanged: within a namespace, rows have the
//! byte order of the keys. The formats are listed in `docs/ledger-format.md`.
//!
//! Does not read or write rows or their values (see `state`).

use crate::error::LedgerError;
use wasmcc_types::{Height, sha256};

pub(crate) const STATE: u8 = b's';
pub(crate) const HASHED: u8 = b'h';
pub(crate) const PRIVATE: u8 = b'p';
pub(crate) const PRIVATE_NAME: u8 = b'n';
pub(crate) const EXPIRY: u8 = b'e';
pub(crate) const HISTORY: u8 = b'k';
pub(crate) const TX: u8 = b't';
pub(crate) const BLOCK: u8 = b'b';
pub(crate) const BLOCK_HASH: u8 = b'd';

/// The row with the number of the last applied block.
pub(crate) const SAVEPOINT: &[u8] = b"m";

/// The row of a public key.
pub(crate) fn state(namespace: &str, key: &str) -> Vec<u8> {
    let mut row = state_prefix(namespace, key.len());
    row.extend_from_slice(key.as_bytes());
    row
}

/// The first row, and the row after the last, of a range of public keys. An empty `start` means the
/// beginning of the namespace, an empty `end` its end.
pub(crate) fn state_range(namespace: &str, start: &str, end: &str) -> (Vec<u8>, Vec<u8>) {
    let last = if end.is_empty() {
        after_prefix(state_prefix(namespace, 0))
    } else {
        state(namespace, end)
    };
    (state(namespace, start), last)
}

/// The public key of a row of `state_range` in the same namespace.
pub(crate) fn state_key(row: &[u8], namespace: &str) -> Result<String, LedgerError> {
    text_after(row, state_key_at(namespace))
}

/// Length of the prefix before the key in a row of `state`.
pub(crate) fn state_key_at(namespace: &str) -> usize {
    5 + namespace.len()
}

/// The key of a row whose prefix has `prefix` bytes.
pub(crate) fn text_after(row: &[u8], prefix: usize) -> Result<String, LedgerError> {
    row.get(prefix..)
        .and_then(|key| std::str::from_utf8(key).ok())
        .map(str::to_owned)
        .ok_or(LedgerError::CorruptState { what: "a state key is not text" })
}

/// The row of the hash of a private key.
pub(crate) fn hashed(namespace: &str, collection: &str, key_hash: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(9 + namespace.len() + collection.len() + key_hash.len());
    row.push(HASHED);
    push_name(&mut row, namespace.as_bytes());
    push_name(&mut row, collection.as_bytes());
    row.extend_from_slice(key_hash);
    row
}

/// The first row, and the row after the last, of the hashes of a collection's keys from `key_hash`
/// on.
pub(crate) fn hashed_range(
    namespace: &str,
    collection: &str,
    key_hash: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let last = after_prefix(hashed(namespace, collection, &[]));
    (hashed(namespace, collection, key_hash), last)
}

/// The row of a plain private key of an organization.
pub(crate) fn private(org: &str, namespace: &str, collection: &str, key: &str) -> Vec<u8> {
    let mut row = private_prefix(org, namespace, collection);
    row.extend_from_slice(key.as_bytes());
    row
}

/// The first row, and the row after the last, of a range of private keys; empty means open.
pub(crate) fn private_range(
    org: &str,
    namespace: &str,
    collection: &str,
    start: &str,
    end: &str,
) -> (Vec<u8>, Vec<u8>) {
    let last = if end.is_empty() {
        after_prefix(private_prefix(org, namespace, collection))
    } else {
        private(org, namespace, collection, end)
    };
    (private(org, namespace, collection, start), last)
}

/// The first row, and the row after the last, of all private keys of all organizations.
pub(crate) fn all_private() -> (Vec<u8>, Vec<u8>) {
    (vec![PRIVATE], vec![PRIVATE + 1])
}

/// The organization in a private key's row, and the first row after all rows of that organization.
pub(crate) fn private_org(row: &[u8]) -> Result<(String, Vec<u8>), LedgerError> {
    let org = row.get(1..).and_then(split_text).map(|(org, _)| org);
    let org = org.ok_or(LedgerError::CorruptState { what: "a private key's row has no owner" })?;
    let mut prefix = vec![PRIVATE];
    push_name(&mut prefix, org.as_bytes());
    Ok((org, after_prefix(prefix)))
}

/// Length of the prefix before the key in a row of `private`.
pub(crate) fn private_key_at(org: &str, namespace: &str, collection: &str) -> usize {
    13 + org.len() + namespace.len() + collection.len()
}

/// The row that contains a plain private key, for an organization that holds it.
pub(crate) fn private_name(
    namespace: &str,
    collection: &str,
    key_hash: &[u8],
    org: &str,
) -> Vec<u8> {
    let mut row = private_name_prefix(namespace, collection, key_hash);
    row.extend_from_slice(org.as_bytes());
    row
}

/// The first row, and the row after the last, of the names of a private key, one for each
/// organization.
pub(crate) fn private_names(
    namespace: &str,
    collection: &str,
    key_hash: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let prefix = private_name_prefix(namespace, collection, key_hash);
    (prefix.clone(), after_prefix(prefix))
}

/// The first row, and the row after the last, of the names of all private keys of a collection.
pub(crate) fn names_of_collection(namespace: &str, collection: &str) -> (Vec<u8>, Vec<u8>) {
    let prefix = names_prefix(namespace, collection);
    (prefix.clone(), after_prefix(prefix))
}

/// The organization in a row of `private_names` that begins with `prefix`.
pub(crate) fn private_name_org(row: &[u8], prefix: &[u8]) -> Result<String, LedgerError> {
    text_after(row, prefix.len())
}

/// The row for the expiry of a private key with block `at`.
pub(crate) fn expiry(
    at: u64,
    committing: u64,
    namespace: &str,
    collection: &str,
    key_hash: &[u8],
) -> Vec<u8> {
    let mut row = vec![EXPIRY];
    row.extend(at.to_be_bytes());
    row.extend(committing.to_be_bytes());
    push_name(&mut row, namespace.as_bytes());
    push_name(&mut row, collection.as_bytes());
    row.extend_from_slice(key_hash);
    row
}

/// The first row, and the row after the last, of the keys that expire with block `at`.
pub(crate) fn expiries(at: u64) -> (Vec<u8>, Vec<u8>) {
    let prefix = [&[EXPIRY][..], &at.to_be_bytes()].concat();
    (prefix.clone(), after_prefix(prefix))
}

/// The parts of a row of `expiry`.
pub(crate) struct ExpiringKey {
    /// The block that wrote the key.
    pub committing: u64,
    pub namespace: String,
    pub collection: String,
    pub key_hash: Vec<u8>,
}

/// Reads a row of `expiry`.
pub(crate) fn expiry_parts(row: &[u8]) -> Result<ExpiringKey, LedgerError> {
    let parts = || {
        let (committing, rest) = row.get(9..)?.split_first_chunk()?;
        let (namespace, rest) = split_text(rest)?;
        let (collection, key_hash) = split_text(rest)?;
        let (committing, key_hash) = (u64::from_be_bytes(*committing), key_hash.to_vec());
        Some(ExpiringKey { committing, namespace, collection, key_hash })
    };
    parts().ok_or(LedgerError::CorruptState { what: "an expiry has no key" })
}

/// The row of a part of a key's history, named by the last height in it.
pub(crate) fn history(namespace: &str, key: &str, last: Height) -> Vec<u8> {
    let mut row = history_prefix(namespace, key);
    row.extend_from_slice(&last.to_bytes());
    row
}

/// The first row, and the row after the last, of the history of a key.
pub(crate) fn history_range(namespace: &str, key: &str) -> (Vec<u8>, Vec<u8>) {
    let prefix = history_prefix(namespace, key);
    (prefix.clone(), after_prefix(prefix))
}

/// The row of a transaction id: 160 bits of its hash, because short keys make the table faster.
pub(crate) fn tx(tx_id: &str) -> Vec<u8> {
    [&[TX], &sha256(tx_id.as_bytes())[..20]].concat()
}

/// The row with a block's location.
pub(crate) fn block(number: u64) -> Vec<u8> {
    [&[BLOCK][..], &number.to_be_bytes()].concat()
}

/// The row with the number of the block that has this header hash.
pub(crate) fn block_hash(hash: &[u8]) -> Vec<u8> {
    [&[BLOCK_HASH], hash].concat()
}

/// Decodes a height (`Height::to_bytes`) at the front of `bytes`; also returns the rest.
pub(crate) fn height(bytes: &[u8]) -> Option<(Height, &[u8])> {
    let (block, rest) = number(bytes)?;
    let (tx, rest) = number(rest)?;
    Some((Height::new(block, tx), rest))
}

/// Decodes a list of heights.
pub(crate) fn heights(mut bytes: &[u8]) -> Option<Vec<Height>> {
    let mut heights = Vec::new();
    while !bytes.is_empty() {
        let (first, rest) = height(bytes)?;
        heights.push(first);
        bytes = rest;
    }
    Some(heights)
}

/// Splits a name (`push_name`) off the front, if it is text.
pub(crate) fn split_text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (name, rest) = split_bytes(bytes)?;
    Some((std::str::from_utf8(name).ok()?.to_owned(), rest))
}

/// Splits a name (`push_name`) off the front.
pub(crate) fn split_bytes(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&count, rest) = bytes.split_first()?;
    let (digits, rest) = rest.split_at_checked(usize::from(count))?;
    let mut value = [0; 8];
    value.get_mut(8_usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some((u64::from_be_bytes(value), rest))
}

fn state_prefix(namespace: &str, key_len: usize) -> Vec<u8> {
    let mut row = Vec::with_capacity(5 + namespace.len() + key_len);
    row.push(STATE);
    push_name(&mut row, namespace.as_bytes());
    row
}

fn history_prefix(namespace: &str, key: &str) -> Vec<u8> {
    let mut row = Vec::with_capacity(15 + namespace.len() + key.len());
    row.push(HISTORY);
    push_name(&mut row, namespace.as_bytes());
    push_name(&mut row, key.as_bytes());
    row
}

fn private_prefix(org: &str, namespace: &str, collection: &str) -> Vec<u8> {
    let mut row = Vec::with_capacity(private_key_at(org, namespace, collection) + 32);
    row.push(PRIVATE);
    for name in [org, namespace, collection] {
        push_name(&mut row, name.as_bytes());
    }
    row
}

fn private_name_prefix(namespace: &str, collection: &str, key_hash: &[u8]) -> Vec<u8> {
    let mut row = names_prefix(namespace, collection);
    push_name(&mut row, key_hash);
    row
}

fn names_prefix(namespace: &str, collection: &str) -> Vec<u8> {
    let mut row = vec![PRIVATE_NAME];
    push_name(&mut row, namespace.as_bytes());
    push_name(&mut row, collection.as_bytes());
    row
}

/// Appends a name, preceded by its length.
pub(crate) fn push_name(row: &mut Vec<u8>, name: &[u8]) {
    let length = u32::try_from(name.len()).expect("a name is part of a message below 4 GiB");
    row.extend_from_slice(&length.to_be_bytes());
    row.extend_from_slice(name);
}

/// The first row after all rows with this prefix.
pub(crate) fn after_prefix(mut prefix: Vec<u8>) -> Vec<u8> {
    while let Some(last) = prefix.pop() {
        if let Some(next) = last.checked_add(1) {
            prefix.push(next);
            break;
        }
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_namespace_have_the_order_of_the_keys() {
        let keys = ["", "\0", "\0a", "a", "a\0", "ab", "b", "é", "\u{10ffff}", "\u{10ffff}a"];
        let rows: Vec<_> = keys.iter().map(|key| state("ns", key)).collect();
        assert!(rows.is_sorted());
        for (row, key) in rows.iter().zip(keys) {
            assert_eq!(state_key(row, "ns").unwrap(), key);
        }
    }

    #[test]
    fn no_namespace_runs_into_another() {
        let names = ["", "a", "a\0", "a\0b", "ab", "b", "\u{10ffff}"];
        for ns in names {
            let (start, end) = state_range(ns, "", "");
            for other in names {
                for key in ["", "\0", "b", "\0b", "\u{10ffff}\u{10ffff}"] {
                    let row = state(other, key);
                    assert_eq!(start <= row && row < end, ns == other, "{ns:?} {other:?} {key:?}");
                }
            }
        }
    }

    #[test]
    fn history_of_a_key_leaves_out_keys_that_extend_it() {
        let (start, end) = history_range("ns", "a");
        for (ns, key) in [("ns", "ab"), ("ns", "a\0"), ("nsa", ""), ("n", "sa"), ("ns", "")] {
            let row = history(ns, key, Height::new(3, 1));
            assert!(!(start <= row && row < end), "{ns} {key:?}");
        }
        for height in [Height::default(), Height::new(u64::MAX, u64::MAX)] {
            let row = history("ns", "a", height);
            assert!(start <= row && row < end);
        }
    }

    #[test]
    fn history_has_the_order_of_heights() {
        let heights = [(0, 0), (0, 1), (1, 0), (255, 7), (256, 0), (256, 300), (1 << 40, 0)];
        let rows = heights.map(|(block, tx)| history("ns", "k", Height::new(block, tx)));
        assert!(rows.is_sorted());
    }

    #[test]
    fn damaged_heights_are_refused() {
        for bytes in [&[][..], &[1], &[9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0], &[1, 5, 2, 0]] {
            assert_eq!(height(bytes), None, "{bytes:?}");
        }
        let two = [Height::new(1, 2), Height::new(3, 400)];
        let bytes = two.map(Height::to_bytes).concat();
        assert_eq!(heights(&bytes).unwrap(), two);
        assert_eq!(heights(&bytes[1..]), None);
    }
}
