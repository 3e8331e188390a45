//! Packages of chaincodes: reads them and stores installed ones.
//!
//! Does not run chaincodes.

mod description;
mod error;
mod hidden;
mod installed;
mod installs;
mod lifecycle_package;
mod limits_file;
mod lscc_package;
mod meta_inf;
mod program_bundle;
mod store;
mod tar_gz;

pub use description::{Description, DescriptionError, DialTarget, InvalidDescription};
pub use error::{ComponentError, InvalidSpec, PackageError};
pub use hidden::is_hidden;
pub use installed::{Guest, PackageEntry};
pub use installs::InstallTurn;
pub use lifecycle_package::{
    Code, LifecyclePackage, LifecyclePackageError, pack_lifecycle_package, package_id,
    package_limits,
};
pub use limits_file::{InvalidLimits, LIMITS_FILE, LimitsFile, LimitsFileError};
pub use lscc_package::{LsccPackage, ccid, check_name, check_version};
pub use meta_inf::{MetaInfError, check_meta_inf, create_indexes, declare_indexes};
pub use program_bundle::{BundleError, COMPONENT_FILE, CONNECTION_FILE, META_INF, ProgramBundle};
pub use store::{Approvable, ExpectError, PackageStore, Seal};
pub use tar_gz::{ArchiveError, Files, tar_gz};
