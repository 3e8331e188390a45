//! Collections: which private data a chaincode has, who may hold it, and who may ask for it.
//!
//! A chaincode's definition names its collections. [`DefinedCollections`] looks them up, whether
//! the definition is LSCC's or `_lifecycle`'s; chaincode support, the endorser and the committer
//! all ask there, each with its own way to read the state. What `_lifecycle` has is decoded by
//! `definition`.
//!
//! Invariant: no private data in here, and no state; the same bytes of a definition mean the same
//! on every peer.

mod check;
mod collection;
mod defined;
mod json;
mod local_peers;

pub use check::{check_against_committed, check_members, check_package};
pub use collection::Collection;
pub use defined::{DefinedCollections, LookupError, NotDefined, lscc_key};
pub use json::package_from_json;
pub use local_peers::LocalPeers;
