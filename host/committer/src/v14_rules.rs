//! What channels without the capability V2_0 check besides. Fabric: `txvalidator/v14/validator.go`,
//! `invalidTXsForUpgradeCC`, and `vscc_validator.go`.
//!
//! Invariant: a channel with V2_0 never comes here.

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

/// Which chaincode a transaction invokes, and which one it upgrades.
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

/// The chaincode that a call of LSCC's `upgrade` is about.
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

/// The namespaces whose endorsement policies count. Without V1_2 those of chaincodes that write
/// nothing do not. System chaincodes have the policy that any member endorses.
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

/// The version that was invoked must be the one that runs on the channel.
pub(crate) fn check_version(invocation: &Invocation, current: &str) -> Result<(), Invalid> {
    let Invocation { chaincode, version, .. } = invocation;
    if version == current {
        return Ok(());
    }
    let reason =
        format!("chaincode {chaincode}:{version} didn't match {chaincode}:{current} in lscc");
    Err(Invalid::new(TxValidationCode::ExpiredChaincode, reason))
}

/// Codes that came with 2.0 were something else before.
pub(crate) fn code(code: TxValidationCode) -> TxValidationCode {
    match code {
        TxValidationCode::InvalidChaincode => TxValidationCode::InvalidOtherReason,
        code => code,
    }
}

/// Of several upgrades of a chaincode in a block the last one counts, and no invocation of a
/// chaincode counts that is upgraded in its block.
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
