//! The requests for snapshots: those that wait for their block, and those that are due.
//!
//! Invariant: a request is in at most one of `due` and `running`; if it is in one, it is also in
//! `waiting`.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshots::refusal::SnapshotRefusal;
use wasmcc_ledger::Snapshot;

/// Limit on the waiting requests of one organization on one channel.
pub(super) const MOST: usize = 1_000;

/// Limit on the states that are kept open for due snapshots. Each keeps in memory the values that
/// later blocks change. Further states are rebuilt from the blocks.
const MOST_STATES: usize = 4;

/// A request: a snapshot that the peer of an organization should make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    pub(super) channel: String,
    pub(super) org: String,
    pub(super) block: u64,
}

/// Snapshots of one channel that are made together.
pub(super) struct Job {
    pub(super) channel: String,
    /// The requesting organizations, by block.
    pub(super) blocks: BTreeMap<u64, Vec<String>>,
    /// The state of the only block. None: later blocks have changed it, so it is rebuilt from the
    /// blocks.
    pub(super) state: Option<Snapshot>,
}

/// All requests.
#[derive(Default)]
pub(super) struct Requests {
    pub(super) waiting: BTreeSet<Wanted>,
    /// Those of `waiting` whose block exists and that are not being made.
    due: BTreeSet<Wanted>,
    /// Those of `waiting` that are being made.
    running: BTreeSet<Wanted>,
    /// The states of due blocks, by channel and block.
    states: BTreeMap<(String, u64), Snapshot>,
    /// True while a thread makes due snapshots.
    pub(super) at_work: bool,
}

impl Requests {
    /// Makes the queue from the stored requests.
    pub(super) fn new(waiting: BTreeSet<Wanted>) -> Self {
        Self { waiting, ..Self::default() }
    }

    /// Returns the blocks of one organization's requests.
    pub(super) fn of(&self, channel: &str, org: &str) -> impl Iterator<Item = u64> {
        let of = move |wanted: &&Wanted| wanted.channel == channel && wanted.org == org;
        self.waiting.iter().filter(of).map(|wanted| wanted.block)
    }

    /// Marks a waiting request as due, because its block exists. `state` is that of the block, if
    /// it is the newest one.
    pub(super) fn is_due(&mut self, wanted: &Wanted, state: Option<&Snapshot>) {
        let is_known = self.running.contains(wanted) || self.due.contains(wanted);
        if is_known || !self.waiting.contains(wanted) {
            return;
        }
        self.due.insert(wanted.clone());
        let place = (wanted.channel.clone(), wanted.block);
        if let Some(state) = state.filter(|_| self.states.len() < MOST_STATES) {
            self.states.entry(place).or_insert_with(|| state.clone());
        }
    }

    /// Returns true if a request is due.
    pub(super) fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Takes the next job: all due requests for one open state. Without open states, takes all due
    /// requests of a channel, whose states are rebuilt in one pass over its blocks.
    pub(super) fn next_job(&mut self) -> Option<Job> {
        let (channel, block, state) = match self.states.pop_first() {
            Some(((channel, block), state)) => (channel, Some(block), Some(state)),
            None => (self.due.first()?.channel.clone(), None, None),
        };
        let is_of_job = |wanted: &&Wanted| {
            wanted.channel == channel && block.is_none_or(|block| wanted.block == block)
        };
        let taken: BTreeSet<Wanted> = self.due.iter().filter(is_of_job).cloned().collect();
        self.due.retain(|wanted| !taken.contains(wanted));
        let mut blocks = BTreeMap::<u64, Vec<String>>::new();
        for wanted in &taken {
            blocks.entry(wanted.block).or_default().push(wanted.org.clone());
        }
        self.running.extend(taken);
        Some(Job { channel, blocks, state })
    }

    /// Cancels a request. Returns whether it was due.
    pub(super) fn cancel(&mut self, wanted: &Wanted) -> Result<bool, SnapshotRefusal> {
        if self.running.contains(wanted) {
            return Err(SnapshotRefusal::Running);
        }
        if !self.waiting.contains(wanted) {
            return Err(SnapshotRefusal::Unknown(wanted.block));
        }
        let was_due = self.due.contains(wanted);
        self.forget(wanted);
        Ok(was_due)
    }

    /// Removes a request whose snapshot is complete, has failed or was cancelled.
    pub(super) fn forget(&mut self, wanted: &Wanted) {
        self.waiting.remove(wanted);
        self.running.remove(wanted);
        self.due.remove(wanted);
        let due = &self.due;
        self.states.retain(|(channel, block), _| {
            due.iter().any(|wanted| wanted.channel == *channel && wanted.block == *block)
        });
    }
}

impl Job {
    /// Returns the requests that it answers.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let of_block = |(&block, orgs): (&u64, &Vec<String>)| {
            let wanted = |org: &String| (self.channel.clone(), org.clone(), block);
            orgs.iter().map(wanted).collect::<Vec<_>>()
        };
        let all = self.blocks.iter().flat_map(of_block);
        all.map(|(channel, org, block)| Wanted { channel, org, block }).collect()
    }
}

impl Wanted {
    /// Returns the stored form.
    pub(super) fn line(&self) -> String {
        format!("{}\t{}\t{}\n", self.channel, self.block, self.org)
    }

    /// Reads the stored form.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (channel, rest) = line.split_once('\t')?;
        let (block, org) = rest.split_once('\t')?;
        let block = block.parse().ok()?;
        Some(Self { channel: channel.to_owned(), org: org.to_owned(), block })
    }
}
