//! Which calls of system chaincodes install packages: they take long, since they compile.

use wasmcc_types::{LIFECYCLE, LSCC};

/// The right that a call needs that installs a package on this peer; None: it does not. The peer's
/// own organization decides who has it, on every channel.
pub fn install_resource(chaincode: &str, args: &[Vec<u8>]) -> Option<String> {
    match (chaincode, args.first()?.as_slice()) {
        (LIFECYCLE, b"InstallChaincode") => Some(format!("{LIFECYCLE}/InstallChaincode")),
        (LSCC, b"install") => Some(format!("{LSCC}/Install")),
        _ => None,
    }
}
