//! Selects the modules that a contract in Go is built with.
//!
//! The shim is always replaced. Fabric's message modules and protobuf's timestamps are replaced by
//! plain values if the contract compiles with them: it is then smaller, starts faster and needs
//! fewer modules.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::go::Go;
use super::go_overlay::Overlay;
use super::go_stub::StubMethods;
use super::output_folder::OutputFolder;
use super::{BuildError, go_old, go_vendor};

/// The module that replaces the shim, in the checkout that this program was built from.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest-sdk/go");
/// A file that only that module has.
const MARK: &str = "shim/exports_wasip1.go";
/// The shim's module.
pub(super) const SHIM: &str = "github.com/hyperledger/fabric-chaincode-go/v2";
/// The message modules, with the folders of their plain values in the SDK.
pub(super) const MESSAGES: [(&str, &str); 2] = [
    ("github.com/hyperledger/fabric-protos-go-apiv2", "protos"),
    ("google.golang.org/protobuf", "protobuf"),
];

/// The implementation of Fabric's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Messages {
    /// Plain values.
    Plain,
    /// The modules that go.mod names.
    Protobuf,
}

/// The source of time zone data, for programs that load a zone by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zones {
    /// No time zone data: a component has no files.
    None,
    /// Data in the component.
    Embedded,
}

/// True if a compiler's error output seems to be about protobuf messages.
pub(super) fn may_be_of_messages(words: &str) -> bool {
    let of_messages =
        ["common.", "peer.", "pb.", "msp.", "queryresult.", "timestamppb.", "protoreflect"];
    MESSAGES.iter().any(|(module, _)| words.contains(module))
        || of_messages.iter().any(|name| words.contains(name))
}

/// True if a compiler's error output is about packages that the plain values do not have. Then
/// nothing was compiled, so the output has no errors of the contract.
pub(super) fn lacks_packages_of_messages(words: &str) -> bool {
    MESSAGES
        .iter()
        .any(|(module, _)| words.contains(&format!("but does not contain package {module}")))
}

/// The modules of one contract.
#[derive(Clone)]
pub(super) struct Modules {
    sdk: PathBuf,
    output: OutputFolder,
    manifest: Manifest,
    methods: StubMethods,
    /// Whether the modules are copies in the folder `vendor`.
    is_vendored: bool,
}

/// The parts of `go mod edit -json` that are read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Manifest {
    module: At,
    require: Option<Vec<Required>>,
    replace: Option<Vec<Replaced>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Required {
    path: String,
    version: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Replaced {
    old: At,
    new: At,
}

#[derive(Clone, Debug, Default, Deserialize)]
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

    /// Returns the methods of the shim's version. A go.mod before Go 1.17 may not list the shim: it
    /// is then that of a contract API, which requires the first version.
    fn methods(&self) -> StubMethods {
        let shim = self.require.iter().flatten().find(|required| required.path == SHIM);
        StubMethods::of_version(shim.map_or("v2.0.0", |shim| &shim.version))
    }

    fn requires_messages(&self) -> bool {
        MESSAGES.iter().any(|(module, _)| self.requires(module))
    }
}

/// Returns the SDK of the checkout that this program was built from, if it exists.
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
        if let Some(old) = go_old::required(|module| manifest.requires(module)) {
            return Err(BuildError::OldModule { folder: go.module().to_owned(), old });
        }
        // An SDK that the contract's go.mod names takes precedence.
        let named = manifest.replaced(SHIM).find_map(|replaced| {
            let path = go.module().join(&replaced.new.path).canonicalize().ok()?;
            path.join(MARK).is_file().then_some(path)
        });
        let Some(sdk) = named.or_else(beside) else {
            return Err(BuildError::NoGoSdk { folder: go.module().to_owned() });
        };
        let is_vendored = go_vendor::has(go.module(), SHIM);
        let methods = StubMethods::ALL;
        Ok(Self { sdk, output: output.clone(), manifest, methods, is_vendored })
    }

    /// Returns the modules with the stub's methods of the version in go.mod, if the compiler's
    /// messages say that a type lacks later ones.
    pub(super) fn with_earlier_methods(&self, words: &str) -> Option<Self> {
        let methods = self.manifest.methods();
        methods.explain(words).then(|| Self { methods, ..self.clone() })
    }

    /// True if the contract names message modules, which may have functions that the plain values
    /// lack. The compiler's output alone does not show that: a file may import them under any name.
    pub(super) fn has_messages(&self) -> bool {
        self.is_vendored || self.manifest.requires_messages()
    }

    /// Returns a package of another module that does not compile, by the compiler's messages: each
    /// package has a line with its path.
    pub(super) fn foreign_package<'a>(&self, words: &'a str) -> Option<&'a str> {
        let own = &self.manifest.module.path;
        let is_of = |package: &str, module: &str| {
            package
                .strip_prefix(module)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let packages = words.lines().filter_map(|line| line.strip_prefix("# ")?.split(' ').next());
        let mut packages = packages.filter(|package| {
            // Those of Go's library have no host in their paths.
            package.split('/').next().is_some_and(|host| host.contains('.'))
        });
        packages.find(|package| !is_of(package, own) && !is_of(package, SHIM))
    }

    /// Writes the go.mod and the overlay that select the modules, and returns the compiler's flags.
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
        let shim = shim.join("shim");
        if zones == Zones::Embedded {
            overlay.add_zones(&shim, &self.sdk);
        }
        self.methods.select(&shim, &self.sdk, &self.output, &mut overlay)?;
        flags.push(overlay.flag(&self.output)?);
        Ok(flags)
    }

    /// Writes a copy of go.mod with the replacements and returns its path.
    fn manifest(&self, go: &Go<'_>, replaced: &[(&str, PathBuf)]) -> Result<String, BuildError> {
        let manifest = self.output.file("go.mod");
        self.output.copy(&go.module().join("go.mod"), &manifest)?;
        let sums = go.module().join("go.sum");
        match sums.is_file() {
            true => self.output.copy(&sums, &self.output.file("go.sum"))?,
            // The compiler writes a go.sum. Its earlier one must not be mistaken for the
            // contract's.
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

    /// True if go.mod replaces a module with one that is not in the SDK.
    fn has_own(&self, module: &str) -> bool {
        let is_of_sdk = |replaced: &Replaced| Path::new(&replaced.new.path).starts_with(&self.sdk);
        self.manifest.replaced(module).any(|replaced| !is_of_sdk(replaced))
    }
}

/// Returns the root of the module that contains a folder: the nearest parent with a go.mod, or the
/// folder itself.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_other_modules_are_told_apart() {
        let contract = tempfile::TempDir::new().unwrap();
        let module = At { path: "example.com/assets".into(), ..At::default() };
        let modules = Modules {
            sdk: PathBuf::new(),
            output: OutputFolder::of(contract.path()).unwrap(),
            manifest: Manifest { module, ..Manifest::default() },
            methods: StubMethods::ALL,
            is_vendored: false,
        };
        let logrus = "# github.com/sirupsen/logrus\n../terminal.go:13:10: undefined: isTerminal\n";
        assert_eq!(modules.foreign_package(logrus), Some("github.com/sirupsen/logrus"));
        let both = format!("# example.com/assets/log\nlog.go:1:1: no\n{logrus}");
        assert_eq!(modules.foreign_package(&both), Some("github.com/sirupsen/logrus"));
        let shim = format!("# {SHIM}/shim\nshim.go:1:1: no\n");
        for own in ["# example.com/assets\n./main.go:1:1: no\n", "# runtime\nx", "no", &shim] {
            assert_eq!(modules.foreign_package(own), None, "{own}");
        }
    }

    #[test]
    fn missing_packages_of_messages_hide_no_errors() {
        let found = "main.go:7:2: module google.golang.org/protobuf@latest found (v0.0.0, replaced \
                     by /sdk), but does not contain package google.golang.org/protobuf/proto\n";
        assert!(lacks_packages_of_messages(found));
        assert!(!lacks_packages_of_messages("./main.go:9:4: undefined: peer.Other\n"));
    }
}
