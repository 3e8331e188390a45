//! Sources of a channel's blocks: a data folder, an exported file, a peer.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use tokio::runtime::Runtime;

use crate::hint::Asked;
use crate::ledger;
use crate::peer_blocks::PeerBlocks;
use crate::session::Session;
use crate::signal::Interrupt;
use crate::target::OptionalTarget;
use wasmcc_client::qscc;
use wasmcc_ledger::{BlockReader, LedgerFolder, Step, TxEnvelope, Walk};
use wasmcc_node::LEDGER_FOLDER;
use wasmcc_types::proto::common::Block;
use wasmcc_types::{ChannelId, QSCC};

/// Options that select the source.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which blocks")]
pub(crate) struct SourceArgs {
    /// Read the data folder of a peer that is not running.
    #[arg(long, value_name = "DIR", conflicts_with = "blocks")]
    pub data: Option<PathBuf>,
    /// Read a file that `wasmcc ledger export` wrote; its chain and data hashes are checked.
    #[arg(long, value_name = "FILE")]
    pub blocks: Option<PathBuf>,
    /// The channel; a file has its own.
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(default_value = "mychannel", value_name = "CHANNEL")]
    pub channel: String,
    #[command(flatten)]
    pub target: OptionalTarget,
}

/// An opened source.
pub(crate) enum Source {
    /// A data folder, locked while it is open.
    Folder { folder: Box<LedgerFolder>, channel: ChannelId },
    /// An exported file.
    File(PathBuf),
    /// A running peer, Fabric's or this one.
    Peer { runtime: Runtime, session: Box<Session>, channel: String },
}

/// A transaction by id, or by block and index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TxName {
    Id(String),
    At(u64, usize),
}

/// An iterator over blocks; a signal ends it.
pub(crate) struct Blocks {
    of: BlocksOf,
    interrupt: Interrupt,
}

enum BlocksOf {
    Folder(Walk),
    File(PathBuf, BlockReader),
    Peer(PeerBlocks),
}

impl FromStr for TxName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((block, at)) => match (block.parse(), at.parse()) {
                (Ok(block), Ok(at)) => Ok(Self::At(block, at)),
                _ => Err("expected a transaction id or BLOCK:TRANSACTION".into()),
            },
            None if text.is_empty() => Err("expected a transaction id".into()),
            None => Ok(Self::Id(text.to_owned())),
        }
    }
}

impl SourceArgs {
    /// Opens the selected source.
    pub(crate) fn open(&self) -> Result<Source> {
        if let Some(data) = &self.data {
            let folder = ledger::open(&data.join(LEDGER_FOLDER)).map_err(|error| {
                anyhow!("{error:#}\n  hint: a running peer is asked with --network and --peer")
            });
            let folder = Box::new(folder?);
            let channel = folder.channel(&self.channel)?;
            return Ok(Source::Folder { folder, channel });
        }
        if let Some(file) = &self.blocks {
            return Ok(Source::File(file.clone()));
        }
        let target = self.target.target()?.context(
            "say where the blocks are: --data DIR, --blocks FILE, or --peer ADDRESS with --network",
        )?;
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime =
            runtime.worker_threads(1).enable_all().build().context("cannot start the client")?;
        let session = Box::new(runtime.block_on(Session::open(&target, "User1"))?);
        Ok(Source::Peer { runtime, session, channel: self.channel.clone() })
    }
}

impl Source {
    /// Returns the blocks from `from` to the newest; sources other than a peer begin with their
    /// first block. With `follow`, further blocks of a peer come, too.
    pub(crate) fn blocks(&self, from: u64, follow: bool) -> Result<Blocks> {
        let interrupt = Interrupt::listen()?;
        let of = match self {
            Self::Folder { folder, channel } => BlocksOf::Folder(folder.walk(channel)?),
            Self::File(file) => BlocksOf::File(file.clone(), BlockReader::open(file)?),
            Self::Peer { runtime, session, channel } => {
                let height = runtime.block_on(session.height(channel))?;
                let range = (from, height);
                BlocksOf::Peer(PeerBlocks::start(runtime, session, channel, range, follow)?)
            }
        };
        Ok(Blocks { of, interrupt })
    }

    /// Checks that blocks can be read: reads the first one of a file, or asks a peer for the
    /// channel.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            // Opening it has checked the channel.
            Self::Folder { .. } => Ok(()),
            Self::File(file) => match self.blocks(0, false)?.next()? {
                Some(_) => Ok(()),
                None => bail!(
                    "{} is empty, without any block: `wasmcc ledger export` writes such files",
                    file.display()
                ),
            },
            Self::Peer { runtime, session, channel } => {
                runtime.block_on(session.height(channel)).map(|_| ())
            }
        }
    }

    /// Returns the block with a transaction, and the index of the transaction.
    pub(crate) fn find(&self, tx: &TxName) -> Result<(Block, usize)> {
        let block = match (self, tx) {
            (Self::Peer { runtime, session, channel }, tx) => {
                let asked = Asked { channel, chaincode: QSCC };
                let proposal = match tx {
                    TxName::Id(id) => qscc::block_by_tx_id(channel, id),
                    TxName::At(block, _) => qscc::block_by_number(channel, *block),
                };
                Some(runtime.block_on(session.query_message(proposal, asked))?)
            }
            _ => self.find_block(tx)?,
        };
        let block = block.ok_or_else(|| missing(tx))?;
        let at = place(&block, tx).ok_or_else(|| missing(tx))?;
        Ok((block, at))
    }

    /// As `find`, but returns every transaction with an id in a file. Peers know only the first
    /// one.
    pub(crate) fn find_all(&self, tx: &TxName) -> Result<Vec<(Block, usize)>> {
        let (Self::File(_), TxName::Id(_)) = (self, tx) else {
            return Ok(vec![self.find(tx)?]);
        };
        let (mut blocks, mut found) = (self.blocks(0, false)?, Vec::new());
        while let Some(block) = blocks.next()? {
            found.extend(places(&block, tx).into_iter().map(|at| (block.clone(), at)));
        }
        if found.is_empty() { Err(missing(tx)) } else { Ok(found) }
    }

    fn find_block(&self, tx: &TxName) -> Result<Option<Block>> {
        let mut blocks = self.blocks(0, false)?;
        while let Some(block) = blocks.next()? {
            if place(&block, tx).is_some() {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }
}

fn missing(tx: &TxName) -> anyhow::Error {
    match tx {
        TxName::Id(id) => anyhow!("the channel has no transaction {id}"),
        TxName::At(block, at) => {
            anyhow!("the channel has no block {block}, or no transaction {at} in it")
        }
    }
}

/// Returns the index of a transaction in a block; the first one with its id.
pub(crate) fn place(block: &Block, tx: &TxName) -> Option<usize> {
    places(block, tx).first().copied()
}

/// Returns all indexes of a transaction in a block.
fn places(block: &Block, tx: &TxName) -> Vec<usize> {
    let entries = block.data.as_ref().map_or(&[][..], |data| &data.data);
    match tx {
        TxName::At(number, at) => {
            let is_it = block.header.as_ref().is_some_and(|header| header.number == *number);
            (is_it && *at < entries.len()).then_some(*at).into_iter().collect()
        }
        TxName::Id(id) => {
            let is_it = |entry: &[u8]| {
                TxEnvelope::parse(entry).is_ok_and(|tx| tx.channel_header.tx_id == *id)
            };
            let entries = entries.iter().enumerate();
            entries.filter(|(_, entry)| is_it(entry)).map(|(at, _)| at).collect()
        }
    }
}

impl Blocks {
    /// Returns the next block; None at the end.
    ///
    /// Errors: `Interrupted` after a signal, or the source cannot be read.
    pub(crate) fn next(&mut self) -> Result<Option<Block>> {
        self.interrupt.check()?;
        match &mut self.of {
            BlocksOf::Folder(walk) => Ok(walk.next()?),
            BlocksOf::File(file, reader) => {
                reader.next().with_context(|| format!("{} cannot be read", file.display()))
            }
            BlocksOf::Peer(blocks) => blocks.next(&mut self.interrupt),
        }
    }

    /// Returns the first block's number and the height that the peer had at the start. None for
    /// other sources.
    pub(crate) fn of_peer(&self) -> Option<(u64, u64)> {
        match &self.of {
            BlocksOf::Folder(_) | BlocksOf::File(..) => None,
            BlocksOf::Peer(blocks) => Some(blocks.range()),
        }
    }

    /// Returns the progress.
    pub(crate) fn step(&self) -> Result<Step> {
        match &self.of {
            BlocksOf::Folder(walk) => Ok(walk.step()?),
            BlocksOf::File(_, reader) => Ok(reader.step()),
            BlocksOf::Peer(blocks) => Ok(blocks.step()),
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::signal::Interrupted;
    use wasmcc_types::proto::common::{ChannelHeader, Envelope, Header, Payload};

    #[test]
    fn a_signal_ends_the_reading_of_blocks() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (path, interrupt) = (file.path().to_owned(), Interrupt::of_the_past());
        let of = BlocksOf::File(path.clone(), BlockReader::open(&path).unwrap());
        let error = Blocks { of, interrupt }.next().unwrap_err();
        assert!(error.is::<Interrupted>(), "{error}");
    }

    #[test]
    fn a_file_shows_all_transactions_of_an_id() {
        let envelope = |tx_id: &str| {
            let header = ChannelHeader { tx_id: tx_id.into(), ..Default::default() };
            let header = Header { channel_header: header.encode_to_vec(), ..Default::default() };
            let payload = Payload { header: Some(header), ..Default::default() };
            let payload = payload.encode_to_vec();
            Envelope { payload, ..Default::default() }.encode_to_vec()
        };
        let (mut bytes, mut previous) = (Vec::new(), Vec::new());
        for (number, ids) in [["a", "b"], ["b", "b"], ["c", "a"]].iter().enumerate() {
            let entries = ids.map(envelope).to_vec();
            let mut block = wasmcc_ledger::new_block(number as u64, previous, entries);
            previous = block.header.as_ref().map(wasmcc_ledger::header_hash).unwrap().to_vec();
            block.metadata.as_mut().unwrap().metadata[2] = vec![0; 2];
            bytes.extend(block.encode_length_delimited_to_vec());
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let source = Source::File(file.path().to_owned());
        let found = |name: &str| -> Vec<(u64, usize)> {
            let found = source.find_all(&name.parse().unwrap()).unwrap().into_iter();
            found.map(|(block, at)| (block.header.unwrap().number, at)).collect()
        };
        assert_eq!(found("a"), [(0, 0), (2, 1)]);
        assert_eq!(found("b"), [(0, 1), (1, 0), (1, 1)]);
        assert_eq!(found("1:1"), [(1, 1)]);
        let none = source.find_all(&"d".parse().unwrap()).unwrap_err().to_string();
        assert_eq!(none, "the channel has no transaction d");
    }

    #[test]
    fn a_transaction_is_named_by_id_or_place() {
        assert_eq!("12:3".parse(), Ok(TxName::At(12, 3)));
        assert_eq!("58f5".parse(), Ok(TxName::Id("58f5".into())));
        for text in ["", "12:", ":3", "a:b", "1:2:3", "-1:0"] {
            assert!(text.parse::<TxName>().is_err(), "{text}");
        }
    }
}
