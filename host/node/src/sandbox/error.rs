//! What can go wrong in a sandbox.

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

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The sandbox could not be set up.
    #[error("cannot set up a sandbox: {}", with_causes(.0))]
    Setup(SetupError),
    /// What a deployment was given cannot be used, or what the channel has under its name.
    #[error("cannot deploy {name}: {}", with_causes(reason))]
    Deployment {
        /// The chaincode.
        name: String,
        /// Why.
        reason: Box<SetupError>,
    },
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
    /// The peer refused the proposal before it ran, or no organizations can endorse enough.
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
        /// The conflict, if it has one.
        conflict: Option<Box<Conflict>>,
        /// The reason as a text, such as the policy that its endorsements do not satisfy.
        reason: Option<String>,
    },
    /// The contract depends on what it must not depend on.
    #[error("{0}")]
    Diverged(Box<Divergence>),
    /// A component could not be built.
    #[error("cannot build the component: {0}")]
    Build(String),
}

/// Why a sandbox could not be set up, or a chaincode not be deployed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The network cannot be made.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The network is empty.
    #[error("the network has no organization")]
    NoOrganization,
    /// Components cannot be run. All sandboxes of the process share the runtime.
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
    /// The sandbox's thread has no result.
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
    /// What the channel has under the name of a deployment cannot be read.
    #[error("what the channel has as {name} cannot be read: {reason}")]
    Present {
        /// The chaincode.
        name: String,
        /// Why.
        reason: String,
    },
    /// A peer's read-write set cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl SandboxError {
    /// Adds to a policy that is not satisfied which organizations could not endorse.
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
