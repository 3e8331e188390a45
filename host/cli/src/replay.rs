//! `wasmcc replay`: runs a committed transaction again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};

use crate::blocks::{Source, SourceArgs, TxName};
use crate::components::{self, ComponentArg};
use crate::laboratory::LaboratoryArgs;
use crate::ledger::Steps;
use crate::output;
use crate::replay_text::{as_json, as_text};
use crate::signal::Interrupt;
use crate::transient::{Transient, TransientText};
use wasmcc_audit::{AuditError, Kind, Laboratory, Replayed, chaincode_of, replay};
use wasmcc_node::folder_org;
use wasmcc_types::proto::common::Block;
use wasmcc_types::{Height, LIFECYCLE, LSCC};

const EXAMPLES: &str = "\
Examples:
  wasmcc replay 58f5b405... --data net/data/Org1MSP
  wasmcc replay 12:0 --data net/data/Org1MSP --with new.wasm
  wasmcc replay 58f5b405... --data net/data/Org1MSP --offer price=110
  wasmcc replay 58f5b405... --network net --component basic=basic.wasm --json | jq .calls

A transaction is named by its id, or as BLOCK:TRANSACTION, both from 0. The state is rebuilt from
the blocks, in a temporary folder. A valid transaction runs on the state before its block; any other
on a state with the versions that it read, if there is one.

With --data, chaincodes run from the packages installed on the peer, and private data are those
that it holds. For other sources, give each chaincode's component.

No block records transient data. If you know them, offer them: the answer names those that were
offered, because nothing proves that the endorsers had the same.

Exit code 1 if the result differs from what was endorsed and there is no known reason. With --with
the differences are the answer, and the exit code is 0.";

/// System chaincodes whose transactions are in blocks.
const SYSTEM: [&str; 2] = [LIFECYCLE, LSCC];

/// Run a committed transaction again: show its calls, and compare the result with what was
/// endorsed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Replay {
    /// The transaction.
    #[arg(value_name = "TXID|BLOCK:TRANSACTION")]
    tx: TxName,
    /// Run this component in place of the chaincode, to see how its result differs.
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// The component of a chaincode, or an install package with it. Repeat it for chaincodes that
    /// call each other.
    #[arg(long = "component", value_name = "NAME[:VERSION]=FILE")]
    components: Vec<ComponentArg>,
    /// Offer transient data for this run: {"key":"base64 of the value"}.
    #[arg(long, value_name = "JSON", default_value = "{}", hide_default_value = true)]
    transient: Transient,
    /// Offer transient data for this run as text; may be repeated.
    #[arg(long = "offer", value_name = "NAME=VALUE")]
    offered: Vec<TransientText>,
    /// Read private data as the peer of this organization holds them [default: the data folder's].
    #[arg(long, value_name = "MSPID")]
    holder: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    laboratory: LaboratoryArgs,
    /// Print the answer as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl Replay {
    /// Finds the transaction, rebuilds the state, runs it and compares the results.
    pub(crate) fn run(self) -> Result<()> {
        // A signal must not leave the temporary folder behind.
        let _interrupt = Interrupt::listen()?;
        let source = self.source.open()?;
        let (block, at) = source.find(&self.tx)?;
        let laboratory = self.laboratory(&source, &block, at)?;
        let replayed = self.replay(&source, &laboratory, &block, at)?;
        if self.json {
            output::json(&as_json(&replayed))?;
        } else {
            output::line(&as_text(&replayed))?;
        }
        match (replayed.kind(), &self.with) {
            (Some(Kind::Differs), None) => bail!("the result differs from what was endorsed"),
            (Some(Kind::NotRun), _) => bail!("the transaction could not be run again"),
            _ => Ok(()),
        }
    }

    /// Makes a laboratory with the chaincodes of the transaction.
    fn laboratory(&self, source: &Source, block: &Block, at: usize) -> Result<Laboratory> {
        let entries = block.data.as_ref().map_or(&[][..], |data| &data.data);
        let name = entries.get(at).and_then(|entry| chaincode_of(entry));
        let name = name.ok_or_else(|| {
            anyhow!("it is not a transaction of a chaincode (but a configuration, for example)")
        })?;
        if SYSTEM.contains(&name.as_str()) {
            bail!("it is a transaction of {name}: system chaincodes are not run again");
        }
        components::check_names(&self.components)?;
        let mut components = Vec::with_capacity(self.components.len() + 1);
        for named in &self.components {
            components.push(named.read()?.0);
        }
        if let Some(file) = &self.with {
            components.retain(|component| component.name != name);
            components.push(components::read_for(&name, file)?);
        }
        let mut config = self.laboratory.config(None)?;
        if let Source::Folder { folder, .. } = source {
            config.installed = folder.peer_values()?;
        }
        if components.iter().all(|component| component.name != name) && config.installed.is_empty()
        {
            bail!("give the component of chaincode {name}: --component {name}=FILE");
        }
        let holder = match (&self.holder, &self.source.data) {
            (None, Some(data)) => folder_org(data),
            (holder, _) => holder.clone(),
        };
        Ok(Laboratory::new(config, &components)?.with_holder(holder))
    }

    /// Returns all offered transient data.
    fn transient(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut all = self.transient.0.clone();
        for TransientText { name, value } in &self.offered {
            if all.insert(name.clone(), value.clone().into_bytes()).is_some() {
                bail!("the transient value {name:?} is offered twice");
            }
        }
        Ok(all)
    }

    fn replay(
        &self,
        source: &Source,
        laboratory: &Laboratory,
        block: &Block,
        at: usize,
    ) -> Result<Replayed> {
        let private = match source {
            Source::Folder { folder, channel } => folder.stored_private(channel).ok(),
            _ => None,
        };
        let number = block.header.as_ref().map_or(0, |header| header.number);
        let mut blocks = source.blocks(0, false)?;
        let mut steps = Steps::start("rebuilding the state");
        let next = || -> Result<Option<Block>, Failed> {
            let block = blocks.next()?;
            steps.show(blocks.step()?);
            Ok(block)
        };
        let place = Height::new(number, at as u64);
        let (transient, private) = (self.transient()?, private.as_ref());
        let replayed = replay(laboratory, place, &transient, private, block, next);
        drop(steps);
        match replayed.map_err(|Failed(error)| error)? {
            Ok(replayed) => Ok(replayed),
            Err(why) => bail!("the transaction cannot be run again: {why}"),
        }
    }
}

/// An error of the audit or of the source.
struct Failed(anyhow::Error);

impl From<AuditError> for Failed {
    fn from(error: AuditError) -> Self {
        Self(error.into())
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}
