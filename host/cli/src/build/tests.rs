//! Folders without a contract are refused with a hint. Builds are tested by the integration tests.

use std::fs;

use tempfile::TempDir;

use super::*;

const CONTRACT: &str = "[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n";

fn manifest(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}")
}

/// A folder with these files. Cargo accepts a crate only with a source file.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn refused(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    component(folder.path(), &Order::default()).unwrap_err().to_string()
}

#[test]
fn a_folder_without_a_project_is_refused_with_the_way_to_one() {
    let said = refused(&[("src/lib.rs", "")]);
    assert!(
        said.contains("neither Cargo.toml nor package.json") && said.contains("wasmcc new NAME"),
        "{said}"
    );
    let file = folder(&[("contract.wasm", "")]);
    let said = component(&file.path().join("contract.wasm"), &Order::default()).unwrap_err();
    assert!(said.to_string().contains("it is a file; name the folder"), "{said}");
    let said = component(&file.path().join("none"), &Order::default()).unwrap_err();
    assert!(said.to_string().starts_with("cannot build "), "{said}");
}

#[test]
fn a_crate_may_have_tools_of_another_language() {
    let broken = refused(&[("Cargo.toml", "[package"), ("package.json", "{}")]);
    assert!(broken.contains("cargo cannot read the project"), "{broken}");
}

#[test]
fn a_contract_in_c_is_known_by_its_sources() {
    for file in ["contract.c", "src/contract.c"] {
        assert_eq!(Language::of(folder(&[(file, "")]).path()), Some(Language::C));
    }
    assert_eq!(Language::of(folder(&[("contract.h", "")]).path()), None);
}

#[test]
fn a_contract_in_python_is_known_by_the_usual_names_of_its_module() {
    for file in ["contract.py", "chaincode.py"] {
        assert_eq!(Language::of(folder(&[(file, "")]).path()), Some(Language::Python));
        let beside = folder(&[(file, ""), ("go.mod", "")]);
        assert_eq!(Language::of(beside.path()), Some(Language::Go));
    }
    assert_eq!(Language::of(folder(&[("other.py", "")]).path()), None);
}

#[test]
fn a_package_of_a_go_module_is_a_contract_in_go() {
    let files = [("go.mod", ""), ("cmd/main.go", ""), ("docs/a.md", ""), ("cmd/sdk/main.go", "")];
    let package = r#"{"dependencies": {"fabric-shim": "2.5.8"}}"#;
    let module = folder(&[&files[..], &[("cmd/sdk/package.json", package)]].concat());
    let language = |name| Language::of(&module.path().join(name));
    assert_eq!(language("."), Some(Language::Go));
    assert_eq!((language("cmd"), language("docs")), (Some(Language::Go), None));
    assert_eq!(language("cmd/sdk"), Some(Language::JavaScript));
    // The root of the project does not depend on the folder's own files.
    assert_eq!(Language::of_project(&module.path().join("cmd")), None);
    assert_eq!(Language::of(folder(&[("main.go", "")]).path()), None);
}

#[test]
fn sources_in_go_without_a_module_are_told_how_to_become_one() {
    let said = refused(&[("chaincode.go", "package main\n")]);
    assert!(said.contains("`go mod init NAME && go mod tidy`"), "{said}");
    // Sources without a module are mostly for Fabric 1, whose shim is in no module.
    assert!(said.contains("to github.com/hyperledger/fabric-chaincode-go/v2/shim first"), "{said}");
}

#[test]
fn a_program_that_tags_exclude_is_named() {
    let none = BuildError::NoMain { folder: "/none".into(), ignored: None }.to_string();
    assert!(none.contains("`wasmcc new NAME --lang go` makes one"), "{none}");
    let ignored = Some("main.go".to_owned());
    let said = BuildError::NoMain { folder: "/none".into(), ignored }.to_string();
    assert!(said.contains("a build constraint excludes main.go"), "{said}");
    assert!(said.contains("`wasmcc build -- -tags TAG`"), "{said}");
}

#[test]
fn a_module_with_several_programs_says_how_one_is_built() {
    let programs = ["./cmd/one", "./cmd/two"].map(str::to_owned).into();
    let said = BuildError::SeveralMains { folder: "/none".into(), programs }.to_string();
    assert!(said.contains("\n  ./cmd/two\n"), "{said}");
    assert!(said.ends_with("name the folder of one, as in `wasmcc build /none/cmd/one`"), "{said}");
}

#[test]
fn a_project_of_pip_without_a_contract_is_told_what_to_write() {
    for file in ["pyproject.toml", "requirements.txt"] {
        let said = refused(&[(file, "")]);
        for part in ["neither contract.py nor chaincode.py", "[tool.wasmcc], module"] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }
}

#[test]
fn a_crate_without_a_crate_type_is_told_what_to_write() {
    let said = refused(&[("Cargo.toml", &manifest("one", "")), ("src/lib.rs", "")]);
    assert!(said.contains("no crate-type cdylib"), "{said}");
    assert!(said.contains("crate-type = [\"cdylib\", \"rlib\"]"), "{said}");
    let said = refused(&[("Cargo.toml", &manifest("one", "")), ("src/main.rs", "")]);
    assert!(said.contains("it has no library; a contract is in src/lib.rs"), "{said}");
}

#[test]
fn a_workspace_with_several_contracts_is_asked_which() {
    let (one, two) = (manifest("one", CONTRACT), manifest("two", CONTRACT));
    let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"one\", \"two\"]\n";
    let files = [
        ("Cargo.toml", workspace),
        ("one/Cargo.toml", &one),
        ("one/src/lib.rs", ""),
        ("two/Cargo.toml", &two),
        ("two/src/lib.rs", ""),
    ];
    let said = refused(&files);
    assert!(said.contains("several contracts"), "{said}");
    assert!(said.contains("/one\n") && said.ends_with("/two"), "{said}");
    let (one, two) = (manifest("one", ""), manifest("two", ""));
    let plain = [("one/Cargo.toml", one.as_str()), ("two/Cargo.toml", &two)];
    let said = refused(&[&[files[0], files[2], files[4]], &plain[..]].concat());
    assert!(said.contains("no crate of the workspace"), "{said}");
}

#[test]
fn a_contract_that_does_not_compile_fails_with_the_compilers_words() {
    let contract = manifest("one", &format!("{CONTRACT}[workspace]\n"));
    let said = refused(&[("Cargo.toml", &contract), ("src/lib.rs", "fn f() -> u8 { \"x\" }")]);
    assert!(said.contains("does not compile:\n"), "{said}");
    assert!(said.contains("mismatched types"), "{said}");
}
