//! The source of a new contract's SDK.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::build::C_SDK_COPY as OWN;

/// The SDK in the checkout that this program was built from, if any.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest-sdk");

/// The location of the SDK and its companion.
#[derive(Debug)]
pub(super) enum Sdk {
    /// In the folder `guest-sdk` of a checkout.
    Folder(PathBuf),
    /// In the registry, in this program's version.
    Version,
}

impl Sdk {
    /// Returns the SDK of the given checkout, or of the one that the program was built from, or of
    /// the registry.
    pub(super) fn find(given: Option<&Path>) -> Result<Self> {
        let Some(given) = given else {
            return Ok(folder(Path::new(BESIDE)).map_or(Self::Version, Self::Folder));
        };
        match folder(&given.join("guest-sdk")).or_else(|| folder(given)) {
            Some(folder) => Ok(Self::Folder(folder)),
            None => bail!(
                "{} is not a checkout of wasmcc: it has no guest-sdk/Cargo.toml of wasmcc-sdk",
                given.display()
            ),
        }
    }

    /// Returns the value of a dependency in a Cargo.toml.
    pub(super) fn of(&self, package: &str) -> String {
        match self {
            Self::Folder(folder) => {
                let folder = match package {
                    "wasmcc-test" => folder.join("test"),
                    _ => folder.clone(),
                };
                // Escaped as a TOML string.
                let path = folder.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
                format!("{{ path = \"{path}\" }}")
            }
            Self::Version => {
                let version = env!("CARGO_PKG_VERSION");
                let minor = version.rsplit_once('.').map_or(version, |(minor, _)| minor);
                format!("\"{minor}\"")
            }
        }
    }

    /// Returns the version part of the Python package in a list for pip.
    pub(super) fn of_pip(&self) -> String {
        match self {
            Self::Folder(folder) => format!(" @ {}", url(&folder.join("python"))),
            Self::Version => format!(" ~={}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// Returns the value of the npm package in a package.json, without quotes.
    pub(super) fn of_npm(&self) -> String {
        match self {
            // The template has the quotes.
            Self::Folder(folder) => {
                let path = format!("file:{}", folder.join("js").display());
                let quoted = serde_json::Value::from(path).to_string();
                quoted.trim_matches('"').to_owned()
            }
            Self::Version => format!("~{}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// Returns the folder of a module for Go in the form of go.mod. Only a checkout has it.
    pub(super) fn of_go(&self, module: &str) -> Result<String> {
        let folder = self.folder_of("go")?;
        let path = if module.is_empty() { folder } else { folder.join(module) };
        let path = path.to_string_lossy();
        let is_word = !path
            .contains([' ', '\t', ',', '(', ')', '[', ']', '{', '}', '"', '\'', '`'])
            && !path.contains("//");
        // Go's quoting equals that of JSON here.
        Ok(if is_word { path.into_owned() } else { serde_json::Value::from(path).to_string() })
    }

    /// Returns the files for C: their paths in a contract, and their texts. Only a checkout has
    /// them.
    pub(super) fn c_files(&self) -> Result<Vec<(String, String)>> {
        let folder = self.folder_of("c")?;
        ["fabric.h", "fabric.c", "fabric_json.c"]
            .map(|name| Ok((format!("{OWN}/{name}"), fs::read_to_string(folder.join(name))?)))
            .into_iter()
            .collect()
    }

    fn folder_of(&self, language: &str) -> Result<PathBuf> {
        match self {
            Self::Folder(folder) => Ok(folder.join(language)),
            Self::Version => bail!(
                "the SDK of this language is in no registry: name a checkout of wasmcc with --sdk"
            ),
        }
    }
}

/// Returns a path as a URL.
fn url(path: &Path) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let text = path.to_string_lossy();
    let escaped = text.bytes().map(|byte| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    format!("file://{}", escaped.collect::<String>())
}

/// Returns the absolute path of the folder, if it has the SDK.
fn folder(path: &Path) -> Option<PathBuf> {
    let path = path.canonicalize().ok()?;
    let manifest = fs::read_to_string(path.join("Cargo.toml")).ok()?;
    manifest.contains("name = \"wasmcc-sdk\"").then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_is_known_by_its_sdk() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for given in [checkout.clone(), checkout.join("guest-sdk")] {
            let sdk = Sdk::find(Some(&given)).unwrap();
            assert!(sdk.of("wasmcc-sdk").ends_with("guest-sdk\" }"), "{sdk:?}");
            assert!(sdk.of("wasmcc-test").ends_with("guest-sdk/test\" }"), "{sdk:?}");
        }
        let said = Sdk::find(Some(&checkout.join("docs"))).unwrap_err().to_string();
        assert!(said.contains("is not a checkout of wasmcc"), "{said}");
        assert_eq!(Sdk::Version.of("wasmcc-sdk"), "\"0.2\"");
        let folder = |path: &str| Sdk::Folder(PathBuf::from(path));
        assert_eq!(folder("/a/sdk").of_go("protos").unwrap(), "/a/sdk/go/protos");
        assert_eq!(folder("/a b/sdk").of_go("").unwrap(), "\"/a b/sdk/go\"");
        assert!(Sdk::Version.of_go("").is_err());
        assert_eq!(url(Path::new("/a b/ü")), "file:///a%20b/%C3%BC");
    }
}
