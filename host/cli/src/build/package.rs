//! Finds the contract's package in a cargo project.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{BuildError, shown};

/// The contract's package.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Package {
    /// Cargo's unique name for it.
    pub id: String,
    /// Its own folder.
    pub folder: PathBuf,
}

/// The output of `cargo metadata --no-deps`.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Listed>,
    workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Listed {
    id: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Listed {
    fn has(&self, kinds: &[&str]) -> bool {
        let mut all = self.targets.iter().flat_map(|target| &target.kind);
        all.any(|kind| kinds.contains(&kind.as_str()))
    }

    fn is_contract(&self) -> bool {
        self.has(&["cdylib"])
    }

    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    fn package(&self) -> Package {
        Package { id: self.id.clone(), folder: self.folder().to_owned() }
    }
}

impl Metadata {
    /// Returns the contract of a folder: its package, or the only contract of a workspace.
    pub(super) fn contract(&self, folder: &Path) -> Result<Package, BuildError> {
        let own = self.packages.iter().find(|package| package.folder() == folder);
        if let Some(own) = own.filter(|own| own.is_contract()) {
            return Ok(own.package());
        }
        let is_workspace = self.workspace_root == folder;
        let others = self.packages.iter().filter(|other| is_workspace && other.is_contract());
        let others: Vec<&Listed> = others.collect();
        match (own, &others[..]) {
            (Some(own), []) => Err(BuildError::NoCrateType {
                manifest: own.manifest_path.clone(),
                has_library: own.has(&["lib", "rlib", "dylib", "staticlib", "proc-macro"]),
            }),
            (None, []) => Err(BuildError::NoContract { folder: folder.to_owned() }),
            (None, [only]) => Ok(only.package()),
            _ => Err(BuildError::Several {
                folder: folder.to_owned(),
                contracts: others.iter().map(|other| shown(other.folder())).collect(),
            }),
        }
    }
}
