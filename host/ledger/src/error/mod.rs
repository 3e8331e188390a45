//! Errors of the ledger, and errors in requests to it.
//!
//! Does not use anything of this crate.

mod folders_error;
mod ledger_error;
mod machine_failure;
pub(crate) mod no_document;
mod query_error;
mod refusal;

pub use folders_error::FoldersError;
pub use ledger_error::LedgerError;
pub use machine_failure::MachineFailure;
pub use no_document::NoDocument;
pub use query_error::QueryError;
