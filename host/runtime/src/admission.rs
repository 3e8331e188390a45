//! Checks a component file before it is compiled: format, size, imports and exports.

use wasmparser::{
    ComponentExternalKind, Encoding, Parser, Payload, ValidPayload, Validator, WasmFeatures,
};

use crate::instance_count::{InstanceCount, Needs};
use crate::limits::{Limits, MAX_COMPONENT_BYTES};
use crate::network::is_network;
use crate::outline::Outline;
use crate::output::short_line;
use crate::versions::{PACKAGE, Version};
use wasmcc_types::sha256;

/// The custom section of a core module that is a shared library.
const SHARED_LIBRARY: &str = "dylink.0";

/// Interfaces of WASI that the host links. Rust's std imports most of them and uses few. Sockets
/// and http are missing here; for sockets see [`Report::has_shared_libraries`].
const ALLOWED: &[(&str, &[&str])] = &[
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:clocks", &["wall-clock", "monotonic-clock"]),
    ("wasi:random", &["random", "insecure", "insecure-seed"]),
    ("wasi:filesystem", &["types", "preopens"]),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
    ),
];

/// Says how to raise the limit, if it can be raised to this size.
fn raising(size: usize) -> &'static str {
    if size > MAX_COMPONENT_BYTES {
        return "";
    }
    ", or raise the limit with --component-mib, the same on all peers"
}

/// The reason why a file is refused. The text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// Larger than the limit.
    #[error(
        "the file has {size} bytes, the limit is {limit}: leave out packages that it does not \
             need, and in Rust debug information (release mode, `strip = true`){}",
        raising(*size)
    )]
    TooLarge {
        /// In bytes.
        size: usize,
        /// In bytes.
        limit: usize,
    },
    /// Not WebAssembly.
    #[error("this is not a WebAssembly file (it does not begin with \\0asm)")]
    NotWasm,
    /// A core module.
    #[error(
        "this is a core WebAssembly module, not a component: build it for the target \
             wasm32-wasip2"
    )]
    CoreModule,
    /// Damaged, or uses features that chaincodes may not use.
    #[error("this is not a valid component: {0}")]
    Invalid(String),
    /// Imports interfaces that the host does not offer.
    #[error(
        "the component imports {0}, which a chaincode may not use: transactions are \
             deterministic and have no network, files or threads"
    )]
    Import(String),
    /// Built for a version of the WIT package that this host does not support.
    #[error(
        "the component was built for {0}, this host serves the versions 0.1.0 and 0.2.0 of \
             fabric:chaincode: update wasmcc, or build the component with an SDK of this version"
    )]
    Version(String),
    /// Does not export the contract's functions.
    #[error(
        "the component does not export fabric:chaincode/contract: is it a chaincode? \
             (with the Rust SDK: is there a `chaincode!` line?)"
    )]
    NoContract,
    /// A count is over its limit.
    #[error("the component has {what}, the limit is {limit}")]
    Limit {
        /// The count and what is counted.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// A count of one function is over its limit.
    #[error("the component has {what}, the limit is {limit}")]
    FunctionLimit {
        /// The count and what is counted.
        what: String,
        /// The limit.
        limit: u64,
    },
}

/// The contents and the needs of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// SHA-256 of the file.
    pub hash: [u8; 32],
    /// Size of the file in bytes.
    pub bytes: usize,
    /// Imported interfaces with versions, as written: the component's capabilities.
    pub imports: Vec<String>,
    /// Exported names.
    pub exports: Vec<String>,
    /// Functions in all core modules.
    pub functions: u32,
    /// The largest function's body in bytes.
    pub largest_function_bytes: usize,
    /// Initial size of all linear memories of the core modules, in bytes.
    pub initial_memory_bytes: u64,
    /// The needs of one instantiation.
    pub needs: Needs,
    /// True if core modules are shared libraries. Such a component has the imports of its whole C
    /// library, so it may import `wasi:sockets`; calls of these end the transaction.
    pub has_shared_libraries: bool,
}

impl Report {
    /// Returns the version of the exported contract; the newest one if there are several.
    pub(crate) fn version(&self) -> Option<Version> {
        let exports =
            |version: &Version| self.exports.iter().any(|name| name == version.contract());
        Version::ALL.into_iter().find(exports)
    }

    /// Returns the Fabric interfaces among the imports, without package and version: the
    /// component's capabilities. Leaves out those that have only types and rows.
    pub fn capabilities(&self) -> impl Iterator<Item = &str> {
        self.imports.iter().filter_map(|name| {
            let interface = name.strip_prefix("fabric:chaincode/")?;
            interface.split('@').next().filter(|name| !matches!(*name, "types" | "rows"))
        })
    }
}

/// Checks a component file against `limits` and reports its contents.
pub fn inspect(wasm: &[u8], limits: &Limits) -> Result<Report, AdmissionError> {
    if wasm.len() > limits.component_bytes {
        let (size, limit) = (wasm.len(), limits.component_bytes);
        return Err(AdmissionError::TooLarge { size, limit });
    }
    if !wasm.starts_with(b"\0asm") {
        return Err(AdmissionError::NotWasm);
    }
    if Parser::is_core_wasm(wasm) {
        return Err(AdmissionError::CoreModule);
    }
    Outline::check(wasm, limits)?;
    let mut report = Report { hash: sha256(wasm), bytes: wasm.len(), ..Report::default() };
    read(wasm, limits, &mut report)?;
    let names = report.imports.iter().chain(&report.exports);
    if let Some(name) = names.into_iter().find(|name| is_of_another_version(name)) {
        return Err(AdmissionError::Version(name.clone()));
    }
    let may_have =
        |name: &str| is_allowed(name) || (report.has_shared_libraries && is_network(name));
    if let Some(import) = report.imports.iter().find(|name| !may_have(name)) {
        return Err(AdmissionError::Import(import.clone()));
    }
    if report.version().is_none() {
        let other = report.exports.iter().find(|name| is_contract(name));
        return Err(other.cloned().map_or(AdmissionError::NoContract, AdmissionError::Version));
    }
    Ok(report)
}

/// The features of `engine`, repeated for the validator.
fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::CALL_INDIRECT_OVERLONG
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::BULK_MEMORY_OPT
        | WasmFeatures::SIMD
        | WasmFeatures::MULTI_MEMORY
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::FLOATS
        | WasmFeatures::GC_TYPES
        | WasmFeatures::COMPONENT_MODEL
}

pub(super) fn invalid(error: impl std::fmt::Display) -> AdmissionError {
    let mut text = short_line(error);
    if text.contains("component model async") {
        text +=
            ": chaincode calls are synchronous, build without async (componentize-qjs: `--sync`)";
    }
    AdmissionError::Invalid(text)
}

/// Walks the file once: validates it and fills the report. Counts imports and exports only at the
/// top level, functions and memories in all nested core modules.
fn read(wasm: &[u8], limits: &Limits, report: &mut Report) -> Result<(), AdmissionError> {
    let mut validator = Validator::new_with_features(features());
    let mut allocations = Default::default();
    let mut depth = 0_u32;
    let mut instances = InstanceCount::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(invalid)?;
        instances.see(&payload)?;
        match &payload {
            Payload::Version { encoding, .. } => {
                depth += 1;
                if depth == 1 && *encoding != Encoding::Component {
                    return Err(AdmissionError::CoreModule);
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::TableSection(section) => {
                for table in section.clone() {
                    let limit = limits.table_elements as u64;
                    let elements = table.map_err(invalid)?.ty.initial;
                    if elements > limit {
                        let what = format!("a table of {elements} elements");
                        return Err(AdmissionError::Limit { what, limit });
                    }
                }
            }
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section.clone() {
                    report.imports.push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section.clone() {
                    let export = export.map_err(invalid)?;
                    if export.kind == ComponentExternalKind::Instance {
                        report.exports.push(export.name.name.to_owned());
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section.clone() {
                    let bytes = memory.map_err(invalid)?.initial.saturating_mul(64 << 10);
                    report.initial_memory_bytes = report.initial_memory_bytes.saturating_add(bytes);
                }
            }
            Payload::CustomSection(section) if section.name() == SHARED_LIBRARY => {
                report.has_shared_libraries = true;
            }
            Payload::CodeSectionEntry(body) => count_function(body.range().len(), limits, report)?,
            _ => {}
        }
        if let ValidPayload::Func(function, body) = validator.payload(&payload).map_err(invalid)? {
            let mut function = function.into_validator(std::mem::take(&mut allocations));
            function.validate(&body).map_err(invalid)?;
            allocations = function.into_allocations();
        }
    }
    report.needs = instances.whole();
    if report.initial_memory_bytes > limits.memory_bytes as u64 {
        let what = format!("{} bytes of memory at the start", report.initial_memory_bytes);
        return Err(AdmissionError::Limit { what, limit: limits.memory_bytes as u64 });
    }
    Ok(())
}

fn count_function(
    bytes: usize,
    limits: &Limits,
    report: &mut Report,
) -> Result<(), AdmissionError> {
    report.functions += 1;
    report.largest_function_bytes = report.largest_function_bytes.max(bytes);
    if report.functions > limits.functions {
        let what = format!("more than {} functions", limits.functions);
        return Err(AdmissionError::Limit { what, limit: u64::from(limits.functions) });
    }
    if bytes > limits.function_bytes {
        let what = format!("a function of {bytes} bytes");
        return Err(AdmissionError::FunctionLimit { what, limit: limits.function_bytes as u64 });
    }
    Ok(())
}

/// Returns true if the host links an interface. All versions 0.2.x of WASI are compatible with each
/// other, and so are those of each of our own versions.
fn is_allowed(import: &str) -> bool {
    let (name, number) = import.split_once('@').unwrap_or((import, ""));
    let Some((package, interface)) = name.split_once('/') else { return false };
    match (package, Version::of(import)) {
        (PACKAGE, Some(version)) => version.interfaces().contains(&interface),
        (PACKAGE, None) => false,
        _ => {
            let is_linked = |(p, interfaces): &(&str, &[&str])| {
                *p == package && interfaces.contains(&interface)
            };
            number.starts_with("0.2.") && ALLOWED.iter().any(is_linked)
        }
    }
}

/// Returns true if a name is the contract of some version, or has no version.
fn is_contract(name: &str) -> bool {
    name.split('@').next().and_then(|name| name.strip_prefix(PACKAGE)) == Some("/contract")
}

/// Returns true if a name is an interface of our own in a version that this host does not support.
fn is_of_another_version(name: &str) -> bool {
    let is_ours = name.strip_prefix(PACKAGE).is_some_and(|rest| rest.starts_with('/'));
    is_ours && name.contains('@') && Version::of(name).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_linked_interfaces_are_allowed() {
        for good in [
            "fabric:chaincode/state@0.1.0",
            "fabric:chaincode/state@0.2.0",
            "fabric:chaincode/rows@0.2.0",
            "wasi:cli/stderr@0.2.6",
        ] {
            assert!(is_allowed(good), "{good}");
            assert!(!is_of_another_version(good), "{good}");
        }
        for bad in [
            "wasi:sockets/tcp@0.2.6",
            "wasi:cli/stderr@0.3.0",
            "fabric:chaincode/rows@0.1.0",
            "fabric:chaincode/state@0.3.0",
            "fabric:chaincode/state",
            "env",
        ] {
            assert!(!is_allowed(bad), "{bad}");
            assert_eq!(is_of_another_version(bad), bad == "fabric:chaincode/state@0.3.0", "{bad}");
        }
    }

    #[test]
    fn contracts_of_all_versions_are_known() {
        for name in ["fabric:chaincode/contract", "fabric:chaincode/contract@0.2.1"] {
            assert!(is_contract(name), "{name}");
        }
        for name in ["fabric:chaincode/contracts@0.2.0", "a:b/contract@0.2.0", "contract", ""] {
            assert!(!is_contract(name), "{name}");
        }
    }

    #[test]
    fn files_that_are_no_components_are_told_apart() {
        let limits = Limits::default();
        assert_eq!(inspect(b"hello", &limits), Err(AdmissionError::NotWasm));
        assert_eq!(inspect(b"\0asm\x01\0\0\0", &limits), Err(AdmissionError::CoreModule));
        assert_eq!(inspect(b"\0asm\x0d\0\x01\0", &limits), Err(AdmissionError::NoContract));
        let damaged = inspect(b"\0asm\x0d\0\x01\0\x07", &limits).unwrap_err();
        assert!(matches!(damaged, AdmissionError::Invalid(_)), "{damaged}");
        let small = Limits { component_bytes: 4, ..limits };
        assert!(matches!(inspect(b"\0asm\x0d", &small), Err(AdmissionError::TooLarge { .. })));
    }
}
