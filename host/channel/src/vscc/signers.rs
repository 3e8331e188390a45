//! Determines which endorsements of a transaction have a valid signature by a valid identity.
//!
//! Invariant: the result depends only on the envelope's payload and the channel's configuration,
//! which are the key of the cache.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::vscc::endorsed_tx::EndorsedTx;
use wasmcc_msp::policy::{Signed, valid_signers};
use wasmcc_msp::{ChannelConfig, Identity};

/// Number of transactions in the cache: those under validation just now.
const REMEMBERED: usize = 16;

/// The endorsers of a transaction.
#[derive(Clone)]
pub(crate) struct Signers {
    /// The endorsers with a valid signature, each once.
    pub(crate) valid: Arc<[Arc<Identity>]>,
    /// True if two endorsements are by the same identity.
    pub(crate) duplicates: bool,
}

/// Limit on the signers in an error text.
const MAX_SHOWN: usize = 8;

impl fmt::Display for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.valid.is_empty() {
            return f.write_str("nobody whose signature is valid");
        }
        for (index, signer) in self.valid.iter().take(MAX_SHOWN).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{} of {}", common_name(signer.subject()), signer.msp_id())?;
        }
        match self.valid.len().saturating_sub(MAX_SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// The common name in a subject's text; the whole text if there is none.
fn common_name(subject: &str) -> &str {
    let parts = subject.split(", ").filter_map(|part| part.strip_prefix("CN="));
    parts.last().unwrap_or(subject)
}

/// Caches the signers of the last few transactions. A transaction that writes to several namespaces
/// is judged several times in a row, and its signatures take most of the time.
#[derive(Default)]
pub(crate) struct SignersCache {
    last: Mutex<VecDeque<(SignersKey, Signers)>>,
}

#[derive(Clone, PartialEq, Eq)]
struct SignersKey {
    channel_id: String,
    config_sequence: u64,
    /// Hash of the envelope's payload, which contains all endorsements.
    payload: [u8; 32],
}

impl SignersCache {
    /// Returns the signers of a transaction.
    pub(crate) fn of(&self, tx: &EndorsedTx<'_>, config: &ChannelConfig) -> Signers {
        let key = SignersKey {
            channel_id: config.channel_id().to_string(),
            config_sequence: config.sequence(),
            payload: *tx.opened.payload_hash(),
        };
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last().iter().find(|(known, _)| *known == key).map(|(_, found)| found.clone());
        if let Some(signers) = known {
            return signers;
        }
        let signers = verify(tx, config);
        let mut last = last();
        last.truncate(REMEMBERED - 1);
        last.push_front((key, signers.clone()));
        signers
    }
}

/// Checks each signature. An endorser signs the proposal response and its own identity. Of several
/// endorsements by one endorser, any may be the valid one (Fabric: common/policies/policy.go,
/// `SignatureSetToValidIdentities`). On channels without the capability V1_3 only the first one
/// counts (`builtin/v12/validation_logic.go`, `deduplicateIdentity`).
fn verify(tx: &EndorsedTx<'_>, config: &ChannelConfig) -> Signers {
    let endorsements = &tx.endorsed.endorsements;
    let only_first = !config.capabilities().v1_3;
    // Comparing identities is cheaper than hashing them: they are long and few.
    let (mut endorsers, mut signed) = (BTreeSet::new(), Vec::with_capacity(endorsements.len()));
    for (place, endorsement) in endorsements.iter().enumerate() {
        if endorsers.insert(&endorsement.endorser) || !only_first {
            signed.extend(Signed::endorsement(tx.endorsed, place));
        }
    }
    Signers {
        valid: valid_signers(signed, config.msps()).into(),
        duplicates: endorsers.len() < endorsements.len(),
    }
}
