//! Reads the results that a transaction claims, and checks that they are consistent. Fabric:
//! `core/committer/txvalidator/v20/plugindispatcher/dispatcher.go`, function `Dispatch`, with its
//! order and codes.
//!
//! Invariant: reads only the transaction, not the state.

use std::collections::BTreeSet;

use prost::Message;

use crate::v14_rules;
use crate::verdict::Invalid;
use wasmcc_ledger::{LedgerError, NsRwSet, TxRwSet};
use wasmcc_msp::ApplicationCapabilities;
use wasmcc_types::proto::common::ChannelHeader;
use wasmcc_types::proto::protos::{
    ChaincodeEvent, ChaincodeHeaderExtension, ChaincodeId, TxValidationCode,
};
use wasmcc_types::{LSCC, ResponsePayload};

/// A consistent invocation of a chaincode.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// The invoked chaincode and its version.
    pub(crate) chaincode: String,
    pub(crate) version: String,
    /// The reads and writes.
    pub(crate) rwset: TxRwSet,
    /// The namespaces whose endorsement policies must be satisfied.
    pub(crate) namespaces: BTreeSet<String>,
}

impl Invocation {
    /// Opens the results of an endorsed transaction and checks that they are consistent.
    pub(crate) fn read(
        header: &ChannelHeader,
        response: &ResponsePayload,
        capabilities: ApplicationCapabilities,
    ) -> Result<Self, Invalid> {
        use TxValidationCode::{BadHeaderExtension, BadResponsePayload};
        let extension = ChaincodeHeaderExtension::decode(header.extension.as_slice())
            .map_err(Invalid::cause(BadHeaderExtension, "bad header extension"))?;
        if response.extension.is_empty() {
            let reason = "response payload is missing extension";
            return Err(Invalid::new(BadResponsePayload, reason));
        }
        let action = response
            .action()
            .map_err(Invalid::cause(BadResponsePayload, "GetActionFromEnvelope failed"))?;
        // A duplicate name has its own code, which comes after all others of the action.
        let rwset = match TxRwSet::decode(&action.results) {
            Ok(rwset) => Ok(rwset),
            Err(error @ LedgerError::DuplicateNamespace { .. }) => Err(error),
            Err(error) => {
                return Err(Invalid::cause(TxValidationCode::BadRwset, "bad rwset")(error));
            }
        };
        let (chaincode, version) =
            check_chaincode_ids(extension.chaincode_id, action.chaincode_id.as_ref())?;
        if capabilities.v1_2 {
            check_event(&action.events, &chaincode)?;
        }
        let rwset =
            rwset.map_err(Invalid::cause(TxValidationCode::IllegalWriteset, "illegal rwset"))?;
        let namespaces = match capabilities.v2_0 {
            true => namespaces(&chaincode, &rwset)?,
            false => v14_rules::namespaces(&chaincode, &rwset, capabilities.v1_2)?,
        };
        Ok(Self { chaincode, version, rwset, namespaces })
    }
}

impl Invocation {
    /// True if it writes to the namespace of the channel's configuration.
    pub(crate) fn writes_configuration(&self) -> bool {
        self.rwset.namespaces.get("").is_some_and(NsRwSet::has_writes)
    }
}

/// Returns the name and the version of the invoked chaincode. Proposal and response must have the
/// same name.
fn check_chaincode_ids(
    proposed: Option<ChaincodeId>,
    endorsed: Option<&ChaincodeId>,
) -> Result<(String, String), Invalid> {
    use TxValidationCode::{InvalidChaincode, InvalidOtherReason};
    let proposed = proposed
        .ok_or_else(|| Invalid::new(InvalidOtherReason, "nil ChaincodeId in header extension"))?;
    let endorsed = endorsed
        .ok_or_else(|| Invalid::new(InvalidOtherReason, "nil ChaincodeId in ChaincodeAction"))?;
    if proposed.name.is_empty() {
        return Err(Invalid::new(InvalidChaincode, "invalid chaincode ID"));
    }
    if proposed.name != endorsed.name {
        let reason = format!("inconsistent ccid info ({}/{})", proposed.name, endorsed.name);
        return Err(Invalid::new(InvalidChaincode, reason));
    }
    if endorsed.version.is_empty() {
        return Err(Invalid::new(InvalidChaincode, "invalid chaincode version"));
    }
    Ok((proposed.name, endorsed.version.clone()))
}

fn check_event(event: &[u8], chaincode: &str) -> Result<(), Invalid> {
    if event.is_empty() {
        return Ok(());
    }
    let code = TxValidationCode::InvalidOtherReason;
    let event =
        ChaincodeEvent::decode(event).map_err(Invalid::cause(code, "invalid chaincode event"))?;
    if event.chaincode_id != chaincode {
        let reason = "chaincode event chaincode id does not match chaincode action chaincode id";
        return Err(Invalid::new(code, reason));
    }
    Ok(())
}

/// Returns the invoked chaincode's namespace, even if it is not written, and all others that are
/// written.
///
/// LSCC is older than `_lifecycle` and keeps its old rules (Fabric:
/// `txvalidator/v14/vscc_validator.go`, function `VSCCValidateTx`). It instantiates a chaincode and
/// runs its init in one transaction, when no definition has a policy for the namespace yet. So
/// LSCC's own policy covers all, and `vscc` checks that nothing else is written. Only LSCC may
/// write its namespace; with V2_0 it counts as undefined.
fn namespaces(chaincode: &str, rwset: &TxRwSet) -> Result<BTreeSet<String>, Invalid> {
    let mut namespaces = BTreeSet::from([chaincode.to_owned()]);
    if chaincode == LSCC {
        return Ok(namespaces);
    }
    namespaces.extend(written(rwset));
    if namespaces.contains(LSCC) {
        let reason = format!("chaincode {chaincode} attempted to write to the namespace of LSCC");
        return Err(Invalid::new(TxValidationCode::InvalidChaincode, reason));
    }
    Ok(namespaces)
}

/// Returns the namespaces that are written.
pub(crate) fn written(rwset: &TxRwSet) -> impl Iterator<Item = String> {
    let written = rwset.namespaces.iter().filter(|(_, ns)| ns.has_writes());
    written.map(|(name, _)| name.clone())
}
