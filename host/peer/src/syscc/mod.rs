//! The system chaincodes: native chaincodes, called through the same handler as others.
//!
//! Does not know the callers.

mod acl;
mod cscc;
mod escc;
mod installing;
mod invoked;
mod lifecycle;
mod lscc;
mod policies;
mod qscc;
mod vscc_chaincode;

pub use acl::Acl;
pub use cscc::Cscc;
pub use escc::{Escc, proposal_response_payload};
pub use installing::install_resource;
pub use lifecycle::Lifecycle;
pub use lscc::{Lscc, defined_version};
pub use qscc::Qscc;
pub use wasmcc_channel::vscc::{APPLICATION_POLICY, Vscc, VsccError, satisfies};
