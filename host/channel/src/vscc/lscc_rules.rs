//! Checks a transaction that instantiates or upgrades a chaincode, apart from its endorsements
//! (fabric 1.0 `validator_onevalidsignature.go`, `ValidateLSCCInvocation`; the checks of names and
//! of both instantiation policies are those of 1.1 and later).
//!
//! Invariant: does not rely on LSCC's own checks: they ran on endorsers, which need not be honest.

use prost::Message;

use crate::Channel;
use crate::collections::{check_against_committed, check_package, lscc_key};
use crate::definition::{Validator, is_legacy_name, is_legacy_version, sequence_key};
use crate::vscc::VsccError;
use crate::vscc::endorsed_tx::{EndorsedTx, decode, unreadable};
use wasmcc_ledger::{TxRwSet, is_delete};
use wasmcc_msp::SignaturePolicy;
use wasmcc_msp::policy::{Signed, SignedBytes, valid_signers};
use wasmcc_types::proto::common::SignatureHeader;
use wasmcc_types::proto::kvrwset::KvWrite;
use wasmcc_types::proto::protos::{
    ChaincodeData, ChaincodeDeploymentSpec, ChaincodeId, ChaincodeInvocationSpec,
    ChaincodeProposalPayload, CollectionConfigPackage,
};
use wasmcc_types::{LIFECYCLE, LSCC, SYSTEM_CHAINCODES};

/// The arguments: channel, deployment specification, policy, escc, vscc, collections.
const MAX_ARGS: usize = 6;
/// The index of the collections.
const COLLECTIONS_ARG: usize = 5;

/// Checks an invocation of LSCC.
pub(crate) fn check_lscc_invocation(
    tx: &EndorsedTx<'_>,
    channel: &Channel,
) -> Result<(), VsccError> {
    let Requested { function, id, collections } = requested(tx)?;
    let written = check_writes(tx, &id, &collections)?;
    let reading =
        || VsccError::reading(format!("Could not retrieve state for chaincode {}", id.name));
    let state = channel.ledger().snapshot();
    let by_lifecycle = state.get(LIFECYCLE, &sequence_key(&id.name)).map_err(reading())?;
    if by_lifecycle.is_some() {
        // Fabric refuses every LSCC transaction on a channel that has `_lifecycle`.
        let reason = format!("Chaincode {} is defined by {LIFECYCLE} on this channel", id.name);
        return Err(reason.into());
    }
    let stored = state.get(LSCC, &id.name).map_err(reading())?;
    let current = stored.map(|stored| ChaincodeData::decode(stored.value.as_slice())).transpose();
    // Fabric stops the channel here.
    let current = current.map_err(|e| format!("chaincode {} has bad definition: {e}", id.name))?;
    check_collections(function, &id, &collections, channel)?;
    match (function, current) {
        (Function::Deploy, None) => {
            check_instantiation_policy(&written.instantiation_policy, tx, channel)
        }
        (Function::Deploy, Some(_)) => {
            Err(format!("Chaincode {} is already instantiated", id.name).into())
        }
        (Function::Upgrade, None) => {
            Err(format!("Upgrading non-existent chaincode {}", id.name).into())
        }
        (Function::Upgrade, Some(current)) => {
            check_instantiation_policy(&current.instantiation_policy, tx, channel)?;
            if current.version == id.version {
                let reason = format!(
                    "Existing version of the cc on the ledger ({}) should be different from the \
                     upgraded one",
                    id.version
                );
                return Err(reason.into());
            }
            check_instantiation_policy(&written.instantiation_policy, tx, channel)
        }
    }
}

#[derive(Clone, Copy)]
enum Function {
    Deploy,
    Upgrade,
}

/// The request to LSCC in the proposal.
struct Requested {
    function: Function,
    id: ChaincodeId,
    /// Empty if none were given.
    collections: Vec<u8>,
}

fn requested(tx: &EndorsedTx<'_>) -> Result<Requested, VsccError> {
    let payload: ChaincodeProposalPayload =
        decode(&tx.endorsed.proposal_payload, "proposal payload")?;
    let spec: ChaincodeInvocationSpec = decode(&payload.input, "ChaincodeInvocationSpec")?;
    let input = spec.chaincode_spec.and_then(|spec| spec.input).unwrap_or_default();
    let Some((name, args)) = input.args.split_first() else {
        return Err("VSCC error: committing invalid vscc invocation".into());
    };
    let name = String::from_utf8_lossy(name);
    let function = match &*name {
        "deploy" => Function::Deploy,
        "upgrade" => Function::Upgrade,
        _ => {
            let reason = "VSCC error: committing an invocation of function";
            return Err(format!("{reason} {name} of lscc is invalid").into());
        }
    };
    let Some(spec) = args.get(1).filter(|_| args.len() <= MAX_ARGS) else {
        let reason = format!("Wrong number of arguments for invocation lscc({name})");
        let count = args.len();
        return Err(format!("{reason}: expected between 2 and {MAX_ARGS}, received {count}").into());
    };
    let spec = ChaincodeDeploymentSpec::decode(spec.as_slice())
        .map_err(|e| format!("GetChaincodeDeploymentSpec error {e}"))?;
    let id = spec.chaincode_spec.and_then(|spec| spec.chaincode_id).ok_or_else(|| {
        format!("VSCC error: invocation of lscc({name}) does not have appropriate arguments")
    })?;
    if !is_legacy_name(&id.name) {
        return Err(format!("invalid chaincode name '{}'", id.name).into());
    }
    if !is_legacy_version(&id.version) {
        return Err(format!("invalid chaincode version '{}'", id.version).into());
    }
    if SYSTEM_CHAINCODES.contains(&id.name.as_str()) {
        let reason = format!("chaincode name '{}' is reserved for system chaincodes", id.name);
        return Err(reason.into());
    }
    let collections = args.get(COLLECTIONS_ARG).cloned().unwrap_or_default();
    Ok(Requested { function, id, collections })
}

/// Checks the writes and returns the definition. LSCC writes the chaincode's definition and, if
/// given, its collections; the chaincode's init may write the chaincode's own namespace.
fn check_writes(
    tx: &EndorsedTx<'_>,
    id: &ChaincodeId,
    collections: &[u8],
) -> Result<ChaincodeData, VsccError> {
    let response = tx.endorsed.response.as_ref();
    let response = response.map_err(|e| unreadable("ProposalResponsePayload", e))?;
    let action = response.action().map_err(|e| unreadable("ChaincodeAction", e))?;
    let rwset = TxRwSet::decode(&action.results)
        .map_err(|e| format!("txRWSet.FromProtoBytes error {e}"))?;
    let Some(lscc) = rwset.namespaces.get(LSCC) else {
        return Err("No read write set for lscc was found".into());
    };
    let Some((write, others)) = lscc.writes.split_first().filter(|(_, more)| more.len() < 2) else {
        return Err("LSCC can only issue one or two putState upon deploy/upgrade".into());
    };
    check_collections_write(id, collections, others.first())?;
    if lscc.writes.iter().any(is_delete) {
        return Err("LSCC can not delete a chaincode's definition".into());
    }
    if write.key != id.name {
        return Err(format!("Expected key {}, found {}", id.name, write.key).into());
    }
    let data = ChaincodeData::decode(write.value.as_slice())
        .map_err(|e| format!("Unmarshalling of ChaincodeData failed, error {e}"))?;
    if data.name != id.name {
        return Err(format!("Expected cc name {}, found {}", id.name, data.name).into());
    }
    if data.version != id.version {
        return Err(format!("Expected cc version {}, found {}", id.version, data.version).into());
    }
    if Validator::named(&data.vscc).is_none() {
        // Fabric accepts any name, and stops the channel at the first transaction that needs it.
        return Err(format!("there is no validation system chaincode '{}'", data.vscc).into());
    }
    if !lscc.metadata_writes.is_empty() || !lscc.collections.is_empty() {
        return Err("LSCC can only write public values".into());
    }
    let own = [LSCC, id.name.as_str()];
    let mut others = rwset.namespaces.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    // Fabric checks only public writes here; for other chaincodes it checks all writes.
    match others.find(|(_, ns)| ns.has_writes()) {
        Some((name, _)) => {
            Err(format!("LSCC invocation is attempting to write to namespace {name}").into())
        }
        None => Ok(data),
    }
}

/// Fabric 1.4: `validateRWSetAndCollection`, 0.b.
fn check_collections_write(
    id: &ChaincodeId,
    given: &[u8],
    write: Option<&KvWrite>,
) -> Result<(), VsccError> {
    let ChaincodeId { name, version, .. } = id;
    let key = lscc_key(name);
    let written = match write {
        None => &[][..],
        Some(write) if write.key == key => &write.value,
        Some(write) => {
            let reason = format!("invalid key for the collection of chaincode {name}:{version}");
            return Err(format!("{reason}; expected '{key}', received '{}'", write.key).into());
        }
    };
    if given == written {
        return Ok(());
    }
    let reason = format!("collection configuration arguments supplied for chaincode {name}");
    Err(format!("{reason}:{version} do not match the configuration in the lscc writeset").into())
}

/// Checks that the collections can be used and that an upgrade keeps the existing ones (fabric 1.4:
/// `validateNewCollectionConfigs`, `validateNewCollectionConfigsAgainstOld`).
fn check_collections(
    function: Function,
    id: &ChaincodeId,
    given: &[u8],
    channel: &Channel,
) -> Result<(), VsccError> {
    if given.is_empty() {
        return Ok(());
    }
    let ChaincodeId { name, version, .. } = id;
    if !channel.config().capabilities().v1_2 {
        return Err("collections need the channel's capability V1_2".into());
    }
    let package = CollectionConfigPackage::decode(given).map_err(|_| {
        format!("invalid collection configuration supplied for chaincode {name}:{version}")
    })?;
    let collections = check_package(&package, None)?;
    let reason = "unable to check whether collection existed earlier for chaincode";
    let stored = channel.ledger().snapshot().get(LSCC, &lscc_key(name));
    let stored = stored.map_err(VsccError::reading(format!("{reason} {name}:{version}")))?;
    let Some(stored) = stored else { return Ok(()) };
    if let Function::Deploy = function {
        let reason = "collection data should not exist for chaincode";
        return Err(format!("{reason} {name}:{version}").into());
    }
    // Fabric stops the channel here.
    let committed = CollectionConfigPackage::decode(stored.value.as_slice())
        .map_err(|e| format!("the collections of {name} are damaged: {e}"))?;
    Ok(check_against_committed(&collections, &committed)?)
}

/// Checks that the creator of the transaction may instantiate the chaincode.
fn check_instantiation_policy(
    policy: &[u8],
    tx: &EndorsedTx<'_>,
    channel: &Channel,
) -> Result<(), VsccError> {
    if policy.is_empty() {
        return Err("No installation policy was specified".into());
    }
    let policy = SignaturePolicy::from_bytes(policy).map_err(|e| e.to_string())?;
    let header: SignatureHeader = decode(&tx.opened.signature_header, "SignatureHeader")?;
    let signed = Signed {
        identity: &header.creator,
        data: SignedBytes::Parts([&tx.opened.payload, &[]]),
        signature: &tx.opened.signature,
    };
    policy
        .evaluate_identities(&valid_signers([signed], channel.config().msps()))
        .map_err(|e| format!("chaincode instantiation policy violated, error {e}").into())
}
