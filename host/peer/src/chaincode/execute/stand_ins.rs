//! Components that replace the packages of a channel's definitions. Tools use them to run another
//! peer's transactions again, without the packages of that peer.
//!
//! The look-up records the same reads as that of the endorser, but needs no approval and no
//! package.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chaincode::execute::handler::{Handler, Program};
use crate::chaincode::execute::invoke::{InfoError, chaincode_data};
use crate::chaincode::execute::lookup::{ChaincodeInfo, FoundError, LookUpError, UnrecordedState};
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::package::{
    Code, ComponentError, LifecyclePackage, LifecyclePackageError, PackageStore, ccid,
};
use crate::chaincode::tx_params::{StateError, TxParams};
use wasmcc_channel::definition::{Definition, sequence_key};
use wasmcc_protocol::ProtocolError;
use wasmcc_runtime::PackageLimits;
use wasmcc_types::LIFECYCLE;

/// The first bytes of a component.
const COMPONENT: &[u8] = b"\0asm";
/// Limit on the contents of a package, in bytes.
const UNPACKED_BYTES: usize = 256 << 20;

/// A component with the limits that its package requests.
#[derive(Clone, Debug)]
pub struct StandIn {
    wasm: Vec<u8>,
    limits: PackageLimits,
}

impl StandIn {
    /// Reads a component, or an install package that contains one.
    ///
    /// # Errors
    /// The bytes are neither.
    pub fn read(bytes: Vec<u8>) -> Result<Self, NotAStandIn> {
        if bytes.starts_with(COMPONENT) {
            return Ok(Self { wasm: bytes, limits: PackageLimits::default() });
        }
        let package = LifecyclePackage::parse(&bytes, UNPACKED_BYTES)?;
        match package.code {
            Code::Component { wasm, limits } => Ok(Self { wasm, limits }),
            Code::Elsewhere { .. } => Err(NotAStandIn::Elsewhere),
        }
    }
}

/// The reason why a file cannot replace a chaincode.
#[derive(Debug, thiserror::Error)]
pub enum NotAStandIn {
    /// The file is neither a component nor a package.
    #[error("neither a component nor an install package: {0}")]
    Package(#[from] LifecyclePackageError),
    /// The package describes a chaincode in another process.
    #[error("the package only describes a chaincode in another process: use the component instead")]
    Elsewhere,
}

/// Only other versions of the chaincode have a component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no component stands in for version {version} of chaincode {name}")]
pub struct NoStandIn {
    /// The chaincode.
    pub name: String,
    /// The version to run.
    pub version: String,
}

/// The reason why a component cannot replace a chaincode.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    /// The component is refused.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// It cannot be registered.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// Components by the chaincodes that they replace.
#[derive(Default)]
pub struct StandIns(BTreeMap<(String, Option<String>), Arc<Handler>>);

impl StandIns {
    /// Compiles a component for a chaincode. Without `version`, it is used for all versions that
    /// have no component of their own.
    ///
    /// # Errors
    /// The component is refused.
    pub fn add(
        &mut self,
        packages: &PackageStore,
        name: &str,
        version: Option<&str>,
        code: &StandIn,
    ) -> Result<(), StandInError> {
        let guest = packages.guest(name, &code.wasm, &code.limits)?;
        let handler = Handler::register(name, Program::Wasm(guest))?;
        let version = version.map(str::to_owned);
        self.0.insert((name.to_owned(), version), Arc::new(handler));
        Ok(())
    }

    /// Returns true if any version of a chaincode has a component.
    pub fn has(&self, name: &str) -> bool {
        self.0.keys().any(|(known, _)| known == name)
    }

    /// Returns the handler of the chaincode that runs as "name:version"; None if no component
    /// replaces it.
    ///
    /// # Errors
    /// Only other versions have a component.
    pub(super) fn handler(&self, id: &str) -> Result<Option<Arc<Handler>>, NoStandIn> {
        let (name, version) = id.split_once(':').unwrap_or((id, ""));
        if !self.has(name) {
            return Ok(None);
        }
        let exact = self.0.get(&(name.to_owned(), Some(version.to_owned())));
        let found = exact.or_else(|| self.0.get(&(name.to_owned(), None))).cloned();
        found
            .map(Some)
            .ok_or_else(|| NoStandIn { name: name.to_owned(), version: version.to_owned() })
    }
}

impl ChaincodeSupport {
    /// Looks up a chaincode on the channel, without approvals and packages. The look-up is part of
    /// the transaction's read set, as with `chaincode_info`.
    pub(super) fn stand_in_info(
        &self,
        tx: &TxParams,
        name: &str,
    ) -> Result<ChaincodeInfo, InfoError> {
        if self.access().has_lifecycle(&tx.channel_id) {
            let mut simulator = tx.simulator()?;
            let sequence = simulator.get_state(LIFECYCLE, &sequence_key(name));
            if sequence.map_err(StateError::from)?.is_some() {
                let snapshot = simulator.snapshot().clone();
                let mut state = UnrecordedState::new(&snapshot, &tx.org);
                let found = Definition::find(name, &mut state)
                    .map_err(|error| LookUpError::from(Arc::new(FoundError::from(error))))?;
                let definition = found.ok_or_else(|| InfoError::Undefined(name.to_owned()))?;
                let info = definition.parameters.endorsement_info;
                return Ok(ChaincodeInfo {
                    id: ccid(name, &info.version),
                    version: info.version,
                    endorsement_plugin: info.endorsement_plugin,
                    init_required: info.init_required,
                });
            }
        }
        Ok(chaincode_data(tx, name)?.into())
    }
}
