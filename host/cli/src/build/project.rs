//! Recognizes the kind of project in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::{BuildError, go_modules};

/// A folder with a contract's source.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// What the contract is written in.
    pub language: Language,
}

/// The language of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum Language {
    /// A crate of cargo.
    Rust,
    /// A package of npm, in TypeScript too.
    #[value(aliases = ["typescript", "node", "js", "ts"])]
    JavaScript,
    /// A project of pip.
    #[value(alias = "py")]
    Python,
    /// A module of go.
    #[value(alias = "golang")]
    Go,
    /// Sources that include `fabric.h`.
    C,
}

/// The files by which a project is recognized. The first existing one counts: a crate may have a
/// package.json for its tools.
const MARKS: [(&str, Language); 7] = [
    ("Cargo.toml", Language::Rust),
    ("package.json", Language::JavaScript),
    ("pyproject.toml", Language::Python),
    ("requirements.txt", Language::Python),
    ("go.mod", Language::Go),
    ("contract.py", Language::Python),
    ("chaincode.py", Language::Python),
];

/// The names of the C sources in a folder, in their order.
pub(super) fn c_sources(folder: &Path) -> Vec<String> {
    names_with(&[".c"], folder)
}

/// The names in a folder that have one of these ends, in their order.
pub(super) fn names_with(ends: &[&str], folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let fits = |name: &String| ends.iter().any(|end| name.ends_with(end));
    let mut names: Vec<String> = names.filter(fits).collect();
    names.sort();
    names
}

impl Language {
    /// The language of the contract in a folder: a project, or a package of a Go module above.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let is_go =
            || !go_modules::sources(folder).is_empty() && go_modules::module_of(folder).is_some();
        let marked = Self::marked(folder);
        marked.or_else(|| is_go().then_some(Self::Go)).or_else(|| Self::of_project(folder))
    }

    /// The language of the project whose root the folder is.
    pub(super) fn of_project(folder: &Path) -> Option<Self> {
        let is_c = || [folder, &folder.join("src")].iter().any(|at| !c_sources(at).is_empty());
        Self::marked(folder).or_else(|| is_c().then_some(Self::C))
    }

    fn marked(folder: &Path) -> Option<Self> {
        let marked = MARKS.iter().find(|(file, _)| folder.join(file).is_file());
        marked.map(|(_, language)| *language)
    }
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
    /// The project in a folder.
    pub(super) fn at(folder: &Path) -> Result<Self, BuildError> {
        let cannot = |why: String| BuildError::NoFolder { folder: folder.to_owned(), why };
        let absolute = folder.canonicalize().map_err(|error| cannot(error.to_string()))?;
        if !absolute.is_dir() {
            return Err(cannot("it is a file; name the folder of the contract".into()));
        }
        match Language::of(&absolute) {
            Some(language) => Ok(Self { folder: absolute, language }),
            None => Err(BuildError::NoProject { folder: folder.to_owned() }),
        }
    }
}
