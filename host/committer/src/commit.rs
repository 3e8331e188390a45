//! Validates, commits and announces blocks, one block of a channel at a time. Fabric:
//! `gossip/state/state.go` (`commitBlock`), `core/committer/committer_impl.go`.
//!
//! A failure of this machine does not end a channel. The ledger is opened again and the block is
//! tried again, at once and then with growing pauses. This ends when it works or the committer has
//! to end. After the second failure the channel is interrupted: waiting clients and new submitters
//! get an error.
//!
//! Invariant: a block is announced if and only if it is in the ledger, and no later block is
//! judged before it is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::aftermath::{self, Aftermath};
use crate::block_writer;
use crate::collection_rules::BlockCollections;
use crate::definitions::KeptDefinitions;
use crate::deploy_listener::DeployListener;
use crate::endorsement_validator::EndorsementValidator;
use crate::entry::Entry;
use crate::error::CommitError;
use crate::fatal::Fatal;
use crate::health::{Health, NoPauses};
use crate::notifier::{Notifier, isolated};
use crate::validator::BlockValidator;
use wasmcc_channel::Channel;
use wasmcc_channel::collections::LocalPeers;
use wasmcc_ledger::{CommittedBlock, LedgerError, MatchedBlock};
use wasmcc_msp::SigningIdentity;
use wasmcc_types::Opened;
use wasmcc_types::proto::common::{Block, Envelope};

/// Adds blocks to a channel. A channel must have only one committer.
pub struct Committer {
    channel: Arc<Channel>,
    endorsements: Arc<dyn EndorsementValidator>,
    notifier: Arc<Notifier>,
    signers: Vec<Arc<SigningIdentity>>,
    threads: usize,
    peers: LocalPeers,
    deploys: Option<Arc<dyn DeployListener>>,
    definitions: KeptDefinitions,
    health: Health,
    stage: Mutex<CommitStage>,
}

/// The writer's state; its lock is held for a whole commit.
#[derive(Default)]
pub(crate) struct CommitStage {
    stopped: bool,
}

impl Committer {
    /// Makes the committer of a channel; `endorsements` checks endorsements against policies.
    /// Validation uses as many threads as there are processors.
    pub fn new(channel: Arc<Channel>, endorsements: Arc<dyn EndorsementValidator>) -> Self {
        let notifier = Arc::new(Notifier::new(Arc::clone(channel.ledger())));
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let health = Health::new(channel.ledger().channel_id().clone(), Arc::clone(&notifier));
        let (peers, signers, stage) = (LocalPeers::default(), Vec::new(), Mutex::default());
        let (deploys, definitions) = (None, KeptDefinitions::default());
        Self {
            channel,
            endorsements,
            notifier,
            signers,
            threads,
            peers,
            deploys,
            definitions,
            health,
            stage,
        }
    }

    /// Sets the signers of blocks and configurations. The first one that is valid on the channel is
    /// used.
    pub fn with_signers(self, signers: Vec<Arc<SigningIdentity>>) -> Self {
        Self { signers, ..self }
    }

    /// Limits the threads of validation, including the one that commits; 0 is the same as 1.
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Sets the first pause after a failure of this machine; the default is 0.1 s. Each further
    /// pause is twice as long, up to 30 s.
    pub fn with_first_pause(self, first_pause: Duration) -> Self {
        Self { health: self.health.with_pause(first_pause), ..self }
    }

    /// Sets the peers that hold private data; by default there are none.
    pub fn with_peers(self, peers: LocalPeers) -> Self {
        Self { peers, ..self }
    }

    /// Sets the listener for chaincodes that blocks define.
    pub fn with_deploy_listener(self, listener: Arc<dyn DeployListener>) -> Self {
        Self { deploys: Some(listener), ..self }
    }

    /// The channel to which blocks are added.
    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// The notifier of commits.
    pub fn notifier(&self) -> &Arc<Notifier> {
        &self.notifier
    }

    /// Validates a block and adds it. Ignores verdicts in its metadata.
    ///
    /// Waits as long as this machine fails.
    ///
    /// Errors: a block that does not continue the chain or contradicts its header changes nothing;
    /// `Fatal` if this machine fails after `end_pauses`; `Stopped` after `stop`.
    pub fn commit(&self, block: Block) -> Result<Arc<CommittedBlock>, CommitError> {
        self.commit_staged(&self.stage(), MatchedBlock::of(block)?, Vec::new())
    }

    /// Makes the next block from these envelopes, in their order, validates it and adds it.
    ///
    /// Waits as long as this machine fails, for example while its disk is full. After
    /// [`end_pauses`](Self::end_pauses) it fails instead, and the block is not in the ledger.
    pub fn commit_envelopes(
        &self,
        envelopes: Vec<Envelope>,
    ) -> Result<Arc<CommittedBlock>, CommitError> {
        self.commit_entries(envelopes.iter().map(Entry::from).collect())
    }

    /// As `commit_envelopes`, for entries that are encoded already.
    pub(crate) fn commit_entries(
        &self,
        entries: Vec<Entry>,
    ) -> Result<Arc<CommittedBlock>, CommitError> {
        if entries.is_empty() {
            return Err(CommitError::EmptyBlock);
        }
        self.commit_next(entries, |_| self.channel.config_block())
    }

    /// Like `commit_envelopes`, makes a block with one configuration.
    pub(crate) fn commit_config(&self, config: Entry) -> Result<Arc<CommittedBlock>, CommitError> {
        self.commit_next(vec![config], |number| number)
    }

    /// `last_config` returns the block that holds the configuration in force after this one.
    fn commit_next(
        &self,
        entries: Vec<Entry>,
        last_config: impl FnOnce(u64) -> u64,
    ) -> Result<Arc<CommittedBlock>, CommitError> {
        // From here to the commit, no other thread adds a block.
        let stage = self.stage();
        let tip = self.channel.ledger().info();
        let (bytes, opened) = entries.into_iter().map(|it| (it.bytes, it.opened)).unzip();
        let mut block = MatchedBlock::next(tip.height, tip.current_block_hash, bytes);
        block_writer::add_metadata(&mut block, last_config(tip.height), self.signer());
        self.commit_staged(&stage, block, opened)
    }

    /// The current signer of blocks and configurations; None if none of the signers is valid on the
    /// channel.
    pub(crate) fn signer(&self) -> Option<&Arc<SigningIdentity>> {
        let config = self.channel.config();
        let knows =
            |signer: &&Arc<SigningIdentity>| config.msps().deserialize(signer.serialized()).is_ok();
        self.signers.iter().find(knows)
    }

    /// The failure of this machine that keeps the channel from committing; None if there is none.
    pub fn interruption(&self) -> Option<String> {
        self.health.interruption()
    }

    /// From now on commits do not wait until this machine works again: they fail with `Fatal` when
    /// the second attempt fails. Waiting commits fail at once.
    pub fn end_pauses(&self) {
        self.health.end_pauses();
    }

    /// Ends an interruption whose block is not tried any more.
    pub(crate) fn go_on(&self) {
        self.health.resume();
    }

    /// Like `end_pauses`, until the result is dropped.
    pub(crate) fn hurry(&self) -> NoPauses<'_> {
        self.health.hurry()
    }

    /// Stops accepting blocks and wakes all waiters. Finishes a commit under way first, if this
    /// machine works.
    pub fn stop(&self) {
        self.end_pauses();
        self.stage().stopped = true;
        self.notifier.close();
    }

    /// Commits a block. The stage keeps other threads from committing. `opened` has the already
    /// opened entries by their index.
    pub(crate) fn commit_staged(
        &self,
        stage: &MutexGuard<'_, CommitStage>,
        block: MatchedBlock,
        opened: Vec<Option<Opened>>,
    ) -> Result<Arc<CommittedBlock>, CommitError> {
        if stage.stopped {
            let channel = self.channel.ledger().channel_id().clone();
            return Err(CommitError::Stopped { channel });
        }
        let turn = self.health.turn();
        let outcome = self.commit_until_done(&block, opened);
        if let Err(CommitError::Fatal(fatal)) = &outcome {
            self.health.interrupt(fatal);
        }
        turn.end();
        outcome
    }

    /// Tries until the block is in the ledger or is refused.
    fn commit_until_done(
        &self,
        block: &MatchedBlock,
        opened: Vec<Option<Opened>>,
    ) -> Result<Arc<CommittedBlock>, CommitError> {
        let started = Instant::now();
        let mut aftermath = Aftermath::default();
        let mut outcome = self.attempt(block, opened, &mut aftermath);
        let mut tries = 0_u32;
        loop {
            let fatal = match outcome {
                Ok(committed) => return Ok(self.announce(committed, aftermath, started)),
                Err(CommitError::Fatal(fatal)) => fatal,
                Err(of_the_block) => return Err(of_the_block),
            };
            let channel = self.channel.ledger().channel_id();
            tracing::warn!(%channel, error = %chain(&fatal), tries, "cannot commit a block");
            // The first failure may be over at once, so the channel is not interrupted yet.
            if tries > 0 {
                self.health.interrupt(&fatal);
                if !self.health.pause(tries) {
                    return Err(fatal.into());
                }
            }
            tries = tries.saturating_add(1);
            outcome = self.attempt_again(block, &mut aftermath);
        }
    }

    /// Opens the ledger again. If the ledger does not have the block by now, tries once more.
    fn attempt_again(
        &self,
        block: &MatchedBlock,
        aftermath: &mut Aftermath,
    ) -> Result<CommittedBlock, CommitError> {
        let reopen = || {
            self.channel.ledger().reopen()?;
            self.stored(block)
        };
        match guarded(block, reopen)? {
            Some(stored) => Ok(stored),
            None => self.attempt(block, Vec::new(), aftermath),
        }
    }

    /// Returns the block if the ledger has it.
    fn stored(&self, block: &MatchedBlock) -> Result<Option<CommittedBlock>, CommitError> {
        let ledger = self.channel.ledger();
        let number = block.header().number;
        let Some(stored) = ledger.block(number)? else { return Ok(None) };
        if stored.header.as_ref() != Some(block.header()) {
            let expected = ledger.height();
            return Err(LedgerError::BlockNumber { expected, got: number }.into());
        }
        Ok(Some(CommittedBlock::of_stored(stored)))
    }

    /// Validates a block and passes it to the ledger, once.
    fn attempt(
        &self,
        block: &MatchedBlock,
        opened: Vec<Option<Opened>>,
        aftermath: &mut Aftermath,
    ) -> Result<CommittedBlock, CommitError> {
        guarded(block, || {
            let ledger = self.channel.ledger();
            // Verdicts hold only for the state before the block.
            let (expected, got) = (ledger.height(), block.header().number);
            if got != expected {
                return Err(LedgerError::BlockNumber { expected, got }.into());
            }
            let channel = ledger.channel_id().as_str();
            let _span = tracing::info_span!("commit_block", channel, block = got).entered();

            let (snapshot, config) = (ledger.snapshot(), self.channel.config());
            let validator = BlockValidator::new(
                (block.entries(), opened),
                self.definitions.at(snapshot.clone(), Arc::clone(&config)),
                Arc::clone(&self.endorsements),
            );
            let judged = validator.validate(self.threads)?;
            let (found, txs, known) = Aftermath::of(judged, snapshot.height());
            *aftermath = found;
            let collections = BlockCollections::look_up(&txs, &snapshot, &config, &self.peers)?;
            // Close the snapshot, so that the commit need not keep old values for it.
            drop(snapshot);
            // The entries are shared, not copied.
            Ok(ledger.commit_known(block.clone(), txs, known, &collections)?)
        })
    }

    /// Does the work that follows when a block is in the ledger.
    fn announce(
        &self,
        committed: CommittedBlock,
        aftermath: Aftermath,
        started: Instant,
    ) -> Arc<CommittedBlock> {
        let committed = Arc::new(committed);
        let (config, txs) = aftermath.settle(&committed);
        if let Some(config) = config {
            tracing::info!(sequence = config.sequence(), "the channel has a new configuration");
            self.channel.put_in_force(Arc::from(config), committed.number);
        }
        if let Some(listener) = &self.deploys {
            let ledger = self.channel.ledger();
            isolated(|| aftermath::tell(&txs, listener.as_ref(), ledger));
            isolated(|| listener.committed(ledger, committed.number));
        }
        self.health.resume();
        aftermath::log(committed.number, &txs, started);
        aftermath::count(self.channel.ledger().channel_id().as_str(), &txs);
        self.notifier.committed(&committed, txs);
        committed
    }

    /// The definitions of the channel's chaincodes.
    pub(crate) fn definitions(&self) -> &KeptDefinitions {
        &self.definitions
    }

    /// Limit on the threads for one block.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    pub(crate) fn stage(&self) -> MutexGuard<'_, CommitStage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a part of a commit; a panic counts as a failure of this machine. Panics while judging a
/// single transaction are caught separately.
fn guarded<T>(
    block: &MatchedBlock,
    part: impl FnOnce() -> Result<T, CommitError>,
) -> Result<T, CommitError> {
    catch_unwind(AssertUnwindSafe(part)).unwrap_or_else(|_| {
        let number = block.header().number;
        Err(Fatal::Panicked { number }.into())
    })
}

/// Formats an error with its causes.
fn chain(error: &dyn std::error::Error) -> impl std::fmt::Display + '_ {
    std::fmt::from_fn(move |f| {
        write!(f, "{error}")?;
        let mut next = error.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    })
}
