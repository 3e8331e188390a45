//! `wasmcc inspect`: prints the contents of a channel, or a report on a component.
//!
//! Invariant: changes nothing, neither a folder nor a peer.

mod block;
pub(crate) mod chain;
pub(crate) mod chaincode;
pub(crate) mod component;
pub(crate) mod explained_tx;
pub(crate) mod history;
pub(crate) mod private;
mod rwset;
pub(crate) mod state;
mod tx;
mod view;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::limits::LimitArgs;

const EXAMPLES: &str = "\
Examples:
  wasmcc inspect chain --data net/data/Org1MSP
  wasmcc inspect block latest --network net
  wasmcc inspect tx 58f5b405... --data net/data/Org1MSP
  wasmcc inspect rwset 58f5b405... --network net --json | jq '.[].writes'
  wasmcc inspect state basic asset --network net
  wasmcc inspect history basic asset1 --data net/data/Org1MSP
  wasmcc inspect private basic collA --data net/data/Org1MSP
  wasmcc inspect chaincode basic --data net/data/Org1MSP
  wasmcc inspect basic.wasm

A channel is read from the data folder of a peer that is not running (--data), from a file of
`wasmcc ledger export` (--blocks), or from a running peer of this program or of Fabric (--network,
--peer). For a file or a running peer, state, histories and definitions are rebuilt from the blocks.
Versions are BLOCK:TRANSACTION, both from 0. A zero byte in a key is written \\0, also on the
command line.";

/// Look into a channel (chain, blocks, transactions, state) or into a component.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct Inspect {
    #[command(subcommand)]
    what: Option<InspectVerb>,
    /// A component: its imports, exports, size, limits and the contract's metadata.
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Debug, clap::Subcommand)]
enum InspectVerb {
    Chain(chain::Chain),
    Block(block::Block),
    Tx(tx::Tx),
    Rwset(rwset::Rwset),
    State(state::State),
    History(history::History),
    Private(private::Private),
    Chaincode(chaincode::Chaincode),
}

impl Inspect {
    /// True if the answer is JSON.
    pub(crate) fn is_json(&self) -> bool {
        match &self.what {
            None => self.json,
            Some(InspectVerb::Chain(verb)) => verb.json,
            Some(InspectVerb::Block(verb)) => verb.json,
            Some(InspectVerb::Tx(verb)) => verb.json,
            Some(InspectVerb::Rwset(verb)) => verb.json,
            Some(InspectVerb::State(verb)) => verb.json,
            Some(InspectVerb::History(verb)) => verb.json,
            Some(InspectVerb::Private(verb)) => verb.json,
            Some(InspectVerb::Chaincode(verb)) => verb.json,
        }
    }

    pub(crate) fn run(self) -> Result<()> {
        match self.what {
            None => {
                let file = self.file.context("name what to inspect")?;
                component::run(&file, &self.limits, self.json)
            }
            Some(InspectVerb::Chain(verb)) => verb.run(),
            Some(InspectVerb::Block(verb)) => verb.run(),
            Some(InspectVerb::Tx(verb)) => verb.run(),
            Some(InspectVerb::Rwset(verb)) => verb.run(),
            Some(InspectVerb::State(verb)) => verb.run(),
            Some(InspectVerb::History(verb)) => verb.run(),
            Some(InspectVerb::Private(verb)) => verb.run(),
            Some(InspectVerb::Chaincode(verb)) => verb.run(),
        }
    }
}
