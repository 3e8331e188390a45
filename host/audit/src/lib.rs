//! Runs the past transactions of a channel again, on the state on which they were endorsed, and
//! compares the results with those endorsed.
//!
//! `Laboratory` follows a channel block by block and runs transactions on any of the heights that
//! are still open. `Audit` does so for a whole channel, `replay` for one transaction.
//!
//! Invariant: nothing is guessed. Information that no block contains is reported as a reason:
//! transient data, missing private data, results of queries that are not recorded.
//!
//! Does not read folders, files or networks: callers supply the blocks.

mod audit;
mod case;
mod compare;
mod error;
mod explain;
mod finding;
mod heights;
mod laboratory;
mod notes;
mod observer;
mod reason;
mod replay;
mod trace;
mod tracing_backend;
mod vscc;

pub use audit::{Audit, AuditConfig};
pub use case::{Case, NotEndorsed, chaincode_of};
pub use compare::Difference;
pub use error::AuditError;
pub use explain::explain_block;
pub use finding::{BlockReport, Finding, Kind, Totals};
pub use laboratory::{
    Component, Laboratory, LaboratoryConfig, NoOutcome, Outcome, Run, on_deep_stack,
};
pub use notes::{Notes, NotesError};
pub use reason::Reason;
pub use replay::{Replayed, replay};
pub use trace::{HostCall, Trace, Value};
