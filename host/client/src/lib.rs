//! What a client of a Fabric network builds and reads: proposals, transactions, signed requests.
//! The command line, the sandbox and tests are clients.
//!
//! Does not transport anything and needs no peer: everything here is bytes in, bytes out, and
//! callers carry them.

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
