//! Launches chaincodes, hands them transactions and serves what they ask for.
//!
//! Invariant: no endorsement and no policies; who may do what is asked through [`AccessControl`].

mod access;
pub mod definition;
mod external;
mod handler;
mod install_package;
mod installed;
mod invoke;
mod invoke_target;
mod launch;
mod local_backend;
mod lookup;
mod native;
mod packages;
mod private_access;
mod queries;
mod registry;
mod support;
mod tx_params;

pub use access::{AccessControl, CollectionName, Feature, ReadState};
pub use external::{Connection, Description, Dialer, ExternalConfig, ExternalStream, Open, Outbox};
pub use install_package::{InstallPackage, LIMITS as LIMITS_FILE, LimitsFile, package_id};
pub use installed::InstalledPackage;
pub use local_backend::QueryLimits;
pub use lookup::{ChaincodeInfo, Found};
pub use native::{NativeChaincode, Stub};
pub use packages::{
    Approvable, Package, PackageError, Packages, Seal, ccid, check_name, check_version,
};
pub use support::{ChaincodeSupport, ExecuteError, Execution, SYSTEM_VERSION, SupportConfig};
pub use tx_params::{SharedSimulator, TxParams};
