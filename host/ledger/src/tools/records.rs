//! Reads the records of a block file in order, checks their hashes and decodes them; optionally in
//! a separate thread that reads ahead.
//!
//! Does not know the state. A damaged record is an error when it is its turn.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::block::header_hash;
use crate::block::tx::CommitTx;
use crate::commit::recover::{checked_block, opened_txs};
use crate::error::LedgerError;
use crate::ledger::Tip;
use crate::store::block_file::{BlockFile, BlockScan, Location};
use crate::tools::replay::unjudged_tx;
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::Block;

/// A record of full length.
pub(crate) struct Record {
    pub(crate) location: Location,
    /// The block, and its transactions before validation by the ledger.
    pub(crate) opened: Result<(Block, Vec<CommitTx>), LedgerError>,
}

/// The next record of the file; None at its end.
type NextRecord = Result<Option<Record>, LedgerError>;

/// The records, from the first one on.
pub(crate) struct Records {
    reader: RecordReader,
    /// The channel of the thread that reads ahead, if there is one.
    ahead: Option<Receiver<NextRecord>>,
}

/// A position in the file.
#[derive(Clone)]
struct RecordReader {
    channel: ChannelId,
    blocks: BlockFile,
    offset: u64,
    /// The end of the chain so far.
    tip: Tip,
}

impl Records {
    /// Reads this file; each record is read on demand.
    pub(crate) fn new(channel: ChannelId, blocks: BlockFile) -> Self {
        let (offset, tip) = (0, Tip::default());
        Self { reader: RecordReader { channel, blocks, offset, tip }, ahead: None }
    }

    /// Reads ahead from now on, if a thread can be started. The file must not grow in the meantime.
    pub(crate) fn ahead(self) -> Self {
        // One block is validated, one waits and one is read: blocks need memory.
        let (sender, records) = sync_channel(1);
        let mut reader = self.reader.clone();
        let read = move || {
            loop {
                let next = reader.next();
                let goes_on = matches!(&next, Ok(Some(Record { opened: Ok(_), .. })));
                if sender.send(next).is_err() || !goes_on {
                    return;
                }
            }
        };
        let named = thread::Builder::new().name(format!("read-{}", self.reader.channel));
        Self { ahead: named.spawn(read).is_ok().then_some(records), ..self }
    }

    /// Returns the next record; None after an error, and after the end.
    pub(crate) fn next(&mut self) -> NextRecord {
        match &self.ahead {
            // The thread has ended after its last record.
            Some(records) => records.recv().unwrap_or(Ok(None)),
            None => self.reader.next(),
        }
    }
}

impl RecordReader {
    fn next(&mut self) -> NextRecord {
        let number = self.tip.height;
        let Some(location) = next_record(&self.channel, &self.blocks, self.offset, number)? else {
            return Ok(None);
        };
        let opened = checked_block(&self.channel, &self.blocks, location, &self.tip);
        let opened = opened.and_then(|block| {
            let txs = opened_txs(&self.channel, &block, number, unjudged_tx)?;
            Ok((block, txs))
        });
        if let Ok((block, _)) = &opened {
            let hash = block.header.as_ref().map(header_hash).unwrap_or_default();
            self.tip = Tip { height: number + 1, current_hash: hash.to_vec(), ..Tip::default() };
            self.offset = location.end();
        }
        Ok(Some(Record { location, opened }))
    }
}

/// Returns the location of the record at `offset`; None at the end of the file, and at an
/// incomplete record.
pub(crate) fn next_record(
    channel: &ChannelId,
    blocks: &BlockFile,
    offset: u64,
    number: u64,
) -> Result<Option<Location>, LedgerError> {
    match blocks.scan(offset)? {
        BlockScan::Record(location) => Ok(Some(location)),
        BlockScan::End | BlockScan::Torn => Ok(None),
        BlockScan::Damaged => {
            let reason = "its record has a wrong head".to_owned();
            Err(LedgerError::CorruptBlock { channel: channel.clone(), number, reason })
        }
    }
}
