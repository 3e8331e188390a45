//! Policies: signature policies, implicit meta policies, and the tree of a channel's policies.
//!
//! Does not know certificates: policies contain principals.
//!
//! Invariant: signatures are verified once, before the evaluation, and never during it.

mod display;
mod error;
mod manager;
mod signature_policy;
mod signed_data;
mod text;

pub use error::PolicyError;
pub use manager::{Policy, PolicyManager};
pub use signature_policy::SignaturePolicy;
pub use signed_data::{Signed, SignedBytes, SignedData, valid_identities, valid_signers};
