//! Finds the function of a contract that called its host.

use wasmtime::WasmBacktrace;

/// Prefixes of library functions between a contract's own function and its host.
const BETWEEN: [&str; 9] =
    ["alloc::", "cabi_", "core::", "fabric::", "serde", "std::", "wasi", "wasmcc_sdk::", "wit_"];

/// The innermost function of the contract itself; empty if the component has no names.
pub(super) fn function(stack: &WasmBacktrace) -> String {
    let names = stack.frames().iter().filter_map(|frame| Some(readable(frame.func_name()?)));
    names.into_iter().find(|name| is_own(name)).unwrap_or_default()
}

fn is_own(name: &str) -> bool {
    let name = name.trim_start_matches(['<', '&', '*', '_']);
    name.contains("::") && !BETWEEN.iter().any(|prefix| name.starts_with(prefix))
}

/// A name as in the source: rustc adds a hash, and a linker may leave the name mangled.
fn readable(name: &str) -> String {
    let plain = unmangled(name).unwrap_or_else(|| name.to_owned());
    match plain.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            path.to_owned()
        }
        _ => plain,
    }
}

/// `_ZN9my_assets12create_asset17h0123456789abcdefE`: each part follows its length.
fn unmangled(name: &str) -> Option<String> {
    let mut rest = name.strip_prefix("_ZN")?.strip_suffix('E')?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let length: usize = rest.get(..digits)?.parse().ok()?;
        parts.push(rest.get(digits..digits.checked_add(length)?)?);
        rest = rest.get(digits + length..)?;
    }
    Some(parts.join("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable_and_those_of_libraries_are_passed_over() {
        let mangled = "_ZN9my_assets13AssetTransfer12create_asset17hab55ff702b472d03E";
        assert_eq!(readable(mangled), "my_assets::AssetTransfer::create_asset");
        let linked = "my_assets::AssetTransfer::create_asset::hab55ff702b472d03";
        assert_eq!(readable(linked), "my_assets::AssetTransfer::create_asset");
        assert_eq!(readable("_ZN99xE"), "_ZN99xE");
        assert!(is_own("my_assets::f") && is_own("<my_assets::A as core::fmt::Debug>::fmt"));
        for name in ["core::ops::f", "<wasmcc_sdk::Context>::put", "_start", "serde_json::x"] {
            assert!(!is_own(name), "{name}");
        }
    }
}
