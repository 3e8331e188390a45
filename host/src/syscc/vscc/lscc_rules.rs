//! What a transaction that instantiates or upgrades a chaincode must look like, beside its
//! endorsements (fabric 1.0 `validator_onevalidsignature.go`, `ValidateLSCCInvocation`; the checks
//! of names and of both instantiation policies are those of 1.1 and later).
//!
//! Invariant: LSCC's own checks ran on the endorsers, whom nobody here has to trust.

use prost::Message;

use crate::chaincode::{check_name, check_version};
use crate::channel::Channel;
use crate::ledger::{TxRwSet, is_delete};
use crate::msp::{SignaturePolicy, SignedData};
use crate::proto::common::SignatureHeader;
use crate::proto::protos::{
    ChaincodeAction, ChaincodeData, ChaincodeDeploymentSpec, ChaincodeId, ChaincodeInvocationSpec,
    ChaincodeProposalPayload, ProposalResponsePayload,
};
use crate::syscc::vscc::VsccError;
use crate::syscc::vscc::endorsed_tx::{EndorsedTx, decode};

/// Channel, deployment specification, policy, escc, vscc, collections.
const MAX_ARGS: usize = 6;
/// The only validation that peers have.
const VALIDATOR: &str = "vscc";
/// Names that no chaincode may have.
const SYSTEM_NAMES: [&str; 6] = ["lscc", "cscc", "qscc", "escc", "vscc", "_lifecycle"];

/// Checks an invocation of LSCC.
pub(super) fn check_lscc_invocation(tx: &EndorsedTx, channel: &Channel) -> Result<(), VsccError> {
    let (function, id) = requested(tx)?;
    let written = check_writes(tx, &id)?;
    let unavailable = |e: &dyn std::fmt::Display| {
        let ChaincodeId { name, .. } = &id;
        VsccError::Unavailable(format!("Could not retrieve state for chaincode {name}: {e}"))
    };
    let stored = channel.ledger().snapshot().get("lscc", &id.name).map_err(|e| unavailable(&e))?;
    let current = stored.map(|stored| ChaincodeData::decode(stored.value.as_slice())).transpose();
    let current = current.map_err(|e| unavailable(&e))?;
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

/// What the proposal asked LSCC to do, and for which chaincode.
fn requested(tx: &EndorsedTx) -> Result<(Function, ChaincodeId), VsccError> {
    let payload: ChaincodeProposalPayload = decode(&tx.proposal_payload, "proposal payload")?;
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
    check_name(&id.name).map_err(|_| format!("invalid chaincode name '{}'", id.name))?;
    check_version(&id.version)
        .map_err(|_| format!("invalid chaincode version '{}'", id.version))?;
    if SYSTEM_NAMES.contains(&id.name.as_str()) {
        let reason = format!("chaincode name '{}' is reserved for system chaincodes", id.name);
        return Err(reason.into());
    }
    Ok((function, id))
}

/// LSCC writes one key, which is the chaincode's definition, and the chaincode's init may write the
/// chaincode's own namespace. Gives the definition.
fn check_writes(tx: &EndorsedTx, id: &ChaincodeId) -> Result<ChaincodeData, VsccError> {
    let response: ProposalResponsePayload =
        decode(&tx.action.proposal_response_payload, "ProposalResponsePayload")?;
    let action: ChaincodeAction = decode(&response.extension, "ChaincodeAction")?;
    let rwset = TxRwSet::decode(&action.results)
        .map_err(|e| format!("txRWSet.FromProtoBytes error {e}"))?;
    let Some(lscc) = rwset.namespaces.get("lscc") else {
        return Err("No read write set for lscc was found".into());
    };
    let [write] = lscc.writes.as_slice() else {
        return Err("LSCC can only issue a single putState upon deploy/upgrade".into());
    };
    if is_delete(write) {
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
    if data.vscc != VALIDATOR {
        // Fabric takes any name, and stops the channel at the first transaction that needs it.
        return Err(format!("there is no validation system chaincode '{}'", data.vscc).into());
    }
    if !lscc.metadata_writes.is_empty() || !lscc.collections.is_empty() {
        return Err("LSCC can only write public values".into());
    }
    let own = ["lscc", id.name.as_str()];
    let mut others = rwset.namespaces.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    // Fabric looks at public writes only here, and at all of them in front of other chaincodes.
    match others.find(|(_, ns)| ns.has_writes()) {
        Some((name, _)) => {
            Err(format!("LSCC invocation is attempting to write to namespace {name}").into())
        }
        None => Ok(data),
    }
}

/// Whether the creator of the transaction may instantiate the chaincode.
fn check_instantiation_policy(
    policy: &[u8],
    tx: &EndorsedTx,
    channel: &Channel,
) -> Result<(), VsccError> {
    if policy.is_empty() {
        return Err("No installation policy was specified".into());
    }
    let policy = SignaturePolicy::from_bytes(policy).map_err(|e| e.to_string())?;
    let header: SignatureHeader = decode(&tx.signature_header, "SignatureHeader")?;
    let signed = SignedData {
        identity: header.creator,
        data: tx.payload.clone(),
        signature: tx.signature.clone(),
    };
    policy
        .evaluate(&[signed], channel.config().msps())
        .map_err(|e| format!("chaincode instantiation policy violated, error {e}").into())
}
