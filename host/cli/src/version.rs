//! Chooses the version of a deployment.

use anyhow::{Result, bail};

use wasmcc_client::next_version;
use wasmcc_types::{sha256, sha256_all};

/// An installed version of a chaincode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed {
    /// Its version.
    pub version: String,
    /// Its id in LSCC's list.
    pub id: Vec<u8>,
}

/// The chosen version of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The chosen version.
    pub version: String,
    /// Whether the package must be installed.
    pub install: bool,
}

/// Returns LSCC's id of a package (fabric `core/common/ccprovider/cdspackage.go`, `GetId`).
pub(crate) fn package_id(name: &str, version: &str, component: &[u8]) -> Vec<u8> {
    let names = sha256_all([name.as_bytes(), version.as_bytes()]);
    sha256_all([sha256(component).as_slice(), names.as_slice()]).to_vec()
}

/// Returns the `wanted` version. Without one: the latest installed version with the same code that
/// comes after `current`, the version on the channel. If there is none: the next free one of 1.0,
/// 2.0, 3.0 and so on. A version chosen by default is therefore never lower than the current one.
pub(crate) fn choose(
    wanted: Option<&str>,
    current: Option<&str>,
    installed: &[Installed],
    id_of: impl Fn(&str) -> Vec<u8>,
) -> Result<Choice> {
    let choice = |version: &str, install| Ok(Choice { version: version.to_owned(), install });
    if let Some(wanted) = wanted {
        if current == Some(wanted) {
            bail!("the channel runs version {wanted} already: choose another --version");
        }
        return match installed.iter().find(|package| package.version == wanted) {
            Some(package) if package.id == id_of(wanted) => choice(wanted, false),
            Some(_) => {
                bail!("version {wanted} is installed with other code: choose another --version")
            }
            None => choice(wanted, true),
        };
    }
    let versions = installed.iter().map(|package| package.version.as_str());
    let is_later = |version: &str| current.is_none_or(|current| comes_after(version, current));
    let same = installed
        .iter()
        .filter(|package| is_later(&package.version) && package.id == id_of(&package.version));
    let latest = same.max_by_key(|package| numbers(&package.version));
    match latest {
        Some(latest) => choice(&latest.version, false),
        None => choice(&next_version(versions.chain(current)), true),
    }
}

/// True if a version is higher. Versions that are not numeric have no order.
fn comes_after(version: &str, current: &str) -> bool {
    match (numbers(version), numbers(current)) {
        (Some(version), Some(current)) => version > current,
        _ => false,
    }
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(version: &str) -> Vec<u8> {
        package_id("basic", version, b"code")
    }

    fn package(version: &str, code: &[u8]) -> Installed {
        Installed { version: version.into(), id: package_id("basic", version, code) }
    }

    fn chosen(wanted: Option<&str>, current: Option<&str>, installed: &[Installed]) -> String {
        match choose(wanted, current, installed, id_of) {
            Ok(Choice { version, install: true }) => format!("install {version}"),
            Ok(Choice { version, install: false }) => format!("use {version}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn versions_count_up() {
        assert_eq!(chosen(None, None, &[]), "install 1.0");
        let installed = [package("1.0", b"old"), package("rc1", b"old")];
        assert_eq!(chosen(None, Some("1.0"), &installed), "install 2.0");
        assert_eq!(chosen(None, Some("7.2"), &installed), "install 8.0");
        assert_eq!(chosen(None, Some("18446744073709551615"), &[]).len(), 28 + 2);
    }

    #[test]
    fn the_same_code_is_not_installed_twice() {
        assert_eq!(chosen(None, None, &[package("1.0", b"code")]), "use 1.0");
        assert_eq!(chosen(None, Some("1.0"), &[package("1.0", b"code")]), "install 2.0");
        assert_eq!(chosen(Some("1.0"), None, &[package("1.0", b"code")]), "use 1.0");
    }

    #[test]
    fn versions_never_go_backwards() {
        let all = [package("1.0", b"code"), package("2.0", b"old"), package("1.10", b"code")];
        assert_eq!(chosen(None, Some("2.0"), &all), "install 3.0");
        assert_eq!(chosen(None, Some("1.9"), &all), "use 1.10");
        assert_eq!(chosen(None, None, &all), "use 1.10");
        assert_eq!(chosen(None, Some("rc1"), &all), "install 3.0");
        // An explicit version is used unchanged.
        assert_eq!(chosen(Some("1.0"), Some("2.0"), &all), "use 1.0");
        assert_eq!(next_version(["2.1", "rc", "10.0"]), "11.0");
        assert_eq!(next_version([]), "1.0");
    }

    #[test]
    fn a_version_is_not_used_twice() {
        let installed = [package("1.0", b"old")];
        assert_eq!(chosen(Some("1.1"), Some("1.0"), &installed), "install 1.1");
        assert!(chosen(Some("1.0"), None, &installed).contains("other code"));
        assert!(chosen(Some("1.0"), Some("1.0"), &installed).contains("runs version 1.0"));
    }
}
