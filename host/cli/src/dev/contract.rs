//! A contract argument: its name and its source.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::build::Language;
use wasmcc_msp::SignaturePolicy;
use wasmcc_types::is_host_port;

/// A contract that the network runs.
#[derive(Clone, Debug)]
pub(super) struct Contract {
    /// The chaincode's name.
    pub(super) name: String,
    pub(super) source: Source,
    /// The endorsement policy, if given.
    pub(super) policy: Option<SignaturePolicy>,
    /// The file of its collections, if given.
    pub(super) collections: Option<PathBuf>,
}

/// The source of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A component that is built elsewhere.
    Component(PathBuf),
    /// A project that is built here.
    Project(PathBuf),
    /// A chaincode server, by its address.
    Service(String),
}

impl FromStr for Contract {
    type Err = String;

    /// Reads `[NAME=]PATH` or `NAME=HOST:PORT`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, place) = match text.split_once('=') {
            // A path may contain an equals sign.
            Some((name, place)) if !Path::new(text).exists() => (Some(name), place),
            _ => (None, text),
        };
        let path = Path::new(place);
        let source = match (path.is_dir(), path.exists()) {
            (true, _) => Source::Project(absolute(path)?),
            (false, true) => Source::Component(absolute(path)?),
            (false, false) if is_host_port(place) => Source::Service(place.to_owned()),
            (false, false) => {
                return Err(format!(
                    "there is no file or folder {place}, and it is not an address (HOST:PORT)"
                ));
            }
        };
        let name = match (name, &source) {
            (Some(name), _) => name.to_owned(),
            (None, Source::Service(address)) => {
                return Err(format!("a chaincode server needs a name: NAME={address}"));
            }
            (None, Source::Component(path) | Source::Project(path)) => usual_name(path),
        };
        if !is_name(&name) {
            return Err(format!(
                "{name:?} is not a name for a chaincode (letters, digits, - and _ between them): \
                 write NAME={place}"
            ));
        }
        Ok(Self { name, source, policy: None, collections: None })
    }
}

/// Makes a path absolute.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Returns the name of the file or folder.
fn usual_name(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Fabric: core/chaincode/lifecycle/scc.go, `ChaincodeNameRegExp`.
fn is_name(name: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    name.split(['-', '_']).all(is_part)
}

impl Contract {
    /// Returns the folder with the contract's META-INF and collections_config.json.
    pub(super) fn folder(&self) -> Option<&Path> {
        match &self.source {
            Source::Project(folder) => Some(folder),
            Source::Component(_) | Source::Service(_) => None,
        }
    }

    /// A human-readable description.
    pub(super) fn describe(&self) -> String {
        match &self.source {
            Source::Component(path) => crate::build::shown(path),
            Source::Project(folder) => match Language::of(folder) {
                Some(language) => format!("{} ({language})", crate::build::shown(folder)),
                None => crate::build::shown(folder),
            },
            Source::Service(address) => format!("the server at {address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_are_files_folders_and_servers() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my_contract.wasm");
        std::fs::write(&file, "").unwrap();
        let file = file.to_str().unwrap();
        let parse = |text: &str| text.parse::<Contract>();
        let own = parse(file).unwrap();
        assert_eq!(
            (own.name.as_str(), own.source),
            ("my_contract", Source::Component(file.into()))
        );
        assert_eq!(parse(&format!("basic={file}")).unwrap().name, "basic");
        let there = folder.path().to_str().unwrap();
        let project = parse(&format!("basic={there}")).unwrap();
        assert_eq!(project.source, Source::Project(there.into()));
        let server = parse("basic=127.0.0.1:9999").unwrap();
        assert_eq!(server.source, Source::Service("127.0.0.1:9999".into()));
    }

    #[test]
    fn what_is_no_contract_is_refused_with_the_reason() {
        let refused = |text: &str| text.parse::<Contract>().unwrap_err();
        assert!(refused("127.0.0.1:9999").contains("NAME=127.0.0.1:9999"));
        assert!(refused("nothing.wasm").contains("no file or folder nothing.wasm"));
        assert!(refused("basic=nothing").contains("no file or folder nothing"));
        assert!(refused("a b=127.0.0.1:9999").contains("is not a name"));
        assert!(refused("=127.0.0.1:9999").contains("is not a name"));
        assert!(refused("_x=127.0.0.1:9999").contains("is not a name"));
        assert!(refused("").contains("no file or folder"));
    }
}
