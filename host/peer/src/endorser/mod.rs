//! Checks a signed proposal, simulates it and endorses the result.
//!
//! Invariant: no ordering, no commit.

mod error;
mod interest;
mod measured;
mod plan;
mod private_data;
mod process_proposal;
mod proposal;
mod response;
mod turns;
mod tx_line;

pub use error::Rejected;
pub use plan::{choices, choose};
pub use process_proposal::{Endorser, Processed};
pub use proposal::{Claims, UnpackedProposal};
pub use turns::Turns;
