//! Checks that the reads of a transaction still hold: multi-version concurrency control and
//! phantoms. Fabric: `validation/validator.go`, `rangequery_validator.go`, `combined_iterator.go`.
//!
//! Pure functions: they take the read-write set, the changes of the block so far and the committed
//! state, and return a verdict.

use std::iter::Peekable;

use crate::block::range_reads::RangeReads;
use crate::block::rwset::{CollectionRwSet, NsRwSet, TxRwSet, height_of, version_of};
use crate::block::updates::{CommittedState, UpdateBatch};
use crate::commit::conflict::{Conflict, NewestRow};
use crate::error::LedgerError;
use wasmcc_types::Height;
use wasmcc_types::proto::kvrwset::range_query_info::ReadsInfo;
use wasmcc_types::proto::kvrwset::{KvRead, RangeQueryInfo};

/// Returns the first read that is outdated by the committed state or by earlier transactions of the
/// block; None if the transaction is valid.
pub(crate) fn find_conflict(
    rwset: &TxRwSet,
    updates: &UpdateBatch,
    state: &impl CommittedState,
) -> Result<Option<Conflict>, LedgerError> {
    for (namespace, ns) in rwset.in_order() {
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
        // A key that this block wrote is always a conflict, even if the write deleted a missing
        // key. Fabric: `validateKVRead`.
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
        newest: None,
    };
    match &query.reads_info {
        Some(ReadsInfo::ReadsMerkleHashes(recorded)) => {
            let mut reads = RangeReads::new(recorded.max_degree);
            let mut newest: Option<NewestRow> = None;
            for row in rows {
                let (key, version) = row?;
                if newest.as_ref().is_none_or(|newest| newest.version < version) {
                    newest = Some(NewestRow { key: key.clone(), version, writer: None });
                }
                reads.add(KvRead { key, version: Some(version_of(version)) });
            }
            let same = match reads.finish() {
                Some(ReadsInfo::ReadsMerkleHashes(now)) => now == *recorded,
                _ => false,
            };
            if same {
                return Ok(None);
            }
            let mut conflict = conflict(None, None, None);
            if let Conflict::Range { newest: found, .. } = &mut conflict {
                *found = newest;
            }
            Ok(Some(conflict))
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

/// Returns the rows that a recorded range query would return now: committed rows merged with the
/// changes of the block. Includes the end key if the query stopped at it.
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
    // Fabric: `serveEndKeyIfNeeded`. An empty end key means the end of the namespace. It could mean
    // the key "" only for a query that read nothing.
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
