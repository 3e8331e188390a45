//! Makes a component of a core module for WASI 0.1, as the compilers of Go and C produce.
//!
//! Invariant: the same module results in the same component, byte for byte.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use wasmcc_runtime::{WIT, WIT_0_1};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap};

use super::output_folder::OutputFolder;
use super::{BuildError, Order};

/// The adapter that implements WASI 0.1, and the imports that it needs.
const ADAPTER: &str = include_str!("wasip1/adapter.wat");
const ADAPTER_WIT: [(&str, &str); 1] = [("adapter.wit", include_str!("wasip1/adapter.wit"))];
/// The name under which modules import WASI 0.1.
const ADAPTED: &str = "wasi_snapshot_preview1";
/// The file of the component.
const COMPONENT: &str = "contract.wasm";

/// The export of a module for version 0.1.0 of the interface.
const EXPORT_0_1: &[u8] = b"fabric:chaincode/contract@0.1.0#invoke";

/// Returns the path for the compiler's module. Removes an old module, which could be mistaken for
/// the output of a compiler that wrote elsewhere.
pub(super) fn module(
    folder: &Path,
    output: &OutputFolder,
    order: &Order,
) -> Result<PathBuf, BuildError> {
    let no = |why: String| BuildError::NotAChaincode { folder: folder.to_owned(), why };
    if let Some(arg) = order.args.iter().find(|arg| names_output(arg)) {
        return Err(no(format!(
            "{} is among the arguments for the compiler, and the component is always written to \
             {}: leave it out",
            arg.display(),
            output.file(COMPONENT).display()
        )));
    }
    let module = output.file("module.wasm");
    match fs::remove_file(&module) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(no(format!("{} cannot be replaced: {error}", module.display())))
        }
        _ => Ok(module),
    }
}

/// True if an argument sets the output of the compilers of Go or C.
fn names_output(arg: &OsStr) -> bool {
    let arg = arg.to_string_lossy();
    let name = arg.split_once('=').map_or(&*arg, |(name, _)| name);
    ["-o", "--o", "--output"].contains(&name)
}

/// Makes a component of the module in a file and returns its path. `fits` may return why the module
/// is not a chaincode.
pub(super) fn write(
    folder: &Path,
    module: &Path,
    output: &OutputFolder,
    fits: impl FnOnce(&[u8]) -> Result<(), String>,
) -> Result<PathBuf, BuildError> {
    let no = |why: String| BuildError::NotAChaincode { folder: folder.to_owned(), why };
    let unread = |error| no(format!("the compiler wrote no module: {error}"));
    let module = fs::read(module).map_err(unread)?;
    fits(&module).map_err(no)?;
    let component = from_module(module).map_err(|error| no(format!("{error:#}")))?;
    let path = output.file(COMPONENT);
    output.write(&path, &component)?;
    Ok(path)
}

/// Makes the component; the error is a human-readable reason.
fn from_module(mut module: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let is_of_0_1 = module.windows(EXPORT_0_1.len()).any(|bytes| bytes == EXPORT_0_1);
    let wit: &[(&str, &str)] = if is_of_0_1 { &WIT_0_1 } else { &WIT };
    embed(&mut module, wit, "chaincode")?;
    let mut adapter = wat::parse_str(ADAPTER)?;
    embed(&mut adapter, &ADAPTER_WIT, "adapter")?;
    let mut encoder = ComponentEncoder::default();
    let encoder = encoder.validate(false).module(&module)?;
    encoder.adapter(ADAPTED, &adapter)?.encode()
}

/// Embeds the module's world in a custom section.
fn embed(module: &mut Vec<u8>, wit: &[(&str, &str)], world: &str) -> anyhow::Result<()> {
    let mut files = SourceMap::default();
    for (name, text) in wit {
        files.push_str(name, *text);
    }
    let mut resolve = Resolve::default();
    let group = files.parse().map_err(|(_, error)| anyhow::anyhow!("{error}"))?;
    let package = resolve.push_group(group)?;
    let world = resolve.select_world(&[package], Some(world))?;
    // The encoding of the module's import names.
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_exports_a_contract_becomes_a_component() {
        let module = r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "fabric:chaincode/contract@0.2.0#init") (result i32) unreachable)
            (func (export "fabric:chaincode/contract@0.2.0#invoke") (result i32) unreachable))"#;
        let component = from_module(wat::parse_str(module).unwrap()).unwrap();
        assert_eq!(component, from_module(wat::parse_str(module).unwrap()).unwrap());
        assert!(component.starts_with(b"\0asm\x0d"));
        let first = wat::parse_str(module.replace("@0.2.0", "@0.1.0")).unwrap();
        assert!(from_module(first).is_ok(), "the first version of the interface is there, too");
    }

    #[test]
    fn a_module_without_a_contract_is_refused() {
        let module = wat::parse_str("(module (memory (export \"memory\") 1))").unwrap();
        let said = format!("{:#}", from_module(module).unwrap_err());
        assert!(said.contains("fabric:chaincode/contract"), "{said}");
    }
}
