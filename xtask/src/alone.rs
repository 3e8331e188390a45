//! `cargo xtask alone`: checks that each published package compiles alone, its tests included.
//!
//! A build of the workspace gives every package the features that any of them asks for, so it does
//! not notice a feature that one package forgot to ask for.

use anyhow::{Context, Result};

use crate::cargo;
use crate::package;

/// Checks each package that may be published, one after the other.
///
/// # Errors
/// A package does not compile; the compiler's words are on standard error.
pub fn run() -> Result<()> {
    for name in package::names()? {
        let args = ["check", "--quiet", "--locked", "--all-targets", "--package", &name];
        cargo::run(&args).with_context(|| format!("{name} does not compile alone"))?;
    }
    Ok(())
}
