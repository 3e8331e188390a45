//! The ids of all transactions, valid or not. Fabric: `common/ledger/blkstorage/blockindex.go`,
//! `exportUniqueTxIDs`.
//!
//! ```text
//! data      = id*            shorter ids first, those of one length in byte order, each once
//! metadata  = number of ids
//! ```
//!
//! The index contains only hashes of ids, so they are read from the blocks. They are sorted in runs
//! on disk: a channel may have more ids than fit into memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use prost::Message;

use crate::block::envelope::TxEnvelope;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::snapshots::file::{Hashes, SnapshotFile};
use crate::store::disk::io;
use wasmcc_types::compute_tx_id;
use wasmcc_types::proto::common::SignatureHeader;

const DATA: &str = "txids.data";
const METADATA: &str = "txids.metadata";

/// Bytes of ids that are sorted in memory at a time.
pub(super) const RUN_BYTES: usize = 16 << 20;

/// An id in the order of Fabric's index: by its length first.
type Id = (u64, Vec<u8>);

/// Writes the ids of the blocks below `height`; no files if there are none.
pub(super) fn write(
    ledger: &Ledger,
    height: u64,
    run_bytes: usize,
    folder: &Path,
    hashes: &mut Hashes,
) -> Result<(), LedgerError> {
    let mut sorted = Sorted { folder, run_bytes, runs: Vec::new(), ids: Vec::new(), bytes: 0 };
    for number in 0..height {
        let block = ledger.block(number)?;
        let block = block.ok_or_else(|| ledger.corrupt(number, "it is not there"))?;
        let entries = block.data.unwrap_or_default().data;
        for id in entries.iter().filter_map(|entry| tx_id(entry)) {
            sorted.add(id)?;
        }
    }
    sorted.merge(hashes)
}

/// Returns the id in the header, or else the one computed from nonce and creator; None if both are
/// missing. Fabric: `protoutil.GetOrComputeTxIDFromEnvelope`.
fn tx_id(entry: &[u8]) -> Option<String> {
    let envelope = TxEnvelope::parse(entry).ok()?;
    if !envelope.channel_header.tx_id.is_empty() {
        return Some(envelope.channel_header.tx_id.clone());
    }
    let header = SignatureHeader::decode(envelope.signature_header.clone()).ok()?;
    Some(compute_tx_id(&header.nonce, &header.creator))
}

/// Sorts ids.
struct Sorted<'a> {
    folder: &'a Path,
    run_bytes: usize,
    /// Sorted ids without duplicates, each preceded by its length.
    runs: Vec<BufReader<File>>,
    ids: Vec<Id>,
    bytes: usize,
}

impl Sorted<'_> {
    fn add(&mut self, id: String) -> Result<(), LedgerError> {
        self.bytes += id.len();
        self.ids.push((id.len() as u64, id.into_bytes()));
        if self.bytes >= self.run_bytes { self.spill() } else { Ok(()) }
    }

    /// Moves the ids in memory to disk.
    fn spill(&mut self) -> Result<(), LedgerError> {
        self.ids.sort_unstable();
        self.ids.dedup();
        let ids = std::mem::take(&mut self.ids);
        self.bytes = 0;
        let written = || {
            let mut run = BufWriter::new(tempfile::tempfile_in(self.folder)?);
            for (length, id) in &ids {
                run.write_all(&length.to_be_bytes())?;
                run.write_all(id)?;
            }
            let mut run = run.into_inner().map_err(|error| error.into_error())?;
            run.rewind()?;
            Ok(BufReader::new(run))
        };
        self.runs.push(written().map_err(io("write into", self.folder))?);
        Ok(())
    }

    fn merge(mut self, hashes: &mut Hashes) -> Result<(), LedgerError> {
        self.spill()?;
        let (folder, mut runs) = (self.folder, self.runs);
        let read = |run: &mut BufReader<File>| next(run).map_err(io("read from", folder));
        let mut first = BinaryHeap::with_capacity(runs.len());
        for (number, run) in runs.iter_mut().enumerate() {
            first.extend(read(run)?.map(|id| Reverse((id, number))));
        }
        if first.is_empty() {
            return Ok(());
        }
        let (mut data, mut count) = (SnapshotFile::create(folder, DATA)?, 0_u64);
        let mut last: Option<Id> = None;
        while let Some(Reverse((id, number))) = first.pop() {
            if let Some(run) = runs.get_mut(number) {
                first.extend(read(run)?.map(|id| Reverse((id, number))));
            }
            if last.as_ref() != Some(&id) {
                data.bytes(&id.1)?;
                count += 1;
                last = Some(id);
            }
        }
        data.finish(hashes)?;
        let mut metadata = SnapshotFile::create(folder, METADATA)?;
        metadata.number(count)?;
        metadata.finish(hashes)
    }
}

/// Reads the next id of a run.
fn next(run: &mut BufReader<File>) -> std::io::Result<Option<Id>> {
    let mut length = [0; 8];
    match run.read_exact(&mut length) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u64::from_be_bytes(length);
    let mut id = Vec::new();
    run.take(length).read_to_end(&mut id)?;
    Ok(Some((length, id)))
}
