//! What can go wrong in a sandbox.

use std::error::Error;
use std::fmt;

use crate::code::TxValidationCode;
use crate::outcome::Response;

/// What can go wrong.
#[derive(Debug)]
pub enum SandboxError {
    /// The program `wasmcc` is missing, does not fit, or has ended.
    Program(String),
    /// The sandbox could not be set up.
    Setup(String),
    /// What a deployment was given cannot be used.
    Deployment {
        /// The chaincode.
        name: String,
        /// Why.
        reason: String,
    },
    /// The network has no such user.
    NoUser {
        /// The MSP id.
        org: String,
        /// The name.
        user: String,
        /// Why.
        reason: String,
    },
    /// The peer refused the proposal before it ran, or no organizations can endorse enough.
    Rejected(Rejected),
    /// The chaincode, or the peer on its behalf, answered with an error status.
    Refused(Response),
    /// The answer could not be made a transaction.
    Assemble(String),
    /// The block could not be committed.
    Commit(String),
    /// The transaction committed as invalid.
    Invalid {
        /// The transaction.
        tx_id: String,
        /// Why it is invalid.
        code: TxValidationCode,
        /// What it collided with, or which policy its endorsements do not satisfy.
        reason: Option<String>,
    },
    /// The contract depends on what it must not depend on.
    Diverged(Box<Divergence>),
    /// A component could not be built.
    Build(String),
}

/// The first place where two runs of the same proposal differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// What was another in the second run, in words.
    pub cause: String,
    /// Where they differ: a call of the peer with its number, the response or the event.
    pub place: String,
    /// What it was in the run as on a peer.
    pub first: String,
    /// What it was in the other run.
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
