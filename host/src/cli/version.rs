//! Which version a deployment gets.

use anyhow::{Result, bail};

use crate::types::{sha256, sha256_all};

/// A version of a chaincode that lies on the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its version.
    pub version: String,
    /// What LSCC lists as its id.
    pub id: Vec<u8>,
}

/// What to do about a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The version that it gets.
    pub version: String,
    /// Whether the peer does not have it yet.
    pub install: bool,
}

/// The id that LSCC gives a package (fabric `core/common/ccprovider/cdspackage.go`, `GetId`).
pub fn package_id(name: &str, version: &str, component: &[u8]) -> Vec<u8> {
    let names = sha256_all([name.as_bytes(), version.as_bytes()]);
    sha256_all([sha256(component).as_slice(), names.as_slice()]).to_vec()
}

/// Takes the version that is `wanted`; without one, a version that the peer has with the same code,
/// or else the next free of 1.0, 2.0, 3.0 and so on. `current` is what the channel runs now.
pub fn choose(
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
    let same = installed.iter().find(|package| {
        current != Some(package.version.as_str()) && package.id == id_of(&package.version)
    });
    if let Some(same) = same {
        return choice(&same.version, false);
    }
    let taken = installed.iter().map(|package| package.version.as_str()).chain(current);
    let major = |version: &str| version.split('.').next().and_then(|n| n.parse::<u64>().ok());
    let highest = taken.filter_map(major).max().unwrap_or(0);
    choice(&format!("{}.0", highest.saturating_add(1)), true)
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
    fn a_version_is_not_used_twice() {
        let installed = [package("1.0", b"old")];
        assert_eq!(chosen(Some("1.1"), Some("1.0"), &installed), "install 1.1");
        assert!(chosen(Some("1.0"), None, &installed).contains("other code"));
        assert!(chosen(Some("1.0"), Some("1.0"), &installed).contains("runs version 1.0"));
    }
}
