//! A signature with its signer and data.
//!
//! Does not evaluate policies.

use std::sync::Arc;

use crate::identity::Identity;
use crate::manager::MspManager;
use wasmcc_types::{Endorsed, sha256_all};

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

/// Like [`SignedData`], but borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// `msp.SerializedIdentity` of the signer.
    pub identity: &'a [u8],
    /// The signed data, not hashed.
    pub data: SignedBytes<'a>,
    /// ECDSA, DER.
    pub signature: &'a [u8],
}

/// Signed bytes.
#[derive(Clone, Copy, Debug)]
pub enum SignedBytes<'a> {
    /// The concatenation of two parts.
    Parts([&'a [u8]; 2]),
    /// The data signed by the endorser with this index; its hash is kept.
    Endorsement(&'a Endorsed, usize),
}

impl<'a> Signed<'a> {
    /// Returns the endorsement with this index; None if it does not exist.
    pub fn endorsement(endorsed: &'a Endorsed, place: usize) -> Option<Self> {
        let endorsement = endorsed.endorsements.get(place)?;
        let data = SignedBytes::Endorsement(endorsed, place);
        Some(Self { identity: &endorsement.endorser, data, signature: &endorsement.signature })
    }
}

impl SignedBytes<'_> {
    /// Returns None if no endorsement has this index.
    fn digest(self) -> Option<[u8; 32]> {
        match self {
            Self::Parts(parts) => Some(sha256_all(parts)),
            Self::Endorsement(endorsed, place) => endorsed.digest(place),
        }
    }
}

/// Returns the members with valid signatures, each once and in order. Invalid entries are left out
/// without an error: the evaluation of a policy shows what is missing (Fabric:
/// common/policies/policy.go, `SignatureSetToValidIdentities`).
pub fn valid_identities(signed: &[SignedData], msps: &MspManager) -> Vec<Arc<Identity>> {
    let lent = signed.iter().map(|SignedData { identity, data, signature }| Signed {
        identity,
        data: SignedBytes::Parts([data, &[]]),
        signature,
    });
    valid_signers(lent, msps)
}

/// Like [`valid_identities`], without copying the data.
pub fn valid_signers<'a>(
    signed: impl IntoIterator<Item = Signed<'a>>,
    msps: &MspManager,
) -> Vec<Arc<Identity>> {
    let mut valid: Vec<Arc<Identity>> = Vec::new();
    for entry in signed {
        let Ok(identity) = msps.deserialize(entry.identity) else { continue };
        // Checked before the signature is verified, so that repeated signatures cost nothing.
        if valid.iter().any(|known| is_same(known, &identity)) {
            continue;
        }
        let holds = |digest| identity.verify_digest(&digest, entry.signature).is_ok();
        if entry.data.digest().is_some_and(holds) {
            valid.push(identity);
        }
    }
    valid
}

fn is_same(one: &Arc<Identity>, other: &Arc<Identity>) -> bool {
    Arc::ptr_eq(one, other)
        || (one.msp_id() == other.msp_id() && one.certificate() == other.certificate())
}
