//! Tests a contract as the real component, on a complete peer that the program `wasmcc` runs.
//!
//! ```no_run
//! use wasmcc_test::{Call, Sandbox, SandboxError, build};
//!
//! # fn main() -> Result<(), SandboxError> {
//! let sandbox = Sandbox::new()?;
//! sandbox.deploy("basic", &build(env!("CARGO_MANIFEST_DIR"))?)?;
//! sandbox.submit(Call::new("basic", "CreateAsset").args(["a1", "blue", "5", "Tomoko", "300"]))?;
//! let asset = sandbox.evaluate(Call::new("basic", "ReadAsset").args(["a1"]))?;
//! assert!(asset.text().contains("Tomoko"));
//! # Ok(())
//! # }
//! ```
//!
//! - A proposal passes through the same endorser, chaincodes, ledger and committer as on a served
//!   peer. Real identities of an in-memory network sign it.
//! - Sandboxes are independent and may run in parallel. All sandboxes of a test program share one
//!   process of `wasmcc`, so a component is compiled once. There are no ports: the process
//!   communicates over a pipe, and ends with the test program.
//! - The program is the one that the variable `WASMCC` names, or else the first `wasmcc` in `PATH`.
//!   `wasmcc test` sets the variable, and those that [`build`] reads.
//! - The names are those of `wasmcc::sandbox`, for programs that embed a peer. Features that need
//!   the peer in the same process are missing: the peer and its ledger as values, hand-made
//!   proposals, and a conflict as a value (its text is in `reason`).
//!
//! Invariant: this crate contains no rules; it returns the peer's answers unchanged.

mod call;
mod chaincode;
mod code;
mod component;
mod deployment;
mod error;
mod frame;
mod limits;
mod link;
mod network;
mod outcome;
mod program;
mod read;
mod rwset;
mod sandbox;

pub use call::{Call, Timestamp};
pub use chaincode::Chaincode;
pub use code::TxValidationCode;
pub use component::build;
pub use deployment::Deployment;
pub use error::{Divergence, Rejected, SandboxError};
pub use limits::Limits;
pub use network::{NetworkSpec, OrdererSpec, OrgSpec};
pub use outcome::{ChaincodeEvent, Endorsed, OwnRead, Response, Submitted};
pub use program::use_program;
pub use rwset::{
    CollectionRwSet, KvMetadataWrite, KvMetadataWriteHash, KvRead, KvReadHash, KvWrite,
    KvWriteHash, NsRwSet, RangeQueryInfo, TxRwSet, Version,
};
pub use sandbox::{Sandbox, SandboxBuilder};

/// The channel of a new sandbox.
pub const CHANNEL: &str = "mychannel";
