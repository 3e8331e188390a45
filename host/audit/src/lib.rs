//! Runs the transactions of a channel's past again, on the state on which they were endorsed, and
//! compares what comes of them with what was endorsed.
//!
//! `Laboratory` follows a channel block by block and runs transactions on any of the heights that
//! are still open. `Audit` does so with a whole channel, `replay` with one transaction.
//!
//! Invariant: nothing is guessed. What is in no block (transient data, private data that are not
//! here, answers of queries that nobody recorded) is named as a reason.
//!
//! Does not read folders, files or networks: callers bring the blocks.

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
