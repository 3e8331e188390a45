//! The packages installed on this peer, with the look-ups for LSCC.
//!
//! Invariant: a package never changes once it is installed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use prost::Message;

use crate::chaincode::package::description::Description;
use crate::chaincode::package::error::{ComponentError, InvalidSpec, PackageError};
use crate::chaincode::package::installs::{InstallTurn, Installs};
use crate::chaincode::package::lscc_package::{LsccPackage, ccid};
use crate::chaincode::package::program_bundle::ProgramBundle;
use wasmcc_ledger::{LedgerError, Ledgers};
use wasmcc_runtime::{Component, Runtime, Waiter};
use wasmcc_types::{Share, ShareFull};

/// Prefix of the peer's keys for packages of LSCC.
pub(super) const PREFIX: &str = "chaincodes/";
/// Prefix of the peer's keys for packages of `_lifecycle`.
pub(super) const PREFIX_2X: &str = "packages/";

/// The packages installed on a peer, both LSCC's and those of `_lifecycle`. They are stored beside
/// its ledgers.
pub struct PackageStore {
    pub(super) ledgers: Arc<Ledgers>,
    pub(super) runtime: Arc<Runtime>,
    /// Seals by "name:version". A package never changes after its install.
    seals: RwLock<HashMap<String, Arc<Seal>>>,
    /// The ids of chaincodes that may connect, with the hashes of their secrets; computed on
    /// demand.
    expected: Mutex<Option<BTreeMap<String, Option<[u8; 32]>>>>,
    /// Packages of `_lifecycle` by the hash in approvals; computed on demand.
    pub(super) approvable: RwLock<Option<Arc<Approvable>>>,
    /// Held while a package is written to disk. Proposals do not need this lock.
    pub(super) storing: Mutex<()>,
    installs: Arc<Installs>,
}

/// Ids of packages of `_lifecycle`, by the hash in approvals.
pub type Approvable = BTreeMap<[u8; 32], String>;

/// The part of a package that must agree with the definition on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Serialized `protos.CDSData`.
    pub fingerprint: Vec<u8>,
    /// As in the package; empty if its owners set none.
    pub instantiation_policy: Vec<u8>,
}

/// The reason why a chaincode may not connect by itself.
#[derive(Debug, thiserror::Error)]
pub enum ExpectError {
    /// No package with this id describes a chaincode that connects. Fabric's text, up to the
    /// parenthesis.
    #[error(
        "peer will not accept external chaincode connection {ccid} (except in dev mode); {}",
        listed(expected)
    )]
    Unexpected {
        /// The id in REGISTER.
        ccid: String,
        /// The ids of the chaincodes that may connect.
        expected: Vec<String>,
    },
    /// The packages cannot be read.
    #[error(transparent)]
    Packages(#[from] PackageError),
}

fn listed(expected: &[String]) -> String {
    match expected {
        [] => "no installed chaincode connects by itself".to_owned(),
        ids => format!("expected is {}", ids.join(" or ")),
    }
}

impl PackageStore {
    /// Makes the store of the packages beside `ledgers`, for `runtime`.
    pub fn new(ledgers: Arc<Ledgers>, runtime: Arc<Runtime>) -> Self {
        let (seals, expected, approvable, storing, installs) = Default::default();
        Self { ledgers, runtime, seals, expected, approvable, storing, installs }
    }

    /// Waits for the turn of an install; `bytes` is the size of its request. Installs compile, so
    /// only a few run at a time.
    ///
    /// # Errors
    /// Too many installs wait: in total, of the organization or of the client.
    pub async fn install_turn(
        &self,
        share: &Share,
        bytes: usize,
    ) -> Result<InstallTurn, ShareFull> {
        self.installs.turn(share, bytes).await
    }

    /// Admits, compiles and stores a package, which was read from `bytes`. Returns its contents.
    /// Blocks the thread. A caller with a `waiter` may leave, which ends the compilation. `belongs`
    /// records the owner before other callers can find the package.
    pub fn install_lscc<'a>(
        &self,
        package: &'a LsccPackage,
        bytes: &[u8],
        waiter: Option<&Waiter>,
        belongs: impl FnOnce() -> Result<(), LedgerError>,
    ) -> Result<ProgramBundle<'a>, PackageError> {
        let ccid = package.ccid();
        let is_free = || match self.stored(&ccid)? {
            Some(_) => Err(PackageError::Exists(ccid.clone())),
            None => Ok(()),
        };
        is_free()?;
        let bundle = package.bundle()?;
        if Description::of(&bundle.program).map_err(InvalidSpec::from)?.is_none() {
            self.component(&ccid, &bundle.program, waiter)?;
        }
        // Of two concurrent installs of the same package, one must be refused.
        let _alone = self.storing.lock().unwrap_or_else(PoisonError::into_inner);
        is_free()?;
        belongs()?;
        self.ledgers.put_peer_value(&format!("{PREFIX}{ccid}"), bytes)?;
        // Computed again when it is needed, with this package.
        *self.expected.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(bundle)
    }

    /// Checks that a chaincode with this id may connect. Returns the hash of its secret, if its
    /// package has one.
    pub fn expect(&self, ccid: &str) -> Result<Option<[u8; 32]>, ExpectError> {
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = match &mut *expected {
            Some(expected) => expected,
            unknown => {
                let connects = |package: LsccPackage| match package.description() {
                    Ok(Some(Description::Connects(secret))) => Some((package.ccid(), secret)),
                    _ => None,
                };
                unknown.insert(self.list()?.into_iter().filter_map(connects).collect())
            }
        };
        expected.get(ccid).copied().ok_or_else(|| ExpectError::Unexpected {
            ccid: ccid.to_owned(),
            expected: expected.keys().cloned().collect(),
        })
    }

    /// Returns the package of `name` in `version`.
    pub fn get(&self, name: &str, version: &str) -> Result<LsccPackage, PackageError> {
        let ccid = ccid(name, version);
        match self.ledgers.get_peer_value(&format!("{PREFIX}{ccid}"))? {
            Some(bytes) => LsccPackage::parse(&bytes),
            None => Err(PackageError::NotInstalled(ccid)),
        }
    }

    /// Returns the seal of `name` in `version`. Cached, since every proposal needs it.
    pub fn seal(&self, name: &str, version: &str) -> Result<Arc<Seal>, PackageError> {
        let ccid = ccid(name, version);
        let seals = self.seals.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(seal) = seals.get(&ccid) {
            return Ok(Arc::clone(seal));
        }
        drop(seals);
        let package = self.get(name, version)?;
        let seal = Arc::new(Seal {
            fingerprint: package.fingerprint().encode_to_vec(),
            instantiation_policy: package.instantiation_policy,
        });
        let mut seals = self.seals.write().unwrap_or_else(PoisonError::into_inner);
        seals.insert(ccid, Arc::clone(&seal));
        Ok(seal)
    }

    /// Returns all packages, ascending by name and version.
    pub fn list(&self) -> Result<Vec<LsccPackage>, PackageError> {
        let keys = self.ledgers.peer_value_keys(PREFIX)?;
        let stored = keys.iter().filter_map(|key| self.ledgers.get_peer_value(key).transpose());
        stored.map(|bytes| LsccPackage::parse(&bytes?)).collect()
    }

    /// Compiles the component of the package `name`, or returns it from the cache. A caller with a
    /// `waiter` may leave.
    pub(super) fn component(
        &self,
        name: &str,
        wasm: &[u8],
        waiter: Option<&Waiter>,
    ) -> Result<Arc<Component>, ComponentError> {
        let refused = |source| ComponentError::Refused { name: name.to_owned(), source };
        let loaded = match waiter {
            Some(waiter) => self.runtime.load_for(wasm, waiter),
            None => self.runtime.load(wasm),
        };
        loaded.map_err(refused)
    }
}
