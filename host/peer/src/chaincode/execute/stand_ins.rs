//! Components that run in place of what a channel's definitions ask for: for tools that run
//! another peer's transactions again, whose packages are not here.
//!
//! The look-up records what the endorser's look-up records, and asks neither for an approval nor for
//! a package.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;

use crate::chaincode::execute::handler::{Handler, Program};
use crate::chaincode::execute::invoke::InfoError;
use crate::chaincode::execute::lookup::{ChaincodeInfo, Unrecorded};
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::package::{Code, ComponentError, LifecyclePackage, PackageStore, ccid};
use crate::chaincode::tx_params::TxParams;
use wasmcc_channel::definition::{Definition, sequence_key};
use wasmcc_protocol::ProtocolError;
use wasmcc_runtime::PackageLimits;
use wasmcc_types::proto::protos;
use wasmcc_types::{LIFECYCLE, LSCC};

/// The first bytes of a component.
const COMPONENT: &[u8] = b"\0asm";
/// As a package may have beside its component, in bytes.
const UNPACKED_BYTES: usize = 256 << 20;

/// A component with the limits that its package asks for.
#[derive(Clone, Debug)]
pub struct StandIn {
    wasm: Vec<u8>,
    limits: PackageLimits,
}

impl StandIn {
    /// Reads a component, or an install package that holds one.
    ///
    /// # Errors
    /// It is neither.
    pub fn read(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.starts_with(COMPONENT) {
            return Ok(Self { wasm: bytes, limits: PackageLimits::default() });
        }
        let package = LifecyclePackage::parse(&bytes, UNPACKED_BYTES)
            .map_err(|why| format!("neither a component nor an install package: {why}"))?;
        match package.code {
            Code::Component { wasm, limits } => Ok(Self { wasm, limits }),
            Code::Elsewhere { .. } => {
                Err("the package only says where the chaincode is; give the component".into())
            }
        }
    }
}

/// Why a component cannot stand in for a chaincode.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    /// The component is refused.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// It cannot be registered.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// Components by the chaincodes that they stand in for.
#[derive(Default)]
pub struct StandIns(BTreeMap<(String, Option<String>), Arc<Handler>>);

impl StandIns {
    /// Compiles a component for a chaincode; without `version` for all versions that have none of
    /// their own.
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

    /// Whether there is a component for a chaincode, in whatever version.
    pub fn has(&self, name: &str) -> bool {
        self.0.keys().any(|(known, _)| known == name)
    }

    /// The handler of the chaincode that runs as "name:version"; None if nothing stands in for it.
    ///
    /// # Errors
    /// Only other versions have a component.
    pub(super) fn handler(&self, id: &str) -> Result<Option<Arc<Handler>>, String> {
        let (name, version) = id.split_once(':').unwrap_or((id, ""));
        if !self.has(name) {
            return Ok(None);
        }
        let exact = self.0.get(&(name.to_owned(), Some(version.to_owned())));
        let found = exact.or_else(|| self.0.get(&(name.to_owned(), None))).cloned();
        found.map(Some).ok_or_else(|| {
            format!("no component stands in for version {version} of chaincode {name}")
        })
    }
}

impl ChaincodeSupport {
    /// What the channel says about a chaincode, without approvals and packages. The look-up is part
    /// of the transaction's read set, as with `chaincode_info`.
    pub(super) fn stand_in_info(
        &self,
        tx: &TxParams,
        name: &str,
    ) -> Result<ChaincodeInfo, InfoError> {
        let simulator = tx.simulator.as_ref().ok_or_else(|| "no ledger context".to_owned())?;
        let mut simulator =
            simulator.lock().map_err(|_| "the simulation ended with a panic".to_owned())?;
        if self.access().has_lifecycle(&tx.channel_id) {
            let sequence = simulator.get_state(LIFECYCLE, &sequence_key(name));
            if sequence.map_err(|error| error.to_string())?.is_some() {
                let snapshot = simulator.snapshot().clone();
                let mut state = Unrecorded::new(&snapshot, &tx.org);
                let found = Definition::find(name, &mut state);
                let found = found.map_err(|error| error.to_string())?;
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
        let data = simulator.get_state(LSCC, name).map_err(|error| error.to_string())?;
        let data = data.ok_or_else(|| InfoError::Undefined(name.to_owned()))?;
        let data = protos::ChaincodeData::decode(data.as_slice())
            .map_err(|error| format!("chaincode {name} has bad definition: {error}"))?;
        Ok(ChaincodeInfo {
            id: ccid(name, &data.version),
            version: data.version,
            endorsement_plugin: data.escc,
            init_required: false,
        })
    }
}
