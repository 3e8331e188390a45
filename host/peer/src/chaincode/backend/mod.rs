//! Answers the calls of a chaincode to its peer from the peer's own ledger.
//!
//! Does not decide the rights of clients; the port [`AccessControl`] does.

mod access;
mod local_backend;
mod observer;
mod private_access;
mod queries;
mod refusal;

pub use access::{
    AccessControl, AccessError, CollectionError, CollectionName, Feature, FeatureError, ReadState,
};
pub(crate) use local_backend::LocalBackend;
pub use observer::Observer;
pub use queries::QueryLimits;
pub(crate) use refusal::BackendRefusal;
