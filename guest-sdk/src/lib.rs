//! Write Hyperledger Fabric chaincode in Rust for wasmcc.
//!
//! A contract is a type whose functions take a [`Context`]:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use wasmcc_sdk::{Context, DataType, Error, Result, contract};
//!
//! #[derive(DataType, Serialize, Deserialize)]
//! struct Asset {
//!     id: String,
//!     owner: String,
//! }
//!
//! /// No fields: the ledger is the state.
//! struct Assets;
//!
//! #[contract(name = "Assets", version = "1.0.0")]
//! impl Assets {
//!     #[transaction]
//!     fn create_asset(&self, ctx: &Context, id: String, owner: String) -> Result<()> {
//!         ctx.put(&id, &Asset { id: id.clone(), owner })
//!     }
//!
//!     #[transaction(evaluate)]
//!     fn read_asset(&self, ctx: &Context, id: String) -> Result<Asset> {
//!         ctx.get(&id)?.ok_or_else(|| Error::not_found(format!("no asset {id}")))
//!     }
//! }
//!
//! wasmcc_sdk::chaincode!(Assets);
//!
//! # fn main() {
//! // A plain unit test: no wasm, no network.
//! use wasmcc_sdk::{args, testing::MockLedger};
//! let mut ledger = MockLedger::new(vec![&Assets]);
//! ledger.submit("CreateAsset", args!["a1", "ann"]).unwrap();
//! let asset = ledger.evaluate("ReadAsset", args!["a1"]).unwrap();
//! assert_eq!(asset.text(), r#"{"id":"a1","owner":"ann"}"#);
//! # }
//! ```
//!
//! - [`DataType`] is a type of parameters and results, as in Fabric's contract API.
//! - [`Context`] is Fabric's stub; [`Context::client_identity`] returns the submitting client.
//! - [`Policy`] sets who must endorse a change of a key. [`Timestamp`] supports time arithmetic.
//! - [`testing::MockLedger`] runs contracts in unit tests; [`macro@client`] makes typed calls.
//!
//! The crate of a chaincode has `crate-type = ["cdylib", "rlib"]`; `wasmcc build` makes a component
//! of it. `wasmcc new` creates such a crate with `overflow-checks = true`: an integer overflow then
//! ends a transaction of the deployed component, as it does in tests. Endorsers must agree byte by
//! byte: take the time from [`Context::get_tx_timestamp`], and use a `BTreeMap` for maps.
//!
//! Invariant: the same contract code runs in a component and in a native test; only the peer behind
//! the context differs.

// The macros write `::wasmcc_sdk`, also in this crate's own tests.
#[cfg(test)]
extern crate self as wasmcc_sdk;

mod base64;
mod caller;
mod chaincode;
mod collection;
mod composite_key;
mod context;
mod contract;
mod data_type;
mod error;
mod identity;
mod iter;
mod metadata;
mod policy;
mod read_json;
mod schema;
mod timestamp;
mod types;
mod wire;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod component;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

#[cfg(target_family = "wasm")]
use component as peer;
#[cfg(not(target_family = "wasm"))]
use testing::peer;

pub use caller::Called;
pub use caller::Caller;
pub use chaincode::Chaincode;
pub use collection::implicit_collection;
pub use context::Context;
pub use contract::Contract;
pub use contract::Contracts;
pub use data_type::DataType;
pub use data_type::Outcome;
pub use data_type::ToArgument;
pub use error::Error;
pub use error::RefusalKind;
pub use error::Result;
pub use identity::ClientIdentity;
pub use iter::Cursor;
pub use iter::HistoryIterator;
pub use iter::Rows;
pub use iter::StateIterator;
pub use metadata::ParameterMetadata;
pub use metadata::TransactionMetadata;
pub use policy::Policy;
pub use policy::Role;
pub use schema::Part;
pub use schema::Schema;
pub use timestamp::Timestamp;
pub use types::KeyModification;
pub use types::KeyValue;
pub use types::Level;
pub use types::MetadataEntry;
pub use types::Page;
pub use types::Response;
pub use types::SignedProposal;
pub use wasmcc_sdk_macros::DataType;
pub use wasmcc_sdk_macros::client;
pub use wasmcc_sdk_macros::contract;

/// Called by the code of the macros.
#[doc(hidden)]
pub mod macros {
    pub use crate::caller::call;
    pub use crate::contract::enough;
    pub use crate::contract::parameter;
    pub use crate::contract::required;
    pub use crate::data_type::IntoError;
    pub use crate::data_type::decode_variant;
    pub use crate::data_type::encode_variant;
    pub use crate::data_type::hook;
}
