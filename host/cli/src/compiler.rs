//! This program also serves as the compiler process of its runtimes.

use anyhow::{Context, Result};

use wasmcc_runtime::{ChildCompiler, Compiler, RuntimeConfig};

/// Returns a compiler that runs in child processes of this program.
pub(crate) fn compiler() -> Result<Compiler> {
    let child = ChildCompiler::this_program().context("cannot find this program's file")?;
    Ok(Compiler::Child(child))
}

/// Returns the usual configuration of runtimes in this program.
pub(crate) fn runtime_config() -> Result<RuntimeConfig> {
    Ok(RuntimeConfig { compiler: compiler()?, ..RuntimeConfig::default() })
}
