//! Finds the function of a contract that called its host.

use wasmtime::WasmBacktrace;

use crate::names::readable;

/// Name prefixes of library functions between a contract's own function and its host.
const BETWEEN: [&str; 10] = [
    "alloc::",
    "cabi_",
    "componentize_py_runtime::",
    "core::",
    "fabric::",
    "serde",
    "std::",
    "wasi",
    "wasmcc_sdk::",
    "wit_",
];

/// Returns the innermost function of the contract itself, and its position in the component's file.
/// The name is empty if the component has no names.
pub(super) fn caller(stack: &WasmBacktrace) -> (String, Option<usize>) {
    let frames = stack.frames().iter();
    let named = frames.filter_map(|frame| Some((readable(frame.func_name()?), frame)));
    let found = named.into_iter().find(|(name, _)| is_own(name));
    found.map(|(name, frame)| (name, frame.module_offset())).unwrap_or_default()
}

fn is_own(name: &str) -> bool {
    let name = name.trim_start_matches(['<', '&', '*', '_']);
    let name = name.strip_prefix("mut ").unwrap_or(name);
    name.contains("::") && !BETWEEN.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_libraries_are_passed_over() {
        assert!(is_own("my_assets::f") && is_own("<my_assets::A as core::fmt::Debug>::fmt"));
        for name in [
            "core::ops::f",
            "componentize_py_runtime::__pyfunction_call_import",
            "<&mut serde_json::A as serde::B>::c",
            "<wasmcc_sdk::Context>::put",
            "_start",
            "serde_json::x",
        ] {
            assert!(!is_own(name), "{name}");
        }
    }
}
