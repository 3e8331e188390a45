//! The name of a contract: of its crate, library and chaincode.

use std::path::Path;

use anyhow::{Result, bail};

/// A name that cargo, rustc and Fabric accept.
#[derive(Debug)]
pub(super) struct Name(String);

/// Names that a library or dependency cannot have: keywords, the crates of the language, and those
/// that the contract uses.
const TAKEN: [&str; 61] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "serde_json",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "union",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "wasmcc_sdk",
    "wasmcc_test",
    "where",
    "while",
    "yield",
];
/// The longest name, in letters.
const MAX: usize = 64;

impl Name {
    /// Takes the last part of a path.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let Some(name) = path.file_name() else {
            bail!("{} does not end with a name for the contract", path.display());
        };
        let name = name.to_string_lossy();
        let parts = || name.split(['-', '_']);
        // rustc warns about crate names with capital letters.
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_word = |part: &str| !part.is_empty() && part.chars().all(is_plain);
        if !parts().all(is_word) || name.starts_with(|c: char| c.is_ascii_digit()) {
            bail!(
                "{name:?} is not a contract's name: small letters, digits, and single '-' or '_' \
                 between them; the first is a letter"
            );
        }
        if name.len() > MAX {
            bail!("{name:?} is longer than {MAX} letters");
        }
        let this = Self(name.into_owned());
        if TAKEN.contains(&this.library().as_str()) {
            bail!("a contract cannot be called {}: Rust or its SDK has the name already", this.0);
        }
        Ok(this)
    }

    /// The name for cargo and Fabric.
    pub(super) fn package(&self) -> &str {
        &self.0
    }

    /// The name in Rust code and of the component's file.
    pub(super) fn library(&self) -> String {
        self.0.replace('-', "_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_cargo_and_fabric_take() {
        for name in ["assets", "contracts/my-assets", "a1_b-2", "./x"] {
            assert!(Name::of(Path::new(name)).is_ok(), "{name}");
        }
        let long = "x".repeat(65);
        let bad =
            ["", "..", "1a", "-a", "a-", "a--b", "a_-b", "a b", "A", "a.b", "é", "a\"b", &long];
        for name in bad.iter().chain(&["fn", "test", "core", "wasmcc-sdk", "serde"]) {
            assert!(Name::of(Path::new(name)).is_err(), "{name:?}");
        }
    }
}
