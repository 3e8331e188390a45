//! Errors of a sandbox.

use std::sync::Arc;

use crate::sandbox::Divergence;
use crate::{CreateChannelError, OpenError};
use wasmcc_channel::collections::CollectionsJsonError;
use wasmcc_client::ClientError;
use wasmcc_ledger::{Conflict, LedgerError};
use wasmcc_msp::{NetworkError, PolicyError};
use wasmcc_peer::chaincode::{LifecyclePackageError, MetaInfError};
use wasmcc_peer::endorser::Rejected;
use wasmcc_runtime::RuntimeError;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{Response, with_causes};
use wasmcc_workers::WorkersError;

/// An error of a sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The sandbox could not be set up.
    #[error("cannot set up a sandbox: {}", with_causes(.0))]
    Setup(SetupError),
    /// The settings of a deployment, or the channel's chaincode of that name, cannot be used.
    #[error("cannot deploy {name}: {}", with_causes(reason))]
    Deployment {
        /// The chaincode.
        name: String,
        /// The cause.
        reason: Box<SetupError>,
    },
    /// The network has no such user.
    #[error("there is no user {user} in {org}: {reason}")]
    NoUser {
        /// The MSP id.
        org: String,
        /// The name.
        user: String,
        /// The cause.
        reason: String,
    },
    /// The peer refused the proposal before it ran, or no set of organizations can satisfy the
    /// policy.
    #[error("the peer rejected the proposal: {0}")]
    Rejected(#[from] Rejected),
    /// The chaincode, or the peer on its behalf, answered with an error status.
    #[error("status {}: {}", .0.status, .0.message)]
    Refused(Response),
    /// The answer could not be assembled into a transaction.
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
        /// The reason of the verdict.
        code: TxValidationCode,
        /// The conflict, if it has one.
        conflict: Option<Box<Conflict>>,
        /// The reason as a text, such as the policy that its endorsements do not satisfy.
        reason: Option<String>,
    },
    /// The contract depends on a condition that differs between hosts.
    #[error("{0}")]
    Diverged(Box<Divergence>),
    /// A component could not be built.
    #[error("cannot build the component: {0}")]
    Build(String),
}

/// The reason why a sandbox could not be set up, or a chaincode not be deployed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The network cannot be made.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The network is empty.
    #[error("the network has no organization")]
    NoOrganization,
    /// The runtime cannot be set up. All sandboxes of the process share it.
    #[error(transparent)]
    Runtime(#[from] Arc<RuntimeError>),
    /// The peer does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The channel is not created.
    #[error(transparent)]
    Channel(#[from] CreateChannelError),
    /// The sandbox's thread does not start, or a package cannot be packed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The text of an endorsement policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The sandbox's thread returned no result.
    #[error(transparent)]
    Workers(#[from] WorkersError),
    /// The JSON of collections cannot be used.
    #[error(transparent)]
    Collections(#[from] CollectionsJsonError),
    /// The index definitions cannot be used.
    #[error(transparent)]
    MetaInf(#[from] MetaInfError),
    /// A package cannot be made.
    #[error(transparent)]
    Package(#[from] LifecyclePackageError),
    /// The channel's chaincode of the same name cannot be read.
    #[error("the channel's chaincode {name} cannot be read: {reason}")]
    Present {
        /// The chaincode.
        name: String,
        /// The cause.
        reason: String,
    },
    /// A peer's read-write set cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl SandboxError {
    /// If a policy is not satisfied, adds to the reason which organizations could not endorse.
    pub(super) fn without_peers(mut self, orgs: &[&str]) -> Self {
        if let Self::Invalid { code: TxValidationCode::EndorsementPolicyFailure, reason, .. } =
            &mut self
            && !orgs.is_empty()
        {
            let verb = if orgs.len() == 1 { "has" } else { "have" };
            let more = format!(
                "{} {verb} no peer in this sandbox; where it is made, name those that are to \
                 have one",
                orgs.join(" and ")
            );
            *reason = Some(reason.take().map_or(more.clone(), |known| format!("{known}; {more}")));
        }
        self
    }
}

fn reason_text(reason: &Option<String>) -> String {
    reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
}
