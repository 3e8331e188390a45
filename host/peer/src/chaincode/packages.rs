//! Chaincodes installed on this peer: deployment specs whose code is a component, or says where the
//! chaincode is.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use prost::Message;

use crate::chaincode::code_package::CodePackage;
use crate::chaincode::external::Description;
use wasmcc_channel::definition::{is_legacy_name, is_legacy_version};
use wasmcc_ledger::{LedgerError, Ledgers};
use wasmcc_runtime::{Component, LoadError, Runtime};
use wasmcc_types::proto::protos;
use wasmcc_types::{sha256, sha256_all};

/// Prefix of the peer's keys under which packages lie.
pub(super) const PREFIX: &str = "chaincodes/";
/// The same for packages of Fabric 2.x, which `_lifecycle` installs.
pub(super) const PREFIX_2X: &str = "packages/";

/// An installed chaincode.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Name, version, path.
    pub id: protos::ChaincodeId,
    /// Who may instantiate it, a serialized `common.SignaturePolicyEnvelope`; empty if its owners
    /// did not say.
    pub instantiation_policy: Vec<u8>,
    /// The specification as installed; for what its code package may be see [`CodePackage`].
    pub spec: protos::ChaincodeDeploymentSpec,
}

/// Why a package cannot be installed or used.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The bytes are not what they should be.
    #[error("invalid deployment spec: {0}")]
    Invalid(String),
    /// Name or version break their rules.
    #[error("{0}")]
    Name(String),
    /// Installed already.
    #[error("chaincode {0} exists")]
    Exists(String),
    /// Not installed.
    #[error("chaincode {0} is not installed on this peer")]
    NotInstalled(String),
    /// The component may not run here.
    #[error("the component of chaincode {name} is refused: {source}")]
    Refused {
        /// Name and version.
        name: String,
        /// Why.
        source: LoadError,
    },
    /// The bytes are not an install package that this peer can run.
    #[error("{0}")]
    Unusable(String),
    /// An install package is there already.
    #[error("chaincode already successfully installed (package ID '{0}')")]
    Installed(String),
    /// The peer's store failed.
    #[error(transparent)]
    Store(#[from] LedgerError),
}

/// The packages of a peer, kept beside its ledgers.
pub struct Packages {
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

impl Package {
    /// Reads a serialized `ChaincodeDeploymentSpec` or `SignedChaincodeDeploymentSpec`.
    pub fn parse(bytes: &[u8]) -> Result<Self, PackageError> {
        // A deployment spec without code can be read as a signed one, so the plain one comes first.
        let plain = protos::ChaincodeDeploymentSpec::decode(bytes)
            .is_ok_and(|spec| spec.chaincode_spec.is_some_and(|spec| spec.chaincode_id.is_some()));
        match protos::SignedChaincodeDeploymentSpec::decode(bytes) {
            Ok(signed) if !plain && !signed.chaincode_deployment_spec.is_empty() => {
                Self::from_spec(&signed.chaincode_deployment_spec, signed.instantiation_policy)
            }
            _ => Self::from_spec(bytes, Vec::new()),
        }
    }

    fn from_spec(bytes: &[u8], instantiation_policy: Vec<u8>) -> Result<Self, PackageError> {
        let spec = protos::ChaincodeDeploymentSpec::decode(bytes)
            .map_err(|error| PackageError::Invalid(error.to_string()))?;
        let id = spec
            .chaincode_spec
            .as_ref()
            .and_then(|spec| spec.chaincode_id.clone())
            .ok_or_else(|| PackageError::Invalid("it names no chaincode".into()))?;
        check_name(&id.name)?;
        check_version(&id.version)?;
        if spec.code_package.is_empty() {
            return Err(PackageError::Invalid("it holds no code".into()));
        }
        Ok(Self { id, instantiation_policy, spec })
    }

    /// Where the chaincode is; none if the package holds it.
    pub fn description(&self) -> Result<Option<Description>, PackageError> {
        let program = self.code()?.program;
        Description::of(&program).map_err(PackageError::Invalid)
    }

    /// What the package holds.
    pub fn code(&self) -> Result<CodePackage<'_>, PackageError> {
        CodePackage::read(&self.spec.code_package).map_err(PackageError::Invalid)
    }

    /// "name:version".
    pub fn ccid(&self) -> String {
        ccid(&self.id.name, &self.id.version)
    }

    /// The `CDSData` that ties a definition on a channel to this package.
    pub fn fingerprint(&self) -> protos::CdsData {
        let hash = sha256(&self.spec.code_package).to_vec();
        let names = [self.id.name.as_bytes(), self.id.version.as_bytes()];
        protos::CdsData { hash, metadatahash: sha256_all(names).to_vec() }
    }

    /// What `ChaincodeData.id` holds: a hash over the fingerprint.
    pub fn hash(&self) -> Vec<u8> {
        let protos::CdsData { hash, metadatahash } = self.fingerprint();
        sha256_all([hash.as_slice(), metadatahash.as_slice()]).to_vec()
    }
}

/// The name under which a legacy chaincode registers: "name:version".
pub fn ccid(name: &str, version: &str) -> String {
    format!("{name}:{version}")
}

/// `[A-Za-z0-9_-]+`, the rule of LSCC.
pub fn check_name(name: &str) -> Result<(), PackageError> {
    if is_legacy_name(name) {
        return Ok(());
    }
    Err(PackageError::Name(format!(
        "invalid chaincode name '{name}'. Names must start with an alphanumeric character and can \
         only consist of alphanumerics, '_', and '-'"
    )))
}

/// `[A-Za-z0-9_.+-]+`.
pub fn check_version(version: &str) -> Result<(), PackageError> {
    if is_legacy_version(version) {
        return Ok(());
    }
    Err(PackageError::Name(format!(
        "invalid chaincode version '{version}'. Versions must not be empty and can only consist of \
         alphanumerics, '_',  '-', '+', and '.'"
    )))
}

impl Packages {
    /// The packages that lie beside `ledgers`, for `runtime`.
    pub fn new(ledgers: Arc<Ledgers>, runtime: Arc<Runtime>) -> Self {
        let (seals, expected, approvable) = Default::default();
        Self { ledgers, runtime, seals, expected, approvable }
    }

    /// Admits, compiles and stores a package; gives it back.
    pub fn install(&self, bytes: &[u8]) -> Result<Package, PackageError> {
        let package = Package::parse(bytes)?;
        let key = format!("{PREFIX}{}", package.ccid());
        let is_free = || match self.stored(&package.ccid())? {
            Some(_) => Err(PackageError::Exists(package.ccid())),
            None => Ok(()),
        };
        is_free()?;
        if package.description()?.is_none() {
            self.component(&package.ccid(), &package.code()?.program)?;
        }
        // Of two that are installed at the same time, one must be refused.
        let _alone = self.seals.write().unwrap_or_else(PoisonError::into_inner);
        is_free()?;
        self.ledgers.put_peer_value(&key, bytes)?;
        // It is computed anew, with this one.
        *self.expected.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(package)
    }

    /// The hash of the secret with which a chaincode of this id may connect, if its package has
    /// one. The error names those that may connect.
    pub fn expect(&self, ccid: &str) -> Result<Option<[u8; 32]>, String> {
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        if expected.is_none() {
            let packages = self.list().map_err(|error| error.to_string())?.into_iter();
            let connects = |package: Package| match package.description() {
                Ok(Some(Description::Connects(secret))) => Some((package.ccid(), secret)),
                _ => None,
            };
            *expected = Some(packages.filter_map(connects).collect());
        }
        let expected = expected.iter().flatten();
        if let Some((_, secret)) = expected.clone().find(|(id, _)| *id == ccid) {
            return Ok(*secret);
        }
        let ids: Vec<&str> = expected.map(|(id, _)| id.as_str()).collect();
        let ids = match ids.as_slice() {
            [] => "none is installed that connects by itself".to_owned(),
            ids => format!("expected is {}", ids.join(" or ")),
        };
        // Fabric's words, as far as the parenthesis.
        Err(format!(
            "peer will not accept external chaincode connection {ccid} (except in dev mode); {ids}"
        ))
    }

    /// The package of `name` in `version`.
    pub fn get(&self, name: &str, version: &str) -> Result<Package, PackageError> {
        let ccid = ccid(name, version);
        match self.ledgers.get_peer_value(&format!("{PREFIX}{ccid}"))? {
            Some(bytes) => Package::parse(&bytes),
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
    pub fn list(&self) -> Result<Vec<Package>, PackageError> {
        let keys = self.ledgers.peer_value_keys(PREFIX)?;
        let stored = keys.iter().filter_map(|key| self.ledgers.get_peer_value(key).transpose());
        stored.map(|bytes| Package::parse(&bytes?)).collect()
    }

    /// The compiled component of the package that runs as `name`.
    pub(super) fn component(
        &self,
        name: &str,
        wasm: &[u8],
    ) -> Result<Arc<Component>, PackageError> {
        let refused = |source| PackageError::Refused { name: name.to_owned(), source };
        self.runtime.load(wasm).map_err(refused)
    }
}
