//! Creates a channel from a file of blocks that `export` wrote.
//!
//! The metadata of each block are checked as far as they follow from the chain
//! (`orderer_metadata`). The blocks are first stored in a folder beside the channels and validated
//! there, into a separate state. If all verdicts and hashes equal those of the file, the folder
//! becomes a channel.
//!
//! The file has no private data. Sets of this chain that the private data store still has are used;
//! all others are recorded as missing.
//!
//! Invariant: a refused file changes nothing, the private data included. Those of another chain are
//! removed only if the caller allows it.
//!
//! Does not verify signatures: the operator has to trust the file's origin, or compare its last
//! commit hash.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message;

use crate::block::envelope::TxEnvelope;
use crate::block::genesis::genesis_channel;
use crate::block::matched::MatchedBlock;
use crate::block::{header_hash, tx_filter};
use crate::commit::judge::{BlockOutcome, check_block};
use crate::config::LedgerConfig;
use crate::error::{FoldersError, LedgerError};
use crate::ledger::{Ledger, Tip};
use crate::private::store::{PrivateStore, holds_private_values};
use crate::store::Database;
use crate::store::block_file::BlockFile;
use crate::store::disk::{self, io};
use crate::store::tables::{CHANNELS, Tables, transient_name};
use crate::tools::folder::LedgerFolder;
use crate::tools::orderer_metadata;
use crate::tools::replay::{Replay, Step};
use crate::tools::rules::RulesOfState;
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::{Block, HeaderType};

/// The folder of a channel that is not complete yet.
const IMPORTING: &str = "importing";

/// A channel that was created from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The channel that the genesis block names.
    pub channel: ChannelId,
    /// The number of its blocks.
    pub blocks: u64,
    /// The commit hash of the last block; empty if there is only the genesis block.
    pub commit_hash: Vec<u8>,
}

/// Reads the blocks of a file that `export` wrote, one after the other.
pub struct BlockReader {
    path: PathBuf,
    file: BufReader<File>,
    of_bytes: u64,
    bytes: u64,
    blocks: u64,
    /// The end of the blocks that were checked.
    tip: Tip,
}

impl LedgerFolder {
    /// Creates a channel from a file. Calls `on_step` after each block.
    ///
    /// Errors: `ChannelExists`; `PrivateDataOfAnotherChain` and `PrivateDataOfFork`, unless these
    /// data may be discarded; `NoFileOfBlocks`, `ImportFile`, `NotGenesis` and `CorruptBlock` if
    /// the file is wrong; `Interrupted`. Nothing has changed then.
    pub fn import(
        self,
        path: &Path,
        on_step: &mut dyn FnMut(Step),
    ) -> Result<Imported, LedgerError> {
        let Self { dir, config, state, private, discards_private, rules, interrupt } = self;
        let mut on_step = |step| {
            on_step(step);
            interrupt.check()
        };
        let (database, private) = (state?, private?);
        let mut reader = BlockReader::open(path)?;
        let damaged = |reason| LedgerError::ImportFile { number: 0, reason };
        let genesis = reader.read()?.ok_or_else(|| damaged("the file is empty"))?;
        drop(reader);
        let (channel, _) = genesis_channel(&genesis)?;
        let target = dir.join(CHANNELS).join(channel.as_str());
        if target.exists() {
            return Err(LedgerError::ChannelExists { channel });
        }
        let hash = genesis.header.as_ref().map(header_hash).unwrap_or_default();
        let kept = PrivateStore::new(private.table(&channel)?);
        // Private data of this chain are kept: the channel's folder may have been removed only
        // because its blocks were damaged.
        let is_of_chain = kept.chain()?.as_deref() == Some(&hash[..]);
        if !is_of_chain && !discards_private {
            let old = database.has_table(&channel).then(|| database.table(&channel)).transpose()?;
            if kept.holds_sets()? || old.as_ref().is_some_and(holds_private_values) {
                return Err(kept.of_another_chain(&channel, &hash));
            }
        }
        let staging = dir.join(IMPORTING);
        let mut fork = u64::MAX;
        let (imported, replay) = loop {
            let private = is_of_chain.then_some(&private);
            let to = Staging { folder: &staging, config: &config, private, rules: &rules, fork };
            match to.judge(path, &channel, &mut on_step) {
                Ok(judged) => break judged,
                Err(error) => {
                    disk::remove(&staging)?;
                    // A fork's private data are removed if that is allowed or loses no sets.
                    fork = match &error {
                        LedgerError::Folders(FoldersError::PrivateDataOfFork {
                            number, ..
                        }) if discards_private || !kept.holds_sets_from(*number)? => *number,
                        _ => return Err(error),
                    };
                }
            }
        };
        kept.begin(&hash)?;
        kept.remove_from(fork)?;
        replay.notes().map_or(Ok(()), |notes| kept.add_all(notes))?;
        drop(replay);
        private.drop_table(&transient_name(&channel))?;
        // Rows of an earlier channel of this name whose folder was removed by hand.
        database.drop_table(&channel)?;
        private.flush()?;
        disk::rename(&staging, &target)?;
        for dir in [&target, &dir.join(CHANNELS), &dir] {
            disk::flush_folder(dir)?;
        }
        let blocks = BlockFile::open(&target.join("blocks"), true)?;
        let tables = Tables::open(&database, &private, &channel)?;
        Ledger::open(channel.clone(), config, tables, blocks)?;
        database.flush()?;
        Ok(imported)
    }
}

/// The folder in which the blocks of a file are stored and validated.
struct Staging<'a> {
    folder: &'a Path,
    config: &'a LedgerConfig,
    /// The private data store, if it is of the file's chain.
    private: Option<&'a Database>,
    rules: &'a Arc<dyn RulesOfState>,
    /// The first block for which the private data store has data of another branch.
    fork: u64,
}

impl Staging<'_> {
    /// Stores the blocks of a file and validates each of them.
    fn judge(
        &self,
        path: &Path,
        channel: &ChannelId,
        on_step: &mut dyn FnMut(Step) -> Result<(), LedgerError>,
    ) -> Result<(Imported, Replay), LedgerError> {
        let mut reader = BlockReader::open(path)?;
        disk::remove(self.folder)?;
        disk::make_folder(self.folder)?;
        let file = self.folder.join("blocks");
        let blocks = BlockFile::open(&file, false)?;
        let to_read = BlockFile::open_to_read(&file)?;
        let (channel, config) = (channel.clone(), self.config.clone());
        let replay = Replay::scratch(channel, config, self.private, to_read)?;
        let replay = replay.with_rules(self.rules).without_fork(self.fork);
        let mut replay = replay.noting_aside()?;
        let mut last_config = 0;
        while let Some(block) = reader.read()? {
            let number = replay.height();
            if holds_config(&block) {
                last_config = number;
            }
            orderer_metadata::check(&block, last_config)
                .map_err(|reason| LedgerError::ImportFile { number, reason })?;
            blocks.append(replay.offset(), &block)?;
            let Some(outcome) = replay.next()? else {
                return Err(LedgerError::ImportFile { number, reason: "it was not stored" });
            };
            if number < self.fork {
                check_private(&replay, number, &outcome)?;
            }
            on_step(reader.step())?;
        }
        if replay.height() == 0 {
            return Err(LedgerError::ImportFile { number: 0, reason: "the file is empty" });
        }
        blocks.flush()?;
        let (channel, blocks) = (replay.channel().clone(), replay.height());
        Ok((Imported { channel, blocks, commit_hash: replay.commit_hash() }, replay))
    }
}

/// Checks that the stored private data of the last block match that block.
fn check_private(replay: &Replay, number: u64, outcome: &BlockOutcome) -> Result<(), LedgerError> {
    match replay.check_private(outcome)?.faults.into_iter().next() {
        Some(reason) => {
            let channel = replay.channel().clone();
            Err(FoldersError::PrivateDataOfFork { channel, number, reason }.into())
        }
        None => Ok(()),
    }
}

/// True if a block contains a configuration transaction, which is always alone in its block.
fn holds_config(block: &Block) -> bool {
    let envelopes = block.data.as_ref().map_or(&[][..], |data| &data.data);
    let [envelope] = envelopes else { return false };
    TxEnvelope::parse(envelope)
        .is_ok_and(|tx| tx.channel_header.r#type == HeaderType::Config as i32)
}

impl BlockReader {
    /// Opens a file. It is read more than once, so it cannot be a pipe.
    ///
    /// Errors: `NoFileOfBlocks`.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        // Opening a pipe for its metadata would wait for a writer.
        let found = std::fs::metadata(path).map_err(io("open", path))?;
        if !found.is_file() {
            return Err(FoldersError::NoFileOfBlocks { path: path.to_owned() }.into());
        }
        let file = File::open(path).map_err(io("open", path))?;
        let of_bytes = file.metadata().map_err(io("read", path))?.len();
        let file = BufReader::with_capacity(1 << 20, file);
        let (path, tip) = (path.to_owned(), Tip::default());
        Ok(Self { path, file, of_bytes, bytes: 0, blocks: 0, tip })
    }

    /// The progress.
    pub fn step(&self) -> Step {
        Step { blocks: self.blocks, bytes: self.bytes, of_bytes: self.of_bytes }
    }

    /// Returns the next block; None at the end. Does the same checks as reads of a ledger's own
    /// blocks: the chain from the genesis block on, the data hash, and one verdict for each
    /// transaction. Does not validate transactions.
    ///
    /// Errors: `ImportFile` if the file ends early or contains something else; those of a block
    /// that is not the next one of the chain.
    #[allow(clippy::should_implement_trait, reason = "after an error there is no next block")]
    pub fn next(&mut self) -> Result<Option<Block>, LedgerError> {
        let Some(block) = self.read()? else { return Ok(None) };
        let verdicts = tx_filter(&block).len();
        let block = MatchedBlock::of(block)?;
        let entries = block.entries().len();
        check_block(&block, &self.tip, entries)?;
        if entries != verdicts {
            let number = block.header().number;
            let reason = "the numbers of its transactions and verdicts differ: take blocks from a \
                          peer, orderers do not validate them";
            return Err(LedgerError::ImportFile { number, reason });
        }
        self.tip.current_hash = header_hash(block.header()).to_vec();
        self.tip.height += 1;
        Ok(Some(block.into_block()))
    }

    /// Returns the next block, of which only the encoding is checked; None at the end.
    ///
    /// Errors: `ImportFile`.
    fn read(&mut self) -> Result<Option<Block>, LedgerError> {
        let path = &self.path;
        let number = self.blocks;
        let damaged = |reason| LedgerError::ImportFile { number, reason };
        let mut varint = Vec::with_capacity(5);
        for byte in (&mut self.file).bytes() {
            varint.push(byte.map_err(io("read", path))?);
            // A block of 4 GiB or more cannot be stored, so five bytes are enough.
            if varint.last().is_some_and(|byte| *byte < 0x80) || varint.len() == 5 {
                break;
            }
        }
        if varint.is_empty() {
            return Ok(None);
        }
        let length = prost::encoding::decode_varint(&mut varint.as_slice());
        let length = length.map_err(|_| damaged("it has no length"))?;
        // Grows while reading, instead of being allocated at once: the length comes from the file
        // and may be wrong.
        let mut bytes = Vec::new();
        let mut rest = (&mut self.file).take(length);
        let read = rest.read_to_end(&mut bytes).map_err(io("read", path))?;
        if (read as u64) < length {
            return Err(damaged("the file ends in the middle of it"));
        }
        let block = Block::decode(bytes.as_slice()).map_err(|_| damaged("it does not parse"))?;
        self.blocks += 1;
        self.bytes += varint.len() as u64 + length;
        Ok(Some(block))
    }
}
