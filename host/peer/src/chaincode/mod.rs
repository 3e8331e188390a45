//! Launches chaincodes, hands them transactions and serves what they ask for.
//!
//! Invariant: no endorsement and no policies; who may do what is asked through [`AccessControl`].

mod access;
mod callee;
mod caught;
mod code_package;
mod execution;
mod external;
mod handler;
mod hidden;
mod install_package;
mod installed;
mod invoke;
mod invoke_target;
mod launch;
mod launch_threads;
mod local_backend;
mod lookup;
mod meta_inf;
mod native;
mod observer;
mod packages;
mod private_access;
mod queries;
mod refusal;
mod registry;
mod stand_ins;
mod standing;
mod support;
mod tar_gz;
mod timer;
mod tx_params;

pub use access::{AccessControl, CollectionError, CollectionName, Feature, ReadState};
pub use code_package::CodePackage;
pub use execution::{ExecuteError, Execution};
pub use external::{
    Abort, Connection, Description, Dialer, ExternalConfig, ExternalStream, Failed, Open, Outbox,
};
pub use hidden::is_hidden;
pub use install_package::{
    InstallPackage, LIMITS as LIMITS_FILE, LimitsFile, package_id, package_limits,
};
pub use installed::InstalledPackage;
pub use invoke::InfoError;
pub use launch::SECRET_SEPARATOR;
pub use lookup::{ChaincodeInfo, Found, defined_names};
pub use meta_inf::{check_meta_inf, create_indexes};
pub use native::{NativeChaincode, Stub};
pub use observer::Observer;
pub use packages::{
    Approvable, Package, PackageError, Packages, Seal, ccid, check_name, check_version,
};
pub use queries::QueryLimits;
pub use stand_ins::{StandIn, StandIns};
pub use support::{ChaincodeSupport, SYSTEM_VERSION, SupportConfig};
pub use tar_gz::{Files, tar_gz};
pub use tx_params::{SharedSimulator, TxParams};
