//! `wasmcc logs`: prints the log file of a development network.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::dev::journal::{Entry, Reader};
use crate::dev::place::Place;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  wasmcc logs
  wasmcc logs -f -n basic
  wasmcc logs --json | jq 'select(.kind == \"log\")'

Times are UTC. The file has 16 MiB at most; older entries are lost.";

/// Pause between two reads of the file.
const PAUSE: Duration = Duration::from_millis(100);

/// Show what `wasmcc dev` in this folder printed: transactions, log lines of contracts,
/// deployments.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Logs {
    /// Follow new entries, until Ctrl-C or until the reader of the output has gone.
    #[arg(short, long)]
    follow: bool,
    /// Only entries about this chaincode; may be repeated.
    #[arg(short, long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// Only the last lines.
    #[arg(long, value_name = "N")]
    tail: Option<usize>,
    /// Print each entry as a JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Logs {
    /// Prints the file, and with `--follow` new entries.
    pub(crate) fn run(self) -> Result<()> {
        let place = Place::nearest()?;
        let place = place.context("there is no network in this folder: `wasmcc dev` makes one")?;
        let mut reader = Reader::new(&place.log());
        let entries: Vec<Entry> = self.wanted(reader.read()?).collect();
        let skipped = self.tail.map_or(0, |tail| entries.len().saturating_sub(tail));
        entries.iter().skip(skipped).try_for_each(|entry| self.print(entry))?;
        if !self.follow {
            return Ok(());
        }
        while output::is_read() {
            std::thread::sleep(PAUSE);
            let new: Vec<Entry> = self.wanted(reader.read()?).collect();
            new.iter().try_for_each(|entry| self.print(entry))?;
        }
        Ok(())
    }

    fn wanted(&self, entries: Vec<Entry>) -> impl Iterator<Item = Entry> {
        entries.into_iter().filter(|entry| {
            let of = entry.chaincode.as_ref();
            self.names.is_empty() || of.is_some_and(|of| self.names.contains(of))
        })
    }

    fn print(&self, entry: &Entry) -> Result<()> {
        match self.json {
            true => output::line(&output::escaped_json(&serde_json::to_string(entry)?)),
            false => output::line(&entry.shown()),
        }
    }
}
