//! A signature with who made it and over what.
//!
//! Invariant: no rules; which signers are enough is for policies.

use std::sync::Arc;

use crate::msp::identity::Identity;
use crate::msp::manager::MspManager;

/// A signature that may count for a policy, if it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedData {
    /// `msp.SerializedIdentity` of the signer.
    pub identity: Vec<u8>,
    /// What was signed, not hashed.
    pub data: Vec<u8>,
    /// ECDSA, DER.
    pub signature: Vec<u8>,
}

/// The members whose signatures hold, each once and in order. Everything else is left out without
/// an error: what is missing shows when a policy is evaluated (Fabric: common/policies/policy.go,
/// `SignatureSetToValidIdentities`).
pub fn valid_identities(signed: &[SignedData], msps: &MspManager) -> Vec<Arc<Identity>> {
    let mut valid: Vec<Arc<Identity>> = Vec::with_capacity(signed.len());
    for entry in signed {
        let Ok(identity) = msps.deserialize(&entry.identity) else { continue };
        // Asked before the signature is checked, so that nobody can make us check one signature a
        // thousand times.
        if valid.iter().any(|known| is_same(known, &identity)) {
            continue;
        }
        if identity.verify(&entry.data, &entry.signature).is_ok() {
            valid.push(identity);
        }
    }
    valid
}

fn is_same(one: &Arc<Identity>, other: &Arc<Identity>) -> bool {
    Arc::ptr_eq(one, other)
        || (one.msp_id() == other.msp_id() && one.certificate() == other.certificate())
}
