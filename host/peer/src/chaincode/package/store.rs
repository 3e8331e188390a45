//! The packages that are installed on this peer, and what LSCC needs of them.
//!
//! Invariant: a package never changes once it is installed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use prost::Message;

use crate::chaincode::package::description::Description;
use crate::chaincode::package::error::{ComponentError, InvalidSpec, PackageError};
use crate::chaincode::package::lscc_package::{LsccPackage, ccid};
use crate::chaincode::package::program_bundle::ProgramBundle;
use wasmcc_ledger::Ledgers;
use wasmcc_runtime::{Component, Runtime};

/// Prefix of the peer's keys under which packages lie.
pub(super) const PREFIX: &str = "chaincodes/";
/// The same for packages of Fabric 2.x, which `_lifecycle` installs.
pub(super) const PREFIX_2X: &str = "packages/";

/// The packages that are installed on a peer, both LSCC's and those of `_lifecycle`. They are kept
/// beside its ledgers.
pub struct PackageStore {
    pub(super) ledgers: Arc<Ledgers>,
    pub(super) runtime: Arc<Runtime>,
    /// A package never changes once it is installed, so what was read once holds.
    seals: RwLock<HashMap<String, Arc<Seal>>>,
    /// The ids under which chaincodes may connect, with the hashes of their secrets; none until
    /// somebody asks.
    expected: Mutex<Option<BTreeMap<String, Option<[u8; 32]>>>>,
    /// Install packages by the hash that approvals have of their ids; none until somebody asks.
    pub(super) approvable: RwLock<Option<Arc<Approvable>>>,
}

/// Ids of install packages, by hash.
pub type Approvable = BTreeMap<[u8; 32], String>;

/// What ties a definition on a channel to the package on this peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Serialized `protos.CDSData`.
    pub fingerprint: Vec<u8>,
    /// As in the package; empty if its owners did not say.
    pub instantiation_policy: Vec<u8>,
}

/// Why a chaincode may not connect by itself.
#[derive(Debug, thiserror::Error)]
pub enum ExpectError {
    /// No package says that it connects; Fabric's words, as far as the parenthesis.
    #[error(
        "peer will not accept external chaincode connection {ccid} (except in dev mode); {}",
        listed(expected)
    )]
    Unexpected {
        /// What it says it is.
        ccid: String,
        /// The ids of those that may connect.
        expected: Vec<String>,
    },
    /// The packages cannot be read.
    #[error(transparent)]
    Packages(#[from] PackageError),
}

fn listed(expected: &[String]) -> String {
    match expected {
        [] => "none is installed that connects by itself".to_owned(),
        ids => format!("expected is {}", ids.join(" or ")),
    }
}

impl PackageStore {
    /// The packages that lie beside `ledgers`, for `runtime`.
    pub fn new(ledgers: Arc<Ledgers>, runtime: Arc<Runtime>) -> Self {
        let (seals, expected, approvable) = Default::default();
        Self { ledgers, runtime, seals, expected, approvable }
    }

    /// Admits, compiles and stores a package, which was read from `bytes`; returns what it holds.
    pub fn install_lscc<'a>(
        &self,
        package: &'a LsccPackage,
        bytes: &[u8],
    ) -> Result<ProgramBundle<'a>, PackageError> {
        let ccid = package.ccid();
        let is_free = || match self.stored(&ccid)? {
            Some(_) => Err(PackageError::Exists(ccid.clone())),
            None => Ok(()),
        };
        is_free()?;
        let bundle = package.bundle()?;
        if Description::of(&bundle.program).map_err(InvalidSpec::from)?.is_none() {
            self.component(&ccid, &bundle.program)?;
        }
        // Of two that are installed at the same time, one must be refused.
        let _alone = self.seals.write().unwrap_or_else(PoisonError::into_inner);
        is_free()?;
        self.ledgers.put_peer_value(&format!("{PREFIX}{ccid}"), bytes)?;
        // It is computed anew, with this one.
        *self.expected.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(bundle)
    }

    /// The hash of the secret with which a chaincode of this id may connect, if its package has
    /// one.
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

    /// The package of `name` in `version`.
    pub fn get(&self, name: &str, version: &str) -> Result<LsccPackage, PackageError> {
        let ccid = ccid(name, version);
        match self.ledgers.get_peer_value(&format!("{PREFIX}{ccid}"))? {
            Some(bytes) => LsccPackage::parse(&bytes),
            None => Err(PackageError::NotInstalled(ccid)),
        }
    }

    /// What a definition of `name` in `version` must agree with. Cheap: every proposal asks.
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

    /// All packages, ascending by name and version.
    pub fn list(&self) -> Result<Vec<LsccPackage>, PackageError> {
        let keys = self.ledgers.peer_value_keys(PREFIX)?;
        let stored = keys.iter().filter_map(|key| self.ledgers.get_peer_value(key).transpose());
        stored.map(|bytes| LsccPackage::parse(&bytes?)).collect()
    }

    /// The compiled component of the package that runs as `name`.
    pub(super) fn component(
        &self,
        name: &str,
        wasm: &[u8],
    ) -> Result<Arc<Component>, ComponentError> {
        let refused = |source| ComponentError::Refused { name: name.to_owned(), source };
        self.runtime.load(wasm).map_err(refused)
    }
}
