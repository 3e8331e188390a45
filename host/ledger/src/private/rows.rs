//! The keys of the private data store and of the transient store. The formats are listed in
//! `docs/ledger-format.md`.
//!
//! Does not read or write rows or their values.

use crate::error::LedgerError;
use crate::private::rules::NewHolder;
use crate::store::key::{after_prefix, push_name, split_text};
use wasmcc_types::Height;

const RECORD: u8 = b'd';
const KEY: u8 = b'k';
const PURGE: u8 = b'p';
const PURGED: u8 = b'g';
const EXPIRY: u8 = b'x';
const MISSING: u8 = b'm';
const LATE: u8 = b'l';
const SET: u8 = b's';
const AGE: u8 = b'a';
const HOLDER: u8 = b'h';

/// The row with the hash of the chain's genesis block.
pub(crate) const CHAIN: &[u8] = b"c";

/// A key of a collection by its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HashedKey {
    pub(crate) namespace: String,
    pub(crate) collection: String,
    pub(crate) key_hash: Vec<u8>,
}

/// The block, transaction and collection of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordPlace {
    pub(crate) block: u64,
    pub(crate) tx: u64,
    pub(crate) namespace: String,
    pub(crate) collection: String,
}

/// The row of a record.
pub(crate) fn record(block: u64, tx: u64, namespace: &str, collection: &str) -> Vec<u8> {
    placed(numbers(RECORD, &[block, tx]), namespace, collection)
}

/// The row of a record whose set is missing.
pub(crate) fn missing(block: u64, tx: u64, namespace: &str, collection: &str) -> Vec<u8> {
    placed(numbers(MISSING, &[block, tx]), namespace, collection)
}

/// All rows of `missing`.
pub(crate) fn all_missing() -> (Vec<u8>, Vec<u8>) {
    prefix(vec![MISSING])
}

/// The row of a record whose set arrived late and is applied with block `since`.
pub(crate) fn late(since: u64, block: u64, tx: u64, ns: &str, coll: &str) -> Vec<u8> {
    placed(numbers(LATE, &[since, block, tx]), ns, coll)
}

/// The rows of `late` of one block.
pub(crate) fn late_with(since: u64) -> (Vec<u8>, Vec<u8>) {
    prefix(numbers(LATE, &[since]))
}

/// The row of an organization that a block makes a holder of a collection.
pub(crate) fn holder(block: u64, new: &NewHolder) -> Vec<u8> {
    let mut row = placed(numbers(HOLDER, &[block]), &new.namespace, &new.collection);
    row.extend_from_slice(new.org.as_bytes());
    row
}

/// The rows of `holder` of one block.
pub(crate) fn holders_of(block: u64) -> (Vec<u8>, Vec<u8>) {
    prefix(numbers(HOLDER, &[block]))
}

/// The rows of `holder` of this block and later ones.
pub(crate) fn holders_from(block: u64) -> (Vec<u8>, Vec<u8>) {
    (numbers(HOLDER, &[block]), after_prefix(vec![HOLDER]))
}

/// The block in a row of `record`, `purge` or `holder`.
pub(crate) fn block_of(row: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*row.get(1..)?.first_chunk()?))
}

/// The organization in a row of `holder`.
pub(crate) fn new_holder(row: &[u8]) -> Result<NewHolder, LedgerError> {
    let parts = || {
        let (namespace, rest) = split_text(row.get(9..)?)?;
        let (collection, org) = split_text(rest)?;
        let org = std::str::from_utf8(org).ok()?.to_owned();
        Some(NewHolder { namespace, collection, org })
    };
    parts().ok_or(LedgerError::CorruptPrivateData { what: "a holder has no collection" })
}

/// The rows of records of this block and later ones.
pub(crate) fn records_from(block: u64) -> (Vec<u8>, Vec<u8>) {
    (numbers(RECORD, &[block]), after_prefix(vec![RECORD]))
}

/// The rows of records of one block.
pub(crate) fn records_of(block: u64) -> (Vec<u8>, Vec<u8>) {
    prefix(numbers(RECORD, &[block]))
}

/// The rows of records of one transaction.
pub(crate) fn records_of_tx(block: u64, tx: u64) -> (Vec<u8>, Vec<u8>) {
    prefix(numbers(RECORD, &[block, tx]))
}

/// The place in a row of `record` or `missing`.
pub(crate) fn record_place(row: &[u8]) -> Result<RecordPlace, LedgerError> {
    let parts = row.get(1..).and_then(place);
    parts.ok_or(LedgerError::CorruptPrivateData { what: "a record has no place" })
}

/// The row that records that a transaction's record contains a key.
pub(crate) fn key_at(ns: &str, coll: &str, key_hash: &[u8], height: Height) -> Vec<u8> {
    let mut row = hashed_key(KEY, ns, coll, key_hash);
    row.extend(height.block.to_be_bytes());
    row.extend(height.tx.to_be_bytes());
    row
}

/// The rows of a key, up to a height (included).
pub(crate) fn keys_up_to(key: &HashedKey, height: Height) -> (Vec<u8>, Vec<u8>) {
    let HashedKey { namespace, collection, key_hash } = key;
    let mut last = key_at(namespace, collection, key_hash, height);
    last.push(0);
    (hashed_key(KEY, namespace, collection, key_hash), last)
}

/// The height in a row of `key_at`.
pub(crate) fn key_height(row: &[u8]) -> Option<Height> {
    let (_, digits) = row.split_at_checked(row.len().checked_sub(16)?)?;
    let (block, digits) = digits.split_first_chunk()?;
    let tx = digits.try_into().ok()?;
    Some(Height::new(u64::from_be_bytes(*block), u64::from_be_bytes(tx)))
}

/// The row of a pending purge.
pub(crate) fn purge(height: Height, ns: &str, coll: &str, key_hash: &[u8]) -> Vec<u8> {
    let mut row = placed(numbers(PURGE, &[height.block, height.tx]), ns, coll);
    row.extend_from_slice(key_hash);
    row
}

/// The purges of blocks below `height`.
pub(crate) fn purges_below(height: u64) -> (Vec<u8>, Vec<u8>) {
    (vec![PURGE], numbers(PURGE, &[height]))
}

/// The purges of one block.
pub(crate) fn purges_of(block: u64) -> (Vec<u8>, Vec<u8>) {
    prefix(numbers(PURGE, &[block]))
}

/// The purges of this block and later ones.
pub(crate) fn purges_from(block: u64) -> (Vec<u8>, Vec<u8>) {
    (numbers(PURGE, &[block]), after_prefix(vec![PURGE]))
}

/// The parts of a row of `purge`.
pub(crate) fn purge_parts(row: &[u8]) -> Result<(Height, HashedKey), LedgerError> {
    let parts = || {
        let (block, rest) = row.get(1..)?.split_first_chunk()?;
        let (tx, rest) = rest.split_first_chunk()?;
        let (namespace, rest) = split_text(rest)?;
        let (collection, key_hash) = split_text(rest)?;
        let height = Height::new(u64::from_be_bytes(*block), u64::from_be_bytes(*tx));
        Some((height, HashedKey { namespace, collection, key_hash: key_hash.to_vec() }))
    };
    parts().ok_or(LedgerError::CorruptPrivateData { what: "a purge has no key" })
}

/// The row with the height of a key's last purge.
pub(crate) fn purged(ns: &str, coll: &str, key_hash: &[u8]) -> Vec<u8> {
    hashed_key(PURGED, ns, coll, key_hash)
}

/// The row of a record's expiry.
pub(crate) fn expiry(at: u64, block: u64, tx: u64, ns: &str, coll: &str) -> Vec<u8> {
    placed(numbers(EXPIRY, &[at, block, tx]), ns, coll)
}

/// Records that expire when block `last` is committed.
pub(crate) fn expiries_up_to(last: u64) -> (Vec<u8>, Vec<u8>) {
    (vec![EXPIRY], prefix(numbers(EXPIRY, &[last])).1)
}

/// The record in a row of `expiry` or `late`.
pub(crate) fn dated_place(row: &[u8]) -> Result<RecordPlace, LedgerError> {
    let parts = row.get(9..).and_then(place);
    parts.ok_or(LedgerError::CorruptPrivateData { what: "a date has no record" })
}

/// The row of a set that waits for its transaction.
pub(crate) fn waiting(tx_id: &str, hash: &[u8]) -> Vec<u8> {
    let mut row = waiting_prefix(tx_id);
    row.extend_from_slice(hash);
    row
}

/// All sets that wait for a transaction.
pub(crate) fn waiting_for(tx_id: &str) -> (Vec<u8>, Vec<u8>) {
    prefix(waiting_prefix(tx_id))
}

/// The row that finds a waiting set by the height of its arrival.
pub(crate) fn age(height: u64, tx_id: &str, hash: &[u8]) -> Vec<u8> {
    let mut row = numbers(AGE, &[height]);
    push_name(&mut row, tx_id.as_bytes());
    row.extend_from_slice(hash);
    row
}

/// The sets that arrived below a height.
pub(crate) fn ages_below(height: u64) -> (Vec<u8>, Vec<u8>) {
    (vec![AGE], numbers(AGE, &[height]))
}

/// All waiting sets by age.
pub(crate) fn ages() -> (Vec<u8>, Vec<u8>) {
    (vec![AGE], vec![AGE + 1])
}

/// Transaction id and hash in a row of `age`.
pub(crate) fn age_parts(row: &[u8]) -> Result<(String, Vec<u8>), LedgerError> {
    let parts = row.get(9..).and_then(split_text);
    let parts = parts.map(|(tx_id, hash)| (tx_id, hash.to_vec()));
    parts.ok_or(LedgerError::CorruptPrivateData { what: "a waiting set has no transaction" })
}

fn place(bytes: &[u8]) -> Option<RecordPlace> {
    let (block, rest) = bytes.split_first_chunk()?;
    let (tx, rest) = rest.split_first_chunk()?;
    let (namespace, rest) = split_text(rest)?;
    let (collection, rest) = split_text(rest)?;
    let [block, tx] = [*block, *tx].map(u64::from_be_bytes);
    rest.is_empty().then_some(RecordPlace { block, tx, namespace, collection })
}

fn placed(mut row: Vec<u8>, namespace: &str, collection: &str) -> Vec<u8> {
    push_name(&mut row, namespace.as_bytes());
    push_name(&mut row, collection.as_bytes());
    row
}

fn waiting_prefix(tx_id: &str) -> Vec<u8> {
    let mut row = vec![SET];
    push_name(&mut row, tx_id.as_bytes());
    row
}

fn hashed_key(kind: u8, namespace: &str, collection: &str, key_hash: &[u8]) -> Vec<u8> {
    let mut row = vec![kind];
    for part in [namespace.as_bytes(), collection.as_bytes(), key_hash] {
        push_name(&mut row, part);
    }
    row
}

fn numbers(kind: u8, numbers: &[u64]) -> Vec<u8> {
    let mut row = vec![kind];
    for number in numbers {
        row.extend(number.to_be_bytes());
    }
    row
}

fn prefix(row: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    (row.clone(), after_prefix(row))
}
