//! Recognizes calls of system chaincodes that install packages. They take long, since they compile.

use wasmcc_types::{LIFECYCLE, LSCC};

/// Returns the resource whose right a call needs that installs a package on this peer; None for
/// other calls. The peer's own organization grants it, on every channel.
pub fn install_resource(chaincode: &str, args: &[Vec<u8>]) -> Option<String> {
    match (chaincode, args.first()?.as_slice()) {
        (LIFECYCLE, b"InstallChaincode") => Some(format!("{LIFECYCLE}/InstallChaincode")),
        (LSCC, b"install") => Some(format!("{LSCC}/Install")),
        _ => None,
    }
}
