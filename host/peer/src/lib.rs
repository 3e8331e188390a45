//! Processes proposals: the endorser, chaincode support and the system chaincodes.
//!
//! Does not order or commit. Policies are checked through the port `chaincode::AccessControl`.

pub mod chaincode;
pub mod endorser;
pub mod syscc;
