//! What is behind a chaincode's name on a channel: `_lifecycle` knows, or else LSCC (fabric
//! `core/chaincode/lifecycle/endorsement_info.go`; what Fabric keeps in `cache.go` is read here
//! from the height that the transaction reads, and kept for that height).
//!
//! Invariant: of all that is looked at, only the definition's sequence is recorded as a read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::chaincode::package::{Approvable, PackageStore, ccid};
use crate::chaincode::tx_params::TxParams;
use wasmcc_channel::definition::{
    CHAINCODE_SOURCES, Definition, NAMESPACES, OpaqueState, ReadableState, implicit_collection,
    local_package, metadata_prefix, package_id_key, sequence, sequence_key,
};
use wasmcc_ledger::{LedgerError, Snapshot};
use wasmcc_types::{Entry, LIFECYCLE};

/// The key in a chaincode's own namespace that holds the version that was initialized.
pub(super) const INITIALIZED: &str = "\u{0}\u{10FFFF}initialized";

/// What a transaction needs to know of a chaincode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChaincodeInfo {
    /// What it is launched by: a package id, or LSCC's "name:version".
    pub id: String,
    /// The version that the channel agreed on.
    pub version: String,
    /// Who signs, usually "escc".
    pub endorsement_plugin: String,
    /// Whether it must be initialized once in each version.
    pub init_required: bool,
}

/// What is known of definitions at one height of one channel, and with which packages.
#[derive(Default)]
pub(super) struct Lookup {
    known: Mutex<HashMap<Key, Known>>,
}

/// Channel, organization and chaincode.
pub(super) type Key = (Arc<str>, Arc<str>, String);

struct Known {
    height: u64,
    packages: Arc<Approvable>,
    found: Result<Found, String>,
}

/// A committed definition, as far as a peer of one organization is concerned.
#[derive(Clone, Debug)]
pub struct Found {
    /// What the channel agreed on.
    pub definition: Definition,
    /// Whether the organization approved just that.
    pub approved: bool,
    /// The package that it chose, if that is installed here.
    pub package_id: Option<String>,
}

/// Reads at one height that nobody records: public state of `_lifecycle`, and one collection's
/// hashes.
pub(super) struct Unrecorded<'a> {
    snapshot: &'a Snapshot,
    collection: String,
}

impl<'a> Unrecorded<'a> {
    /// What peers of `msp_id` see.
    pub(super) fn new(snapshot: &'a Snapshot, msp_id: &str) -> Self {
        Self { snapshot, collection: implicit_collection(msp_id) }
    }
}

impl ReadableState for Unrecorded<'_> {
    type Error = String;

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, String> {
        let found = self.snapshot.get(LIFECYCLE, key).map_err(|e| e.to_string())?;
        Ok(found.map(|found| found.value))
    }
}

impl OpaqueState for Unrecorded<'_> {
    type HashError = String;

    fn get_hash(&mut self, key: &str) -> Result<Option<Vec<u8>>, String> {
        let found = self.snapshot.get_private_hash(LIFECYCLE, &self.collection, key);
        Ok(found.map_err(|e| e.to_string())?.map(|found| found.value))
    }
}

impl Found {
    /// Looks a definition up; none if there is none.
    pub fn read(
        name: &str,
        snapshot: &Snapshot,
        msp_id: &str,
        packages: &Approvable,
    ) -> Result<Option<Self>, String> {
        let mut state = Unrecorded::new(snapshot, msp_id);
        let found = Definition::find(name, &mut state).map_err(|error| error.to_string())?;
        let Some(definition) = found else { return Ok(None) };
        let private_name = format!("{name}#{}", definition.sequence);
        let stored = definition.parameters.stored();
        let mismatches = stored.mismatches(NAMESPACES, &private_name, &mut state);
        let approved = mismatches.map_err(|error| error.to_string())?.is_empty();
        let mut package_id = None;
        if approved && local_package("").is_kind_of(CHAINCODE_SOURCES, &private_name, &mut state)? {
            let hash = state.get_hash(&package_id_key(&private_name))?;
            let hash = hash.and_then(|hash| <[u8; 32]>::try_from(hash).ok());
            package_id = hash.and_then(|hash| packages.get(&hash).cloned());
        }
        Ok(Some(Self { definition, approved, package_id }))
    }

    /// The keys that an organization's approval of the definition of `name` has in its collection.
    pub fn approval_keys(&self, name: &str) -> Vec<String> {
        let private_name = format!("{name}#{}", self.definition.sequence);
        let (parameters, package) = (self.definition.parameters.stored(), local_package(""));
        let parameters = parameters.keys(NAMESPACES, &private_name);
        parameters.chain(package.keys(CHAINCODE_SOURCES, &private_name)).collect()
    }
}

/// The names that `_lifecycle` knows, ascending.
pub fn defined_names(snapshot: &Snapshot) -> Result<Vec<String>, LedgerError> {
    let prefix = metadata_prefix(NAMESPACES);
    let rows = snapshot.range(LIFECYCLE, &prefix, &format!("{prefix}\u{7f}"));
    rows.map(|row| Ok(row?.0.strip_prefix(&prefix).unwrap_or_default().to_owned())).collect()
}

impl Lookup {
    /// What `_lifecycle` says of a chaincode, if it knows it (`CachedChaincodeInfo`). In
    /// development a chaincode without package is one that connects as "name:version".
    pub(super) fn lifecycle(
        &self,
        tx: &TxParams,
        name: &str,
        packages: &PackageStore,
        dev: bool,
    ) -> Result<Option<ChaincodeInfo>, String> {
        let channel = &tx.channel_id;
        let failed = |why: String| {
            format!(
                "could not get current sequence for chaincode '{name}' on channel '{channel}': \
                 {why}"
            )
        };
        let (sequence, snapshot) = {
            let mut state = Recorded::of(tx).map_err(failed)?;
            let sequence = sequence(name, &mut state).map_err(|why| failed(why.to_string()))?;
            (sequence, state.0.snapshot().clone())
        };
        // Committed sequences begin at 1.
        if sequence == 0 {
            return Ok(None);
        }
        let approvable = packages.approvable().map_err(|error| error.to_string())?;
        let key = (Arc::clone(channel), Arc::clone(&tx.org), name.to_owned());
        let found = self.found(key, &snapshot, approvable)?;
        if !found.approved {
            return Err(format!(
                "chaincode definition for '{name}' at sequence {sequence} on channel '{channel}' \
                 has not yet been approved by this org"
            ));
        }
        let Definition { parameters, .. } = found.definition;
        let info = parameters.endorsement_info;
        let id = match found.package_id {
            Some(id) => id,
            None if dev => ccid(name, &info.version),
            None => {
                return Err(format!(
                    "chaincode definition for '{name}' exists, but chaincode is not installed"
                ));
            }
        };
        Ok(Some(ChaincodeInfo {
            id,
            version: info.version,
            endorsement_plugin: info.endorsement_plugin,
            init_required: info.init_required,
        }))
    }

    /// A definition that is there, at one height and with these packages.
    pub(super) fn found(
        &self,
        key: Key,
        snapshot: &Snapshot,
        packages: Arc<Approvable>,
    ) -> Result<Found, String> {
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let height = snapshot.height();
        if let Some(known) = lock().get(&key)
            && known.height == height
            && Arc::ptr_eq(&known.packages, &packages)
        {
            return known.found.clone();
        }
        let (_, org, name) = &key;
        let found = Found::read(name, snapshot, org, &packages)
            .and_then(|found| found.ok_or_else(|| format!("unknown chaincode '{name}'")));
        lock().insert(key, Known { height, packages, found: found.clone() });
        found
    }
}

/// The simulator of a transaction, as the public state of `_lifecycle`.
struct Recorded<'a>(MutexGuard<'a, wasmcc_ledger::Simulator>);

impl<'a> Recorded<'a> {
    fn of(tx: &'a TxParams) -> Result<Self, String> {
        let simulator = tx.simulator.as_ref().ok_or("no ledger context")?;
        let simulator = simulator.lock();
        simulator.map(Self).map_err(|_| "the simulation ended with a panic".into())
    }
}

impl ReadableState for Recorded<'_> {
    type Error = String;

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.0.get_state(LIFECYCLE, key).map_err(|error| error.to_string())
    }
}

/// Whether `_lifecycle` knows a chaincode; the answer counts as a read of the transaction.
pub(super) fn is_defined(tx: &TxParams, name: &str) -> Result<bool, String> {
    let mut state = Recorded::of(tx)?;
    state.get(&sequence_key(name)).map(|sequence| sequence.is_some())
}

/// How a chaincode may be called now: as a transaction, or once in each version as its init (fabric
/// `core/chaincode/chaincode_support.go`, `CheckInvocation`).
pub(super) fn check_invocation(
    tx: &TxParams,
    name: &str,
    info: &ChaincodeInfo,
    is_init: bool,
) -> Result<Entry, String> {
    if !info.init_required {
        return match is_init {
            true => Err(format!(
                "chaincode '{name}' does not require initialization but called as init"
            )),
            false => Ok(Entry::Invoke),
        };
    }
    let mut simulator = Recorded::of(tx)?.0;
    let initialized = simulator
        .get_state(name, INITIALIZED)
        .map_err(|e| format!("could not get 'initialized' key: {e}"))?;
    let is_initialized = initialized.as_deref() == Some(info.version.as_bytes());
    match (is_init, is_initialized) {
        (true, true) => {
            Err(format!("chaincode '{name}' is already initialized but called as init"))
        }
        (false, false) => Err(format!(
            "chaincode '{name}' has not been initialized for this version, must call as init first"
        )),
        (false, true) => Ok(Entry::Invoke),
        (true, false) => {
            simulator
                .put_state(name, INITIALIZED, info.version.clone().into_bytes())
                .map_err(|e| format!("could not set 'initialized' key: {e}"))?;
            Ok(Entry::Init)
        }
    }
}
