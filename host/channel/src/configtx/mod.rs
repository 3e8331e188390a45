//! Updates of a channel's configuration: who may change what, and the result. Fabric:
//! `common/configtx`, and `common/channelconfig/bundle.go` for what a successor must keep.
//!
//! An update names the elements that it relies on with their versions (its read set), and those
//! that it sets (its write set). Every changed element needs signatures that satisfy its
//! `mod_policy`.
//!
//! Invariant: pure, without clock or ledger. The same configuration and update lead to the same
//! result on every peer.

mod compute;
mod config_map;
mod envelope;
mod error;
mod validator;

#[cfg(test)]
mod tests;

pub use compute::compute_update;
pub use envelope::{add_signature, new_update, open_update, update_of, wrap};
pub use error::ConfigTxError;
pub use validator::{Proposed, check_elements, propose, validate};
