//! The port through which the committer asks whether a transaction is endorsed well enough.
//!
//! Invariant: no policies and no signatures here; whoever implements this evaluates both.

/// One question: do the endorsements of this transaction satisfy this policy?
#[derive(Clone, Copy, Debug)]
pub struct ValidationRequest<'a> {
    /// The channel's name.
    pub channel_id: &'a str,
    /// The transaction. It was checked to be the hash that it has to be.
    pub tx_id: &'a str,
    /// What the policy protects.
    pub namespace: &'a str,
    /// Which validation the namespace's definition asks for: Fabric's plug-in, or in 1.0 the system
    /// chaincode, usually `vscc`.
    pub plugin: &'a str,
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
    /// There is no answer, because something of this peer does not work. The block is not committed
    /// and the channel stops here.
    #[error("{0}")]
    Infrastructure(String),
}

/// Answers the committer's questions. It is asked for several transactions at the same time, which
/// may even have the same id, since a transaction can stand in a block twice.
pub trait EndorsementValidator: Send + Sync {
    /// Whether the endorsements satisfy the policy.
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure>;
}
