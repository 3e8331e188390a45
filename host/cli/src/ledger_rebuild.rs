//! `wasmcc ledger rebuild`: rebuilds state and indexes from the blocks and the private data store.

use anyhow::Result;

use crate::ledger::{Data, Steps};
use crate::output;
use wasmcc_ledger::Rebuilt;

const EXAMPLES: &str = "\
Example:
  wasmcc ledger rebuild --data net/data/Org1MSP

The state of all channels is in one database, so all channels are rebuilt. The new state replaces
the old one when it is complete. Private data come from the private data store (the folder
`private`), which is kept: blocks do not have them. If it is lost, a state that still has private
values is not replaced. If `state` is a link to another disk, the new state is made there. Blocks
and installed chaincodes are not changed. If a block is damaged, the rebuild fails and changes
nothing.";

/// Rebuild state, history and indexes from the blocks.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Rebuild {
    #[command(flatten)]
    data: Data,
}

impl Rebuild {
    pub(crate) fn run(self) -> Result<()> {
        let folder = self.data.open()?;
        let mut steps = Steps::start("rebuilding the state");
        let rebuilt = folder.rebuild(&mut |_, step| steps.show(step))?;
        drop(steps);
        rebuilt.iter().try_for_each(|rebuilt| output::line(&as_text(rebuilt)))
    }
}

fn as_text(rebuilt: &Rebuilt) -> String {
    let Rebuilt { channel, blocks, old_height, unfinished_bytes } = rebuilt;
    let mut text = format!("{channel}: made from {blocks} blocks");
    if let Some(old) = old_height.filter(|old| old > blocks) {
        text += &format!(
            "\n  blocks {blocks} to {} are lost: the old state held them, but they are not stored",
            old - 1
        );
    }
    if *unfinished_bytes > 0 {
        text += &format!(
            "\n  block {blocks}: {unfinished_bytes} bytes of it are stored: opening cuts them off"
        );
    }
    text
}
