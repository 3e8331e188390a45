//! A channel's state: the stored one of a folder, or one that is rebuilt from blocks.

use std::sync::Arc;

use anyhow::{Result, bail};

use crate::blocks::{Source, SourceArgs};
use crate::compiler::compiler;
use crate::ledger::{Steps, hint};
use wasmcc_audit::{Laboratory, LaboratoryConfig};
use wasmcc_ledger::{Ledger, Snapshot};

/// The source and the height.
#[derive(Debug, clap::Args)]
pub(crate) struct ViewArgs {
    /// Show the state as it was after this block, which is made again from the blocks.
    #[arg(long, value_name = "BLOCK")]
    at: Option<u64>,
    #[command(flatten)]
    pub source: SourceArgs,
}

/// An opened state. What it was made from stays open with it.
pub(crate) struct View {
    ledger: Arc<Ledger>,
    /// Kept for as long as the state is read.
    _source: Source,
    _followed: Option<Laboratory>,
}

impl ViewArgs {
    /// Opens the state, or rebuilds it.
    pub(crate) fn open(&self) -> Result<View> {
        let source = self.source.open()?;
        if let (Source::Folder { folder, channel }, None) = (&source, self.at) {
            let ledger = hint(folder.stored(channel))?;
            return Ok(View { ledger, _source: source, _followed: None });
        }
        let followed = self.follow(&source)?;
        let Some(channel) = followed.channel() else { bail!("there are no blocks") };
        let ledger = Arc::clone(channel.ledger());
        Ok(View { ledger, _source: source, _followed: Some(followed) })
    }

    fn follow(&self, source: &Source) -> Result<Laboratory> {
        let config = LaboratoryConfig { compiler: compiler()?, ..LaboratoryConfig::default() };
        let followed = Laboratory::new(config, &[])?;
        let private = match source {
            Source::Folder { folder, channel } => folder.stored_private(channel).ok(),
            _ => None,
        };
        let height = self.at.map_or(u64::MAX, |block| block.saturating_add(1));
        let mut blocks = source.blocks(0, false)?;
        let mut steps = Steps::start("making the state again");
        while followed.height() < height {
            let Some(block) = blocks.next()? else { break };
            followed.add(block, private.as_ref())?;
            steps.show(blocks.step()?);
        }
        if let Some(at) = self.at
            && followed.height() <= at
        {
            bail!("the channel has {} blocks, and none of number {at}", followed.height());
        }
        Ok(followed)
    }
}

impl View {
    /// The channel.
    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Its state.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.ledger.snapshot()
    }
}
