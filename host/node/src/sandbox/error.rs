//! What can go wrong in a sandbox.

use crate::sandbox::Divergence;
use wasmcc_client::ClientError;
use wasmcc_ledger::Conflict;
use wasmcc_peer::endorser::Rejected;
use wasmcc_types::Response;
use wasmcc_types::proto::protos::TxValidationCode;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The sandbox could not be set up.
    #[error("cannot set up a sandbox: {0:#}")]
    Setup(anyhow::Error),
    /// The network has no such user.
    #[error("there is no user {user} in {org}: {reason}")]
    NoUser {
        /// The MSP id.
        org: String,
        /// The name.
        user: String,
        /// Why.
        reason: String,
    },
    /// The peer refused the proposal before it ran.
    #[error("the peer rejected the proposal: {0}")]
    Rejected(#[from] Rejected),
    /// The chaincode, or the peer on its behalf, answered with an error status.
    #[error("status {}: {}", .0.status, .0.message)]
    Refused(Response),
    /// The answer could not be made a transaction.
    #[error("cannot assemble the transaction: {0}")]
    Assemble(#[from] ClientError),
    /// The block could not be committed.
    #[error("cannot commit: {0}")]
    Commit(String),
    /// The transaction committed as invalid.
    #[error("transaction {tx_id} is invalid: {}{}", code.as_str_name(), reason_text(reason))]
    Invalid {
        /// The transaction.
        tx_id: String,
        /// Why it is invalid.
        code: TxValidationCode,
        /// What it collided with, if it did.
        conflict: Option<Box<Conflict>>,
        /// The same in words, or which policy its endorsements do not satisfy.
        reason: Option<String>,
    },
    /// The contract depends on what it must not depend on.
    #[error("{0}")]
    Diverged(Box<Divergence>),
    /// A component could not be built.
    #[error("cannot build the component: {0}")]
    Build(String),
}

fn reason_text(reason: &Option<String>) -> String {
    reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
}
