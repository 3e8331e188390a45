//! Builds and reads the messages of a client of a Fabric network: proposals, transactions, signed
//! requests. The command line, the sandbox and the tests are such clients.
//!
//! Does not transport anything and needs no peer: callers send and receive the bytes.

pub mod cscc;
mod error;
pub mod gateway;
pub mod lifecycle;
pub mod lscc;
mod proposal;
pub mod qscc;
mod transaction;
mod version;

pub use error::ClientError;
pub use proposal::{ClientProposal, ProposalBuilder, UnsignedProposal, random_nonce, timestamp};
pub use transaction::{
    chaincode_action, endorsed_action, sign_envelope, transaction, transaction_of,
};
pub use version::next_version;
