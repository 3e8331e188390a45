//! The names of the system chaincodes. Those with state use their name as namespace.

/// Fabric 2.x: definitions that organizations approve and a channel commits.
pub const LIFECYCLE: &str = "_lifecycle";
/// Fabric 1.x: installs chaincodes, and deploys them on a channel.
pub const LSCC: &str = "lscc";
/// Joins channels and returns their configuration.
pub const CSCC: &str = "cscc";
/// Returns blocks and transactions.
pub const QSCC: &str = "qscc";
/// Signs the results of simulations. Definitions name it as their endorsement plugin.
pub const ESCC: &str = "escc";
/// Evaluates endorsement policies. Definitions name it as their validation plugin.
pub const VSCC: &str = "vscc";

/// Separates a chaincode's id from its secret in REGISTER. No id contains it. Fabric's shims send
/// their configured id unchanged, and have no other field for a secret.
pub const SECRET_SEPARATOR: char = '@';

/// All system chaincodes. No other chaincode may have one of these names.
pub const SYSTEM_CHAINCODES: [&str; 6] = [LIFECYCLE, LSCC, CSCC, QSCC, ESCC, VSCC];
