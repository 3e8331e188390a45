//! `wasmcc ledger verify`: checks blocks, state, indexes and private data against each other.

use anyhow::{Context, Result, anyhow};
use serde_json::json;

use crate::ledger::{Data, Steps, channels};
use crate::output;
use wasmcc_ledger::Verified;

const EXAMPLES: &str = "\
Examples:
  wasmcc ledger verify --data net/data/Org1MSP
  wasmcc ledger verify --data net/data/Org1MSP -C mychannel --json | jq '.channels[].faults'

Nothing is repaired. Every block is validated again: its place in the chain, data hash, verdicts and
commit hash. Then state, history and indexes are compared with those of a second state, which is
rebuilt from the blocks in the folder for temporary files (TMPDIR). Private data are compared with
their hashes in the blocks; missing sets are counted, but are not a fault.
Signatures are not verified again. Opening the databases writes to their folders, as a peer does
(half-written files that a crash left are removed), so a folder on a read-only disk has to be copied
first.

Exit code 1 if anything is wrong. If the check cannot be completed, there is an error in place of a
report, with exit code 1, too.";

/// Check blocks, state, indexes and private data. Repairs nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    #[command(flatten)]
    data: Data,
    /// The channel [default: all].
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(value_name = "CHANNEL")]
    channel: Option<String>,
    /// Print the findings as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl Verify {
    pub(crate) fn run(self) -> Result<()> {
        let folder = self.data.open()?;
        let mut all = Vec::new();
        for channel in channels(&folder, self.channel.as_deref())? {
            let mut steps = Steps::start(&format!("verifying {channel}"));
            let found = folder.verify(&channel, &mut |step| steps.show(step));
            all.push(found.with_context(|| format!("cannot verify {channel}"))?);
        }
        let good = all.iter().all(Verified::is_good);
        if self.json {
            output::json(&json!({ "good": good, "channels": all }))?;
        } else {
            for found in &all {
                output::line(&as_text(found))?;
            }
        }
        if good { Ok(()) } else { Err(anyhow!("the ledger is damaged")) }
    }
}

fn as_text(found: &Verified) -> String {
    let Verified { channel, blocks, transactions, state_height, rows, .. } = found;
    let verdict = if found.is_good() { "good" } else { "DAMAGED" };
    let compared = match rows {
        0 => "state not compared".to_owned(),
        rows => format!("{rows} rows"),
    };
    let mut text = format!(
        "{channel}: {verdict}, {blocks} blocks with {transactions} transactions, {compared}"
    );
    let (sets, missing) = (found.private_sets, found.missing_private_sets);
    if sets > 0 || missing > 0 {
        text += &format!("\n  private data: {sets} sets are stored, {missing} are missing");
    }
    if found.is_good() && state_height < blocks {
        let behind = blocks - state_height;
        text += &format!("\n  the state is {behind} blocks behind: opening applies them");
    }
    if found.is_good() && found.unfinished_bytes > 0 {
        let bytes = found.unfinished_bytes;
        text += &format!(
            "\n  block {blocks}: its storing was interrupted after {bytes} bytes: \
             opening cuts it off"
        );
    }
    for fault in &found.faults {
        text += &match fault.block {
            Some(block) => format!("\n  block {block}: {}", fault.reason),
            None => format!("\n  {}", fault.reason),
        };
    }
    if found.more_faults > 0 {
        text += &format!("\n  and {} more", found.more_faults);
    }
    text
}
