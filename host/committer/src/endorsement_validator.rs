//! The port through which the committer asks whether a transaction is endorsed well enough.
//!
//! Invariant: no policies and no signatures here; whoever implements this evaluates both. What is
//! asked was checked, so that nothing in a question can keep it from being answered.

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
    /// Who validates, as the namespace's definition asks for: in Fabric 1.0 a system chaincode,
    /// later a plug-in.
    pub validator: Validator,
    /// The transaction, opened.
    pub transaction: &'a Opened,
    /// The serialized `common.Envelope`. Its form, creator and proposal hash were checked.
    pub envelope: &'a [u8],
    /// A serialized `protos.ApplicationPolicy`.
    pub policy: &'a [u8],
}

/// Why the answer is not yes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidationFailure {
    /// No: every peer that asks will get this answer. The transaction is invalid.
    #[error("{0}")]
    Policy(String),
    /// There is no answer, because something of this peer does not work; never because of what is
    /// in the transaction or in the state. The block is not committed until there is one.
    #[error("{0}")]
    Infrastructure(String),
}

/// Answers the committer's questions. It is asked for several transactions at the same time, which
/// may even have the same id, since a transaction can stand in a block twice.
pub trait EndorsementValidator: Send + Sync {
    /// Whether the endorsements satisfy the policy.
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure>;
}
