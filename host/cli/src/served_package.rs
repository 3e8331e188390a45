//! The parts of an install package that `wasmcc serve` needs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use crate::{file, output};
use wasmcc_peer::chaincode::{
    Code, LifecyclePackage, LifecyclePackageError, package_id, package_limits,
};
use wasmcc_runtime::PackageLimits;
use wasmcc_types::sha256;

/// Limit on an unpacked package in bytes: a little more than a peer accepts.
const MAX_BYTES: usize = 128 << 20;

/// The install package of a chaincode that is served here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServedPackage {
    /// The package file.
    pub file: PathBuf,
    /// Its id on every peer.
    pub id: String,
    /// The limits that it sets.
    pub limits: PackageLimits,
    /// The SHA-256 of its component, in hexadecimal digits; None if it has no component.
    pub component: Option<String>,
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
        let component = match LifecyclePackage::parse(&bytes, MAX_BYTES) {
            Ok(LifecyclePackage { code: Code::Component { wasm, .. }, .. }) => {
                Some(output::hex(&sha256(&wasm)))
            }
            Err(why @ LifecyclePackageError::Components(_)) => return Err(unusable(why)),
            // Packages of services have no component. Only peers check their connection, which may
            // be a template.
            Ok(_) | Err(_) => None,
        };
        Ok(Self { file: file.to_owned(), id, limits, component })
    }

    /// Checks that `wasm`, read from `file`, is the component of this package, if it has one. The
    /// organizations have approved the package's hash, and so its component.
    pub(crate) fn check(&self, file: &Path, wasm: &[u8]) -> Result<()> {
        let served = output::hex(&sha256(wasm));
        match &self.component {
            Some(approved) if *approved != served => bail!(
                "{file} is not the component of {package}: its SHA-256 is {served}, that of the \
                 component in the package is {approved}\n  hint: serve the component that is in \
                 the package, or package {file} and have the organizations approve the new id",
                file = file.display(),
                package = self.file.display(),
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_peer::chaincode::{Files, pack_lifecycle_package};

    fn read(kind: &str, code: &[(&str, &str)]) -> Result<ServedPackage> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.tgz");
        let code: Files =
            code.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        std::fs::write(&path, pack_lifecycle_package(kind, "x", &code).unwrap()).unwrap();
        ServedPackage::read(&path)
    }

    #[test]
    fn only_the_component_of_the_package_may_be_served() {
        let package = read("wasm", &[("chaincode.wasm", "approved")]).unwrap();
        let file = Path::new("x.wasm");
        package.check(file, b"approved").unwrap();
        let error = package.check(file, b"other").unwrap_err().to_string();
        assert!(error.starts_with("x.wasm is not the component of "), "{error}");
        for wasm in [&b"approved"[..], b"other"] {
            assert!(error.contains(&output::hex(&sha256(wasm))), "{error}");
        }
        assert!(read("wasm", &[]).unwrap_err().to_string().contains("holds 0 .wasm files"));
    }

    #[test]
    fn a_package_without_component_is_not_compared() {
        let connection = r#"{"address": "{{.peername}}_basic:9999"}"#;
        for (kind, code) in [("ccaas", &[("connection.json", connection)][..]), ("golang", &[])] {
            let package = read(kind, code).unwrap();
            assert_eq!(package.component, None);
            package.check(Path::new("x.wasm"), b"any").unwrap();
        }
    }
}
