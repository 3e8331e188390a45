//! Additional checks on channels without the capability V2_0. Fabric:
//! `txvalidator/v14/validator.go`, `invalidTXsForUpgradeCC`, and `vscc_validator.go`.
//!
//! Invariant: not used on channels with V2_0.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use crate::invocation::{Invocation, written};
use crate::validator::JudgedTx;
use crate::verdict::Invalid;
use wasmcc_ledger::TxRwSet;
use wasmcc_types::proto::protos::{
    ChaincodeDeploymentSpec, ChaincodeInvocationSpec, ChaincodeProposalPayload, TxValidationCode,
};
use wasmcc_types::{CSCC, ESCC, LSCC, Opened, QSCC, VSCC};

/// The chaincode that a transaction invokes, and the one that it upgrades.
#[derive(Debug, Default)]
pub(crate) struct Instances {
    invoked: String,
    upgraded: Option<String>,
}

impl Instances {
    pub(crate) fn of(opened: &Opened, invocation: &Invocation) -> Self {
        let invoked = invocation.chaincode.clone();
        let upgraded = if invoked == LSCC { upgraded(opened) } else { None };
        Self { invoked, upgraded }
    }
}

/// Returns the chaincode that a call of LSCC's `upgrade` names.
fn upgraded(opened: &Opened) -> Option<String> {
    let payload = opened.endorsed().ok()?.proposal_payload.clone();
    let payload = ChaincodeProposalPayload::decode(payload).ok()?;
    let spec = ChaincodeInvocationSpec::decode(payload.input.as_slice()).ok()?;
    let args = spec.chaincode_spec?.input?.args;
    let [function, _, spec, ..] = args.as_slice() else { return None };
    if function != b"upgrade" {
        return None;
    }
    let spec = ChaincodeDeploymentSpec::decode(spec.as_slice()).ok()?;
    Some(spec.chaincode_spec?.chaincode_id?.name)
}

/// Returns the namespaces whose endorsement policies must be satisfied. Without V1_2, these do not
/// include a chaincode that writes nothing. For system chaincodes, the policy is that any member
/// endorses.
pub(crate) fn namespaces(
    chaincode: &str,
    rwset: &TxRwSet,
    v1_2: bool,
) -> Result<BTreeSet<String>, Invalid> {
    let illegal = |reason| Err(Invalid::new(TxValidationCode::IllegalWriteset, reason));
    match chaincode {
        VSCC | ESCC => illegal(format!("committing an invocation of cc {chaincode} is illegal")),
        LSCC | QSCC | CSCC => Ok(BTreeSet::from([chaincode.to_owned()])),
        _ => {
            let mut namespaces: BTreeSet<String> = written(rwset).collect();
            let begin = format!("chaincode {chaincode} attempted to write to the namespace of");
            if namespaces.contains(LSCC) {
                return illegal(format!("{begin} LSCC"));
            }
            if [VSCC, ESCC, CSCC].iter().any(|name| namespaces.contains(*name)) {
                return illegal(format!("{begin} a system chaincode that cannot be invoked"));
            }
            if v1_2 {
                namespaces.insert(chaincode.to_owned());
            }
            Ok(namespaces)
        }
    }
}

/// Checks that the invoked version is the one that runs on the channel.
pub(crate) fn check_version(invocation: &Invocation, current: &str) -> Result<(), Invalid> {
    let Invocation { chaincode, version, .. } = invocation;
    if version == current {
        return Ok(());
    }
    let reason =
        format!("chaincode {chaincode}:{version} didn't match {chaincode}:{current} in lscc");
    Err(Invalid::new(TxValidationCode::ExpiredChaincode, reason))
}

/// Returns the code that was used before 2.0.
pub(crate) fn code(code: TxValidationCode) -> TxValidationCode {
    match code {
        TxValidationCode::InvalidChaincode => TxValidationCode::InvalidOtherReason,
        code => code,
    }
}

/// Invalidates all upgrades of a chaincode in a block but the last one, and all invocations of a
/// chaincode that is upgraded in its block.
pub(crate) fn refuse_upgraded(judged: &mut [JudgedTx]) {
    let mut upgrades = BTreeMap::new();
    for (index, tx) in judged.iter().enumerate() {
        if let Some(Instances { upgraded: Some(name), .. }) = &tx.instances {
            upgrades.insert(name.clone(), index);
        }
    }
    for (index, tx) in judged.iter_mut().enumerate() {
        let Some(Instances { invoked, upgraded }) = &tx.instances else { continue };
        let overtaken = upgraded.as_ref().is_some_and(|name| upgrades.get(name) != Some(&index));
        if overtaken || upgrades.contains_key(invoked) {
            let reason = "chaincode was upgraded in the same block";
            tx.invalidate(Invalid::new(TxValidationCode::ChaincodeVersionConflict, reason));
        }
    }
}
