//! Contracts in Go that were written for an earlier shim, or that have large functions.

use std::fs;

use wasmcc_tests::built::with_compilers;

use crate::go::new_contract;

/// A wrapper of the stub, for example, has the methods of the version that it was written for.
#[test]
fn a_type_of_the_contract_may_have_the_methods_of_an_earlier_shim() {
    let folder = new_contract();
    let contract = folder.path().join("my-assets");
    for test in ["contract_test.go", "sandbox_test.go"] {
        fs::remove_file(contract.join(test)).unwrap();
    }
    let ours = fs::read_to_string(xtask::root().join("guest-sdk/go/shim/interfaces.go")).unwrap();
    let methods = ours.split("type ChaincodeStubInterface interface {\n").nth(1).unwrap();
    let methods = methods.split("\n}\n").next().unwrap();
    let methods: String = methods
        .lines()
        .filter(|line| !line.contains("added"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    let imports = "import (
\t. \"github.com/hyperledger/fabric-chaincode-go/v2/shim\"
\t\"github.com/hyperledger/fabric-protos-go-apiv2/peer\"
\t\"google.golang.org/protobuf/types/known/timestamppb\"
)";
    let types = format!(
        "package main\n\n{imports}\n\ntype earlier interface {{\n{methods}}}\n
type logged struct{{ earlier }}

var _ ChaincodeStubInterface = logged{{}}
"
    );
    fs::write(contract.join("logged.go"), types).unwrap();
    let with_version = |version: &str| {
        let manifest = format!(
            "module my-assets\n\ngo 1.21.0\n\nrequire (
\tgithub.com/hyperledger/fabric-chaincode-go/v2 {version}
\tgithub.com/hyperledger/fabric-protos-go-apiv2 v0.3.4
\tgoogle.golang.org/protobuf v1.34.2
)\n"
        );
        fs::write(contract.join("go.mod"), manifest).unwrap();
        with_compilers(&contract, &["build"])
    };
    with_version("v2.0.0").ok();
    let said = with_version("v2.1.0").failed(1);
    assert!(said.contains("(missing method FinishWriteBatch)"), "{said}");
}

/// Each call adds a block around the code before it.
#[test]
fn a_function_that_is_too_large_is_named() {
    let folder = new_contract();
    let contract = folder.path().join("my-assets");
    let large = format!(
        "package main\n\nvar count int\n\n//go:noinline\nfunc step() {{ count++ }}\n
func init() {{ large() }}\n\nfunc large() {{\n{}}}\n",
        "\tstep()\n".repeat(30_001)
    );
    fs::write(contract.join("large.go"), large).unwrap();
    let said = with_compilers(&contract, &["build"]).failed(1);
    assert!(said.contains("more than 30000 blocks inside each other"), "{said}");
    assert!(said.contains("hint: the largest function is main.large, with "), "{said}");
}
