//! What a peer does with a proposal: the endorser, the life of chaincodes, the system chaincodes.
//!
//! Does not order or commit. Policies are asked through the port `chaincode::AccessControl`.

pub mod chaincode;
pub mod endorser;
pub mod syscc;
