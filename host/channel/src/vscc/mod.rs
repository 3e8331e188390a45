//! VSCC: checks whether the endorsements of a transaction satisfy a policy (fabric 1.0
//! `core/scc/vscc/validator_onevalidsignature.go`). The committer calls it through its handler.
//!
//! Invariant: judges one transaction by one policy; the committer decides which policies apply.

mod endorsed_tx;
mod lscc_rules;
mod policies;
mod signers;

use std::sync::Arc;

use crate::Channels;
use crate::collections::CollectionsError;
use crate::vscc::endorsed_tx::{EndorsedTx, EndorsedTxError};
use crate::vscc::lscc_rules::check_lscc_invocation;
use crate::vscc::policies::{NamespacePolicy, PolicyCache};
use crate::vscc::signers::{Signers, SignersCache};
use wasmcc_ledger::LedgerError;
use wasmcc_msp::{ChannelConfig, Identity, SignaturePolicy};
use wasmcc_types::Opened;

/// The first argument if the policy is a `protos.ApplicationPolicy`.
pub const APPLICATION_POLICY: &str = "ApplicationPolicy";

/// Arguments: "", a serialized `common.Envelope`, a serialized `common.SignaturePolicyEnvelope`. If
/// the first one is "ApplicationPolicy", the policy is a serialized `protos.ApplicationPolicy`.
///
/// Answers with status 200 and no payload, with 500 and the reason if the transaction is not valid,
/// or with 503 if this peer cannot decide.
pub struct Vscc {
    channels: Arc<Channels>,
    policies: PolicyCache,
    signers: SignersCache,
}

/// Why a transaction was not found valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VsccError {
    /// The transaction is not valid; every peer comes to the same result.
    #[error("{0}")]
    Invalid(String),
    /// This peer cannot decide: it has not joined the channel, or cannot read its ledger.
    #[error("{0}")]
    Unavailable(String),
}

impl VsccError {
    /// For `map_err`: the ledger could not be read. A failure of this machine leaves the
    /// transaction undecided. Stored data that cannot be understood makes it invalid.
    fn reading(what: String) -> impl FnOnce(LedgerError) -> Self {
        move |error| match error.into_machine_failure() {
            Ok(failure) => Self::Unavailable(format!("{what}: {failure}")),
            Err(error) => Self::Invalid(format!("{what}: {error}")),
        }
    }
}

impl From<String> for VsccError {
    fn from(reason: String) -> Self {
        Self::Invalid(reason)
    }
}

impl From<EndorsedTxError> for VsccError {
    fn from(error: EndorsedTxError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<CollectionsError> for VsccError {
    fn from(error: CollectionsError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<&str> for VsccError {
    fn from(reason: &str) -> Self {
        Self::Invalid(reason.to_owned())
    }
}

impl Vscc {
    /// The status of an answer that does not judge the transaction.
    pub const UNAVAILABLE: i32 = 503;

    /// Judges by the configurations and definitions of the peer's channels.
    pub fn new(channels: Arc<Channels>) -> Self {
        Self { channels, policies: PolicyCache::default(), signers: SignersCache::default() }
    }

    /// Does what `invoke` does, with the same arguments.
    pub fn validate(&self, args: &[Vec<u8>]) -> Result<(), VsccError> {
        let [kind, envelope, policy, ..] = args else {
            return Err("Incorrect number of arguments".into());
        };
        if envelope.is_empty() {
            return Err("No block to validate".into());
        }
        if policy.is_empty() {
            return Err("No policy supplied".into());
        }
        self.evaluate(&endorsed_tx::open(envelope)?, || self.policy(kind, policy))
    }

    /// Like [`validate`](Self::validate), but with a transaction that the caller has already
    /// opened; the argument is ignored.
    pub fn validate_lent(&self, tx: &Opened, args: &[Vec<u8>]) -> Result<(), VsccError> {
        let [kind, _, policy, ..] = args else {
            return Err("Incorrect number of arguments".into());
        };
        self.evaluate(tx, || self.policy(kind, policy))
    }

    /// Reads a policy; the first argument says in which form.
    fn policy(&self, kind: &[u8], policy: &[u8]) -> Result<Arc<NamespacePolicy>, VsccError> {
        if kind == APPLICATION_POLICY.as_bytes() {
            return self.policies.of_application(policy);
        }
        NamespacePolicy::of_signatures(SignaturePolicy::from_bytes(policy)).map(Arc::new)
    }

    fn evaluate(
        &self,
        tx: &Opened,
        policy: impl FnOnce() -> Result<Arc<NamespacePolicy>, VsccError>,
    ) -> Result<(), VsccError> {
        let tx = EndorsedTx::of(tx)?;
        let channel_id = &tx.opened.channel_header.channel_id;
        let channel = self.channels.get(channel_id).ok_or_else(|| {
            VsccError::Unavailable(format!("channel '{channel_id}' is not joined"))
        })?;
        let config = channel.config();
        let policy = policy()?;
        let signers = self.signers.of(&tx, &config);
        evaluate(&policy, &signers, &config)?;
        if tx.is_of_lscc()? {
            check_lscc_invocation(&tx, &channel)?;
        }
        Ok(())
    }
}

/// Checks whether endorsements of these peers would satisfy a serialized
/// `protos.ApplicationPolicy`.
pub fn satisfies(
    policy: &[u8],
    endorsers: &[Arc<Identity>],
    config: &ChannelConfig,
) -> Result<(), VsccError> {
    let signers = Signers { valid: endorsers.into(), duplicates: false };
    evaluate(&NamespacePolicy::of_application(policy)?, &signers, config)
}

fn evaluate(
    policy: &NamespacePolicy,
    signers: &Signers,
    config: &ChannelConfig,
) -> Result<(), VsccError> {
    let outcome = match policy {
        NamespacePolicy::Signatures(policy) => policy.evaluate_identities(&signers.valid),
        NamespacePolicy::Reference(name) => match config.policies().get(name) {
            Some(policy) => policy.evaluate_identities(&signers.valid),
            None => {
                return Err(format!("failed to retrieve policy for reference {name}").into());
            }
        },
    };
    // Fabric's text, then the policy and the endorsers, which help to find the cause.
    outcome.map_err(|error| {
        let why = match signers.duplicates {
            true => {
                let text = "Endorsement policy evaluation failure might be caused by duplicated";
                format!("{text} identities")
            }
            false => format!("VSCC error: policy evaluation failed, err {error}"),
        };
        format!("{why}; the policy is {policy}, endorsed by {signers}").into()
    })
}
