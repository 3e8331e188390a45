//! Recognizes the kind of project in a folder.

use std::path::{Path, PathBuf};

use super::BuildError;

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
}

/// The files by which a project is recognized. The first existing one counts: a crate may have a
/// package.json for its tools.
const MARKS: [(&str, Language); 5] = [
    ("Cargo.toml", Language::Rust),
    ("package.json", Language::JavaScript),
    ("pyproject.toml", Language::Python),
    ("requirements.txt", Language::Python),
    ("go.mod", Language::Go),
];

impl Language {
    /// The language of the project in a folder.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        MARKS.iter().find(|(file, _)| folder.join(file).is_file()).map(|(_, language)| *language)
    }

    /// The build tool.
    pub(super) fn tool(self) -> &'static str {
        match self {
            Self::Rust => "cargo",
            Self::JavaScript => "wasmcc-js",
            Self::Python => "python -m wasmcc",
            Self::Go => "go and wasm-tools",
        }
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::Go => "Go",
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
