//! Calls of application chaincodes: looks up the definition of a name, and checks how it is called
//! (fabric `core/chaincode/chaincode_support.go`, `Invoke`).

use std::sync::Arc;

use prost::{DecodeError, Message};

use crate::chaincode::execute::error::ExecuteError;
use crate::chaincode::execute::execution::Execution;
use crate::chaincode::execute::lookup::{
    ChaincodeInfo, LegacyData, LookUpError, check_invocation, is_defined,
};
use crate::chaincode::execute::not_ended::NotEnded;
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::lent::Lent;
use crate::chaincode::package::{PackageError, ccid};
use crate::chaincode::tx_params::{StateError, TxParams};
use wasmcc_ledger::LedgerError;
use wasmcc_types::proto::protos;
use wasmcc_types::{LIFECYCLE, LSCC, Response};

/// The right that LSCC asks for when it is asked for a definition.
const GET_DATA: &str = "lscc/GetChaincodeData";

/// Why a chaincode cannot be called. The texts are Fabric's where Fabric has one.
#[derive(Debug, thiserror::Error)]
pub enum InfoError {
    /// The channel has no such chaincode.
    #[error("chaincode {0} not found")]
    Undefined(String),
    /// No channel can have such a chaincode: its name is no key of the state.
    #[error("could not retrieve state for chaincode {name}: {why}")]
    NoName {
        /// What was asked for.
        name: String,
        /// Why it is no key.
        why: LedgerError,
    },
    /// `_lifecycle`'s definition cannot be used on this peer.
    #[error(transparent)]
    Lifecycle(#[from] LookUpError),
    /// There is no state to look at.
    #[error(transparent)]
    State(#[from] StateError),
    /// LSCC could not be asked.
    #[error(transparent)]
    Lscc(#[from] ExecuteError),
    /// LSCC refused to answer, in its words.
    #[error("{0}")]
    LsccRefused(String),
    /// LSCC's definition cannot be read.
    #[error("chaincode {name} has bad definition: {error}")]
    BadDefinition {
        /// The chaincode.
        name: String,
        /// What is wrong.
        error: DecodeError,
    },
    /// The package of LSCC's definition cannot be used.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The package on this peer is another one than the channel agreed on.
    #[error("chaincode fingerprint mismatch: data mismatch")]
    Fingerprint,
    /// The owners of the package and the channel name other policies.
    #[error("Instantiation policy mismatch for cc {name}/{version}")]
    InstantiationPolicy {
        /// The chaincode.
        name: String,
        /// Its version.
        version: String,
    },
}

impl From<InfoError> for NotEnded<InfoError> {
    /// Every peer with the same ledger has no such chaincode. Otherwise this peer or its
    /// organization is not ready for it, or failed.
    fn from(error: InfoError) -> Self {
        let is_everywhere = matches!(error, InfoError::Undefined(_) | InfoError::NoName { .. });
        Self::new(!is_everywhere, error)
    }
}

/// Why LSCC may not instantiate a chaincode.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// It would run other code on the same state, by other policies.
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
    /// Whether it is defined cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

impl ChaincodeSupport {
    /// Looks up a chaincode on the channel: in `_lifecycle` and, if it does not define the name, in
    /// LSCC. The look-up is part of the transaction's read set.
    pub fn chaincode_info(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
    ) -> Result<ChaincodeInfo, NotEnded<InfoError>> {
        Ok(self.look_up(tx, name)?)
    }

    fn look_up(self: &Arc<Self>, tx: &TxParams, name: &str) -> Result<ChaincodeInfo, InfoError> {
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
            version: data.version.clone(),
            endorsement_plugin: data.escc.clone(),
            init_required: false,
        })
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

    /// LSCC's definition of a chaincode; the look-up is part of the transaction's read set. The
    /// package on this peer must be the one that the channel agreed on.
    fn chaincode_data(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
    ) -> Result<LegacyData, InfoError> {
        let data = match self.known_data(tx, name) {
            Some(data) => data,
            None => self.ask_lscc(tx, name)?,
        };
        self.check_package(name, &data)?;
        Ok(data)
    }

    /// What LSCC would answer now, if it was asked since its state changed last: its answer is the
    /// same, and so is what it records. None: it was not asked, or the caller may not ask, which
    /// LSCC itself has to say.
    fn known_data(&self, tx: &TxParams, name: &str) -> Option<LegacyData> {
        let mut simulator = tx.simulator().ok()?;
        let data = self.lookup.legacy(&tx.channel_id, name, simulator.snapshot())?;
        let allowed = self.access().check(GET_DATA, &tx.channel_id, &tx.org, &tx.proposal);
        allowed.ok()?;
        simulator.get_state(LSCC, name).ok()?;
        Some(data)
    }

    /// Executes LSCC.
    fn ask_lscc(self: &Arc<Self>, tx: &TxParams, name: &str) -> Result<LegacyData, InfoError> {
        let args = [b"getccdata".to_vec(), tx.channel_id.as_bytes().to_vec(), name.into()];
        let input = protos::ChaincodeInput { args: args.to_vec(), ..Default::default() };
        let found = self.call_system(tx, LSCC, input, Lent::Nothing)?;
        if found.is_missing {
            return Err(InfoError::Undefined(name.to_owned()));
        }
        let Response { status, message, payload } = found.execution.response;
        if status >= Response::ERROR_THRESHOLD {
            return Err(InfoError::LsccRefused(message));
        }
        let data = protos::ChaincodeData::decode(payload.as_slice())
            .map_err(|error| InfoError::BadDefinition { name: name.to_owned(), error })?;
        let data = Arc::new(data);
        if let Ok(simulator) = tx.simulator() {
            let snapshot = simulator.snapshot();
            self.lookup.remember(&tx.channel_id, name, snapshot, Arc::clone(&data));
        }
        Ok(data)
    }

    fn check_package(&self, name: &str, data: &protos::ChaincodeData) -> Result<(), InfoError> {
        let seal = self.packages.seal(name, &data.version)?;
        if seal.fingerprint != data.data {
            return Err(InfoError::Fingerprint);
        }
        let policy = &seal.instantiation_policy;
        if !policy.is_empty() && *policy != data.instantiation_policy {
            let (name, version) = (name.to_owned(), data.version.clone());
            return Err(InfoError::InstantiationPolicy { name, version });
        }
        Ok(())
    }
}

/// LSCC keeps a definition under its chaincode's name, so a name must be a valid state key.
fn check_name(tx: &TxParams, name: &str) -> Result<(), InfoError> {
    if tx.simulator.is_none() {
        return Ok(());
    }
    let checked = tx.simulator()?.check_key(name);
    checked.map_err(|why| InfoError::NoName { name: name.to_owned(), why })
}
