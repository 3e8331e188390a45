//! The packages of `_lifecycle` in the store, by package id. Also the code of any chaincode by the
//! id that it runs under.
//!
//! Invariant: a package is stored unchanged, since its id contains a hash of its bytes.

use std::sync::{Arc, PoisonError};

use prost::Message;

use crate::chaincode::package::description::Description;
use crate::chaincode::package::error::{ComponentError, InvalidSpec, PackageError};
use crate::chaincode::package::lifecycle_package::{Code, LifecyclePackage};
use crate::chaincode::package::lscc_package::LsccPackage;
use crate::chaincode::package::program_bundle::ProgramBundle;
use crate::chaincode::package::store::{Approvable, PREFIX, PREFIX_2X, PackageStore};
use crate::chaincode::package::tar_gz::Files;
use wasmcc_channel::definition::package_id_state;
use wasmcc_ledger::LedgerError;
use wasmcc_runtime::{Component, Limits, MAX_COMPONENT_BYTES, PackageLimits, Waiter};
use wasmcc_types::sha256;

/// Limit on the other files in a package, in bytes.
const EXTRA_BYTES: usize = 16 << 20;

/// A component that is ready to run, with the limits of its package.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The compiled component.
    pub component: Arc<Component>,
    /// Narrower limits than the peer's; None: the peer's.
    pub limits: Option<Arc<Limits>>,
    /// A shorter time limit than the peer's; None: the peer's.
    pub timeout: Option<std::time::Duration>,
}

/// An entry of the list of packages that `_lifecycle` has installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageEntry {
    /// Label and hash.
    pub id: String,
    /// A human-readable name.
    pub label: String,
}

impl PackageEntry {
    fn new(id: String) -> Self {
        let label = id.rsplit_once(':').map_or(id.as_str(), |(label, _)| label).to_owned();
        Self { id, label }
    }
}

impl PackageStore {
    /// Reads a package that `_lifecycle` should install.
    pub fn parse_lifecycle(&self, bytes: &[u8]) -> Result<LifecyclePackage, PackageError> {
        LifecyclePackage::parse(bytes, self.unpacked_bytes()).map_err(PackageError::NotAPackage)
    }

    /// Admits, compiles and stores a package, which was read from `bytes`. Blocks the thread. A
    /// caller with a `waiter` may leave, which ends the compilation. `belongs` records the owner
    /// before other callers can find the package.
    pub fn install_lifecycle(
        &self,
        package: &LifecyclePackage,
        bytes: &[u8],
        waiter: Option<&Waiter>,
        belongs: impl FnOnce() -> Result<(), LedgerError>,
    ) -> Result<(), PackageError> {
        let id = package.id.as_str();
        // LSCC may have a chaincode with the same id.
        let is_free = || match self.stored(id)? {
            Some(_) => Err(PackageError::Installed(id.to_owned())),
            None => Ok(()),
        };
        is_free()?;
        if let Code::Component { wasm, limits } = &package.code {
            self.guest_for(id, wasm, limits, waiter).map_err(PackageError::Build)?;
        }
        // Of two concurrent installs of the same package, one must be refused.
        let _alone = self.storing.lock().unwrap_or_else(PoisonError::into_inner);
        is_free()?;
        belongs()?;
        self.ledgers.put_peer_value(&format!("{PREFIX_2X}{id}"), bytes)?;
        // Computed again when it is needed, with this package.
        *self.approvable.write().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Returns the bytes of the package with this id, as installed.
    pub fn install_package_bytes(&self, id: &str) -> Result<Option<Vec<u8>>, PackageError> {
        Ok(self.ledgers.get_peer_value(&format!("{PREFIX_2X}{id}"))?)
    }

    /// Returns all packages of `_lifecycle`, ascending by id.
    pub fn installed_packages(&self) -> Result<Vec<PackageEntry>, PackageError> {
        let keys = self.ledgers.peer_value_keys(PREFIX_2X)?;
        let ids = keys.iter().filter_map(|key| key.strip_prefix(PREFIX_2X));
        Ok(ids.map(|id| PackageEntry::new(id.to_owned())).collect())
    }

    /// Returns the ids of all packages, by the hash in approvals. Cached, since every proposal may
    /// need it.
    pub fn approvable(&self) -> Result<Arc<Approvable>, PackageError> {
        let known = self.approvable.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref() {
            return Ok(Arc::clone(known));
        }
        drop(known);
        let mut known = self.approvable.write().unwrap_or_else(PoisonError::into_inner);
        let packages = self.installed_packages()?.into_iter();
        let by_hash = packages.map(|PackageEntry { id, .. }| {
            let state = package_id_state(&id).encode_to_vec();
            (sha256(&state), id)
        });
        let by_hash = Arc::new(by_hash.collect::<Approvable>());
        *known = Some(Arc::clone(&by_hash));
        Ok(by_hash)
    }

    /// Returns the code of the chaincode `ccid`: a package id, or LSCC's "name:version".
    pub fn code(&self, ccid: &str) -> Result<Code, PackageError> {
        Ok(self.unpacked(ccid)?.0)
    }

    /// Returns the location of the chaincode `ccid`; None if its package contains the component.
    pub fn description(&self, ccid: &str) -> Result<Option<Description>, PackageError> {
        Ok(match self.code(ccid)? {
            Code::Elsewhere { description, .. } => Some(description),
            Code::Component { .. } => None,
        })
    }

    /// Returns the files below META-INF in the package of the chaincode `ccid`.
    pub fn meta_inf(&self, ccid: &str) -> Result<Files, PackageError> {
        Ok(self.unpacked(ccid)?.1)
    }

    fn unpacked(&self, ccid: &str) -> Result<(Code, Files), PackageError> {
        if let Some(bytes) = self.install_package_bytes(ccid)? {
            let parsed = LifecyclePackage::parse_stored(&bytes, self.unpacked_bytes());
            let LifecyclePackage { code, meta_inf, .. } = parsed.map_err(PackageError::Stored)?;
            return Ok((code, meta_inf));
        }
        let bytes = self.legacy_bytes(ccid)?;
        let bytes = bytes.ok_or_else(|| PackageError::NotInstalled(ccid.to_owned()))?;
        let package = LsccPackage::parse(&bytes)?;
        let ProgramBundle { program, meta_inf } = package.bundle()?;
        let limits = PackageLimits::default();
        let code = match Description::of(&program).map_err(InvalidSpec::from)? {
            Some(description) => Code::Elsewhere { description, limits },
            None => Code::Component { wasm: program.into_owned(), limits },
        };
        Ok((code, meta_inf))
    }

    fn legacy_bytes(&self, ccid: &str) -> Result<Option<Vec<u8>>, PackageError> {
        Ok(self.ledgers.get_peer_value(&format!("{PREFIX}{ccid}"))?)
    }

    /// Compiles a component and applies the limits of its package, which must not exceed the
    /// peer's.
    pub fn guest(
        &self,
        name: &str,
        wasm: &[u8],
        asked: &PackageLimits,
    ) -> Result<Guest, ComponentError> {
        self.guest_for(name, wasm, asked, None)
    }

    /// As [`guest`](Self::guest); a caller with a `waiter` may leave.
    fn guest_for(
        &self,
        name: &str,
        wasm: &[u8],
        asked: &PackageLimits,
        waiter: Option<&Waiter>,
    ) -> Result<Guest, ComponentError> {
        let limits = self.runtime.limits().narrowed(asked)?;
        let component = self.component(name, wasm, waiter)?;
        let (needed, given) = (component.report().initial_memory_bytes, limits.memory_bytes as u64);
        if needed > given {
            return Err(ComponentError::Memory { needed, given });
        }
        let limits = asked.is_narrower().then(|| Arc::new(limits));
        Ok(Guest { component, limits, timeout: asked.timeout })
    }

    /// Returns the stored bytes of the package with this id, of either kind.
    pub(super) fn stored(&self, ccid: &str) -> Result<Option<Vec<u8>>, PackageError> {
        match self.install_package_bytes(ccid)? {
            Some(bytes) => Ok(Some(bytes)),
            None => self.legacy_bytes(ccid),
        }
    }

    /// Limit on an unpacked package. A component over this peer's own limit is unpacked, too, so
    /// that its error is that of its size.
    fn unpacked_bytes(&self) -> usize {
        let component = self.runtime.limits().component_bytes.max(MAX_COMPONENT_BYTES);
        component.saturating_add(EXTRA_BYTES)
    }
}
