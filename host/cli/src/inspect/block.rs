//! `wasmcc inspect block`: prints a block.

use anyhow::Result;

use super::chain::newest;
use crate::block::Which;
use crate::blocks::{SourceArgs, TxName};
use crate::{block_json, output};

/// Show a block: its hashes, its transactions and their verdicts.
#[derive(Debug, clap::Args)]
pub(crate) struct Block {
    /// A block's number, the id of a transaction in it, or `latest`.
    #[arg(value_name = "N|TXID|latest")]
    which: Which,
    #[command(flatten)]
    source: SourceArgs,
    /// Print the whole block as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl Block {
    pub(crate) fn run(self) -> Result<()> {
        let source = self.source.open()?;
        let block = match &self.which {
            Which::Latest => newest(&source)?,
            Which::Number(number) => source.find(&TxName::At(*number, 0))?.0,
            Which::OfTransaction(tx_id) => source.find(&TxName::Id(tx_id.clone()))?.0,
        };
        let block = block_json::Block::new(&block);
        match self.json {
            true => output::json(&block),
            false => output::line(&block.as_text()),
        }
    }
}
