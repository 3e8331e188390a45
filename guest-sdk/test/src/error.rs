//! Errors of a sandbox.

use std::error::Error;
use std::fmt;

use crate::code::TxValidationCode;
use crate::outcome::Response;

/// An error of a sandbox.
#[derive(Debug)]
pub enum SandboxError {
    /// The program `wasmcc` is missing, has the wrong version, or has ended.
    Program(String),
    /// The sandbox could not be set up.
    Setup(String),
    /// A deployment cannot be used.
    Deployment {
        /// The name of the chaincode.
        name: String,
        /// The reason.
        reason: String,
    },
    /// The network has no such user.
    NoUser {
        /// The MSP id.
        org: String,
        /// The name.
        user: String,
        /// The reason.
        reason: String,
    },
    /// The peer refused the proposal before it ran, or the organizations cannot satisfy the
    /// endorsement policy.
    Rejected(Rejected),
    /// The chaincode, or the peer on its behalf, returned an error status.
    Refused(Response),
    /// No transaction could be made of the endorsements.
    Assemble(String),
    /// The block could not be committed.
    Commit(String),
    /// The transaction committed as invalid.
    Invalid {
        /// The id of the transaction.
        tx_id: String,
        /// The reason as a validation code.
        code: TxValidationCode,
        /// The conflict, or the policy that its endorsements do not satisfy.
        reason: Option<String>,
    },
    /// The contract is not deterministic.
    Diverged(Box<Divergence>),
    /// A component could not be built.
    Build(String),
}

/// The first difference between two runs of the same proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// A description of what was different in the second run.
    pub cause: String,
    /// The place of the difference: a call of the peer with its number, the response or the event.
    pub place: String,
    /// The value in the run with a peer's settings.
    pub first: String,
    /// The value in the other run.
    pub second: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cause, place, first, second } = self;
        write!(
            f,
            "the contract is not deterministic: {cause}, {place} differs\n  first: {first}\n  \
             then:  {second}"
        )
    }
}

/// A proposal that was refused before it was simulated, with the peer's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected(pub(crate) String);

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Rejected {}

impl fmt::Display for SandboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(why) => f.write_str(why),
            Self::Setup(why) => write!(f, "cannot set up a sandbox: {why}"),
            Self::Deployment { name, reason } => write!(f, "cannot deploy {name}: {reason}"),
            Self::NoUser { org, user, reason } => {
                write!(f, "there is no user {user} in {org}: {reason}")
            }
            Self::Rejected(why) => write!(f, "the peer rejected the proposal: {why}"),
            Self::Refused(answer) => write!(f, "status {}: {}", answer.status, answer.message),
            Self::Assemble(why) => write!(f, "cannot assemble the transaction: {why}"),
            Self::Commit(why) => write!(f, "cannot commit: {why}"),
            Self::Invalid { tx_id, code, reason } => {
                write!(f, "transaction {tx_id} is invalid: {}", code.as_str_name())?;
                reason.as_ref().map_or(Ok(()), |reason| write!(f, " ({reason})"))
            }
            Self::Diverged(divergence) => divergence.fmt(f),
            Self::Build(why) => write!(f, "cannot build the component: {why}"),
        }
    }
}

impl Error for SandboxError {}
