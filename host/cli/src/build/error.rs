//! Why there is no component.

use std::path::PathBuf;

use super::Language;
use super::cargo::TARGET;

/// Why there is no component, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// There is no such folder.
    #[error("cannot build {}: {why}", folder.display())]
    NoFolder {
        /// The given path.
        folder: PathBuf,
        /// The cause.
        why: String,
    },
    /// The folder has no project file.
    #[error(
        "there is no contract in {}: it has neither Cargo.toml nor package.json nor \
         pyproject.toml\n  hint: `wasmcc new NAME` makes one",
        folder.display()
    )]
    NoProject {
        /// The folder.
        folder: PathBuf,
    },
    /// A language whose tools are not called from here.
    #[error(
        "{} has a contract in {language}; `wasmcc build` builds contracts in Rust, Python and for \
         Node.js only\n  hint: build it with {}, as docs/languages.md of wasmcc shows; `wasmcc \
         check FILE` judges the component",
        folder.display(),
        language.tool()
    )]
    Language {
        /// The folder.
        folder: PathBuf,
        /// Its language.
        language: Language,
    },
    /// The npm package that builds contracts for Node.js is missing.
    #[error(
        "{} has a contract for Node.js, and no package that makes a component of it\n  hint: in \
         that folder, type `npm install --save-dev --install-links {package}`",
        folder.display()
    )]
    NoNodeBuilder {
        /// The folder.
        folder: PathBuf,
        /// What to install.
        package: String,
    },
    /// Python is missing, or too old.
    #[error(
        "python3 cannot be used: {why}\n  hint: install Python 3.9 or newer, with pip and venv"
    )]
    NoPython {
        /// The cause.
        why: String,
    },
    /// The Python package that builds contracts in Python is missing.
    #[error(
        "{} has a contract in Python, and {} has no package that makes a component of it\n  hint: \
         in that folder, type\n    python3 -m venv .venv\n    .venv/bin/python -m pip install \
         {package}",
        folder.display(),
        program.display()
    )]
    NoPythonBuilder {
        /// The folder.
        folder: PathBuf,
        /// The interpreter that lacks it.
        program: PathBuf,
        /// What to install.
        package: String,
    },
    /// Node.js is missing.
    #[error("node cannot be run: {why}\n  hint: install Node.js 18 or newer, with npm")]
    NoNode {
        /// The cause.
        why: String,
    },
    /// A program is not installed, or does not run.
    #[error(
        "{tool} cannot be run: {why}\n  hint: install Rust with rustup, then run `rustup target \
         add {TARGET}`"
    )]
    NoTool {
        /// The program.
        tool: String,
        /// The cause.
        why: String,
    },
    /// The compiler is too old.
    #[error(
        "this Rust has no target {TARGET}: {words}\n  hint: use Rust 1.95 or later: `rustup update`"
    )]
    OldRust {
        /// The output of rustc.
        words: String,
    },
    /// The target's library is not installed.
    #[error(
        "Rust's library for {TARGET} is not installed\n  hint: type `rustup target add \
         {TARGET}`, or install your distribution's package of it"
    )]
    NoTarget,
    /// Cargo cannot read the project.
    #[error("cargo cannot read the project in {}:\n{words}", folder.display())]
    Manifest {
        /// The folder.
        folder: PathBuf,
        /// The output of cargo.
        words: String,
    },
    /// The crate does not produce a component.
    #[error(
        "{} makes no component: {}\n  hint: write into it\n    [lib]\n    crate-type = \
         [\"cdylib\", \"rlib\"]",
        manifest.display(),
        match has_library {
            true => "its library has no crate-type cdylib",
            false => "it has no library; a contract is in src/lib.rs",
        }
    )]
    NoCrateType {
        /// The Cargo.toml.
        manifest: PathBuf,
        /// Whether it has a library at all.
        has_library: bool,
    },
    /// A workspace without a contract.
    #[error(
        "no crate of the workspace {} makes a component\n  hint: a contract's Cargo.toml has\n    \
         [lib]\n    crate-type = [\"cdylib\", \"rlib\"]",
        folder.display()
    )]
    NoContract {
        /// The workspace.
        folder: PathBuf,
    },
    /// A workspace with several contracts.
    #[error(
        "{} is a workspace with several contracts; name one:{}",
        folder.display(),
        contracts.iter().map(|path| format!("\n  wasmcc build {path}")).collect::<String>()
    )]
    Several {
        /// The workspace.
        folder: PathBuf,
        /// The folders of its contracts.
        contracts: Vec<String>,
    },
    /// The contract does not compile.
    #[error("the contract in {} does not compile{}", folder.display(), after_colon(words))]
    Compile {
        /// The folder.
        folder: PathBuf,
        /// The compiler's output; empty if it was shown already.
        words: String,
    },
    /// Cargo succeeded without a component.
    #[error(
        "cargo made no component of {}: there is no .wasm file among what it built",
        folder.display()
    )]
    NoComponent {
        /// The folder.
        folder: PathBuf,
    },
}

fn after_colon(words: &str) -> String {
    match words.trim_end() {
        "" => String::new(),
        words => format!(":\n{words}"),
    }
}
