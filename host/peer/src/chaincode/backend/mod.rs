//! What a chaincode may ask of its peer, answered from the peer's own ledger.
//!
//! Does not decide what a client may do; that is asked through the port [`AccessControl`].

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
