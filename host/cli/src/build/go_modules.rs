//! Which modules a contract in Go is built with.
//!
//! The shim is always replaced. The messages of Fabric and protobuf's timestamps are replaced by
//! plain values, too, if that is enough for the contract: it is smaller and starts faster then, and
//! needs fewer modules.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::go::Go;
use super::go_overlay::Overlay;
use super::output_folder::OutputFolder;
use super::{BuildError, go_vendor};

/// The module for replacing the shim, in the checkout that this program was built from.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest-sdk/go");
/// A file that only that module has.
const MARK: &str = "shim/exports_wasip1.go";
/// The shim's module.
pub(super) const SHIM: &str = "github.com/hyperledger/fabric-chaincode-go/v2";
/// The shim's module of Fabric 1 and 2, which this does not replace.
const OLD_SHIM: &str = "github.com/hyperledger/fabric-chaincode-go";
/// The modules of messages, and the folders of their plain values in the SDK.
pub(super) const MESSAGES: [(&str, &str); 2] = [
    ("github.com/hyperledger/fabric-protos-go-apiv2", "protos"),
    ("google.golang.org/protobuf", "protobuf"),
];

/// What stands for Fabric's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Messages {
    /// Plain values.
    Plain,
    /// The modules that go.mod names.
    Protobuf,
}

/// Where the program has time zones from, if it asks for one by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zones {
    /// Nowhere: there are no files.
    None,
    /// Its own data.
    Embedded,
}

/// Whether the words of a compiler that failed are likely to have to do with messages.
pub(super) fn may_be_of_messages(words: &str) -> bool {
    let of_messages =
        ["common.", "peer.", "pb.", "msp.", "queryresult.", "timestamppb.", "protoreflect"];
    MESSAGES.iter().any(|(module, _)| words.contains(module))
        || of_messages.iter().any(|name| words.contains(name))
}

/// The modules of one contract.
pub(super) struct Modules {
    sdk: PathBuf,
    output: OutputFolder,
    manifest: Manifest,
    /// Whether the modules are copies in the folder `vendor`.
    is_vendored: bool,
}

/// What of `go mod edit -json` counts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Manifest {
    require: Option<Vec<Required>>,
    replace: Option<Vec<Replaced>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Required {
    path: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Replaced {
    old: At,
    new: At,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct At {
    path: String,
    version: String,
}

impl Manifest {
    fn replaced<'a>(&'a self, module: &'a str) -> impl Iterator<Item = &'a Replaced> {
        self.replace.iter().flatten().filter(move |replaced| replaced.old.path == module)
    }

    fn requires(&self, module: &str) -> bool {
        self.require.iter().flatten().any(|required| required.path == module)
    }

    fn requires_messages(&self) -> bool {
        MESSAGES.iter().any(|(module, _)| self.requires(module))
    }
}

/// The SDK of the checkout that this program was built from, if that is there.
fn beside() -> Option<PathBuf> {
    Path::new(BESIDE).canonicalize().ok().filter(|folder| folder.join(MARK).is_file())
}

impl Modules {
    /// Reads go.mod.
    pub(super) fn of(go: &Go<'_>, output: &OutputFolder) -> Result<Self, BuildError> {
        let unreadable = |words: String| BuildError::GoManifest {
            folder: go.module().to_owned(),
            words: words.trim_end().to_owned(),
        };
        let text = go.run(&["mod", "edit", "-json"]).map_err(unreadable)?;
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        if manifest.requires(OLD_SHIM) && !manifest.requires(SHIM) {
            return Err(BuildError::OldShim { folder: go.module().to_owned() });
        }
        // A contract that names an SDK is built with that one.
        let named = manifest.replaced(SHIM).find_map(|replaced| {
            let path = go.module().join(&replaced.new.path).canonicalize().ok()?;
            path.join(MARK).is_file().then_some(path)
        });
        let Some(sdk) = named.or_else(beside) else {
            return Err(BuildError::NoGoSdk { folder: go.module().to_owned() });
        };
        let is_vendored = go_vendor::has(go.module(), SHIM);
        Ok(Self { sdk, output: output.clone(), manifest, is_vendored })
    }

    /// Whether the contract names modules of messages, which may have what plain ones lack. Of what
    /// a compiler says that cannot be told: a file may import them under any name.
    pub(super) fn has_messages(&self) -> bool {
        self.is_vendored || self.manifest.requires_messages()
    }

    /// The compiler's flags that select the modules; writes the files that they name.
    pub(super) fn flags(
        &self,
        go: &Go<'_>,
        messages: Messages,
        zones: Zones,
    ) -> Result<Vec<String>, BuildError> {
        let cannot = |words| BuildError::GoManifest { folder: go.module().to_owned(), words };
        let mut replaced = vec![(SHIM, self.sdk.clone())];
        if messages == Messages::Plain {
            let own = MESSAGES.iter().filter(|(module, _)| !self.has_own(module));
            replaced.extend(own.map(|(module, folder)| (*module, self.sdk.join(folder))));
        }
        let mut overlay = Overlay::default();
        let goroot = go.run(&["env", "GOROOT"]).map_err(cannot)?;
        overlay.replace_signals(Path::new(goroot.trim_end()), &self.sdk);
        let mut shim = self.sdk.clone();
        let mut flags = if self.is_vendored {
            go_vendor::replace(go.module(), &replaced, &mut overlay);
            shim = go_vendor::copy_of(go.module(), SHIM);
            vec!["-mod=vendor".to_owned()]
        } else {
            vec!["-mod=mod".to_owned(), format!("-modfile={}", self.manifest(go, &replaced)?)]
        };
        if zones == Zones::Embedded {
            overlay.add_zones(&shim.join("shim"), &self.sdk);
        }
        flags.push(overlay.flag(&self.output)?);
        Ok(flags)
    }

    /// Writes the copy of go.mod that has these modules replaced, and returns its path.
    fn manifest(&self, go: &Go<'_>, replaced: &[(&str, PathBuf)]) -> Result<String, BuildError> {
        let manifest = self.output.file("go.mod");
        self.output.copy(&go.module().join("go.mod"), &manifest)?;
        let sums = go.module().join("go.sum");
        match sums.is_file() {
            true => self.output.copy(&sums, &self.output.file("go.sum"))?,
            // The compiler writes one. What it wrote earlier must not outlive the contract's.
            false => self.output.remove("go.sum")?,
        }
        let mut edit = vec!["mod".to_owned(), "edit".to_owned()];
        for (module, folder) in replaced {
            for other in self.manifest.replaced(module).filter(|at| !at.old.version.is_empty()) {
                edit.push(format!("-dropreplace={module}@{}", other.old.version));
            }
            edit.push(format!("-replace={module}={}", folder.display()));
        }
        let path = manifest.display().to_string();
        edit.push(path.clone());
        go.run(&edit)
            .map_err(|words| BuildError::GoManifest { folder: go.module().to_owned(), words })?;
        Ok(path)
    }

    /// Whether go.mod replaces a module by something that is not of the SDK.
    fn has_own(&self, module: &str) -> bool {
        let is_of_sdk = |replaced: &Replaced| Path::new(&replaced.new.path).starts_with(&self.sdk);
        self.manifest.replaced(module).any(|replaced| !is_of_sdk(replaced))
    }
}

/// The root of the module that a folder is in: the nearest folder with a go.mod, from this one
/// upwards.
pub(super) fn module_of(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.join("go.mod").is_file())
}

/// The names of the Go files in a folder that belong to its package.
pub(super) fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_source = |name: &String| {
        (name.ends_with(".go") || name.ends_with(".s")) && !name.ends_with("_test.go")
    };
    let mut names: Vec<String> = names.filter(is_source).collect();
    names.sort();
    names
}
