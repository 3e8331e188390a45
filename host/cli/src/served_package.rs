//! The parts of an install package that `wasmcc serve` needs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use crate::file;
use wasmcc_peer::chaincode::{LifecyclePackageError, package_id, package_limits};
use wasmcc_runtime::PackageLimits;

/// What a package may hold when it is unpacked, in bytes: a little more than a peer takes.
const MAX_BYTES: usize = 128 << 20;

/// A package of a chaincode that is served here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServedPackage {
    /// Where it was read from.
    pub file: PathBuf,
    /// Its id on every peer.
    pub id: String,
    /// The limits that it sets.
    pub limits: PackageLimits,
}

impl ServedPackage {
    /// Reads a package file.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let shown = file.display();
        let bytes = file::read(file).with_context(|| format!("cannot read {shown}"))?;
        let unusable = |why: LifecyclePackageError| {
            anyhow!("{shown} is not a usable chaincode package: {why}")
        };
        let id = package_id(&bytes).map_err(unusable)?;
        let limits = package_limits(&bytes, MAX_BYTES).map_err(unusable)?;
        Ok(Self { file: file.to_owned(), id, limits })
    }
}
