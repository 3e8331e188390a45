//! The port through which the committer checks endorsements against a policy.
//!
//! Does not evaluate policies or signatures: implementations do. The contents of a request were
//! checked before, so that it can always be answered.

use wasmcc_channel::definition::Validator;
use wasmcc_types::{ChannelId, Opened, TxId};

/// Asks whether the endorsements of this transaction satisfy this policy.
#[derive(Clone, Copy, Debug)]
pub struct ValidationRequest<'a> {
    /// The channel.
    pub channel_id: &'a ChannelId,
    /// The transaction's id. It was checked against the hash that it must be.
    pub tx_id: &'a TxId,
    /// The namespace that the policy protects.
    pub namespace: &'a str,
    /// The validator named by the namespace's definition: a system chaincode in Fabric 1.0, a
    /// plug-in since.
    pub validator: Validator,
    /// The transaction, opened.
    pub transaction: &'a Opened,
    /// The serialized `common.Envelope`. Its form, creator and proposal hash were checked.
    pub envelope: &'a [u8],
    /// A serialized `protos.ApplicationPolicy`.
    pub policy: &'a [u8],
}

/// Why endorsements are not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidationFailure {
    /// The endorsements do not satisfy the policy, on any peer. The transaction is invalid.
    #[error("{0}")]
    Policy(String),
    /// The validator failed because of this peer, never because of the contents of the transaction
    /// or the state. The block is not committed until the validator answers.
    #[error("{0}")]
    Infrastructure(String),
}

/// Answers the committer's requests, also for several transactions at the same time. These may even
/// have the same id, because a block can contain a transaction twice.
pub trait EndorsementValidator: Send + Sync {
    /// Checks that the endorsements satisfy the policy.
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure>;
}
