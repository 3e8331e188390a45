//! Validates blocks, commits them and says so, one block of a channel at a time. Fabric:
//! `gossip/state/state.go` (`commitBlock`), `core/committer/committer_impl.go`.
//!
//! Invariant: a block is announced if and only if it is in the ledger. After an error that leaves a
//! doubt about the state, the channel takes no more blocks until the process opens it again.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use prost::Message;

use crate::channel::Channel;
use crate::collections::LocalPeers;
use crate::committer::block_writer;
use crate::committer::collection_rules::BlockCollections;
use crate::committer::deploy_listener::{Approvals, DeployListener};
use crate::committer::endorsement_validator::EndorsementValidator;
use crate::committer::error::CommitError;
use crate::committer::invocation::LSCC;
use crate::committer::notifier::Notifier;
use crate::committer::validator::{BlockValidator, JudgedTx};
use crate::definition::{implicit_org, name_in_sequence_key};
use crate::ledger::{CommitTx, CommittedBlock, LedgerError, new_block};
use crate::msp::SigningIdentity;
use crate::proto::common::{Block, Envelope};
use crate::proto::protos::TxValidationCode;
use crate::types::LIFECYCLE;

/// The one who adds blocks to a channel; there must not be two.
pub struct Committer {
    channel: Arc<Channel>,
    endorsements: Arc<dyn EndorsementValidator>,
    notifier: Arc<Notifier>,
    signers: Vec<Arc<SigningIdentity>>,
    threads: usize,
    peers: LocalPeers,
    deploys: Option<Arc<dyn DeployListener>>,
    stage: Mutex<Stage>,
}

/// Characters of a reason or id, of which a client chose some.
const MAX_LOGGED: usize = 1000;

/// Whoever commits holds this.
#[derive(Default)]
struct Stage {
    stopped: bool,
}

impl Committer {
    /// For a channel; `endorsements` answers whether endorsements satisfy policies. Validation uses
    /// as many threads as there are processors.
    pub fn new(channel: Arc<Channel>, endorsements: Arc<dyn EndorsementValidator>) -> Self {
        let notifier = Arc::new(Notifier::new(Arc::clone(channel.ledger())));
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let (peers, stage) = (LocalPeers::default(), Mutex::default());
        let signers = Vec::new();
        Self { channel, endorsements, notifier, signers, threads, peers, deploys: None, stage }
    }

    /// Signs what an orderer signs as the first of these that the channel's configuration knows.
    pub fn with_signers(self, signers: Vec<Arc<SigningIdentity>>) -> Self {
        Self { signers, ..self }
    }

    /// Validates with so many threads at most; with 0 as with 1 only the one that commits.
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// With the peers that hold private data; without, nobody does.
    pub fn with_peers(self, peers: LocalPeers) -> Self {
        Self { peers, ..self }
    }

    /// With somebody to tell of chaincodes that blocks define.
    pub fn with_deploy_listener(self, listener: Arc<dyn DeployListener>) -> Self {
        Self { deploys: Some(listener), ..self }
    }

    /// The channel whose blocks these are.
    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// Where to wait for commits.
    pub fn notifier(&self) -> &Arc<Notifier> {
        &self.notifier
    }

    /// Validates a block and adds it. Whatever its metadata says about verdicts is not believed.
    ///
    /// Errors: a block that does not continue the chain or contradicts its header changes nothing.
    /// Any other error stops the channel: later calls give `Stopped`.
    pub fn commit(&self, block: Block) -> Result<Arc<CommittedBlock>, CommitError> {
        self.commit_staged(self.stage(), block)
    }

    /// Makes the next block of these envelopes, in their order, validates and adds it.
    pub fn commit_envelopes(
        &self,
        envelopes: Vec<Envelope>,
    ) -> Result<Arc<CommittedBlock>, CommitError> {
        if envelopes.is_empty() {
            return Err(CommitError::EmptyBlock);
        }
        let entries = envelopes.iter().map(Message::encode_to_vec).collect();
        drop(envelopes);
        // From here to the commit nobody else adds a block.
        let stage = self.stage();
        let tip = self.channel.ledger().info();
        let mut block = new_block(tip.height, tip.current_block_hash, entries);
        block_writer::add_metadata(&mut block, self.channel.config_block(), self.signer());
        self.commit_staged(stage, block)
    }

    /// Makes a block of one configuration, as `commit_envelopes`.
    pub(super) fn commit_config(
        &self,
        envelope: &Envelope,
    ) -> Result<Arc<CommittedBlock>, CommitError> {
        let stage = self.stage();
        let tip = self.channel.ledger().info();
        let entries = vec![envelope.encode_to_vec()];
        let mut block = new_block(tip.height, tip.current_block_hash, entries);
        block_writer::add_metadata(&mut block, tip.height, self.signer());
        self.commit_staged(stage, block)
    }

    /// Who signs blocks and configurations now; None if the channel knows nobody of this peer.
    pub(super) fn signer(&self) -> Option<&Arc<SigningIdentity>> {
        let config = self.channel.config();
        let knows =
            |signer: &&Arc<SigningIdentity>| config.msps().deserialize(signer.serialized()).is_ok();
        self.signers.iter().find(knows)
    }

    /// Takes no more blocks and sends home who waits for one. A commit under way is finished first.
    pub fn stop(&self) {
        self.stage().stopped = true;
        self.notifier.close();
    }

    fn commit_staged(
        &self,
        mut stage: MutexGuard<'_, Stage>,
        block: Block,
    ) -> Result<Arc<CommittedBlock>, CommitError> {
        if stage.stopped {
            let channel = self.channel.ledger().channel_id().clone();
            return Err(CommitError::Stopped { channel });
        }
        // Taken back when all went well, so that a panic stops the channel, too.
        stage.stopped = true;
        let outcome = self.validate_and_commit(block);
        match &outcome {
            Err(error) if !error.is_harmless() => {
                let channel = self.channel.ledger().channel_id();
                tracing::error!(%channel, %error, "the channel has stopped");
                self.notifier.close();
            }
            _ => stage.stopped = false,
        }
        outcome
    }

    fn validate_and_commit(&self, block: Block) -> Result<Arc<CommittedBlock>, CommitError> {
        let started = Instant::now();
        let ledger = self.channel.ledger();
        let header =
            block.header.as_ref().ok_or(LedgerError::IncompleteBlock { part: "header" })?;
        let data = block.data.as_ref().ok_or(LedgerError::IncompleteBlock { part: "data" })?;
        // A verdict on a block holds for the state in front of it only.
        let (expected, got) = (ledger.height(), header.number);
        if got != expected {
            return Err(LedgerError::BlockNumber { expected, got }.into());
        }
        let channel = ledger.channel_id().as_str();
        let _span = tracing::info_span!("commit_block", channel, block = got).entered();

        let (snapshot, config) = (ledger.snapshot(), self.channel.config());
        let validator = BlockValidator::new(&snapshot, &config, self.endorsements.as_ref());
        let judged = validator.validate(&data.data, self.threads)?;
        let tx_ids: Vec<_> = judged.iter().map(|judged| judged.tx.tx_id.clone()).collect();
        let mut next_config = None;
        let (txs, reasons): (Vec<CommitTx>, Vec<Option<String>>) = judged
            .into_iter()
            .map(|JudgedTx { tx, reason, config, .. }| {
                next_config = next_config.take().or(config);
                (tx, reason)
            })
            .unzip();
        let collections = BlockCollections::look_up(&txs, &snapshot, &config, &self.peers)?;
        // The commit need not keep what only this snapshot would still see.
        drop(validator);
        drop(snapshot);
        let defining: Vec<_> = txs.iter().map(|tx| (deployed(tx), approved(tx))).collect();
        let committed = Arc::new(ledger.commit(block, txs, &collections)?);
        if let Some(config) = next_config {
            tracing::info!(sequence = config.sequence(), "the channel has a new configuration");
            self.channel.put_in_force(Arc::new(config), committed.number);
        }
        if let Some(listener) = &self.deploys {
            let verdicts = defining.into_iter().zip(&committed.codes);
            let valid = verdicts.filter(|(_, code)| **code == TxValidationCode::Valid);
            let (mut names, mut approvals) = (BTreeSet::new(), Approvals::new());
            for ((of_tx, approved), _) in valid {
                names.extend(of_tx);
                for (org, keys) in approved {
                    approvals.entry(org).or_default().extend(keys);
                }
            }
            names.iter().for_each(|name| listener.deployed(ledger, name));
            if !approvals.is_empty() {
                listener.approved(ledger, &approvals);
            }
        }
        let reasons = reasons_of(&committed, reasons);
        log(&committed, &tx_ids, &reasons, started);
        self.notifier.committed(&committed, &tx_ids, reasons);
        Ok(committed)
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why transactions would not be valid in the next block of a channel, as far as signatures and
/// policies go; None for those against which nothing was found. Nothing is committed.
pub fn explain(
    channel: &Channel,
    endorsements: &dyn EndorsementValidator,
    entries: &[Vec<u8>],
) -> Result<Vec<Option<String>>, CommitError> {
    let (snapshot, config) = (channel.ledger().snapshot(), channel.config());
    let validator = BlockValidator::new(&snapshot, &config, endorsements);
    let judged = validator.validate(entries, 1)?;
    Ok(judged.into_iter().map(|judged| judged.reason).collect())
}

/// Why each transaction is not valid: what the ledger found, or what was found before it.
fn reasons_of(block: &CommittedBlock, before: Vec<Option<String>>) -> Vec<Option<String>> {
    let found = block.conflicts.iter().map(|conflict| conflict.as_ref().map(ToString::to_string));
    let reasons = found.zip(before).map(|(found, before)| found.or(before));
    reasons.map(|reason| reason.map(|reason| shorten(&reason).to_owned())).collect()
}

/// The chaincodes that a transaction defines: with LSCC a key each, with `_lifecycle` a sequence.
fn deployed(tx: &CommitTx) -> BTreeSet<String> {
    let written = |namespace: &str| {
        let ns = tx.rwset.as_ref().and_then(|rwset| rwset.namespaces.get(namespace));
        ns.map_or(&[][..], |ns| ns.writes.as_slice()).iter().map(|write| write.key.as_str())
    };
    let sequence = |key: &str| name_in_sequence_key(key).map(str::to_owned);
    // `name~collection` holds collections.
    let names = written(LSCC).filter(|key| !key.contains('~')).map(str::to_owned);
    names.chain(written(LIFECYCLE).filter_map(sequence)).collect()
}

/// What a transaction writes where organizations approve chaincodes.
fn approved(tx: &CommitTx) -> Approvals {
    let ns = tx.rwset.as_ref().and_then(|rwset| rwset.namespaces.get(LIFECYCLE));
    let collections = ns.into_iter().flat_map(|ns| &ns.collections);
    let approvals = collections.filter_map(|(name, collection)| {
        let keys = collection.writes.iter().map(|write| write.key_hash.clone()).collect();
        Some((implicit_org(name)?.to_owned(), keys))
    });
    approvals.filter(|(_, keys): &(_, BTreeSet<_>)| !keys.is_empty()).collect()
}

/// One line for the block, and one for each transaction that is not valid.
fn log(
    block: &CommittedBlock,
    tx_ids: &[Option<String>],
    reasons: &[Option<String>],
    started: Instant,
) {
    let mut valid = 0;
    for ((code, tx_id), reason) in block.codes.iter().zip(tx_ids).zip(reasons) {
        if *code == TxValidationCode::Valid {
            valid += 1;
            continue;
        }
        let tx_id = shorten(tx_id.as_deref().unwrap_or("unreadable"));
        let reason = reason.as_deref().unwrap_or_default();
        tracing::info!(tx_id, code = code.as_str_name(), reason, "invalidated transaction");
    }
    let (txs, ms) = (block.codes.len(), started.elapsed().as_millis());
    tracing::info!(number = block.number, txs, valid, ms, "committed block");
}

fn shorten(text: &str) -> &str {
    text.char_indices().nth(MAX_LOGGED).map_or(text, |(end, _)| &text[..end])
}
