//! `wasmcc down` and `wasmcc reset`: stop a development network.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::dev::place::{InUse, Place};
use crate::output;

const DOWN_EXAMPLES: &str = "\
Examples:
  wasmcc down
  wasmcc down && wasmcc dev --fresh";
const RESET_EXAMPLES: &str = "\
Examples:
  wasmcc reset

Other identities and files in the folder organizations stay. `wasmcc dev --fresh` forgets the
ledger only.";

/// Time limit for a stop; a network stops within a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// End the network of `wasmcc dev` in this folder. Its state is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = DOWN_EXAMPLES)]
pub(crate) struct Down {}

/// End the network of `wasmcc dev` in this folder, and remove its ledger and the identities that
/// were made for it.
#[derive(Debug, clap::Args)]
#[command(after_help = RESET_EXAMPLES)]
pub(crate) struct Reset {}

impl Down {
    pub(crate) fn run(self) -> Result<()> {
        let Some(place) = Place::nearest()? else {
            return output::line("there is no network in this folder");
        };
        let (_, was_running) = end(&place)?;
        output::line(match was_running {
            true => "the network has ended; `wasmcc dev` continues it",
            false => "no network is running in this folder",
        })
    }
}

impl Reset {
    pub(crate) fn run(self) -> Result<()> {
        let Some(place) = Place::nearest()? else {
            return output::line("there is no network in this folder");
        };
        let (_in_use, _) = end(&place)?;
        let (made, record) = (place.made()?, place.record()?);
        let removed = made.remove(&place)?;
        let kept = record.map(|record| made.kept(&place, &record.organizations));
        let kept = kept.unwrap_or_default();
        place.remove()?;
        output::line(match (removed, kept.is_empty()) {
            (0, _) => "the network and its ledger are removed",
            (_, true) => "the network, its ledger and its identities are removed",
            (_, false) => "the network, its ledger and the identities made for it are removed",
        })?;
        kept.iter().try_for_each(|line| output::line(line))
    }
}

/// Locks the folder; sends SIGTERM to a process that holds it and waits. Returns true if there was
/// one.
fn end(place: &Place) -> Result<(InUse, bool)> {
    if let Some(held) = place.try_take()? {
        return Ok((held, false));
    }
    let record = place.record()?.and_then(|record| record.process);
    let id = record.context("the network is just starting: try again")?;
    let process = i32::try_from(id).ok().and_then(Pid::from_raw);
    let process = process.context("the network's process is not known")?;
    kill_process(process, Signal::TERM).with_context(|| format!("cannot end the process {id}"))?;
    let held = place.wait_until_free(PATIENCE)?;
    let goes_on = || format!("the process {id} still runs: it did not end within {PATIENCE:?}");
    Ok((held.with_context(goes_on)?, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::Record;

    #[test]
    fn the_process_of_the_run_before_gets_no_signal() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        drop(place.take().unwrap());
        let record = Record {
            // No process has this id.
            process: Some(i32::MAX.unsigned_abs()),
            state: place.state().to_owned(),
            organizations: folder.path().join("organizations"),
            channel: "mychannel".into(),
            peers: [("Org1MSP".into(), "localhost:7051".into())].into(),
            orderer: "localhost:7050".into(),
            page: None,
        };
        place.write_record(&record).unwrap();
        let _starting = place.take().unwrap();
        let error = end(&place).err().unwrap();
        assert_eq!(error.to_string(), "the network is just starting: try again");
        let kept = place.record().unwrap().unwrap();
        assert_eq!((kept.peers, kept.process), (record.peers, None));
    }
}
