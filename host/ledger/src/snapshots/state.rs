//! The state: public keys, and the hashes of private ones. Fabric:
//! `core/ledger/kvledger/txmgmt/privacyenabledstate/snapshot.go`.
//!
//! ```text
//! data      = record*                    a serialized SnapshotRecord each, keys ascending
//! metadata  = count (name count)*        the namespaces, each with its number of records
//! ```

use std::path::Path;

use prost::Message;

use crate::error::LedgerError;
use crate::simulate::snapshot::Snapshot;
use crate::snapshots::file::{Hashes, SnapshotFile};
use crate::store::key;

const PUBLIC: [&str; 2] = ["public_state.data", "public_state.metadata"];
const PRIVATE: [&str; 2] = ["private_state_hashes.data", "private_state_hashes.metadata"];

/// Fabric: `privacyenabledstate/snapshot_record.proto`.
#[derive(Clone, PartialEq, Message)]
struct SnapshotRecord {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    metadata: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    version: Vec<u8>,
}

/// The name of a namespace in Fabric's state, and the prefix of its rows.
type Space = (String, Vec<u8>);

/// Writes the files of the state; skips a kind of keys that the channel does not have.
pub(super) fn write(
    snapshot: &Snapshot,
    folder: &Path,
    hashes: &mut Hashes,
) -> Result<(), LedgerError> {
    let public = spaces(snapshot, key::STATE, 1, |names| names.concat())?;
    write_pair(snapshot, &public, folder, PUBLIC, hashes)?;
    let private = spaces(snapshot, key::HASHED, 2, |names| names.join("$$h"))?;
    write_pair(snapshot, &private, folder, PRIVATE, hashes)
}

fn write_pair(
    snapshot: &Snapshot,
    spaces: &[Space],
    folder: &Path,
    [data, metadata]: [&'static str; 2],
    hashes: &mut Hashes,
) -> Result<(), LedgerError> {
    if spaces.is_empty() {
        return Ok(());
    }
    let mut data = SnapshotFile::create(folder, data)?;
    let mut counts = Vec::with_capacity(spaces.len());
    for (name, prefix) in spaces {
        let mut rows = snapshot.rows(prefix.clone(), key::after_prefix(prefix.clone()), 0);
        let mut count = 0_u64;
        while let Some(row) = rows.next_row().transpose()? {
            let (row, value) = row;
            let record = SnapshotRecord {
                key: row.get(prefix.len()..).unwrap_or_default().to_vec(),
                value: value.value,
                metadata: value.metadata_bytes,
                version: value.version.to_bytes(),
            };
            data.bytes(&record.encode_to_vec())?;
            count += 1;
        }
        counts.push((name, count));
    }
    data.finish(hashes)?;
    let mut metadata = SnapshotFile::create(folder, metadata)?;
    metadata.number(counts.len() as u64)?;
    for (name, count) in counts {
        metadata.bytes(name.as_bytes())?;
        metadata.number(count)?;
    }
    metadata.finish(hashes)
}

/// Returns the namespaces that have keys of a kind, ascending. Each is found by one look-up after
/// the end of the one before: the rows are in the order of the lengths of names, too.
fn spaces(
    snapshot: &Snapshot,
    kind: u8,
    parts: usize,
    name: impl Fn(&[String]) -> String,
) -> Result<Vec<Space>, LedgerError> {
    let (mut from, end) = (vec![kind], vec![kind + 1]);
    let mut found = Vec::new();
    while let Some((row, _)) = snapshot.rows(from, end.clone(), 0).next_row().transpose()? {
        let mut names = Vec::with_capacity(parts);
        let mut rest = row.get(1..).unwrap_or_default();
        for _ in 0..parts {
            let (part, after) = key::split_text(rest)
                .ok_or(LedgerError::CorruptState { what: "a state key has no namespace" })?;
            names.push(part);
            rest = after;
        }
        let prefix = row.get(..row.len() - rest.len()).unwrap_or_default().to_vec();
        from = key::after_prefix(prefix.clone());
        found.push((name(&names), prefix));
    }
    found.sort_unstable();
    Ok(found)
}
