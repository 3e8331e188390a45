//! Collections: which private data a chaincode has, who may hold them, and who may read and write
//! them.
//!
//! A chaincode's definition names its collections. [`DefinedCollections`] looks them up in LSCC's
//! or `_lifecycle`'s definition. Chaincode support, the endorser and the committer use it, and each
//! supplies its own way to read the state. `definition` decodes definitions of `_lifecycle`.
//!
//! Does not hold private data or state.
//!
//! Invariant: the bytes of a definition mean the same on every peer.

mod check;
mod collection;
mod defined;
mod error;
mod history;
mod json;
mod local_peers;

pub use check::{check_against_committed, check_package};
pub use collection::Collection;
pub use defined::{DefinedCollections, LookupError, NotDefined, lscc_key, name_in_lscc_key};
pub use error::{CollectionsError, CollectionsJsonError, UnusableCollection};
pub use history::collection_history;
pub use json::package_from_json;
pub use local_peers::LocalPeers;
