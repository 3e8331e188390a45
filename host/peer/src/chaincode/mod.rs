//! Launches chaincodes, sends them transactions and answers their requests.
//!
//! - `package`: reads packages and stores installed ones. It uses none of the others.
//! - `external`: chaincodes in other processes.
//! - `backend`: answers the calls of a chaincode to its peer.
//! - `execute`: launches chaincodes and executes transactions. It and `backend` use each other,
//!   because chaincodes call chaincodes.
//!
//! Does not endorse and has no policies; rights are checked through [`AccessControl`].

mod backend;
mod caught;
mod execute;
mod external;
mod lent;
mod native;
mod package;
mod timer;
mod tx_params;

pub use backend::{
    AccessControl, AccessError, CollectionError, CollectionName, Feature, FeatureError, Observer,
    QueryLimits, ReadState,
};
pub use execute::{
    ChaincodeInfo, ChaincodeSupport, ExecuteCause, ExecuteError, Execution, FoundDefinition,
    FoundError, InfoError, InvocationError, LaunchError, LegacyError, LookUpError, NoStandIn,
    NotAStandIn, NotEnded, SYSTEM_VERSION, SecurityError, SequenceError, StandIn, StandInError,
    StandIns, StandingError, SupportConfig, defined_names,
};
pub use external::{
    AbortDial, Congested, DialError, DialFailed, Dialer, ExternalConfig, ExternalStream,
    OpenStream, OtherChaincode, Outbox,
};
pub use lent::{Endorsing, Lent, ToEndorse};
pub use native::{NativeChaincode, NativeError, Stub};
pub use package::{
    Approvable, ArchiveError, BundleError, COMPONENT_FILE, CONNECTION_FILE, Code, ComponentError,
    Description, DescriptionError, DialTarget, ExpectError, Files, Guest, InstallTurn,
    InvalidDescription, InvalidLimits, InvalidSpec, LIMITS_FILE, LifecyclePackage,
    LifecyclePackageError, LimitsFile, LimitsFileError, LsccPackage, META_INF, MetaInfError,
    PackageEntry, PackageError, PackageStore, ProgramBundle, Seal, ccid, check_meta_inf,
    check_name, check_version, create_indexes, declare_indexes, is_hidden, pack_lifecycle_package,
    package_id, package_limits, tar_gz,
};
pub(crate) use tx_params::lock;
pub use tx_params::{SharedSimulator, StateError, TxParams};
