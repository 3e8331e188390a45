//! `wasmcc ledger export` and `import`: copies a channel to or from a file.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};

use crate::ledger::{Data, Steps, hint};
use crate::output;
use wasmcc_ledger::{FoldersError, LedgerError, LedgerFolder};

const EXPORT: &str = "\
Example:
  wasmcc ledger export mychannel.blocks --data net/data/Org1MSP -C mychannel

The file holds all blocks from the genesis block on, each a serialized common.Block with its
length in front as a protobuf varint (delimited messages). The export checks the chain, the data
hashes, and that no block is missing at the end. Blocks have only hashes of private data: nothing
private is in the file.";

const IMPORT: &str = "\
Example:
  wasmcc ledger import mychannel.blocks --data net/data/Org2MSP

The genesis block names the channel, which must not exist yet. Every block is validated again:
hashes, verdicts and commit hashes must be those in the file, and the metadata must have its form
and name the right configuration. Otherwise nothing changes. Signatures are not verified: compare
the last commit hash, which is printed, with that of a peer that you trust.

The file has no private data. If the folder still has those of this chain, they are used. All others
are missing afterwards, and chaincodes that ask for them are refused. How long hashes live is read
from the channel's collections. If the folder has private data of another chain with this channel's
name, or of a fork of this one, the file may be the wrong one: it is refused, unless
--discard-private-data is given.";

/// Write the blocks of a channel to one file.
#[derive(Debug, clap::Args)]
#[command(after_help = EXPORT)]
pub(crate) struct Export {
    /// The file, which must not exist.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    data: Data,
    /// The channel.
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
}

/// Make a channel from a file of blocks.
#[derive(Debug, clap::Args)]
#[command(after_help = IMPORT)]
pub(crate) struct Import {
    /// The file, written by `wasmcc ledger export`.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    data: Data,
    /// Remove private data of another chain of this name, or of a fork. They cannot be made again.
    #[arg(long)]
    discard_private_data: bool,
}

impl Export {
    pub(crate) fn run(self) -> Result<()> {
        let folder = self.data.open()?;
        let channel = folder.channel(&self.channel)?;
        let mut steps = Steps::start(&format!("exporting {channel}"));
        let blocks = folder.export(&channel, &self.file, &mut |step| steps.show(step))?;
        drop(steps);
        output::line(&format!("{channel}: {blocks} blocks in {}", self.file.display()))
    }
}

impl Import {
    pub(crate) fn run(self) -> Result<()> {
        let file = self.file.display();
        // A peer's first channel may also come from a file.
        LedgerFolder::make(&self.data.ledger_folder())?;
        let mut folder = self.data.open()?;
        if self.discard_private_data {
            folder = folder.discarding_private_data();
        }
        let mut steps = Steps::start(&format!("importing {file}"));
        let imported = folder.import(&self.file, &mut |step| steps.show(step));
        let imported = hint(imported)
            .map_err(|error| match error.downcast_ref() {
                Some(
                    LedgerError::PrivateDataOfAnotherChain { .. }
                    | LedgerError::Folders(FoldersError::PrivateDataOfFork { .. }),
                ) => {
                    anyhow!("{error}, or remove the private data with --discard-private-data")
                }
                _ => error,
            })
            .with_context(|| format!("cannot import {file}"))?;
        drop(steps);
        let (channel, blocks) = (&imported.channel, imported.blocks);
        let hash = output::hex(&imported.commit_hash);
        output::line(&format!("{channel}: {blocks} blocks, last commit hash {hash}"))
    }
}
