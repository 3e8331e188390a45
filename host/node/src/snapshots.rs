//! Snapshots of channels, requested by administrators. Fabric:
//! `core/ledger/kvledger/snapshot_mgmt.go`.
//!
//! One thread of the process writes snapshots, one after the other. Each is written from a view of
//! the state that is opened while its block is the newest. Unlike in Fabric, no commit waits for
//! it. Requests survive restarts. If the view is missing, because the process had ended or because
//! many snapshots were due at once, the state is rebuilt from the blocks.
//!
//! Invariant: a request is listed until its snapshot is complete or has failed.

mod failure;
mod past;
mod queue;
mod refusal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use crate::Peer;
use crate::snapshots::failure::SnapshotFailure;
use crate::snapshots::past::States;
use crate::snapshots::queue::{Job, MOST, Requests, Wanted};
use wasmcc_channel::Channels;
use wasmcc_ledger::{Ledger, LedgerError, Ledgers, Snapshot, SnapshotFolder};

pub use refusal::SnapshotRefusal;

/// The key of the waiting requests among the peer's values.
const STORED: &str = "snapshots";

/// The snapshots of the peers of a process.
pub(crate) struct Snapshots {
    ledgers: Arc<Ledgers>,
    /// Folders by organization.
    folders: BTreeMap<String, SnapshotFolder>,
    requests: Mutex<Requests>,
    /// Held while the list is written to disk; locked before `requests`.
    writing: Mutex<()>,
}

impl Snapshots {
    /// Reads the waiting requests. Snapshots are below `root`. With several organizations, each has
    /// a folder of its own there.
    pub(crate) fn open(
        ledgers: &Arc<Ledgers>,
        root: &Path,
        orgs: &[String],
    ) -> Result<Arc<Self>, LedgerError> {
        let folder = |org: &String| {
            let path = if orgs.len() == 1 { root.to_owned() } else { root.join(file_name(org)) };
            Ok((org.clone(), SnapshotFolder::open(&path)?))
        };
        let folders = orgs.iter().map(folder).collect::<Result<_, LedgerError>>()?;
        let expected = "a channel, a block and an MSP id, separated by tabs";
        let waiting = ledgers.peer_value_lines(STORED, expected, Wanted::parse)?;
        let waiting = waiting.into_iter().collect();
        let requests = Mutex::new(Requests::new(waiting));
        let writing = Mutex::default();
        Ok(Arc::new(Self { ledgers: Arc::clone(ledgers), folders, requests, writing }))
    }

    /// Makes the snapshots that were due when the process ended.
    pub(crate) fn catch_up(self: &Arc<Self>, channels: &Channels) {
        for channel in channels.ids().iter().filter_map(|id| channels.get(id)) {
            self.find_due(channel.ledger());
        }
        self.start();
    }

    /// Marks the requests of a channel whose blocks exist as due.
    fn find_due(&self, ledger: &Arc<Ledger>) {
        let mut requests = self.requests();
        let snapshot = ledger.snapshot();
        for wanted in requests.waiting.clone() {
            let of_org = self.folders.contains_key(&wanted.org);
            let is_there = wanted.block < snapshot.height();
            if wanted.channel == ledger.channel_id().as_str() && of_org && is_there {
                let is_newest = wanted.block.saturating_add(1) == snapshot.height();
                requests.is_due(&wanted, is_newest.then_some(&snapshot));
            }
        }
    }

    /// Requests a snapshot by the peer of an organization, of a block that may not exist yet. 0
    /// means the newest block.
    pub(crate) fn request(
        self: &Arc<Self>,
        ledger: &Arc<Ledger>,
        org: &str,
        block: u64,
    ) -> Result<(), SnapshotRefusal> {
        let _writing = lock(&self.writing);
        let (wanted, state) = self.admit(ledger, org, block)?;
        if let Err(error) = self.keep() {
            self.requests().forget(&wanted);
            return Err(error.into());
        }
        let Wanted { channel, org, block } = &wanted;
        tracing::info!(channel, org, block, "a snapshot is requested");
        if let Some(state) = state {
            self.requests().is_due(&wanted, Some(&state));
            self.start();
        }
        Ok(())
    }

    /// Adds a request; returns it with the state if its block is the newest.
    fn admit(
        &self,
        ledger: &Arc<Ledger>,
        org: &str,
        block: u64,
    ) -> Result<(Wanted, Option<Snapshot>), SnapshotRefusal> {
        let mut requests = self.requests();
        // `committed` needs the lock, so it sees all blocks that are committed after this.
        let snapshot = ledger.snapshot();
        let last = snapshot.height().saturating_sub(1);
        let block = if block == 0 { last } else { block };
        let channel = ledger.channel_id().as_str();
        if block < last {
            return Err(SnapshotRefusal::Past { block, last });
        }
        let is_newest = block == last;
        if is_newest && self.folders.get(org).is_some_and(|folder| folder.has(channel, block)) {
            return Err(SnapshotRefusal::Exists(block));
        }
        let wanted = Wanted { channel: channel.to_owned(), org: org.to_owned(), block };
        if requests.waiting.contains(&wanted) {
            return Err(SnapshotRefusal::Duplicate(block));
        }
        if requests.of(channel, org).count() >= MOST {
            return Err(SnapshotRefusal::TooMany(channel.to_owned()));
        }
        requests.waiting.insert(wanted.clone());
        Ok((wanted, is_newest.then_some(snapshot)))
    }

    /// Cancels a request.
    pub(crate) fn cancel(
        &self,
        channel: &str,
        org: &str,
        block: u64,
    ) -> Result<(), SnapshotRefusal> {
        let _writing = lock(&self.writing);
        let wanted = Wanted { channel: channel.to_owned(), org: org.to_owned(), block };
        let was_due = self.requests().cancel(&wanted)?;
        self.keep().inspect_err(|_| {
            let mut requests = self.requests();
            requests.waiting.insert(wanted.clone());
            if was_due {
                requests.is_due(&wanted, None);
            }
        })?;
        Ok(())
    }

    /// Returns the blocks whose snapshots an organization waits for, ascending.
    pub(crate) fn pending(&self, channel: &str, org: &str) -> Vec<u64> {
        self.requests().of(channel, org).collect()
    }

    /// Called on the committing thread while the block is the newest one.
    pub(crate) fn committed(self: &Arc<Self>, ledger: &Arc<Ledger>, number: u64) {
        let mut requests = self.requests();
        let channel = ledger.channel_id().as_str();
        let is_due = |wanted: &&Wanted| wanted.channel == channel && wanted.block == number;
        let due: Vec<Wanted> = requests.waiting.iter().filter(is_due).cloned().collect();
        if due.is_empty() {
            return;
        }
        let snapshot = ledger.snapshot();
        due.iter().for_each(|wanted| requests.is_due(wanted, Some(&snapshot)));
        drop(requests);
        self.start();
    }

    /// Starts the thread that makes due snapshots, unless it runs.
    fn start(self: &Arc<Self>) {
        let mut requests = self.requests();
        if requests.at_work || !requests.has_due() {
            return;
        }
        let of = Arc::downgrade(self);
        let thread = thread::Builder::new().name("snapshot".to_owned());
        match thread.spawn(move || work(&of)) {
            Ok(_) => requests.at_work = true,
            // Retried when the next snapshot is due, or when the peer starts.
            Err(error) => tracing::error!(%error, "no thread for snapshots: they are made later"),
        }
    }

    /// Makes the snapshots of a job, block after block.
    fn make(self: &Arc<Self>, Job { channel, blocks, state }: Job) {
        let mut states = States::new(state);
        for (block, orgs) in blocks {
            // The peer has ended; the rest is made after the next start.
            if Arc::strong_count(self) == 1 {
                return;
            }
            for org in orgs {
                let wanted = Wanted { channel: channel.clone(), org, block };
                let made = self.write(&wanted, &mut states);
                self.finish(&wanted, made);
            }
        }
    }

    fn write(&self, wanted: &Wanted, states: &mut States) -> Result<PathBuf, SnapshotFailure> {
        let Wanted { channel, org, block } = wanted;
        let no_peer = || SnapshotFailure::NoPeer(org.clone());
        let folder = self.folders.get(org).ok_or_else(no_peer)?;
        if folder.has(channel, *block) {
            return Ok(folder.of(channel, *block));
        }
        let no_channel = || SnapshotFailure::NoChannel(channel.clone());
        let ledger = self.ledgers.get(channel).ok_or_else(no_channel)?;
        let (snapshot, collections) = states.after(&ledger, *block)?;
        Ok(folder.write(snapshot, collections)?)
    }

    /// Removes a request from the list after its snapshot is complete or has failed.
    fn finish(&self, wanted: &Wanted, made: Result<PathBuf, SnapshotFailure>) {
        let Wanted { channel, org, block } = wanted;
        match made {
            Ok(folder) => {
                let folder = folder.display();
                tracing::info!(channel, org, block, %folder, "made a snapshot");
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(channel, org, block, %error, cause, "a snapshot failed");
            }
        }
        let _writing = lock(&self.writing);
        self.requests().forget(wanted);
        if let Err(error) = self.keep() {
            tracing::error!(channel, %error, "the requests for snapshots are not written to disk");
        }
    }

    /// Writes the list to disk; the caller holds `writing`.
    fn keep(&self) -> Result<(), LedgerError> {
        let lines: String = self.requests().waiting.iter().map(Wanted::line).collect();
        match lines.is_empty() {
            true => self.ledgers.remove_peer_value(STORED),
            false => self.ledgers.put_peer_value(STORED, lines.as_bytes()),
        }
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        lock(&self.requests)
    }
}

impl Peer {
    /// Requests a snapshot by the peer of an organization (MSP id). It is made when the block is
    /// committed; 0 means the newest block.
    pub fn request_snapshot(
        &self,
        org: &str,
        channel: &str,
        block: u64,
    ) -> Result<(), SnapshotRefusal> {
        self.snapshots.request(&self.ledger_of(org, channel)?, org, block)
    }

    /// Cancels a request, unless the snapshot is being made.
    pub fn cancel_snapshot(
        &self,
        org: &str,
        channel: &str,
        block: u64,
    ) -> Result<(), SnapshotRefusal> {
        self.ledger_of(org, channel)?;
        self.snapshots.cancel(channel, org, block)
    }

    /// Returns the blocks whose snapshots the peer of an organization will make or is making,
    /// ascending.
    pub fn pending_snapshots(&self, org: &str, channel: &str) -> Result<Vec<u64>, SnapshotRefusal> {
        self.ledger_of(org, channel)?;
        Ok(self.snapshots.pending(channel, org))
    }

    fn ledger_of(&self, org: &str, channel: &str) -> Result<Arc<Ledger>, SnapshotRefusal> {
        let found = self.channels.get_as(org, channel);
        let found = found.ok_or_else(|| SnapshotRefusal::NoChannel(channel.to_owned()))?;
        Ok(Arc::clone(found.ledger()))
    }
}

/// The thread's loop: makes due snapshots until none is left or the peer has ended.
fn work(of: &Weak<Snapshots>) {
    while let Some(snapshots) = of.upgrade() {
        let job = {
            let mut requests = snapshots.requests();
            let job = requests.next_job();
            requests.at_work = job.is_some();
            job
        };
        let Some(job) = job else { return };
        let wanted = job.wanted();
        if catch_unwind(AssertUnwindSafe(|| snapshots.make(job))).is_err() {
            let is_left = |wanted: &&Wanted| snapshots.requests().waiting.contains(*wanted);
            let left = wanted.iter().filter(is_left);
            left.for_each(|wanted| snapshots.finish(wanted, Err(SnapshotFailure::Panicked)));
        }
    }
}

/// Returns an MSP id as the name of a folder: bytes other than letters, digits, `-`, `_` and `.`
/// become %XX.
fn file_name(org: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let part = |(at, byte): (usize, u8)| match is_plain(byte) || byte == b'.' && at > 0 {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    org.bytes().enumerate().map(part).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
