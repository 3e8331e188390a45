//! Who has to sign: signature policies, implicit meta policies, and the tree of a channel's.
//!
//! Invariant: policies know principals, not certificates; signatures are checked once, in front of
//! the evaluation, and never inside it.

mod display;
mod error;
mod manager;
mod signature_policy;
mod signed_data;
mod text;

pub use error::PolicyError;
pub use manager::Policy;
pub use manager::PolicyManager;
pub use signature_policy::SignaturePolicy;
pub use signed_data::SignedData;
pub use signed_data::valid_identities;
