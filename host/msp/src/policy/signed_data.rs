//! A signature with its signer and data.
//!
//! Does not evaluate policies.

use std::sync::Arc;

use crate::identity::Identity;
use crate::manager::MspManager;
use wasmcc_types::sha256_all;

/// A signature that counts for a policy if it is valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedData {
    /// `msp.SerializedIdentity` of the signer.
    pub identity: Vec<u8>,
    /// The signed data, not hashed.
    pub data: Vec<u8>,
    /// ECDSA, DER.
    pub signature: Vec<u8>,
}

/// As [`SignedData`], lent, with the data in two parts.
#[derive(Clone, Copy, Debug)]
pub struct SignedParts<'a> {
    /// `msp.SerializedIdentity` of the signer.
    pub identity: &'a [u8],
    /// The signed data are these two, one after the other.
    pub data: [&'a [u8]; 2],
    /// ECDSA, DER.
    pub signature: &'a [u8],
}

/// Returns the members whose signatures are valid, each once and in order. Everything else is left
/// out without an error: the evaluation of a policy shows what is missing (Fabric:
/// common/policies/policy.go, `SignatureSetToValidIdentities`).
pub fn valid_identities(signed: &[SignedData], msps: &MspManager) -> Vec<Arc<Identity>> {
    let lent = signed.iter().map(|SignedData { identity, data, signature }| SignedParts {
        identity,
        data: [data, &[]],
        signature,
    });
    valid_signers(lent, msps)
}

/// As [`valid_identities`], of data that is not copied.
pub fn valid_signers<'a>(
    signed: impl IntoIterator<Item = SignedParts<'a>>,
    msps: &MspManager,
) -> Vec<Arc<Identity>> {
    let mut valid: Vec<Arc<Identity>> = Vec::new();
    for entry in signed {
        let Ok(identity) = msps.deserialize(entry.identity) else { continue };
        // Before the signature is verified, so that repeated signatures cost nothing.
        if valid.iter().any(|known| is_same(known, &identity)) {
            continue;
        }
        if identity.verify_digest(&sha256_all(entry.data), entry.signature).is_ok() {
            valid.push(identity);
        }
    }
    valid
}

fn is_same(one: &Arc<Identity>, other: &Arc<Identity>) -> bool {
    Arc::ptr_eq(one, other)
        || (one.msp_id() == other.msp_id() && one.certificate() == other.certificate())
}
