//! Looks up a chaincode's definition in `_lifecycle` (fabric
//! `core/chaincode/lifecycle/endorsement_info.go`). Fabric keeps definitions in `cache.go`. Here
//! they are read at the transaction's height and cached until a block changes their namespace or
//! collection.
//!
//! Invariant: only the definition's sequence is recorded as a read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::chaincode::execute::error::InvocationError;
use crate::chaincode::package::{Approvable, PackageError, PackageStore, ccid};
use crate::chaincode::tx_params::{StateError, TxParams};
use wasmcc_channel::definition::{
    CHAINCODE_SOURCES, CompareError, Definition, FindError, NAMESPACES, OpaqueState, ReadError,
    ReadableState, implicit_collection, local_package, metadata_prefix, package_id_key, sequence,
    sequence_key,
};
use wasmcc_ledger::{LedgerError, Snapshot};
use wasmcc_types::proto::protos;
use wasmcc_types::{Entry, LIFECYCLE};

/// The key in a chaincode's own namespace that contains the version that was initialized.
pub(super) const INITIALIZED: &str = "\u{0}\u{10FFFF}initialized";

/// The part of a chaincode's definition that a transaction needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChaincodeInfo {
    /// The id under which it is launched: a package id, or LSCC's "name:version".
    pub id: String,
    /// The version that the channel agreed on.
    pub version: String,
    /// The endorsement plugin, usually "escc".
    pub endorsement_plugin: String,
    /// True if it must be initialized once in each version.
    pub init_required: bool,
}

impl From<protos::ChaincodeData> for ChaincodeInfo {
    /// Converts LSCC's definition of a chaincode.
    fn from(data: protos::ChaincodeData) -> Self {
        Self {
            id: ccid(&data.name, &data.version),
            version: data.version,
            endorsement_plugin: data.escc,
            init_required: false,
        }
    }
}

/// Cached definitions, each read with one set of packages.
#[derive(Default)]
pub(super) struct Lookup {
    known: Mutex<HashMap<FoundKey, Known>>,
}

/// The key of a cached definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FoundKey {
    pub channel: Arc<str>,
    /// The MSP id of the organization whose approval counts.
    pub org: Arc<str>,
    pub chaincode: String,
}

struct Known {
    /// The lowest height with the same definitions.
    since: u64,
    packages: Arc<Approvable>,
    found: Result<FoundDefinition, Arc<FoundError>>,
}

/// The reason why a definition of `_lifecycle` cannot be used on this peer.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// The current sequence cannot be read.
    #[error("could not get current sequence for chaincode '{name}' on channel '{channel}': {why}")]
    Sequence {
        /// The chaincode.
        name: String,
        /// The channel.
        channel: String,
        /// The cause.
        why: Box<SequenceError>,
    },
    /// The packages of this peer cannot be listed.
    #[error(transparent)]
    Packages(#[from] PackageError),
    /// The definition cannot be read. All look-ups at this height get the same error.
    #[error(transparent)]
    Definition(#[from] Arc<FoundError>),
    /// The peer's organization has not approved it.
    #[error(
        "chaincode definition for '{name}' at sequence {sequence} on channel '{channel}' has not \
         yet been approved by this org"
    )]
    NotApproved {
        /// The chaincode.
        name: String,
        /// The sequence of the definition.
        sequence: i64,
        /// The channel.
        channel: String,
    },
    /// The organization has not chosen a package, or the package is not on this peer.
    #[error("chaincode definition for '{0}' exists, but chaincode is not installed")]
    NotInstalled(String),
}

/// The reason why the sequence of a definition cannot be read in a simulation.
#[derive(Debug, thiserror::Error)]
pub enum SequenceError {
    /// The call has no state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The stored sequence cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError<LedgerError>),
}

/// The reason why a definition, or an organization's approval of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// The definition existed, but does not at this height.
    #[error("unknown chaincode '{0}'")]
    Unknown(String),
    /// The definition cannot be read.
    #[error(transparent)]
    Definition(#[from] FindError<LedgerError>),
    /// The approval cannot be read.
    #[error(transparent)]
    Approval(#[from] CompareError<LedgerError>),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] LedgerError),
}

/// A committed definition, and one organization's approval of it.
#[derive(Clone, Debug)]
pub struct FoundDefinition {
    /// The definition.
    pub definition: Definition,
    /// True if the organization approved exactly this definition.
    pub approved: bool,
    /// The package that the organization chose, if it is installed here.
    pub package_id: Option<String>,
}

/// Unrecorded reads at one height: of the public state of `_lifecycle`, and of the hashes of one
/// collection.
pub(super) struct UnrecordedState<'a> {
    snapshot: &'a Snapshot,
    collection: String,
}

impl<'a> UnrecordedState<'a> {
    /// Makes the state with the approvals of `msp_id`.
    pub(super) fn new(snapshot: &'a Snapshot, msp_id: &str) -> Self {
        Self { snapshot, collection: implicit_collection(msp_id) }
    }
}

impl ReadableState for UnrecordedState<'_> {
    type Error = LedgerError;

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.snapshot.get(LIFECYCLE, key)?.map(|found| found.value))
    }
}

impl OpaqueState for UnrecordedState<'_> {
    type HashError = LedgerError;

    fn get_hash(&mut self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        let found = self.snapshot.get_private_hash(LIFECYCLE, &self.collection, key)?;
        Ok(found.map(|found| found.value))
    }
}

impl FoundDefinition {
    /// Looks up a definition. Returns None if the channel does not define the name.
    pub fn read(
        name: &str,
        snapshot: &Snapshot,
        msp_id: &str,
        packages: &Approvable,
    ) -> Result<Option<Self>, FoundError> {
        let mut state = UnrecordedState::new(snapshot, msp_id);
        let Some(definition) = Definition::find(name, &mut state)? else { return Ok(None) };
        let private_name = format!("{name}#{}", definition.sequence);
        let stored = definition.parameters.stored();
        let approved = stored.mismatches(NAMESPACES, &private_name, &mut state)?.is_empty();
        let mut package_id = None;
        if approved && local_package("").is_kind_of(CHAINCODE_SOURCES, &private_name, &mut state)? {
            let hash = state.get_hash(&package_id_key(&private_name))?;
            let hash = hash.and_then(|hash| <[u8; 32]>::try_from(hash).ok());
            package_id = hash.and_then(|hash| packages.get(&hash).cloned());
        }
        Ok(Some(Self { definition, approved, package_id }))
    }

    /// Returns the keys of an organization's approval of the definition of `name` in its
    /// collection.
    pub fn approval_keys(&self, name: &str) -> Vec<String> {
        let private_name = format!("{name}#{}", self.definition.sequence);
        let (parameters, package) = (self.definition.parameters.stored(), local_package(""));
        let parameters = parameters.keys(NAMESPACES, &private_name);
        parameters.chain(package.keys(CHAINCODE_SOURCES, &private_name)).collect()
    }
}

/// Returns the names that `_lifecycle` defines, ascending.
pub fn defined_names(snapshot: &Snapshot) -> Result<Vec<String>, LedgerError> {
    let prefix = metadata_prefix(NAMESPACES);
    let rows = snapshot.range(LIFECYCLE, &prefix, &format!("{prefix}\u{7f}"));
    rows.map(|row| Ok(row?.0.strip_prefix(&prefix).unwrap_or_default().to_owned())).collect()
}

impl Lookup {
    /// Looks up a chaincode in `_lifecycle` (`CachedChaincodeInfo`). Returns None if it does not
    /// define the name. In development mode, a chaincode without a package connects as
    /// "name:version".
    pub(super) fn lifecycle(
        &self,
        tx: &TxParams,
        name: &str,
        packages: &PackageStore,
        dev: bool,
    ) -> Result<Option<ChaincodeInfo>, LookUpError> {
        let channel = &tx.channel_id;
        let failed = |why: SequenceError| {
            let (name, channel) = (name.to_owned(), channel.to_string());
            LookUpError::Sequence { name, channel, why: Box::new(why) }
        };
        let (sequence, snapshot) = {
            let mut state = RecordedState::of(tx).map_err(|error| failed(error.into()))?;
            let sequence = sequence(name, &mut state).map_err(|error| failed(error.into()))?;
            (sequence, state.0.snapshot().clone())
        };
        // Committed sequences begin at 1.
        if sequence == 0 {
            return Ok(None);
        }
        let approvable = packages.approvable()?;
        let (channel_id, org) = (Arc::clone(channel), Arc::clone(&tx.org));
        let key = FoundKey { channel: channel_id, org, chaincode: name.to_owned() };
        let found = self.found(key, &snapshot, approvable)?;
        if !found.approved {
            let (name, channel) = (name.to_owned(), channel.to_string());
            return Err(LookUpError::NotApproved { name, sequence, channel });
        }
        let Definition { parameters, .. } = found.definition;
        let info = parameters.endorsement_info;
        let id = match found.package_id {
            Some(id) => id,
            None if dev => ccid(name, &info.version),
            None => return Err(LookUpError::NotInstalled(name.to_owned())),
        };
        Ok(Some(ChaincodeInfo {
            id,
            version: info.version,
            endorsement_plugin: info.endorsement_plugin,
            init_required: info.init_required,
        }))
    }

    /// Returns an existing definition at one height, with these packages.
    pub(super) fn found(
        &self,
        key: FoundKey,
        snapshot: &Snapshot,
        packages: Arc<Approvable>,
    ) -> Result<FoundDefinition, Arc<FoundError>> {
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let since = snapshot.unchanged_since([LIFECYCLE]);
        if let Some(known) = lock().get(&key)
            && known.since == since
            && Arc::ptr_eq(&known.packages, &packages)
        {
            return known.found.clone();
        }
        let FoundKey { org, chaincode: name, .. } = &key;
        let found = FoundDefinition::read(name, snapshot, org, &packages)
            .and_then(|found| found.ok_or_else(|| FoundError::Unknown(name.clone())));
        let found = found.map_err(Arc::new);
        lock().insert(key, Known { since, packages, found: found.clone() });
        found
    }
}

/// The simulator of a transaction, as the public state of `_lifecycle`.
struct RecordedState<'a>(MutexGuard<'a, wasmcc_ledger::Simulator>);

impl<'a> RecordedState<'a> {
    fn of(tx: &'a TxParams) -> Result<Self, StateError> {
        tx.simulator().map(Self)
    }
}

impl ReadableState for RecordedState<'_> {
    type Error = LedgerError;

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        self.0.get_state(LIFECYCLE, key)
    }
}

/// Returns true if `_lifecycle` defines a chaincode; recorded as a read of the transaction.
pub(super) fn is_defined(tx: &TxParams, name: &str) -> Result<bool, StateError> {
    let mut state = RecordedState::of(tx)?;
    Ok(state.get(&sequence_key(name))?.is_some())
}

/// Checks whether a chaincode is called correctly: as a transaction, or once in each version as its
/// init (fabric `core/chaincode/chaincode_support.go`, `CheckInvocation`).
pub(super) fn check_invocation(
    tx: &TxParams,
    name: &str,
    info: &ChaincodeInfo,
    is_init: bool,
) -> Result<Entry, InvocationError> {
    if !info.init_required {
        return match is_init {
            true => Err(InvocationError::InitNotRequired(name.to_owned())),
            false => Ok(Entry::Invoke),
        };
    }
    let mut simulator = tx.simulator()?;
    let initialized =
        simulator.get_state(name, INITIALIZED).map_err(InvocationError::GetInitialized)?;
    let is_initialized = initialized.as_deref() == Some(info.version.as_bytes());
    match (is_init, is_initialized) {
        (true, true) => Err(InvocationError::Initialized(name.to_owned())),
        (false, false) => Err(InvocationError::NotInitialized(name.to_owned())),
        (false, true) => Ok(Entry::Invoke),
        (true, false) => {
            simulator
                .put_state(name, INITIALIZED, info.version.clone().into_bytes())
                .map_err(InvocationError::SetInitialized)?;
            Ok(Entry::Init)
        }
    }
}
