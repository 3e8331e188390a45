//! Recognizes the kind of project in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use toml::de::DeTable;

use super::{BuildError, go_modules};

/// The folder of a contract's source.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// The language of the contract.
    pub language: Language,
}

/// The language of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum Language {
    /// A crate.
    Rust,
    /// An npm package, also in TypeScript.
    #[value(aliases = ["typescript", "node", "js", "ts"])]
    JavaScript,
    /// A Python project.
    #[value(alias = "py")]
    Python,
    /// A Go module.
    #[value(alias = "golang")]
    Go,
    /// Sources that include `fabric.h`.
    C,
}

/// The files by which a project is recognized; the first existing one counts. A contract's
/// package.json comes before these, and any other after them: a project may have one for its tools.
/// So may a Go module have files of Python, see [`has_python`].
const MARKS: [(&str, Language); 6] = [
    ("Cargo.toml", Language::Rust),
    ("pyproject.toml", Language::Python),
    ("requirements.txt", Language::Python),
    ("go.mod", Language::Go),
    (PYTHON[0], Language::Python),
    (PYTHON[1], Language::Python),
];
const PACKAGE: &str = "package.json";
/// The usual modules of contracts in Python.
const PYTHON: [&str; 2] = ["contract.py", "chaincode.py"];
/// A contract in JavaScript depends on at least one of these modules.
const FABRIC: [&str; 2] = ["fabric-contract-api", "fabric-shim"];

/// Returns the names of the C sources in a folder, sorted.
pub(super) fn c_sources(folder: &Path) -> Vec<String> {
    names_with(&[".c"], folder)
}

/// Returns the names in a folder that end with one of `ends`, sorted.
pub(super) fn names_with(ends: &[&str], folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let fits = |name: &String| ends.iter().any(|end| name.ends_with(end));
    let mut names: Vec<String> = names.filter(fits).collect();
    names.sort();
    names
}

impl Language {
    /// Returns the language of the contract in a folder: a project, or a package of a Go module
    /// above it.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let is_go =
            || !go_modules::sources(folder).is_empty() && go_modules::module_of(folder).is_some();
        let marked = Self::marked(folder);
        marked.or_else(|| is_go().then_some(Self::Go)).or_else(|| Self::of_project(folder))
    }

    /// Returns the language of the project with this root.
    pub(super) fn of_project(folder: &Path) -> Option<Self> {
        let is_c = || [folder, &folder.join("src")].iter().any(|at| !c_sources(at).is_empty());
        let is_package = || folder.join(PACKAGE).is_file().then_some(Self::JavaScript);
        Self::marked(folder).or_else(|| is_c().then_some(Self::C)).or_else(is_package)
    }

    fn marked(folder: &Path) -> Option<Self> {
        let is_there = |file: &str| folder.join(file).is_file();
        if !is_there("Cargo.toml") && is_contract(&folder.join(PACKAGE)) {
            return Some(Self::JavaScript);
        }
        let mark = MARKS.iter().find(|(file, _)| is_there(file)).map(|(_, language)| *language);
        match mark {
            // A Go module may have files of Python for its tools.
            Some(Self::Python) if is_there("go.mod") && !has_python(folder) => Some(Self::Go),
            mark => mark,
        }
    }
}

/// True if a folder has a contract in Python beyond doubt: its module, or files that name `wasmcc`.
fn has_python(folder: &Path) -> bool {
    let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    let (settings, needs) = (text("pyproject.toml"), text("requirements.txt"));
    if settings.contains("wasmcc") || needs.contains("wasmcc") {
        return true;
    }
    let name = DeTable::parse(&settings).ok().and_then(|settings| {
        let project = settings.get_ref().get("project")?.get_ref().as_table()?;
        Some(project.get("name")?.get_ref().as_str()?.replace(['-', '.'], "_"))
    });
    let usual = PYTHON.map(|file| file.trim_end_matches(".py").to_owned());
    let is_module = |root: &Path, name: &str| {
        root.join(format!("{name}.py")).is_file() || root.join(name).join("__init__.py").is_file()
    };
    let roots = [folder, &folder.join("src")];
    let mut names = usual.into_iter().chain(name);
    names.any(|name| roots.iter().any(|root| is_module(root, &name)))
}

/// True if a package.json is that of a contract.
fn is_contract(package: &Path) -> bool {
    let read = || serde_json::from_slice::<Value>(&fs::read(package).ok()?).ok();
    let Some(package) = read() else { return false };
    ["dependencies", "devDependencies", "peerDependencies"].iter().any(|kind| {
        FABRIC.iter().any(|module| package.get(kind).is_some_and(|all| all.get(module).is_some()))
    })
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::C => "C",
        })
    }
}

impl Project {
    /// Opens the project in a folder.
    pub(super) fn at(folder: &Path) -> Result<Self, BuildError> {
        let cannot = |why: String| BuildError::NoFolder { folder: folder.to_owned(), why };
        let absolute = folder.canonicalize().map_err(|error| cannot(error.to_string()))?;
        if !absolute.is_dir() {
            return Err(cannot("it is a file; name the folder of the contract".into()));
        }
        match Language::of(&absolute) {
            Some(language) => Ok(Self { folder: absolute, language }),
            None => Err(BuildError::NoProject {
                folder: folder.to_owned(),
                has_go: !names_with(&[".go"], &absolute).is_empty(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_json_for_tools_makes_no_contract_in_javascript() {
        let tools = r#"{"private": true, "devDependencies": {"husky": "^9.0.0"}}"#;
        let contract = r#"{"main": "index.js", "dependencies": {"fabric-contract-api": "^2.5.0"}}"#;
        for (package, others, expected) in [
            (tools, &["go.mod"][..], Language::Go),
            (tools, &["pyproject.toml"], Language::Python),
            (tools, &["contract.c"], Language::C),
            (tools, &["Cargo.toml"], Language::Rust),
            // A package that takes these modules from a workspace around it.
            (tools, &[], Language::JavaScript),
            (contract, &["requirements.txt"], Language::JavaScript),
            (contract, &["Cargo.toml"], Language::Rust),
            ("no JSON", &["go.mod"], Language::Go),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(PACKAGE), package).unwrap();
            for other in others {
                fs::write(folder.path().join(other), "").unwrap();
            }
            assert_eq!(Language::of(folder.path()), Some(expected), "{package} {others:?}");
        }
    }

    #[test]
    fn files_of_python_for_tools_make_no_contract_in_python() {
        let ruff = ("pyproject.toml", "[tool.ruff]\n");
        let (needs, module) = (("requirements.txt", "mkdocs==1.6\n"), ("go.mod", "module x\n"));
        let named = ("pyproject.toml", "[tool.wasmcc]\nmodule = \"assets\"\n");
        let named_so = ("pyproject.toml", "[project]\nname = \"my-assets\"\n");
        for (files, expected) in [
            (&[module, needs, ruff][..], Language::Go),
            (&[module, ("pyproject.toml", "no TOML")], Language::Go),
            (&[module, named], Language::Python),
            (&[module, needs, ("contract.py", "")], Language::Python),
            (&[module, ruff, ("chaincode.py", "")], Language::Python),
            (&[module, needs, ("src/contract.py", "")], Language::Python),
            (&[module, needs, ("contract/__init__.py", "")], Language::Python),
            (&[module, named_so, ("my_assets.py", "")], Language::Python),
            (&[module, named_so], Language::Go),
            (&[module, ("requirements.txt", "wasmcc\n")], Language::Python),
            (&[module, ("contract.py", "")], Language::Go),
            (&[needs, ruff], Language::Python),
            (&[module, needs, ("Cargo.toml", "")], Language::Rust),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for in_it in ["src", "contract"] {
                fs::create_dir(folder.path().join(in_it)).unwrap();
            }
            for (name, text) in files {
                fs::write(folder.path().join(name), text).unwrap();
            }
            assert_eq!(Language::of(folder.path()), Some(expected), "{files:?}");
        }
    }
}
