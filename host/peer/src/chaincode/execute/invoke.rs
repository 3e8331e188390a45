//! Calls of application chaincodes: what the channel says about a name, and whether it may be
//! called so (fabric `core/chaincode/chaincode_support.go`, `Invoke`).

use std::sync::Arc;

use prost::Message;

use crate::chaincode::execute::execution::{ExecuteError, Execution};
use crate::chaincode::execute::lookup::{ChaincodeInfo, check_invocation, is_defined};
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::package::ccid;
use crate::chaincode::tx_params::TxParams;
use wasmcc_types::proto::protos;
use wasmcc_types::{LSCC, Response};

/// Why a chaincode cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InfoError {
    /// The channel has no such chaincode: every peer says so.
    #[error("chaincode {0} not found")]
    Undefined(String),
    /// No channel can have such a chaincode: every peer with the same state database says so.
    #[error("could not retrieve state for chaincode {name}: {why}")]
    NoName {
        /// What was asked for.
        name: String,
        /// Why it is no key of LSCC's.
        why: String,
    },
    /// This peer or its organization is not ready for it, or failed. Another peer may call it.
    #[error("{0}")]
    OfThisPeer(String),
}

impl From<String> for InfoError {
    fn from(why: String) -> Self {
        Self::OfThisPeer(why)
    }
}

impl ChaincodeSupport {
    /// What the channel says about a chaincode: `_lifecycle` if it knows the name, or else LSCC.
    /// The look-up is part of the transaction's read set.
    pub fn chaincode_info(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
    ) -> Result<ChaincodeInfo, InfoError> {
        if self.stand_ins().has(name) {
            return self.stand_in_info(tx, name);
        }
        if self.access().has_lifecycle(&tx.channel_id) {
            let dev = self.config().external.dev;
            if let Some(info) = self.lookup.lifecycle(tx, name, &self.packages, dev)? {
                return Ok(info);
            }
        }
        check_name(tx, name)?;
        let data = self.chaincode_data(tx, name)?;
        Ok(ChaincodeInfo {
            id: ccid(name, &data.version),
            version: data.version,
            endorsement_plugin: data.escc,
            init_required: false,
        })
    }

    /// LSCC may not instantiate what `_lifecycle` has defined: it would run other code on the same
    /// state, by other policies.
    pub fn check_legacy(&self, tx: &TxParams, name: &str) -> Result<(), String> {
        if self.access().has_lifecycle(&tx.channel_id) && is_defined(tx, name)? {
            return Err(format!(
                "chaincode {name} is defined by _lifecycle on channel {}: lscc can no longer \
                 deploy or upgrade it",
                tx.channel_id
            ));
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
        let entry = check_invocation(tx, name, info, input.is_init).map_err(|why| {
            let reason = format!("invalid invocation: {why}");
            ExecuteError::Failed { tx_id: tx.tx_id.to_string(), reason }
        })?;
        self.execute(tx, name, &info.id, entry, input).await
    }

    /// What LSCC has on the ledger about a chaincode, asked through LSCC itself, so that the
    /// look-up is part of the transaction's read set. The package on this peer must be the one that
    /// the channel agreed on, whoever calls it.
    fn chaincode_data(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
    ) -> Result<protos::ChaincodeData, InfoError> {
        let args = [b"getccdata".to_vec(), tx.channel_id.as_bytes().to_vec(), name.into()];
        let input = protos::ChaincodeInput { args: args.to_vec(), ..Default::default() };
        let found = self.execute_system(tx, LSCC, input).map_err(|error| error.to_string())?;
        if found.response.status >= Response::ERROR_THRESHOLD {
            let text = found.response.message;
            let missing = text.starts_with("could not find chaincode with name");
            return Err(if missing { InfoError::Undefined(name.to_owned()) } else { text.into() });
        }
        let data = protos::ChaincodeData::decode(found.response.payload.as_slice())
            .map_err(|e| format!("chaincode {name} has bad definition: {e}"))?;
        self.check_package(name, &data)?;
        Ok(data)
    }

    fn check_package(&self, name: &str, data: &protos::ChaincodeData) -> Result<(), String> {
        let seal = self.packages.seal(name, &data.version).map_err(|error| error.to_string())?;
        if seal.fingerprint != data.data {
            return Err("chaincode fingerprint mismatch: data mismatch".into());
        }
        let policy = &seal.instantiation_policy;
        if !policy.is_empty() && *policy != data.instantiation_policy {
            return Err(format!("Instantiation policy mismatch for cc {name}/{}", data.version));
        }
        Ok(())
    }
}

/// LSCC keeps a definition under its chaincode's name: what the state database does not take for a
/// key is no name.
fn check_name(tx: &TxParams, name: &str) -> Result<(), InfoError> {
    let Some(simulator) = &tx.simulator else { return Ok(()) };
    let simulator = simulator.lock().map_err(|_| "the simulation ended with a panic".to_owned())?;
    simulator.check_key(name).map_err(|error| {
        let (name, why) = (name.to_owned(), error.to_string());
        InfoError::NoName { name, why }
    })
}
