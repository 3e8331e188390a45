//! `wasmcc man`: the help as manual pages.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::Cli;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  wasmcc man /usr/local/share/man/man1
  wasmcc man . && man ./wasmcc-peer.1";

/// Write manual pages, one for each verb.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Man {
    /// The folder to write into; created if it does not exist.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Man {
    pub(crate) fn run(self) -> Result<()> {
        let shown = self.dir.display();
        fs::create_dir_all(&self.dir).with_context(|| format!("cannot make {shown}"))?;
        clap_mangen::generate_to(Cli::command(), &self.dir)
            .with_context(|| format!("cannot write manual pages into {shown}"))?;
        output::line(&format!("manual pages are in {shown}"))
    }
}
