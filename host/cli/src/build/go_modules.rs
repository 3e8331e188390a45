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

/// Returns the packages that do not compile, by the compiler's messages: each has a line with its
/// path.
fn packages(words: &str) -> impl Iterator<Item = &str> {
    words.lines().filter_map(|line| line.strip_prefix("# ")?.split(' ').next())
}

/// True if a compiler's error output is about packages that the plain values do not have. Then
/// nothing was compiled, so the output has no errors of the contract.
fn lacks_packages_of_messages(words: &str) -> bool {
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
        let required = shim.map_or("v2.0.0", |shim| &shim.version);
        let of = |version| {
            let mut all = self.replaced(SHIM);
            all.find(|replaced| replaced.old.version == version)
        };
        // A replacement of one version takes precedence over that of all.
        let new = of(required).or_else(|| of("")).map(|replaced| &replaced.new);
        let version = new.filter(|new| new.path == SHIM).map_or(required, |new| &new.version);
        StubMethods::of_version(version)
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

    /// True if go.mod or the build replaces a module.
    pub(super) fn replaces(&self, module: &str) -> bool {
        module == SHIM || self.manifest.replaced(module).next().is_some()
    }

    /// Returns the compiler's messages for the user, with a hint. `real` is the output with the
    /// modules of messages that go.mod names, if these were tried after the plain values.
    pub(super) fn explained(&self, plain: String, real: Option<String>) -> String {
        // What fails only with the plain values is no fault of the contract or its modules.
        let last = real.as_ref().unwrap_or(&plain);
        let foreign = packages(last).find(|package| self.is_foreign(package));
        let hint = match (go_old::named(last), foreign) {
            (Some(old), _) => format!("\n  hint: the sources use {}: {}", old.module, old.hint),
            (None, Some(package)) => format!(
                "\n  hint: {package} is of another module and does not compile for WebAssembly \
                 (GOOS=wasip1); a newer version may: `go get -u {package}`"
            ),
            (None, None) => return self.of_both(plain, real),
        };
        self.of_both(plain, real).trim_end().to_owned() + &hint
    }

    /// Joins the outputs of both attempts, without what only the plain values caused.
    fn of_both(&self, plain: String, real: Option<String>) -> String {
        // Then the contract's own packages were not compiled.
        let hides_errors = |real: &str| {
            let is_compiled = packages(real).next().is_some();
            is_compiled && packages(&plain).all(|package| self.is_foreign(package))
        };
        match real {
            Some(real) if lacks_packages_of_messages(&plain) || hides_errors(&real) => real,
            Some(real) if real != plain && may_be_of_messages(&plain) => {
                plain + "With the modules of messages that go.mod names:\n" + &real
            }
            _ => plain,
        }
    }

    /// True if a package is neither the contract's nor of a module that go.mod replaces: then only
    /// its authors can mend it, in a newer version.
    fn is_foreign(&self, package: &str) -> bool {
        let is_of = |module: &str| {
            let rest = package.strip_prefix(module);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut replaced = self.manifest.replace.iter().flatten();
        // Those of Go's library have no host in their paths.
        let has_host = package.split('/').next().is_some_and(|host| host.contains('.'));
        let is_own = is_of(&self.manifest.module.path) || is_of(SHIM);
        has_host && !is_own && !replaced.any(|replaced| is_of(&replaced.old.path))
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

    const LOGRUS: &str =
        "# github.com/sirupsen/logrus\n../terminal.go:13:10: undefined: isTerminal\n";

    /// Returns the modules of a contract with the replacements `(module, version, path, version)`.
    fn modules(contract: &Path, shim: &str, replaced: &[[&str; 4]]) -> Modules {
        let at = |path: &str, version: &str| At { path: path.into(), version: version.into() };
        let replaced = replaced.iter().map(|[old, old_version, new, new_version]| Replaced {
            old: at(old, old_version),
            new: at(new, new_version),
        });
        let shim = Required { path: SHIM.into(), version: shim.into() };
        Modules {
            sdk: PathBuf::new(),
            output: OutputFolder::of(contract).unwrap(),
            manifest: Manifest {
                module: at("example.com/assets", ""),
                require: Some(vec![shim]),
                replace: Some(replaced.collect()),
            },
            methods: StubMethods::ALL,
            is_vendored: false,
        }
    }

    #[test]
    fn packages_of_other_modules_are_told_apart() {
        let contract = tempfile::TempDir::new().unwrap();
        let replaced = ["example.com/common", "", "../common", ""];
        let fork = ["example.com/a", "", "example.com/b", "v1.0.0"];
        let modules = modules(contract.path(), "v2.3.0", &[replaced, fork]);
        let hint = "\n  hint: github.com/sirupsen/logrus is of another module and does not compile";
        let explained = |words: &str| modules.explained(words.into(), None);
        assert!(explained(LOGRUS).contains(hint));
        let both = format!("# example.com/assets/log\nlog.go:1:1: no\n{LOGRUS}");
        assert!(explained(&both).contains(hint));
        let shim = format!("# {SHIM}/shim\nshim.go:1:1: no\n");
        let replaced = "# example.com/common/log\n../common/log/c.go:3:29: no\n";
        let own = "# example.com/assets\n./main.go:1:1: no\n";
        let fork = "# example.com/a\na.go:1:1: no\n";
        for own in [own, "# runtime\nx", "no", &shim, replaced, fork] {
            assert_eq!(explained(own), own);
        }
        let old = "main.go:4:2: cannot find module providing package \
                   github.com/hyperledger/fabric/core/chaincode/shim: no\n";
        assert!(explained(old).contains("no\n  hint: the sources use the shim of Fabric 1, "));
        for (module, is_replaced) in [(SHIM, true), ("example.com/common", true), ("x", false)] {
            assert_eq!(modules.replaces(module), is_replaced, "{module}");
        }
    }

    #[test]
    fn what_only_the_plain_values_cause_is_not_shown() {
        let contract = tempfile::TempDir::new().unwrap();
        let modules = modules(contract.path(), "v2.3.0", &[]);
        let explained =
            |plain: &str, real: &str| modules.explained(plain.into(), Some(real.to_owned()));
        let library = "# example.com/lib\nlib.go:5:36: undefined: peer.ChaincodeID\n";
        let own = "# example.com/assets\n./main.go:12:76: undefined: shim.Succes\n";
        assert_eq!(explained(library, own), own);
        assert!(explained(LOGRUS, LOGRUS).contains("\n  hint: github.com/sirupsen/logrus is "));
        let message = "# example.com/assets\n./main.go:9:4: undefined: peer.Other\n";
        let title = "With the modules of messages that go.mod names:\n";
        assert_eq!(explained(message, own), [message, title, own].concat());
        // Nothing was compiled without a network, so this attempt shows nothing of the library.
        let offline = "go: google.golang.org/protobuf@v1.36.0: module lookup disabled\n";
        assert_eq!(explained(library, offline), [library, title, offline].concat());
    }

    #[test]
    fn the_version_of_the_shim_is_that_of_its_replacement() {
        let contract = tempfile::TempDir::new().unwrap();
        let of = |replaced: &[[&str; 4]]| {
            modules(contract.path(), "v2.3.0", replaced).manifest.methods()
        };
        let version = StubMethods::of_version;
        assert_eq!(of(&[]), version("v2.3.0"));
        let all = [SHIM, "", SHIM, "v2.0.0"];
        assert_eq!(of(&[all]), version("v2.0.0"));
        assert_eq!(of(&[all, [SHIM, "v2.3.0", SHIM, "v2.1.0"]]), version("v2.1.0"));
        for other in [
            [SHIM, "v2.2.0", SHIM, "v2.0.0"],
            [SHIM, "", "../shim", ""],
            [SHIM, "", "example.com/shim", "v1.0.0"],
        ] {
            assert_eq!(of(&[other]), version("v2.3.0"), "{other:?}");
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
