//! `wasmcc man`: writes the help as manual pages, or as one page of Markdown.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::{Cli, output, reference};

const EXAMPLES: &str = "\
Examples:
  wasmcc man /usr/local/share/man/man1
  wasmcc man . && man ./wasmcc-peer.1
  wasmcc man --markdown cli.md";

/// Write manual pages, one for each verb, or one page of Markdown with all verbs.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Man {
    /// The folder to write into; created if it does not exist.
    #[arg(value_name = "DIR", required_unless_present = "markdown")]
    dir: Option<PathBuf>,
    /// The file for one page with all verbs, in place of manual pages.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    markdown: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self) -> Result<()> {
        if let Some(file) = self.markdown {
            let shown = file.display();
            fs::write(&file, reference()).with_context(|| format!("cannot write {shown}"))?;
            return output::line(&format!("all verbs are in {shown}"));
        }
        let dir = self.dir.unwrap_or_default();
        let shown = dir.display();
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {shown}"))?;
        clap_mangen::generate_to(Cli::command(), &dir)
            .with_context(|| format!("cannot write manual pages into {shown}"))?;
        output::line(&format!("manual pages are in {shown}"))
    }
}
