//! `wasmcc block`: prints a block.

use std::str::FromStr;

use anyhow::Result;

use crate::hint::Asked;
use crate::session::Session;
use crate::target::Target;
use crate::{block_json, output};
use wasmcc_client::qscc;
use wasmcc_types::QSCC;
use wasmcc_types::proto::common;

const EXAMPLES: &str = "\
Examples:
  wasmcc block latest --network net
  wasmcc block 3 --network net -C mychannel | jq '.transactions[].rwset'
  wasmcc block 58f5b4055a57692818892b57024d02a49eb08388af0d2fb2ab2138003ff7537c --network net";

/// Print a block as JSON: its transactions, their verdicts, reads and writes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Block {
    /// A block's number, the id of a transaction in it, or `latest`.
    #[arg(value_name = "N|TXID|latest")]
    which: Which,
    /// The channel.
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
    /// Blocks are always printed as JSON.
    #[arg(long, hide = true)]
    pub(super) json: bool,
    #[command(flatten)]
    target: Target,
}

/// The name of a block on a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Number(u64),
    OfTransaction(String),
    Latest,
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Longer digits are a transaction id: Fabric's ids are never this short.
        match text {
            "" => Err("expected a number, a transaction id or `latest`".into()),
            "latest" => Ok(Self::Latest),
            _ if text.len() <= 20 && text.bytes().all(|c| c.is_ascii_digit()) => {
                text.parse().map(Self::Number).map_err(|_| "there is no such block".into())
            }
            _ => Ok(Self::OfTransaction(text.to_owned())),
        }
    }
}

impl Block {
    /// Queries QSCC and prints the block.
    pub(crate) async fn run(self) -> Result<()> {
        let session = Session::open(&self.target, "User1").await?;
        let channel = self.channel.as_str();
        let asked = Asked { channel, chaincode: QSCC };
        let proposal = match self.which {
            Which::Number(number) => qscc::block_by_number(channel, number),
            Which::OfTransaction(tx_id) => qscc::block_by_tx_id(channel, &tx_id),
            Which::Latest => {
                let height = session.height(channel).await?;
                qscc::block_by_number(channel, height.saturating_sub(1))
            }
        };
        let block: common::Block = session.query_message(proposal, asked).await?;
        output::json(&block_json::Block::new(&block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_transactions_are_told_apart() {
        let parse = |text: &str| text.parse::<Which>();
        assert_eq!(parse("0"), Ok(Which::Number(0)));
        assert_eq!(parse("latest"), Ok(Which::Latest));
        let tx_id = "5".repeat(64);
        assert_eq!(parse(&tx_id), Ok(Which::OfTransaction(tx_id.clone())));
        assert_eq!(parse("58f5"), Ok(Which::OfTransaction("58f5".into())));
        assert!(parse("").is_err() && parse("99999999999999999999").is_err());
    }
}
