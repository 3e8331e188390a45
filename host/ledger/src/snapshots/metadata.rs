//! The metadata of a snapshot, formatted as by Go. Fabric: `core/ledger/kvledger/snapshot.go`.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use crate::block;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::snapshots::file::Hashes;
use crate::store::disk::{self, attempt, io};
use wasmcc_types::{hex, sha256};

const SIGNABLE: &str = "_snapshot_signable_metadata.json";
const ADDITIONAL: &str = "_snapshot_additional_metadata.json";
/// Fabric's name for state databases that store keys and values as they were written.
const STATE_DB_TYPE: &str = "SimpleKeyValueDB";

/// The same on all peers of the channel.
#[derive(Serialize)]
struct SignableMetadata<'a> {
    channel_name: &'a str,
    last_block_number: u64,
    last_block_hash: String,
    previous_block_hash: String,
    snapshot_files_raw_hashes: &'a Hashes,
    state_db_type: &'a str,
}

#[derive(Serialize)]
struct AdditionalMetadata {
    snapshot_hash: String,
    last_block_commit_hash: String,
}

/// Writes the two files for the block `number`.
pub(super) fn write(
    ledger: &Ledger,
    number: u64,
    folder: &Path,
    hashes: &Hashes,
) -> Result<(), LedgerError> {
    let last = ledger.block(number)?;
    let last = last.ok_or_else(|| ledger.corrupt(number, "it is not there"))?;
    let header = last.header.as_ref().ok_or(LedgerError::IncompleteBlock { part: "header" })?;
    let signable = json(&SignableMetadata {
        channel_name: ledger.channel_id().as_str(),
        last_block_number: number,
        last_block_hash: hex(&block::header_hash(header)),
        previous_block_hash: hex(&header.previous_hash),
        snapshot_files_raw_hashes: hashes,
        state_db_type: STATE_DB_TYPE,
    });
    let additional = json(&AdditionalMetadata {
        snapshot_hash: hex(&sha256(&signable)),
        last_block_commit_hash: hex(&block::commit_hash(&last).unwrap_or_default()),
    });
    put(&folder.join(SIGNABLE), &signable)?;
    put(&folder.join(ADDITIONAL), &additional)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    let mut file: File = disk::create_file(path).map_err(io("make", path))?;
    let written = attempt("write a snapshot").and_then(|()| file.write_all(bytes));
    written.and_then(|()| file.sync_all()).map_err(io("write", path))
}

/// Formats as Go's `MarshalIndent` with four blanks.
fn json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let formatter = PrettyFormatter::with_indent(b"    ");
    let mut serializer = Serializer::with_formatter(&mut bytes, formatter);
    value.serialize(&mut serializer).expect("texts and numbers can always be serialized");
    bytes
}
