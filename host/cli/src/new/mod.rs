//! `wasmcc new`: makes a folder with a contract that builds and whose tests pass.
//!
//! Does not ask questions and needs no network.

mod name;
mod sdk;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::build::Language;
use crate::output;
use name::Name;
use sdk::Sdk;

const EXAMPLES: &str = "\
Examples:
  wasmcc new my-contract && cd my-contract && wasmcc test
  wasmcc new contracts/assets
  wasmcc new my-contract --lang typescript && cd my-contract && npm install && wasmcc test
  wasmcc new my-contract --lang python
  wasmcc new my-contract --lang go && cd my-contract && wasmcc test
  wasmcc new my-contract --lang c && cd my-contract && wasmcc build
  wasmcc new assets --sdk ../wasmcc

The SDK is that of the checkout given with --sdk, or of the checkout that this program was built
from, if it still exists. Otherwise it is that of the registry, in the version of this program.";

/// Make a folder with a new contract: source, tests, build profiles, README.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct New {
    /// The contract's name, or a path that ends with it: small letters, digits, '-' and '_'.
    #[arg(value_name = "NAME")]
    path: PathBuf,
    /// Its language.
    #[arg(long, value_enum, default_value = "rust", value_name = "LANGUAGE")]
    lang: Language,
    /// A checkout of wasmcc, whose SDK the contract uses.
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

/// The files of a contract in Rust: paths and texts.
const RUST: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("../../template/rust/Cargo.toml.in")),
    ("src/lib.rs", include_str!("../../template/rust/contract.rs")),
    ("tests/sandbox.rs", include_str!("../../template/rust/sandbox.rs")),
    ("README.md", include_str!("../../template/rust/README.md")),
    (".gitignore", include_str!("../../template/rust/gitignore")),
    (".github/workflows/ci.yml", include_str!("../../template/rust/ci.yml")),
];

/// The files of a contract in TypeScript.
const TYPESCRIPT: [(&str, &str); 9] = [
    ("package.json", include_str!("../../template/typescript/package.json.in")),
    ("tsconfig.json", include_str!("../../template/typescript/tsconfig.json")),
    ("src/index.ts", include_str!("../../template/typescript/index.ts")),
    ("src/asset.ts", include_str!("../../template/typescript/asset.ts")),
    ("src/assetTransfer.ts", include_str!("../../template/typescript/assetTransfer.ts")),
    ("test/sandbox.test.mjs", include_str!("../../template/typescript/sandbox.test.mjs")),
    ("README.md", include_str!("../../template/typescript/README.md")),
    (".gitignore", include_str!("../../template/typescript/gitignore")),
    (".npmrc", include_str!("../../template/typescript/npmrc")),
];

/// The files of a contract in Python.
const PYTHON: [(&str, &str); 7] = [
    ("pyproject.toml", include_str!("../../template/python/pyproject.toml.in")),
    ("requirements-dev.txt", include_str!("../../template/python/requirements-dev.txt.in")),
    ("contract.py", include_str!("../../template/python/contract.py")),
    ("tests/test_contract.py", include_str!("../../template/python/test_contract.py")),
    ("tests/test_sandbox.py", include_str!("../../template/python/test_sandbox.py")),
    ("README.md", include_str!("../../template/python/README.md")),
    (".gitignore", include_str!("../../template/python/gitignore")),
];
/// The steps to the first test of a contract in Python.
const PYTHON_NEXT: &str = "python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt \
                           && wasmcc test";
/// The files of a contract in Go.
const GO: [(&str, &str); 7] = [
    ("go.mod", include_str!("../../template/go/go.mod.in")),
    ("main.go", include_str!("../../template/go/main.go")),
    ("contract.go", include_str!("../../template/go/contract.go")),
    ("contract_test.go", include_str!("../../template/go/contract_test.go")),
    ("sandbox_test.go", include_str!("../../template/go/sandbox_test.go")),
    ("README.md", include_str!("../../template/go/README.md")),
    (".gitignore", include_str!("../../template/go/gitignore")),
];

/// The files of a contract in C, without `fabric.h` and its sources.
const C: [(&str, &str); 3] = [
    ("contract.c", include_str!("../../template/c/contract.c")),
    ("README.md", include_str!("../../template/c/README.md")),
    (".gitignore", include_str!("../../template/c/gitignore")),
];

impl New {
    pub(crate) fn run(self) -> Result<()> {
        let (files, next): (&[(&str, &str)], _) = match self.lang {
            Language::Rust => (&RUST, "wasmcc test"),
            Language::JavaScript => (&TYPESCRIPT, "npm install && wasmcc test"),
            Language::Python => (&PYTHON, PYTHON_NEXT),
            Language::Go => (&GO, "wasmcc test"),
            Language::C => (&C, "wasmcc build"),
        };
        let name = Name::of(&self.path)?;
        let sdk = Sdk::find(self.sdk.as_deref())?;
        let further = match self.lang {
            Language::C => sdk.c_files()?,
            _ => Vec::new(),
        };
        if self.lang == Language::Go {
            sdk.of_go("")?;
        }
        is_free(&self.path)?;
        for (file, text) in files {
            write(&self.path.join(file), &filled(text, &name, &sdk))?;
        }
        for (file, text) in further {
            write(&self.path.join(file), &text)?;
        }
        let folder = self.path.display();
        output::line(&format!("{folder} is a contract: cd {folder} && {next}"))
    }
}

/// Fills in the names of this contract.
fn filled(text: &str, name: &Name, sdk: &Sdk) -> String {
    // Other languages have no Go modules.
    let of_go = |module| sdk.of_go(module).unwrap_or_default();
    text.replace("my-contract", name.package())
        .replace("my_contract", &name.library())
        .replace("WASMCC_SDK", &sdk.of("wasmcc-sdk"))
        .replace("WASMCC_TEST", &sdk.of("wasmcc-test"))
        .replace("WASMCC_JS", &sdk.of_npm())
        .replace("WASMCC_SHIM_OF_GO", &of_go(""))
        .replace("WASMCC_PROTOS_OF_GO", &of_go("protos"))
        .replace("WASMCC_PROTOBUF_OF_GO", &of_go("protobuf"))
        .replace("WASMCC_SANDBOX_OF_GO", &of_go("sandbox"))
        .replace("WASMCC_PYTHON", &sdk.of_pip())
}

/// Refuses a folder that is not empty.
fn is_free(folder: &Path) -> Result<()> {
    match fs::read_dir(folder).map(Iterator::count) {
        Ok(0) => Ok(()),
        Ok(_) => bail!("{} exists and is not empty: choose another name", folder.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot make {}", folder.display())),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    fs::write(path, text).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_is_left_in_the_files() {
        let name = Name::of(Path::new("some-assets")).unwrap();
        let sdk = Sdk::Version;
        let all = RUST.iter().chain(&TYPESCRIPT).chain(&PYTHON).chain(&GO).chain(&C);
        for (file, text) in all {
            let text = filled(text, &name, &sdk);
            let placeholders =
                ["WASMCC_SDK", "WASMCC_TEST", "WASMCC_JS", "WASMCC_PYTHON", "_OF_GO"];
            for placeholder in placeholders.iter().chain(&["my-contract", "my_contract"]) {
                assert!(!text.contains(placeholder), "{placeholder} is in {file}");
            }
        }
        let manifest = filled(RUST[0].1, &name, &sdk);
        assert!(manifest.contains("name = \"some-assets\"\n"), "{manifest}");
        assert!(manifest.contains("wasmcc-sdk = \"0.2\"\n"), "{manifest}");
        let project = filled(PYTHON[0].1, &name, &sdk);
        assert!(project.contains("\"wasmcc ~=0.2.0\""), "{project}");
    }
}
