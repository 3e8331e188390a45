//! This program as its own compiler of components.

use anyhow::{Context, Result};

use wasmcc_runtime::{ChildCompiler, Compiler, RuntimeConfig};

/// Compiles in processes of this program.
pub(crate) fn compiler() -> Result<Compiler> {
    let child = ChildCompiler::this_program().context("cannot tell which program this is")?;
    Ok(Compiler::Child(child))
}

/// The usual runtime of this program.
pub(crate) fn runtime_config() -> Result<RuntimeConfig> {
    Ok(RuntimeConfig { compiler: compiler()?, ..RuntimeConfig::default() })
}
