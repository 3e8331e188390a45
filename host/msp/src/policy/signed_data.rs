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

/// As [`SignedData`], lent.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// `msp.SerializedIdentity` of the signer.
    pub identity: &'a [u8],
    /// What is signed.
    pub data: SignedBytes<'a>,
    /// ECDSA, DER.
    pub signature: &'a [u8],
}

/// What somebody signed.
#[derive(Clone, Copy, Debug)]
pub enum SignedBytes<'a> {
    /// These two, one after the other.
    Parts([&'a [u8]; 2]),
    /// What the endorser at a place signs, of which the hash is kept.
    Endorsement(&'a Endorsed, usize),
}

impl<'a> Signed<'a> {
    /// The endorsement at a place; None if there is none.
    pub fn endorsement(endorsed: &'a Endorsed, place: usize) -> Option<Self> {
        let endorsement = endorsed.endorsements.get(place)?;
        let data = SignedBytes::Endorsement(endorsed, place);
        Some(Self { identity: &endorsement.endorser, data, signature: &endorsement.signature })
    }
}

impl SignedBytes<'_> {
    /// None: nobody endorsed at this place.
    fn digest(self) -> Option<[u8; 32]> {
        match self {
            Self::Parts(parts) => Some(sha256_all(parts)),
            Self::Endorsement(endorsed, place) => endorsed.digest(place),
        }
    }
}

/// Returns the members whose signatures are valid, each once and in order. Everything else is left
/// out without an error: the evaluation of a policy shows what is missing (Fabric:
/// common/policies/policy.go, `SignatureSetToValidIdentities`).
pub fn valid_identities(signed: &[SignedData], msps: &MspManager) -> Vec<Arc<Identity>> {
    let lent = signed.iter().map(|SignedData { identity, data, signature }| Signed {
        identity,
        data: SignedBytes::Parts([data, &[]]),
        signature,
    });
    valid_signers(lent, msps)
}

/// As [`valid_identities`], of data that is not copied.
pub fn valid_signers<'a>(
    signed: impl IntoIterator<Item = Signed<'a>>,
    msps: &MspManager,
) -> Vec<Arc<Identity>> {
    let mut valid: Vec<Arc<Identity>> = Vec::new();
    for entry in signed {
        let Ok(identity) = msps.deserialize(entry.identity) else { continue };
        // Before the signature is verified, so that repeated signatures cost nothing.
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
