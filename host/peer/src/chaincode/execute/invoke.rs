//! Calls of application chaincodes: looks up the definition of a name, and checks how it is called
//! (fabric `core/chaincode/chaincode_support.go`, `Invoke`).

use std::sync::Arc;

use prost::{DecodeError, Message};

use crate::chaincode::execute::error::ExecuteError;
use crate::chaincode::execute::execution::Execution;
use crate::chaincode::execute::lookup::{ChaincodeInfo, LookUpError, check_invocation, is_defined};
use crate::chaincode::execute::not_ended::NotEnded;
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::package::PackageError;
use crate::chaincode::tx_params::{StateError, TxParams};
use wasmcc_types::proto::protos;
use wasmcc_types::{LIFECYCLE, LSCC};

/// The reason why a chaincode cannot be called. The texts are Fabric's where Fabric has one.
#[derive(Debug, thiserror::Error)]
pub enum InfoError {
    /// The channel has no such chaincode.
    #[error("chaincode {0} not found")]
    Undefined(String),
    /// LSCC's definition cannot be looked up: the name is not a valid state key, or the state
    /// cannot be read.
    #[error("could not retrieve state for chaincode {name}: {why}")]
    NotRetrieved {
        /// The chaincode.
        name: String,
        /// The cause.
        why: StateError,
    },
    /// `_lifecycle`'s definition cannot be used on this peer.
    #[error(transparent)]
    Lifecycle(#[from] LookUpError),
    /// The call has no state.
    #[error(transparent)]
    State(#[from] StateError),
    /// LSCC's definition cannot be read.
    #[error("chaincode {name} has bad definition: {error}")]
    BadDefinition {
        /// The chaincode.
        name: String,
        /// The cause.
        error: DecodeError,
    },
    /// The package of LSCC's definition cannot be used on this peer.
    #[error("failed security checks: {0}")]
    Security(#[from] SecurityError),
}

/// The reason why a package that LSCC's definition names must not run.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// It is not on this peer, or cannot be read.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The package on this peer is not the one that the channel agreed on.
    #[error("chaincode fingerprint mismatch: data mismatch")]
    Fingerprint,
    /// The instantiation policies of the package and the channel differ.
    #[error("Instantiation policy mismatch for cc {name}:{version}")]
    InstantiationPolicy {
        /// The chaincode.
        name: String,
        /// Its version.
        version: String,
    },
}

impl From<InfoError> for NotEnded<InfoError> {
    /// If the chaincode is undefined, every peer with the same ledger gets that error. All other
    /// errors mean that this peer or its organization is not ready for the chaincode, or failed.
    fn from(error: InfoError) -> Self {
        let is_of_this_peer = match &error {
            InfoError::Undefined(_) => false,
            InfoError::NotRetrieved { why, .. } => why.is_of_this_peer(),
            InfoError::Lifecycle(_)
            | InfoError::State(_)
            | InfoError::BadDefinition { .. }
            | InfoError::Security(_) => true,
        };
        Self::new(is_of_this_peer, error)
    }
}

/// The reason why LSCC may not instantiate a chaincode.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// It would run different code on the same state, under different policies.
    #[error(
        "chaincode {name} is defined by {LIFECYCLE} on channel {channel}: {LSCC} can no longer \
         deploy or upgrade it"
    )]
    Defined {
        /// The chaincode.
        name: String,
        /// The channel.
        channel: String,
    },
    /// The state of the definition cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

impl ChaincodeSupport {
    /// Looks up a chaincode on the channel: in `_lifecycle` or, if that does not define the name,
    /// in LSCC. The look-up is part of the transaction's read set.
    pub fn chaincode_info(
        &self,
        tx: &TxParams,
        name: &str,
    ) -> Result<ChaincodeInfo, NotEnded<InfoError>> {
        Ok(self.look_up(tx, name)?)
    }

    fn look_up(&self, tx: &TxParams, name: &str) -> Result<ChaincodeInfo, InfoError> {
        if self.stand_ins().has(name) {
            return self.stand_in_info(tx, name);
        }
        if self.access().has_lifecycle(&tx.channel_id) {
            let dev = self.config().external.dev;
            if let Some(info) = self.lookup.lifecycle(tx, name, &self.packages, dev)? {
                return Ok(info);
            }
        }
        let data = chaincode_data(tx, name)?;
        self.check_package(&data)?;
        Ok(data.into())
    }

    /// Checks that LSCC may instantiate a chaincode.
    pub fn check_legacy(&self, tx: &TxParams, name: &str) -> Result<(), LegacyError> {
        if self.access().has_lifecycle(&tx.channel_id) && is_defined(tx, name)? {
            let (name, channel) = (name.to_owned(), tx.channel_id.to_string());
            return Err(LegacyError::Defined { name, channel });
        }
        Ok(())
    }

    /// Runs one transaction on the chaincode that [`chaincode_info`](Self::chaincode_info) found.
    pub async fn invoke(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
        info: &ChaincodeInfo,
        input: protos::ChaincodeInput,
    ) -> Result<Execution, ExecuteError> {
        let entry = check_invocation(tx, name, info, input.is_init);
        let entry = entry.map_err(|why| ExecuteError::new(tx, why.into()))?;
        self.execute(tx, name, &info.id, entry, input).await
    }

    /// Checks that the package on this peer is the one that the channel agreed on (fabric
    /// `core/scc/lscc/lscc.go`, `SecurityCheckLegacyChaincode`).
    fn check_package(&self, data: &protos::ChaincodeData) -> Result<(), SecurityError> {
        let protos::ChaincodeData { name, version, .. } = data;
        let seal = self.packages.seal(name, version)?;
        if seal.fingerprint != data.data {
            return Err(SecurityError::Fingerprint);
        }
        let policy = &seal.instantiation_policy;
        if !policy.is_empty() && *policy != data.instantiation_policy {
            let (name, version) = (name.clone(), version.clone());
            return Err(SecurityError::InstantiationPolicy { name, version });
        }
        Ok(())
    }
}

/// Returns LSCC's definition of a chaincode, recorded as a read of the transaction. A client that
/// may call the chaincode may look up its definition, so LSCC's rights are not checked (fabric
/// `core/scc/lscc/lscc.go`, `ChaincodeEndorsementInfo`).
pub(super) fn chaincode_data(
    tx: &TxParams,
    name: &str,
) -> Result<protos::ChaincodeData, InfoError> {
    let read = || -> Result<_, StateError> { Ok(tx.simulator()?.get_state(LSCC, name)?) };
    let stored = read().map_err(|why| InfoError::NotRetrieved { name: name.to_owned(), why })?;
    let stored = stored.ok_or_else(|| InfoError::Undefined(name.to_owned()))?;
    protos::ChaincodeData::decode(stored.as_slice())
        .map_err(|error| InfoError::BadDefinition { name: name.to_owned(), error })
}
