//! `wasmcc ledger`: maintains the ledger of a peer that is not running.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::ledger_files::{Export, Import};
use crate::ledger_rebuild::Rebuild;
use crate::ledger_verify::Verify;
use crate::progress::Progress;
use crate::signal::Interrupt;
use wasmcc_ledger::{LedgerError, LedgerFolder, Step};
use wasmcc_node::{LEDGER_FOLDER, open_ledger_folder};

const EXAMPLES: &str = "\
Examples:
  wasmcc ledger verify --data net/data/Org1MSP
  wasmcc ledger rebuild --data net/data/Org1MSP
  wasmcc ledger export mychannel.blocks --data net/data/Org1MSP -C mychannel
  wasmcc ledger import mychannel.blocks --data net/data/Org2MSP

The peer that uses the folder must not be running.";

/// Verify, rebuild, export or import the ledger of a peer that is not running.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Ledger {
    #[command(subcommand)]
    verb: LedgerVerb,
}

#[derive(Debug, clap::Subcommand)]
enum LedgerVerb {
    Verify(Verify),
    Rebuild(Rebuild),
    Export(Export),
    Import(Import),
}

impl Ledger {
    /// True if the answer is JSON.
    pub(crate) fn is_json(&self) -> bool {
        matches!(&self.verb, LedgerVerb::Verify(verb) if verb.json)
    }

    pub(crate) fn run(self) -> Result<()> {
        match self.verb {
            LedgerVerb::Verify(verb) => verb.run(),
            LedgerVerb::Rebuild(verb) => verb.run(),
            LedgerVerb::Export(verb) => verb.run(),
            LedgerVerb::Import(verb) => verb.run(),
        }
    }
}

/// The option for the ledger's location.
#[derive(Debug, clap::Args)]
pub(crate) struct Data {
    /// The peer's data folder; by default `wasmcc peer` uses data/MSPID in the network folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Data {
    /// Returns the folder with the ledgers.
    pub(crate) fn ledger_folder(&self) -> PathBuf {
        self.data.join(LEDGER_FOLDER)
    }

    /// Opens and locks the ledgers.
    pub(crate) fn open(&self) -> Result<LedgerFolder> {
        open(&self.ledger_folder())
    }
}

/// Opens and locks the folder with the ledgers. A signal ends an operation on it, which then
/// removes its temporary files.
pub(crate) fn open(dir: &Path) -> Result<LedgerFolder> {
    let folder = open_ledger_folder(dir).map_err(|error| match error {
        LedgerError::Locked { .. } => {
            anyhow!("{error}: stop the peer first, or use another folder with --data")
        }
        LedgerError::NoLedger { .. } => anyhow!("{error}: --data is a peer's data folder"),
        _ => error.into(),
    })?;
    let interrupt = Interrupt::listen()?;
    Ok(folder.interruptible(move || interrupt.check().is_err()))
}

/// Shows progress, at most once a second.
pub(crate) struct Steps {
    progress: Progress,
    what: String,
    shown: Instant,
}

impl Steps {
    /// Starts; `what` names the step, such as "verifying".
    pub(crate) fn start(what: &str) -> Self {
        let progress = Progress::start(what);
        Self { progress, what: what.to_owned(), shown: Instant::now() }
    }

    /// Shows a step.
    pub(crate) fn show(&mut self, step: Step) {
        if self.shown.elapsed() < Duration::from_secs(1) {
            return;
        }
        self.shown = Instant::now();
        let percent = step.bytes.saturating_mul(100).checked_div(step.of_bytes).unwrap_or(100);
        self.progress.step(&format!("{}: {} blocks, {percent}%", self.what, step.blocks));
    }
}

/// Adds a hint to errors of a damaged ledger.
pub(crate) fn hint<T>(result: Result<T, LedgerError>) -> Result<T> {
    result.map_err(|error| match error {
        LedgerError::Store { .. } | LedgerError::CorruptState { .. } => {
            anyhow::Error::new(error).context("`wasmcc ledger rebuild` makes a new state")
        }
        _ => error.into(),
    })
}

/// Returns the named channel, or all.
pub(crate) fn channels(
    folder: &LedgerFolder,
    name: Option<&str>,
) -> Result<Vec<wasmcc_types::ChannelId>> {
    match name {
        Some(name) => Ok(vec![folder.channel(name)?]),
        None => folder.channels().context("cannot list the channels"),
    }
}
