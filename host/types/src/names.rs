//! Names that several crates write or compare.

/// The target of the lines that chaincodes log.
pub const CHAINCODE_LOG: &str = "wasmcc::chaincode";
/// The name of the metadata that holds a key's own endorsement policy.
pub const VALIDATION_PARAMETER: &str = "VALIDATION_PARAMETER";
