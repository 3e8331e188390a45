//! Finds the positions at which a component calls its imports.
//!
//! The call passes through modules without names that the component's linker adds. So imports are
//! named at their callers, whose modules import them by their WIT names.

use std::collections::HashMap;
use std::sync::Arc;

use wasmparser::{FunctionBody, Operator, Parser, Payload, TypeRef};

/// Imports by the position of their calls in the component's file.
#[derive(Debug, Default)]
pub(crate) struct ImportCalls(HashMap<usize, Arc<str>>);

impl ImportCalls {
    /// Collects the calls of all core modules. Stops at the first damaged part of the file.
    pub(crate) fn of(wasm: &[u8]) -> Self {
        let mut calls = Self::default();
        // The functions that the current module imports; None for those of other modules.
        let mut imports: Vec<Option<Arc<str>>> = Vec::new();
        for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
            match payload {
                Payload::Version { .. } => imports.clear(),
                Payload::ImportSection(section) => {
                    let all = section.into_imports().map_while(Result::ok);
                    let functions = all.filter(|import| matches!(import.ty, TypeRef::Func(_)));
                    imports.extend(functions.map(|import| wit_name(import.module, import.name)));
                }
                Payload::CodeSectionEntry(body) => calls.add(&body, &imports),
                _ => {}
            }
        }
        calls
    }

    fn add(&mut self, body: &FunctionBody<'_>, imports: &[Option<Arc<str>>]) {
        let operators = body.get_operators_reader().into_iter();
        let operators = operators.flat_map(|all| all.into_iter_with_offsets());
        for (operator, offset) in operators.map_while(Result::ok) {
            if let Operator::Call { function_index } = operator
                && let Some(Some(name)) = imports.get(function_index as usize)
            {
                self.0.insert(offset, Arc::clone(name));
            }
        }
    }

    /// Returns the import that is called at this position.
    pub(crate) fn at(&self, offset: Option<usize>) -> Option<&Arc<str>> {
        self.0.get(&offset?)
    }
}

/// Returns the name without the version: `fabric:chaincode/state#get-state` for
/// `fabric:chaincode/state@0.2.0` and `get-state`. None if the module is not an interface.
fn wit_name(module: &str, name: &str) -> Option<Arc<str>> {
    let (interface, version) = module.split_once('@').unwrap_or((module, ""));
    let is_interface = interface.contains(':') && interface.contains('/');
    let is_version = version.starts_with(|c: char| c.is_ascii_digit()) || version.is_empty();
    (is_interface && is_version).then(|| format!("{interface}#{name}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_named_as_in_the_wit() {
        let name = wit_name("fabric:chaincode/query@0.2.0", "[method]cursor.next-batch");
        assert_eq!(name.as_deref(), Some("fabric:chaincode/query#[method]cursor.next-batch"));
        assert_eq!(wit_name("wasi:io/streams", "x").as_deref(), Some("wasi:io/streams#x"));
        assert_eq!(wit_name("env", "memcpy"), None);
        assert_eq!(wit_name("wasi_snapshot_preview1", "fd_write"), None);
    }

    #[test]
    fn calls_of_interfaces_are_found_by_their_place() {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        // One type; the imports `env` `f` and `a:b/c@1.0.0` `g`; one function of that type.
        wasm.extend([1, 4, 1, 0x60, 0, 0]);
        let mut imports = vec![2, 3];
        imports.extend(b"env\x01f\0\0\x0b");
        imports.extend(b"a:b/c@1.0.0\x01g\0\0");
        wasm.extend([2, imports.len() as u8]);
        wasm.extend(imports);
        wasm.extend([3, 2, 1, 0]);
        // The function calls that of `env`, that of the interface, and itself.
        wasm.extend([10, 10, 1, 8, 0, 0x10, 0, 0x10, 1, 0x10, 2, 0x0b]);
        wasmparser::validate(&wasm).unwrap();
        let calls = ImportCalls::of(&wasm);
        assert_eq!(calls.0.len(), 1);
        let place = wasm.len() - 5;
        assert_eq!(calls.at(Some(place)).map(|name| &**name), Some("a:b/c#g"));
        assert_eq!(calls.at(None), None);
    }
}
