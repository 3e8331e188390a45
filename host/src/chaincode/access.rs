//! The port through which chaincodes learn what a client may do.

use crate::types::ProposalContext;

/// Checks the creator of a proposal. The proposal's signature has been verified before any
/// chaincode runs, so this is about who the creator is, not about signatures.
pub trait AccessControl: Send + Sync {
    /// Whether the creator may use `resource` (Fabric's names, such as "peer/Propose") on
    /// `channel`, which is empty for resources of the peer itself. The error says which rule
    /// refused.
    fn check(
        &self,
        resource: &str,
        channel: &str,
        proposal: &ProposalContext,
    ) -> Result<(), String>;
}
