//! Snapshots of channels that administrators ask for. Fabric:
//! `core/ledger/kvledger/snapshot_mgmt.go`.
//!
//! A snapshot is written on a thread of its own from a view of the state that is opened while its
//! block is the newest. Unlike in Fabric, no commit waits for it. Requests are kept across
//! restarts. If the process ended while a snapshot was written, and later blocks are committed
//! already, its state is made again from the blocks.
//!
//! Invariant: a request is listed until its snapshot is complete, or has failed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::Peer;
use wasmcc_channel::Channels;
use wasmcc_channel::collections::collection_history;
use wasmcc_committer::StateRules;
use wasmcc_ledger::{Ledger, LedgerConfig, LedgerError, Ledgers, Snapshot, SnapshotFolder};
use wasmcc_types::proto::common::Block;

/// The requests that wait, in the ledgers' values of the peer.
const STORED: &str = "snapshots";
/// Requests of one organization that wait, on one channel.
const MOST: usize = 1_000;

/// A snapshot that the peer of an organization is to make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    channel: String,
    org: String,
    block: u64,
}

/// Why a request is refused. The texts are Fabric's, where it has one.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotRefusal {
    /// The peer has not joined the channel.
    #[error("cannot find ledger for channel {0}")]
    NoChannel(String),
    /// The block has been committed, and others after it.
    #[error(
        "requested snapshot for block number {block} cannot be less than the last committed block \
         number {last}"
    )]
    Past {
        /// The requested block.
        block: u64,
        /// The newest one.
        last: u64,
    },
    /// There is one.
    #[error("snapshot already generated for block number {0}")]
    Exists(u64),
    /// It is requested already.
    #[error("duplicate snapshot request for block number {0}")]
    Duplicate(u64),
    /// There is nothing to cancel.
    #[error("no snapshot request exists for block number {0}")]
    Unknown(u64),
    /// It is being made.
    #[error("cannot cancel the snapshot request because it is under processing")]
    Running,
    /// Too many wait.
    #[error("{MOST} requests for snapshots of channel {0} wait already: cancel some of them")]
    TooMany(String),
    /// The list of requests cannot be written.
    #[error(transparent)]
    NotKept(#[from] LedgerError),
}

/// The snapshots of the peers of a process.
pub(crate) struct Snapshots {
    ledgers: Arc<Ledgers>,
    /// By organization.
    folders: BTreeMap<String, SnapshotFolder>,
    requests: Mutex<Requests>,
    /// Held while the list is written to disk, and taken before `requests`.
    writing: Mutex<()>,
}

#[derive(Default)]
struct Requests {
    waiting: BTreeSet<Wanted>,
    /// Those of `waiting` that are being made.
    running: BTreeSet<Wanted>,
}

/// Where the state of a snapshot comes from.
enum Source {
    /// It is there.
    State(Snapshot),
    /// Later blocks have changed it.
    Blocks(Arc<Ledger>),
}

impl Snapshots {
    /// Reads the requests that wait. Snapshots are below `root`; with several organizations, those
    /// of each are in a folder with its name.
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
        let stored = ledgers.get_peer_value(STORED)?.unwrap_or_default();
        let stored = String::from_utf8_lossy(&stored);
        let waiting = stored.lines().filter_map(Wanted::parse).collect();
        let requests = Mutex::new(Requests { waiting, running: BTreeSet::new() });
        let writing = Mutex::default();
        Ok(Arc::new(Self { ledgers: Arc::clone(ledgers), folders, requests, writing }))
    }

    /// Makes what should have been made when the process ended.
    pub(crate) fn catch_up(self: &Arc<Self>, channels: &Channels) {
        for channel in channels.ids().iter().filter_map(|id| channels.get(id)) {
            let ledger = channel.ledger();
            let snapshot = ledger.snapshot();
            let mut due = Vec::new();
            let mut requests = self.requests();
            for wanted in requests.waiting.clone() {
                let of_org = self.folders.contains_key(&wanted.org);
                let is_due = wanted.block < snapshot.height();
                if wanted.channel == ledger.channel_id().as_str() && of_org && is_due {
                    requests.running.insert(wanted.clone());
                    due.push(wanted);
                }
            }
            drop(requests);
            for wanted in due {
                match wanted.block.saturating_add(1) == snapshot.height() {
                    true => self.start(wanted, Source::State(snapshot.clone())),
                    false => self.start(wanted, Source::Blocks(Arc::clone(ledger))),
                }
            }
        }
    }

    /// Has the peer of an organization make a snapshot of a block, which may be yet to come; of
    /// the newest one if `block` is 0.
    pub(crate) fn request(
        self: &Arc<Self>,
        ledger: &Arc<Ledger>,
        org: &str,
        block: u64,
    ) -> Result<(), SnapshotRefusal> {
        let _writing = lock(&self.writing);
        let (wanted, source) = self.admit(ledger, org, block)?;
        if let Err(error) = self.keep() {
            self.forget(&wanted);
            return Err(error.into());
        }
        let Wanted { channel, org, block } = &wanted;
        tracing::info!(channel, org, block, "a snapshot is requested");
        if let Some(snapshot) = source {
            self.start(wanted, Source::State(snapshot));
        }
        Ok(())
    }

    /// Takes a request, with the state if its block is the newest.
    fn admit(
        &self,
        ledger: &Arc<Ledger>,
        org: &str,
        block: u64,
    ) -> Result<(Wanted, Option<Snapshot>), SnapshotRefusal> {
        let mut requests = self.requests();
        // Blocks that are committed from here on are seen by `committed`, which needs the lock.
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
        if is_newest {
            requests.running.insert(wanted.clone());
        }
        Ok((wanted, is_newest.then_some(snapshot)))
    }

    /// Takes a request back.
    pub(crate) fn cancel(
        &self,
        channel: &str,
        org: &str,
        block: u64,
    ) -> Result<(), SnapshotRefusal> {
        let _writing = lock(&self.writing);
        let wanted = Wanted { channel: channel.to_owned(), org: org.to_owned(), block };
        let mut requests = self.requests();
        if requests.running.contains(&wanted) {
            return Err(SnapshotRefusal::Running);
        }
        if !requests.waiting.remove(&wanted) {
            return Err(SnapshotRefusal::Unknown(block));
        }
        drop(requests);
        self.keep().inspect_err(|_| {
            self.requests().waiting.insert(wanted);
        })?;
        Ok(())
    }

    /// The blocks whose snapshots an organization waits for, ascending.
    pub(crate) fn pending(&self, channel: &str, org: &str) -> Vec<u64> {
        self.requests().of(channel, org).collect()
    }

    /// Called while the block is the newest one, from the thread that commits.
    pub(crate) fn committed(self: &Arc<Self>, ledger: &Arc<Ledger>, number: u64) {
        let mut requests = self.requests();
        let channel = ledger.channel_id().as_str();
        let is_due = |wanted: &&Wanted| wanted.channel == channel && wanted.block == number;
        let due: Vec<Wanted> = requests.waiting.iter().filter(is_due).cloned().collect();
        let due: Vec<Wanted> =
            due.into_iter().filter(|wanted| requests.running.insert(wanted.clone())).collect();
        drop(requests);
        for wanted in due {
            self.start(wanted, Source::State(ledger.snapshot()));
        }
    }

    fn start(self: &Arc<Self>, wanted: Wanted, source: Source) {
        let (snapshots, of) = (Arc::clone(self), wanted.clone());
        let thread = thread::Builder::new().name("snapshot".to_owned());
        let started = thread.spawn(move || snapshots.make(&of, source));
        if let Err(error) = started {
            let Wanted { channel, org, block } = &wanted;
            tracing::error!(channel, org, block, %error, "a snapshot cannot be made");
            // Tried again when the peer is started again.
            self.requests().running.remove(&wanted);
        }
    }

    fn make(&self, wanted: &Wanted, source: Source) {
        let Wanted { channel, org, block } = wanted;
        match self.write(wanted, source) {
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
        self.forget(wanted);
        if let Err(error) = self.keep() {
            tracing::error!(channel, %error, "the requests for snapshots are not written to disk");
        }
    }

    fn write(&self, wanted: &Wanted, source: Source) -> Result<PathBuf, LedgerError> {
        let no_folder = LedgerError::Missing { what: "the folder of a snapshot" };
        let folder = self.folders.get(&wanted.org).ok_or(no_folder)?;
        if folder.has(&wanted.channel, wanted.block) {
            return Ok(folder.of(&wanted.channel, wanted.block));
        }
        let (_until_it_is_written, snapshot) = match source {
            Source::State(snapshot) => (None, snapshot),
            Source::Blocks(ledger) => {
                let (ledgers, again) = state_of(&ledger, wanted.block)?;
                (Some(ledgers), again)
            }
        };
        folder.write(&snapshot, &collection_history(&snapshot)?)
    }

    fn forget(&self, wanted: &Wanted) {
        let mut requests = self.requests();
        requests.waiting.remove(wanted);
        requests.running.remove(wanted);
    }

    /// Writes the list to disk; `writing` is held.
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

impl Requests {
    fn of(&self, channel: &str, org: &str) -> impl Iterator<Item = u64> {
        let of = move |wanted: &&Wanted| wanted.channel == channel && wanted.org == org;
        self.waiting.iter().filter(of).map(|wanted| wanted.block)
    }
}

impl Wanted {
    fn line(&self) -> String {
        format!("{}\t{}\t{}\n", self.channel, self.block, self.org)
    }

    fn parse(line: &str) -> Option<Self> {
        let (channel, rest) = line.split_once('\t')?;
        let (block, org) = rest.split_once('\t')?;
        let block = block.parse().ok()?;
        Some(Self { channel: channel.to_owned(), org: org.to_owned(), block })
    }
}

impl Peer {
    /// Has the peer of an organization (MSP id) make a snapshot of a channel's block when it is
    /// committed; of the newest one if `block` is 0.
    pub fn request_snapshot(
        &self,
        org: &str,
        channel: &str,
        block: u64,
    ) -> Result<(), SnapshotRefusal> {
        self.snapshots.request(&self.ledger_of(org, channel)?, org, block)
    }

    /// Takes a request back, unless the snapshot is being made.
    pub fn cancel_snapshot(
        &self,
        org: &str,
        channel: &str,
        block: u64,
    ) -> Result<(), SnapshotRefusal> {
        self.ledger_of(org, channel)?;
        self.snapshots.cancel(channel, org, block)
    }

    /// The blocks whose snapshots the peer of an organization is to make or makes, ascending.
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

/// The state after a block of the past, in a temporary ledger of its own.
fn state_of(ledger: &Arc<Ledger>, number: u64) -> Result<(Ledgers, Snapshot), LedgerError> {
    let read = |number: u64| -> Result<Block, LedgerError> {
        let missing = LedgerError::Missing { what: "a block before a snapshot" };
        ledger.block(number)?.ok_or(missing)
    };
    let ledgers = Ledgers::temporary(LedgerConfig::default())?;
    let again = ledgers.create(&read(0)?)?;
    for number in 1..=number {
        again.follow(read(number)?, &StateRules, None)?;
    }
    Ok((ledgers, again.snapshot()))
}

/// An MSP id as the name of a folder: what is no letter, digit, `-`, `_` or `.` becomes %XX.
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
