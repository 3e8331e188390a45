//! VSCC: says whether the endorsements of a transaction satisfy a policy (fabric 1.0
//! `core/scc/vscc/validator_onevalidsignature.go`). The committer asks it, through its handler.
//!
//! Invariant: one transaction and one policy; which policies count is the committer's to know.

mod endorsed_tx;
mod lscc_rules;
mod signers;

use std::fmt;
use std::sync::Arc;

use prost::Message;

use crate::Channels;
use crate::collections::CollectionsError;
use crate::vscc::endorsed_tx::{EndorsedTx, EndorsedTxError};
use crate::vscc::lscc_rules::check_lscc_invocation;
use crate::vscc::signers::{Signers, SignersCache};
use wasmcc_ledger::LedgerError;
use wasmcc_msp::{ChannelConfig, Identity, PolicyError, SignaturePolicy};
use wasmcc_types::Opened;
use wasmcc_types::proto::protos::ApplicationPolicy;
use wasmcc_types::proto::protos::application_policy::Type as PolicyType;

/// The first argument if the policy is a `protos.ApplicationPolicy`.
pub const APPLICATION_POLICY: &str = "ApplicationPolicy";

/// Arguments: "", a serialized `common.Envelope`, a serialized `common.SignaturePolicyEnvelope`. If
/// the first one is "ApplicationPolicy", the policy is a serialized `protos.ApplicationPolicy`.
///
/// Answers with status 200 and nothing, with 500 and the reason if the transaction is not valid,
/// and with 503 if this peer cannot say.
pub struct Vscc {
    channels: Arc<Channels>,
    signers: SignersCache,
}

/// Why a transaction is not found valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VsccError {
    /// It is not: every peer says so.
    #[error("{0}")]
    Invalid(String),
    /// This peer cannot say: it has not joined the channel, or cannot read its ledger.
    #[error("{0}")]
    Unavailable(String),
}

impl VsccError {
    /// For `map_err`: the ledger could not be read. What stands in it and cannot be understood is
    /// the transaction's fault, or that of whoever wrote it.
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
    /// The status of an answer that says nothing about the transaction.
    pub const UNAVAILABLE: i32 = 503;

    /// Judges by the configurations and definitions of the peer's channels.
    pub fn new(channels: Arc<Channels>) -> Self {
        Self { channels, signers: SignersCache::default() }
    }

    /// What `invoke` does, with the arguments that it takes.
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
        self.evaluate(&endorsed_tx::open(envelope)?, || parse_policy(kind, policy))
    }

    /// As [`validate`](Self::validate), with a transaction that the caller has opened in place of
    /// the argument.
    pub fn validate_lent(&self, tx: &Opened, args: &[Vec<u8>]) -> Result<(), VsccError> {
        let [kind, _, policy, ..] = args else {
            return Err("Incorrect number of arguments".into());
        };
        self.evaluate(tx, || parse_policy(kind, policy))
    }

    fn evaluate(
        &self,
        tx: &Opened,
        policy: impl FnOnce() -> Result<NamespacePolicy, VsccError>,
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

/// Whether endorsements of these peers would satisfy a serialized `protos.ApplicationPolicy`.
pub fn satisfies(
    policy: &[u8],
    endorsers: &[Arc<Identity>],
    config: &ChannelConfig,
) -> Result<(), VsccError> {
    let signers = Signers { valid: endorsers.into(), duplicates: false };
    evaluate(&application_policy(policy)?, &signers, config)
}

enum NamespacePolicy {
    Signatures(SignaturePolicy),
    /// The path of one of the channel's policies.
    Reference(String),
}

/// Reads a policy as the first argument says.
fn parse_policy(kind: &[u8], policy: &[u8]) -> Result<NamespacePolicy, VsccError> {
    if kind == APPLICATION_POLICY.as_bytes() {
        return application_policy(policy);
    }
    signature_policy(SignaturePolicy::from_bytes(policy)).map(NamespacePolicy::Signatures)
}

fn signature_policy(
    policy: Result<SignaturePolicy, PolicyError>,
) -> Result<SignaturePolicy, VsccError> {
    policy.map_err(|e| format!("could not create evaluator for signature policy: {e}").into())
}

/// Fabric: `core/policy/application.go`, `ApplicationPolicyEvaluator.Evaluate`.
fn application_policy(bytes: &[u8]) -> Result<NamespacePolicy, VsccError> {
    let policy = ApplicationPolicy::decode(bytes)
        .map_err(|e| format!("failed to unmarshal ApplicationPolicy bytes: {e}"))?;
    match policy.r#type {
        Some(PolicyType::SignaturePolicy(envelope)) => {
            let policy = SignaturePolicy::from_envelope(&envelope);
            Ok(NamespacePolicy::Signatures(signature_policy(policy)?))
        }
        Some(PolicyType::ChannelConfigPolicyReference(name)) => {
            Ok(NamespacePolicy::Reference(name))
        }
        None => Err("unsupported policy type".into()),
    }
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
    // Fabric's words, then what one needs to know to do something about it.
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

impl fmt::Display for NamespacePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signatures(policy) => write!(f, "{policy}"),
            Self::Reference(name) => f.write_str(name),
        }
    }
}
