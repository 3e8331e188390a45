//! Whether the reads of a transaction still hold: multi-version concurrency control and the check
//! for phantoms. Fabric: `validation/validator.go`, `rangequery_validator.go`,
//! `combined_iterator.go`.
//!
//! Invariant: pure. Read-write set, changes of the block so far and committed state go in, a
//! verdict comes out; nothing is changed.

use std::fmt;
use std::iter::Peekable;

use crate::ledger::error::LedgerError;
use crate::ledger::range_reads::RangeReads;
use crate::ledger::rwset::CollectionRwSet;
use crate::ledger::rwset::NsRwSet;
use crate::ledger::rwset::TxRwSet;
use crate::ledger::rwset::height_of;
use crate::ledger::updates::CommittedState;
use crate::ledger::updates::UpdateBatch;
use crate::proto::kvrwset::KvRead;
use crate::proto::kvrwset::RangeQueryInfo;
use crate::proto::kvrwset::Version;
use crate::proto::kvrwset::range_query_info::ReadsInfo;
use crate::proto::protos::TxValidationCode;
use crate::types::Height;

/// Why a transaction lost a race. For people: the verdict itself is the `TxValidationCode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// A key that the transaction read was written since.
    Key {
        /// The namespace.
        namespace: String,
        /// The key.
        key: String,
        /// The version that the transaction read; None: there was no such key.
        read: Option<Height>,
        /// The version now; None: there is no such key.
        now: Option<Height>,
        /// The transaction that wrote or deleted the key since, if it is known.
        writer: Option<String>,
    },
    /// A private key that the transaction read was written since.
    PrivateKey {
        /// The namespace.
        namespace: String,
        /// The collection.
        collection: String,
        /// SHA-256 of the key.
        key_hash: Vec<u8>,
        /// The version that the transaction read.
        read: Option<Height>,
        /// The version now.
        now: Option<Height>,
        /// The transaction that wrote or deleted the key since, if it is known.
        writer: Option<String>,
    },
    /// A range query would give something else now.
    Range {
        /// The namespace.
        namespace: String,
        /// First key of the range.
        start_key: String,
        /// End of the range; the range is open if this is empty.
        end_key: String,
        /// The first row that differs; None if the transaction recorded hashes only.
        key: Option<String>,
        /// The version of that row that the transaction read; None: it did not see the row.
        read: Option<Height>,
        /// The version of that row now; None: the row is gone.
        now: Option<Height>,
        /// The transaction that wrote or deleted that row since, if it is known.
        writer: Option<String>,
    },
    /// Another transaction of the same id came first.
    DuplicateTxId {
        /// The block that holds it; None: the same block.
        block: Option<u64>,
    },
}

impl Conflict {
    /// The verdict on a transaction with this conflict.
    pub fn code(&self) -> TxValidationCode {
        match self {
            Self::Key { .. } | Self::PrivateKey { .. } => TxValidationCode::MvccReadConflict,
            Self::Range { .. } => TxValidationCode::PhantomReadConflict,
            Self::DuplicateTxId { .. } => TxValidationCode::DuplicateTxid,
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { namespace, key, read, now, writer } => {
                let key = Name(key);
                write!(f, "key {key} of {namespace} {}", Change { read, now, writer })
            }
            Self::PrivateKey { namespace, collection, read, now, writer, .. } => {
                let change = Change { read, now, writer };
                write!(f, "a private key of {namespace}/{collection} {change}")
            }
            Self::Range { namespace, start_key, end_key, key, read, now, writer } => {
                let (start, end) = (Name(start_key), Name(end_key));
                write!(f, "the range from {start} to {end} of {namespace} has changed")?;
                match key {
                    Some(key) => {
                        write!(f, ": key {} {}", Name(key), Change { read, now, writer })
                    }
                    None => Ok(()),
                }
            }
            Self::DuplicateTxId { block: Some(block) } => {
                write!(f, "the transaction id is in block {block} already")
            }
            Self::DuplicateTxId { block: None } => {
                write!(f, "an earlier transaction of this block has the same id")
            }
        }
    }
}

/// Characters of a key that are shown. Logs cut lines off, and what follows the key matters, too.
const MAX_SHOWN: usize = 100;

struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => write!(f, "{:?}...", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}

struct Change<'a> {
    read: &'a Option<Height>,
    now: &'a Option<Height>,
    writer: &'a Option<String>,
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "was read at {} and is now at {}", At(self.read), At(self.now))?;
        match (self.writer, self.now) {
            (Some(writer), Some(_)) => write!(f, ", written by transaction {writer}"),
            (Some(writer), None) => write!(f, ", deleted by transaction {writer}"),
            (None, _) => Ok(()),
        }
    }
}

struct At<'a>(&'a Option<Height>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(height) => write!(f, "{height}"),
            None => f.write_str("no version"),
        }
    }
}

/// The first read of a transaction that does not hold any more, over the committed state with the
/// changes of earlier transactions of the block; None: the transaction is valid.
pub(crate) fn find_conflict(
    rwset: &TxRwSet,
    updates: &UpdateBatch,
    state: &impl CommittedState,
) -> Result<Option<Conflict>, LedgerError> {
    for (namespace, ns) in &rwset.namespaces {
        if let Some(conflict) = check_reads(namespace, ns, updates, state)? {
            return Ok(Some(conflict));
        }
        for query in &ns.range_queries {
            if let Some(conflict) = check_range(namespace, query, updates, state)? {
                return Ok(Some(conflict));
            }
        }
        for (name, collection) in &ns.collections {
            if let Some(conflict) = check_hashed(namespace, name, collection, updates, state)? {
                return Ok(Some(conflict));
            }
        }
    }
    Ok(None)
}

fn check_reads(
    namespace: &str,
    ns: &NsRwSet,
    updates: &UpdateBatch,
    state: &impl CommittedState,
) -> Result<Option<Conflict>, LedgerError> {
    for KvRead { key, version } in &ns.reads {
        let read = height_of(version.as_ref());
        // A key that this block wrote is a conflict whatever was read, even if the write was a
        // delete of a key that was not there. Fabric: `validateKVRead`.
        let (valid, now) = match updates.public(namespace, key) {
            Some(update) => (false, update.after.as_ref().map(|value| value.version)),
            None => {
                let now = state.version(namespace, key)?;
                (now == read, now)
            }
        };
        if !valid {
            let (namespace, key) = (namespace.to_owned(), key.clone());
            return Ok(Some(Conflict::Key { namespace, key, read, now, writer: None }));
        }
    }
    Ok(None)
}

fn check_hashed(
    namespace: &str,
    name: &str,
    collection: &CollectionRwSet,
    updates: &UpdateBatch,
    state: &impl CommittedState,
) -> Result<Option<Conflict>, LedgerError> {
    for hashed in &collection.reads {
        let read = height_of(hashed.version.as_ref());
        let (valid, now) = match updates.hashed(namespace, name, &hashed.key_hash) {
            Some(update) => (false, update.after.as_ref().map(|value| value.version)),
            None => {
                let now = state.hashed_version(namespace, name, &hashed.key_hash)?;
                (now == read, now)
            }
        };
        if !valid {
            return Ok(Some(Conflict::PrivateKey {
                namespace: namespace.to_owned(),
                collection: name.to_owned(),
                key_hash: hashed.key_hash.clone(),
                read,
                now,
                writer: None,
            }));
        }
    }
    Ok(None)
}

fn check_range(
    namespace: &str,
    query: &RangeQueryInfo,
    updates: &UpdateBatch,
    state: &impl CommittedState,
) -> Result<Option<Conflict>, LedgerError> {
    let mut rows = current_rows(namespace, query, updates, state);
    let conflict = |key, read, now| Conflict::Range {
        namespace: namespace.to_owned(),
        start_key: query.start_key.clone(),
        end_key: query.end_key.clone(),
        key,
        read,
        now,
        writer: None,
    };
    match &query.reads_info {
        Some(ReadsInfo::ReadsMerkleHashes(recorded)) => {
            let mut reads = RangeReads::new(recorded.max_degree);
            for row in rows {
                let (key, version) = row?;
                reads.add(KvRead { key, version: Some(version_of(version)) });
            }
            let same = match reads.finish() {
                Some(ReadsInfo::ReadsMerkleHashes(now)) => now == *recorded,
                _ => false,
            };
            Ok((!same).then(|| conflict(None, None, None)))
        }
        reads => {
            let recorded = match reads {
                Some(ReadsInfo::RawReads(reads)) => reads.kv_reads.as_slice(),
                _ => &[],
            };
            for read in recorded {
                let was = height_of(read.version.as_ref());
                match rows.next().transpose()? {
                    Some((key, now)) if key == read.key && Some(now) == was => {}
                    Some((key, now)) if key == read.key => {
                        return Ok(Some(conflict(Some(key), was, Some(now))));
                    }
                    Some((key, now)) if key < read.key => {
                        return Ok(Some(conflict(Some(key), None, Some(now))));
                    }
                    _ => return Ok(Some(conflict(Some(read.key.clone()), was, None))),
                }
            }
            let extra = rows.next().transpose()?;
            Ok(extra.map(|(key, now)| conflict(Some(key), None, Some(now))))
        }
    }
}

/// The rows that a recorded range query would give now: committed ones merged with the changes of
/// the block; with the end key itself if the query stopped at it.
fn current_rows<'a, S: CommittedState>(
    namespace: &'a str,
    query: &'a RangeQueryInfo,
    updates: &'a UpdateBatch,
    state: &'a S,
) -> impl Iterator<Item = Result<(String, Height), LedgerError>> + 'a {
    let (start, end) = (query.start_key.as_str(), query.end_key.as_str());
    let changed = updates.namespaces.get(namespace).into_iter().flat_map(move |ns| {
        let all = ns
            .public
            .range::<str, _>((std::ops::Bound::Included(start), std::ops::Bound::Unbounded));
        all.take_while(move |(key, _)| end.is_empty() || key.as_str() < end)
            .map(|(key, update)| (key.as_str(), update.after.as_ref().map(|v| v.version)))
    });
    let merged = Merged {
        committed: state.range(namespace, start, end).peekable(),
        changed: changed.peekable(),
    };
    // Fabric: `serveEndKeyIfNeeded`. An empty end key stands for the end of the namespace and for
    // the key "", which only a query that never was read could mean.
    let last = std::iter::once_with(move || {
        if query.itr_exhausted {
            return None;
        }
        let version = match updates.public(namespace, end) {
            Some(update) => Ok(update.after.as_ref().map(|value| value.version)),
            None => state.version(namespace, end),
        };
        version.transpose().map(|version| version.map(|version| (end.to_owned(), version)))
    });
    merged.chain(last.flatten())
}

struct Merged<C: Iterator, U: Iterator> {
    committed: Peekable<C>,
    changed: Peekable<U>,
}

impl<'a, C, U> Iterator for Merged<C, U>
where
    C: Iterator<Item = Result<(String, Height), LedgerError>>,
    U: Iterator<Item = (&'a str, Option<Height>)>,
{
    type Item = Result<(String, Height), LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let committed = match self.committed.peek() {
                Some(Ok((key, _))) => Some(key.as_str()),
                Some(Err(_)) => return self.committed.next(),
                None => None,
            };
            match (committed, self.changed.peek()) {
                (None, None) => return None,
                (Some(committed), Some((changed, _))) if committed < *changed => {
                    return self.committed.next();
                }
                (Some(_), None) => return self.committed.next(),
                (committed, Some((changed, _))) => {
                    if committed == Some(*changed) {
                        self.committed.next();
                    }
                    if let Some((key, Some(version))) = self.changed.next() {
                        return Some(Ok((key.to_owned(), version)));
                    }
                }
            }
        }
    }
}

/// The message for a height.
pub(crate) fn version_of(height: Height) -> Version {
    Version { block_num: height.block, tx_num: height.tx }
}
