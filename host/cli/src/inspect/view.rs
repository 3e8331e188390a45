//! A channel's state: the stored one of a folder, or one that is rebuilt from blocks.

use std::sync::Arc;

use anyhow::{Result, bail};
use clap::builder::RangedU64ValueParser;

use crate::blocks::{Source, SourceArgs};
use crate::compiler::compiler;
use crate::ledger::{Steps, hint};
use crate::output;
use crate::signal::Interrupt;
use wasmcc_audit::{Laboratory, LaboratoryConfig};
use wasmcc_ledger::{Ledger, LedgerFolder, Snapshot};

/// Options for the source and the height.
#[derive(Debug, clap::Args)]
pub(crate) struct ViewArgs {
    /// Show the state after this block, rebuilt from the blocks.
    #[arg(long, value_name = "BLOCK")]
    at: Option<u64>,
    #[command(flatten)]
    pub source: SourceArgs,
}

/// An opened state. Its source stays open with it.
pub(crate) struct View {
    ledger: Arc<Ledger>,
    /// Kept open while the state is read.
    _source: Source,
    _followed: Option<Laboratory>,
    _interrupt: Interrupt,
}

/// Parses a limit of rows. Refuses 0: an empty result would look as if nothing exists.
pub(super) fn limit() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

/// Returns false, with a message, if the stored state lacks the last blocks, as after a crash.
fn is_of_all_blocks(folder: &LedgerFolder, ledger: &Ledger) -> Result<bool> {
    let mut lacking = folder.walk_after(ledger)?;
    let mut count = 0_u64;
    loop {
        match lacking.next() {
            Ok(Some(_)) => count += 1,
            Ok(None) => break,
            // A rebuild would need the same blocks.
            Err(error) => {
                output::aside(&format!(
                    "the state is that of {} blocks; the next ones cannot be read: {error}",
                    ledger.height()
                ));
                return Ok(true);
            }
        }
    }
    if count > 0 {
        output::aside(&format!(
            "the stored state lacks the last {count} of {} blocks, as after a crash: it is rebuilt \
             from the blocks for this answer; the peer adds them when it starts",
            ledger.height() + count
        ));
    }
    Ok(count == 0)
}

impl ViewArgs {
    /// Opens the state, or rebuilds it.
    pub(crate) fn open(&self) -> Result<View> {
        let source = self.source.open()?;
        // A signal must not leave the temporary folder behind.
        let interrupt = Interrupt::listen()?;
        if let (Source::Folder { folder, channel }, None) = (&source, self.at) {
            let ledger = hint(folder.stored(channel))?;
            if is_of_all_blocks(folder, &ledger)? {
                return Ok(View {
                    ledger,
                    _source: source,
                    _followed: None,
                    _interrupt: interrupt,
                });
            }
        }
        let followed = self.follow(&source)?;
        let Some(channel) = followed.channel() else { bail!("there are no blocks") };
        let ledger = Arc::clone(channel.ledger());
        let _followed = Some(followed);
        Ok(View { ledger, _source: source, _followed, _interrupt: interrupt })
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
        let mut steps = Steps::start("rebuilding the state");
        while followed.height() < height {
            let Some(block) = blocks.next()? else { break };
            followed.add(block, private.as_ref())?;
            steps.show(blocks.step()?);
        }
        if let Some(at) = self.at
            && followed.height() <= at
        {
            bail!("the channel has {} blocks, but no block {at}", followed.height());
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
