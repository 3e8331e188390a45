//! Errors of packages.

use prost::DecodeError;

use crate::chaincode::package::description::DescriptionError;
use crate::chaincode::package::lifecycle_package::LifecyclePackageError;
use crate::chaincode::package::program_bundle::BundleError;
use wasmcc_ledger::LedgerError;
use wasmcc_runtime::{BeyondLimits, LoadError};

/// The reason why a package cannot be installed or used.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The bytes are not a package that LSCC installs.
    #[error("invalid deployment spec: {0}")]
    InvalidSpec(InvalidSpec),
    /// A chaincode must not have this name.
    #[error(
        "invalid chaincode name '{0}'. Names must start with an alphanumeric character and can \
         only consist of alphanumerics, '_', and '-'"
    )]
    Name(String),
    /// A chaincode must not have this version.
    #[error(
        "invalid chaincode version '{0}'. Versions must not be empty and can only consist of \
         alphanumerics, '_',  '-', '+', and '.'"
    )]
    Version(String),
    /// LSCC has installed this name and version already.
    #[error("chaincode {0} exists")]
    Exists(String),
    /// Not installed.
    #[error("chaincode {0} is not installed on this peer")]
    NotInstalled(String),
    /// The component cannot run here.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// The component of a package that `_lifecycle` should install cannot run here.
    #[error("could not build chaincode: {0}")]
    Build(ComponentError),
    /// The bytes are not a package that `_lifecycle` installs.
    #[error("could not parse as a chaincode install package: {0}")]
    NotAPackage(LifecyclePackageError),
    /// An installed package can no longer be read.
    #[error(transparent)]
    Stored(LifecyclePackageError),
    /// `_lifecycle` has installed this package already.
    #[error("chaincode already successfully installed (package ID '{0}')")]
    Installed(String),
    /// The peer's store failed.
    #[error(transparent)]
    Store(#[from] LedgerError),
}

/// An error of a deployment specification.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSpec {
    /// The bytes are not a deployment specification.
    #[error("{0}")]
    Encoding(DecodeError),
    /// It does not name a chaincode.
    #[error("it names no chaincode")]
    NoChaincode,
    /// The code package is empty.
    #[error("it holds no code")]
    NoCode,
    /// The code package cannot be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The program is a description that cannot be used.
    #[error(transparent)]
    Description(#[from] DescriptionError),
}

/// The reason why a component cannot run on this peer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ComponentError {
    /// The runtime refuses it.
    #[error("the component of chaincode {name} is refused: {source}")]
    Refused {
        /// Name and version, or the package id.
        name: String,
        /// The cause.
        source: LoadError,
    },
    /// The package requests more than the peer allows.
    #[error(transparent)]
    Limits(#[from] BeyondLimits),
    /// The component needs more than its package requests.
    #[error("the component begins with {needed} bytes of memory, its package allows {given}")]
    Memory {
        /// Initial memory, in bytes.
        needed: u64,
        /// The limit of the package, in bytes.
        given: u64,
    },
}

impl From<InvalidSpec> for PackageError {
    fn from(why: InvalidSpec) -> Self {
        Self::InvalidSpec(why)
    }
}
