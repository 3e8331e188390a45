//! Checks a signed proposal, simulates it and endorses the result.
//!
//! Invariant: no ordering and no commit.

mod checks;
mod claims;
mod error;
mod for_gateway;
mod installing;
mod interest;
mod measured;
mod not_executed;
mod plan;
mod private_data;
mod process_proposal;
mod processed;
mod proposal;
mod response;
mod turns;
mod tx_line;
mod unpacked_size;

pub use checks::{Check, Checked, Checks};
pub use claims::Claims;
pub use error::Rejected;
pub use plan::{NoEndorsers, choices, needed};
pub use process_proposal::Endorser;
pub use processed::Processed;
pub use proposal::UnpackedProposal;
pub use turns::{Turn, Turns};
pub use unpacked_size::unpacked_bytes;
