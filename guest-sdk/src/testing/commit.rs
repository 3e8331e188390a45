//! Blocks of the mock ledger: decides as a committer which transactions are valid.
//!
//! Invariant: a transaction is validated against the state after the transactions before it in its
//! block.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::collection::IMPLICIT;
use crate::policy::{Policy, Role};
use crate::testing::Answer;
use crate::testing::definition::Definition;
use crate::testing::simulation::{POLICY, Simulation};
use crate::testing::world::{Key, RangeRead, Reads, Version, World, Writes};
use crate::timestamp::Timestamp;
use crate::{Error, Result};

/// A committer's verdict on a transaction, with Fabric's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxValidationCode {
    /// Its writes are in the state.
    Valid,
    /// A key that it read has changed since.
    MvccReadConflict,
    /// A range that it read now has other keys.
    PhantomReadConflict,
    /// Endorsements are missing that a policy requires.
    EndorsementPolicyFailure,
}

impl TxValidationCode {
    /// Returns Fabric's name.
    pub fn as_str_name(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::MvccReadConflict => "MVCC_READ_CONFLICT",
            Self::PhantomReadConflict => "PHANTOM_READ_CONFLICT",
            Self::EndorsementPolicyFailure => "ENDORSEMENT_POLICY_FAILURE",
        }
    }
}

/// A simulated, uncommitted transaction, from
/// [`MockLedger::endorse`](crate::testing::MockLedger::endorse).
pub struct Endorsed {
    /// The chaincode's answer.
    pub answer: Answer,
    /// The message of the response.
    pub(super) message: String,
    pub(super) chaincode: String,
    pub(super) simulation: Rc<Simulation>,
    /// None: all that are required.
    pub(super) endorsers: Option<BTreeSet<String>>,
}

impl Endorsed {
    /// Refuses a status that the Gateway does not submit.
    pub(super) fn check_status(&self) -> Result<()> {
        let (status, message) = (self.answer.status, &self.message);
        match status {
            ..200 => Err(Error::internal(format!(
                "proposal response was not successful, error code {status}, msg {message}"
            ))),
            _ => Ok(()),
        }
    }
}

/// The outcome of a transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The chaincode's answer.
    pub answer: Answer,
    /// The verdict: whether its writes are applied.
    pub code: TxValidationCode,
    /// The number of the block; the first one is 1.
    pub block: u64,
}

/// The event of a valid transaction, as a listener of blocks receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChaincodeEvent {
    /// The number of its block; the first one is 1.
    pub block: u64,
    /// The id of its transaction.
    pub tx_id: String,
    /// The chaincode that the client called.
    pub chaincode: String,
    /// The name that the chaincode gave it.
    pub name: String,
    /// In the chaincode's own format.
    pub payload: Vec<u8>,
}

/// One transaction of a block.
pub(super) struct Candidate {
    pub(super) chaincode: String,
    pub(super) tx_id: String,
    pub(super) timestamp: Timestamp,
    pub(super) reads: Reads,
    pub(super) writes: Writes,
    pub(super) endorsers: Option<BTreeSet<String>>,
}

/// The state of a block that is being committed.
pub(super) struct Judge<'a> {
    world: &'a mut World,
    definitions: &'a BTreeMap<String, Definition>,
    /// Keys whose policy an earlier transaction of the block has changed.
    changed: BTreeSet<Key>,
    /// Keys whose value an earlier transaction of the block has written or deleted.
    written: BTreeSet<Key>,
}

impl<'a> Judge<'a> {
    /// Begins a block.
    pub(super) fn new(world: &'a mut World, definitions: &'a BTreeMap<String, Definition>) -> Self {
        Self { world, definitions, changed: BTreeSet::new(), written: BTreeSet::new() }
    }

    /// Judges a transaction and, if it is valid, applies its writes.
    pub(super) fn add(&mut self, tx: Candidate, version: Version) -> TxValidationCode {
        let code = self.code(&tx);
        if code == TxValidationCode::Valid {
            self.changed.extend(tx.writes.metadata.keys().cloned());
            self.written.extend(tx.writes.values.keys().cloned());
            self.world.commit(tx.writes, &tx.tx_id, tx.timestamp, version);
        }
        code
    }

    /// Ends a block: removes expired private data and its hashes. Fabric:
    /// `core/ledger/kvledger/txmgmt/pvtstatepurgemgmt/purge_mgr.go`.
    pub(super) fn end(self, block: u64) {
        let definitions = self.definitions;
        if !definitions.values().any(Definition::has_expiries) {
            return;
        }
        self.world.retain(|place, written| {
            let definition = definitions.get(place.chaincode());
            let last = definition.and_then(|it| it.last_block(place.collection(), written.block));
            last.is_none_or(|last| block <= last)
        });
    }

    fn code(&self, tx: &Candidate) -> TxValidationCode {
        if !tx.endorsers.as_ref().is_none_or(|endorsers| self.is_endorsed(tx, endorsers)) {
            return TxValidationCode::EndorsementPolicyFailure;
        }
        // Deleting a missing key keeps its version None, but still conflicts.
        let is_current = |(key, version): (&Key, &Option<Version>)| {
            !self.written.contains(key) && self.world.version(key) == *version
        };
        if !tx.reads.keys.iter().all(is_current) {
            return TxValidationCode::MvccReadConflict;
        }
        match tx.reads.ranges.iter().all(|range| self.is_unchanged(range)) {
            true => TxValidationCode::Valid,
            false => TxValidationCode::PhantomReadConflict,
        }
    }

    /// Returns true if a range still has exactly the rows that the peer read.
    fn is_unchanged(&self, range: &RangeRead) -> bool {
        let RangeRead { place, start, end, rows, read } = range;
        let (count, is_exhausted) = read.get();
        let now = self.world.versions(place, start, end);
        let seen = rows.get(..count).unwrap_or(rows);
        match is_exhausted {
            true => now == seen,
            false => {
                let last = seen.last().map(|(key, _)| key.as_str()).unwrap_or_default();
                let upto = now.iter().take_while(|(key, _)| key.as_str() <= last).count();
                now.get(..upto) == Some(seen)
            }
        }
    }

    /// Returns true if all policies of a transaction's writes are satisfied: the key's own policy,
    /// or else the policy of its collection or chaincode.
    fn is_endorsed(&self, tx: &Candidate, endorsers: &BTreeSet<String>) -> bool {
        let touched: BTreeSet<&Key> =
            tx.writes.values.keys().chain(tx.writes.metadata.keys()).collect();
        if touched.iter().any(|key| self.changed.contains(*key)) {
            return false;
        }
        let satisfies = |policy: &Policy| policy.is_satisfied_by(endorsers);
        let default = |chaincode: &str, collection: &str| {
            let definition = self.definitions.get(chaincode);
            let policy = match collection.strip_prefix(IMPLICIT) {
                // The organization's endorsement policy: a signature of one of its peers.
                Some(msp_id) => Some(Policy::signed_by(Role::Peer, msp_id)),
                None => definition.and_then(|definition| definition.policy_of(collection)),
            };
            policy.is_none_or(|policy| satisfies(&policy))
        };
        if touched.is_empty() {
            return default(&tx.chaincode, "");
        }
        touched.into_iter().all(|(place, key)| {
            match self.world.metadata(place, key).remove(POLICY).filter(|own| !own.is_empty()) {
                Some(own) => Policy::from_bytes(&own).is_ok_and(|own| satisfies(&own)),
                None => default(place.chaincode(), place.collection()),
            }
        })
    }
}
