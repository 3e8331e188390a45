//! Refusals of components before they run, and their texts.

use wasmcc_runtime::{AdmissionError, Limits, LoadError, Runtime, RuntimeConfig, inspect};
use wasmcc_tests::TextComponent;

fn load(wasm: &[u8]) -> Result<(), LoadError> {
    let limits = Limits { instances: 8, ..Limits::default() };
    let runtime = Runtime::new(RuntimeConfig { limits, ..RuntimeConfig::default() }).unwrap();
    runtime.load(wasm).map(drop)
}

/// Returns a component whose `init` and `invoke` have this type.
fn contract(core: &str, ty: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $m (func (export "f") {core} unreachable))
            (core instance $i (instantiate $m))
            (func $f {ty} (canon lift (core func $i "f")))
            (instance $whole (export "init" (func $f)) (export "invoke" (func $f)))
            (export "fabric:chaincode/contract@0.2.0" (instance $whole)))"#
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn functions_of_another_type_are_refused() {
    for (core, ty) in
        [("", ""), ("(result i32)", "(result u32)"), ("(param i32)", r#"(param "x" u32)"#)]
    {
        let refused = load(&contract(core, ty)).unwrap_err().to_string();
        let begin = "the component does not fit this host: `init` of \
                     fabric:chaincode/contract@0.2.0 is not `func() -> response`";
        assert!(refused.starts_with(begin), "{ty}: {refused}");
    }
    load(&TextComponent::default().build()).unwrap();
}

#[test]
fn a_contract_of_another_version_is_named() {
    let mut later = TextComponent::default().build();
    let name = b"contract@0.2.0";
    let at = later.windows(name.len()).position(|bytes| bytes == name).unwrap();
    later[at + name.len() - 1] = b'1';
    let refused = inspect(&later, &Limits::default()).unwrap_err();
    assert_eq!(refused, AdmissionError::Version("fabric:chaincode/contract@0.2.1".into()));
    let text = "built for fabric:chaincode/contract@0.2.1, this host serves the versions 0.1.0 and \
                0.2.0 of fabric:chaincode";
    assert!(refused.to_string().contains(text), "{refused}");
}

#[test]
fn names_of_a_component_make_no_lines_of_an_error() {
    for name in [r"a\0a2026 ERROR forged", &"long".repeat(10_000)] {
        let text = format!(
            r#"(component
                (core module $m (import "{name}" "f" (func)))
                (core instance (instantiate $m)))"#
        );
        let wasm = wat::parse_str(text).unwrap();
        let refused = inspect(&wasm, &Limits::default()).unwrap_err();
        assert!(matches!(refused, AdmissionError::Invalid(_)), "{refused}");
        let text = refused.to_string();
        assert!(!text.contains('\n') && text.len() < 1_200, "{text}");
    }
}
