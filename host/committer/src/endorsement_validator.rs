//! The port through which the committer asks whether endorsements satisfy a policy.
//!
//! Does not evaluate policies or signatures: implementations do. The contents of a
//! question were checked, so that it can always be answered.

use wasmcc_channel::definition::Validator;
use wasmcc_types::{ChannelId, Opened, TxId};

/// One question: do the endorsements of this transaction satisfy this policy?
#[derive(Clone, Copy, Debug)]
pub struct ValidationRequest<'a> {
    /// The channel.
    pub channel_id: &'a ChannelId,
    /// The transaction. It was checked to be the hash that it has to be.
    pub tx_id: &'a TxId,
    /// What the policy protects.
    pub namespace: &'a str,
    /// The validator that the namespace's definition names: in Fabric 1.0 a system chaincode,
    /// later a plug-in.
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
    /// They do not satisfy the policy, on every peer. The transaction is invalid.
    #[error("{0}")]
    Policy(String),
    /// There is no answer, because something of this peer does not work; never because of what is
    /// in the transaction or in the state. The block is not committed until there is one.
    #[error("{0}")]
    Infrastructure(String),
}

/// Answers the committer's questions, also for several transactions at the same time, which
/// may even have the same id, since a transaction can stand in a block twice.
pub trait EndorsementValidator: Send + Sync {
    /// Whether the endorsements satisfy the policy.
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure>;
}
