//! Contracts in Go on Fabric's shim become components: they behave as with the shim, and a build
//! reports what is missing.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use prost::Message;
use tempfile::TempDir;
use wasmcc_channel::collections::package_from_json;
use wasmcc_client::ProposalBuilder;
use wasmcc_client::lscc::Definition;
use wasmcc_msp::SignaturePolicy;
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::built::{component, go, with_compilers};
use wasmcc_tests::pair::Pair;
use wasmcc_tests::{call, guest};

use crate::samples_of_assets;

const COLLECTIONS: &str = r#"[{"name":"open","policy":"OR('Org1MSP.member')"},
    {"name":"theirs","policy":"OR('OrdererMSP.member')"}]"#;

/// `tests/go-chaincode`, whose go.mod names Fabric's own modules.
static PROBE: LazyLock<Vec<u8>> = LazyLock::new(|| component("tests/go-chaincode"));

/// Returns two peers, with the probe in Rust and the one in Go.
fn pair() -> Pair {
    let definition = Definition {
        channel_id: CHANNEL.into(),
        name: "probe".into(),
        version: "1.0".into(),
        init_args: vec![b"first".into(), b"7".into()],
        collections: Some(package_from_json(COLLECTIONS).unwrap()),
        ..Definition::default()
    };
    Pair::of_components(definition, guest("probe"), PROBE.clone())
}

#[test]
fn state_and_queries_are_those_of_any_component() {
    let pair = pair();
    assert_eq!(pair.text("get init"), "first 7");
    pair.submit("then put k v ; put a 1 ; put b 2");
    for line in ["get k", "get missing", "putread k w", "mget", "mget k missing a", "del missing"] {
        pair.text(line);
    }
    for line in ["rmw k x", "empty a", "del b", "event name payload", "mput row 250", "batch q 3"] {
        pair.submit(line);
    }
    for rows in [0, 1, 99, 100, 101, 199, 200, 201, 250, 251] {
        let found = pair.text(&format!("range row rox {rows}"));
        assert_eq!(found.lines().count(), rows.min(250));
    }
    for line in ["range '' ''", "range x y", "page row rox 3 ''", "page row rox 200 row00100"] {
        pair.text(line);
    }
    pair.submit("then comp t a x 1 ; comp t a y 2 ; comp t b 3");
    for line in ["pcomp t", "pcomp t a", "pcomp u", "pcomppage t a 1 ''", "page row rox 0 ''"] {
        pair.text(line);
    }
    pair.submit("put k again");
    assert_eq!(pair.text("history k").lines().count(), 3);
    for line in ["put '' v", "event '' x", "range \0a b", "comp t\0 a v", "comp t \u{10ffff} v"] {
        let refused = pair.evaluate(line);
        assert_eq!(refused.status, 500, "{line}");
    }
    for line in ["status 201 words payload", "status 404 words payload", "status 399 a b"] {
        pair.evaluate(line);
    }
}

#[test]
fn private_data_and_calls_are_those_of_any_component() {
    let pair = pair();
    pair.submit("then pput open k secret ; pput open a 1 ; pput open b 2 ; pput theirs t v");
    for line in ["pget open k", "pget open nothing", "phash open k", "phash theirs t"] {
        pair.text(line);
    }
    assert_eq!(pair.text("prange open a c"), "a=1\nb=2\n");
    pair.text("ppcomp open t");
    pair.submit("then pget open a ; pdel open a ; pput open b 3");
    pair.submit("ppurge open k");
    let policy = SignaturePolicy::from_text("OR('Org1MSP.peer')").unwrap();
    let policy = String::from_utf8(policy.envelope().encode_to_vec()).unwrap();
    let set = format!("psetmeta '' public {policy} ; psetmeta open b {policy}");
    pair.submit(&format!("then put public v ; {set}"));
    for line in ["pgetmeta '' public", "getmeta public", "pgetmeta open b"] {
        assert_eq!(pair.text(line), policy, "{line}");
    }
    for line in ["pget '' k", "prange '' a b", "pput '' k v", "pget none k", "phash none k"] {
        assert_eq!(pair.evaluate(line).status, 500, "{line}");
    }
    let transient = ProposalBuilder::new(CHANNEL, "probe")
        .args(["pput-transient", "open", "t", "price"])
        .transient([("price".to_owned(), b"100".to_vec())].into());
    pair.same(&transient.sign(&pair.user), "transient");
    pair.deploy_component("vec", "vec");
    for line in ["called '' vec count", "called '' none x", "called other vec count"] {
        pair.evaluate(line);
    }
}

/// fabric-contract-api-go looks for its metadata and continues without it.
#[test]
fn files_do_not_exist() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &PROBE).unwrap();
    for path in ["META-INF/metadata.json", "/etc/hosts", "."] {
        let line = format!("missing-file {path}");
        assert_eq!(sandbox.evaluate(call("probe", &line)).unwrap().text(), "true", "{path}");
    }
}

/// As under Fabric, already while packages are initialized.
#[test]
fn the_program_has_a_name() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &PROBE).unwrap();
    assert_eq!(sandbox.evaluate(call("probe", "program")).unwrap().text(), "chaincode1");
}

#[test]
fn a_panic_keeps_its_text_and_stack() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &PROBE).unwrap();
    // It lacks such an argument.
    let said = sandbox.endorse(call("probe", "put k")).unwrap().response.message;
    for part in ["index out of range [1] with length 1", "main.state", "probe.go:"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert_eq!(sandbox.endorse(call("probe", "get k")).unwrap().response.status, 200);
}

#[test]
fn who_sleeps_is_told_that_the_clock_stands_still() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &PROBE).unwrap();
    for time in ["1us", "1ms", "2ms"] {
        let said = sandbox.endorse(call("probe", &format!("sleep {time}"))).unwrap();
        let said = said.response.message;
        assert!(said.contains("it tried to sleep, but a transaction's clock"), "{said}");
    }
    assert_eq!(sandbox.endorse(call("probe", "sleep 0s")).unwrap().response.status, 200);
}

/// With protobuf's texts.
#[test]
fn empty_values_are_empty_and_missing_maps_are_nil() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &PROBE).unwrap();
    let given = sandbox.evaluate(call("probe", "given ''")).unwrap();
    assert_eq!(given.text(), r#"[["Z2l2ZW4=",""],null,null]"#);
}

#[test]
fn a_page_of_a_negative_size_has_all_rows() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &PROBE).unwrap();
    sandbox.submit(call("probe", "mput row 3")).unwrap();
    let rows = sandbox.evaluate(call("probe", "page row rox -1 ''")).unwrap();
    assert_eq!(rows.text(), "row00000=0\nrow00001=1\nrow00002=2\ncount=3 bookmark=\n");
}

#[test]
fn the_sample_answers_as_fabrics_samples_do() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("basic", &component("sample-chaincodes/go/asset-transfer-basic")).unwrap();
    samples_of_assets::answers_as_fabrics_samples_do(&sandbox);
    samples_of_assets::refuses_arguments_as_go_does(&sandbox);
}

/// Returns a new contract in Go, made by the program.
pub(crate) fn new_contract() -> TempDir {
    new_contract_of("my-assets")
}

fn new_contract_of(name: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let sdk = xtask::root().to_str().unwrap();
    with_compilers(folder.path(), &["new", name, "--lang", "go", "--sdk", sdk]).ok();
    folder
}

#[test]
fn a_new_contract_is_built_and_tested() {
    let folder = new_contract();
    let contract = folder.path().join("my-assets");
    let manifest = fs::read_to_string(contract.join("go.mod")).unwrap();
    // Neither an outer workspace nor an unreadable history causes an error.
    fs::write(folder.path().join("go.work"), "go 1.24\n\nuse ./other\n").unwrap();
    fs::create_dir(folder.path().join("other")).unwrap();
    fs::write(folder.path().join("other/go.mod"), "module other\n\ngo 1.24\n").unwrap();
    fs::create_dir(contract.join(".git")).unwrap();
    let tested = with_compilers(&contract, &["test", "--", "-v"]).ok();
    assert!(tested.out.contains("PASS: TestADeletedAssetIsGone"), "{tested:?}");
    assert!(tested.out.contains("PASS: TestAnAssetGoesFromOneOrganizationToAnother"), "{tested:?}");
    let built = with_compilers(&contract, &["build"]).ok();
    assert!(built.out.contains(".wasmcc/contract.wasm: "), "{built:?}");
    assert_eq!(fs::read_to_string(contract.join("go.mod")).unwrap(), manifest);

    // With vendored modules; the damaged copy of the shim is not used.
    fs::remove_file(folder.path().join("go.work")).unwrap();
    assert!(go(&contract, &["mod", "vendor"]).0);
    let shim = contract.join("vendor/github.com/hyperledger/fabric-chaincode-go/v2/shim/shim.go");
    fs::write(&shim, "nonsense").unwrap();
    with_compilers(&contract, &["build"]).ok();
    assert_eq!(fs::read_to_string(&shim).unwrap(), "nonsense");
}

#[test]
fn the_packages_of_the_shim_pass_their_own_tests() {
    let (passed, words) = go(&xtask::root().join("guest-sdk/go"), &["test", "./..."]);
    assert!(passed, "{words}");
    assert!(words.contains("/pkg/cid") && words.contains("/pkg/statebased"), "{words}");
}

/// A missing sum would fail the build with an error that does not name its place.
#[test]
fn sums_of_modules_end_with_the_contracts() {
    let folder = new_contract();
    let contract = folder.path().join("my-assets");
    let copy = contract.join(".wasmcc/go.sum");
    fs::write(contract.join("go.sum"), "example.com/x v1.0.0 h1:eA==\n").unwrap();
    with_compilers(&contract, &["build"]).ok();
    assert!(fs::read_to_string(&copy).unwrap().contains("example.com/x"));
    fs::remove_file(contract.join("go.sum")).unwrap();
    with_compilers(&contract, &["build"]).ok();
    assert!(!fs::read_to_string(&copy).unwrap_or_default().contains("example.com/x"));
}

/// go.sum does not contain newer modules, and they may not be available; a newer language version
/// has other loops.
#[test]
fn versions_are_those_of_the_contract() {
    let folder = new_contract();
    let contract = folder.path().join("my-assets");
    for test in ["contract_test.go", "sandbox_test.go"] {
        fs::remove_file(contract.join(test)).unwrap();
    }
    let manifest = "module my-assets

go 1.21.0

require (
\tgithub.com/hyperledger/fabric-chaincode-go/v2 v2.0.0
\tgithub.com/hyperledger/fabric-protos-go-apiv2 v0.3.4
)

require google.golang.org/protobuf v1.34.2 // indirect
";
    fs::write(contract.join("go.mod"), manifest).unwrap();
    with_compilers(&contract, &["build"]).ok();
    let built_with = fs::read_to_string(contract.join(".wasmcc/go.mod")).unwrap();
    let (versions, replaced) = built_with.split_once("\nreplace ").unwrap();
    assert_eq!(versions, manifest);
    assert!(replaced.contains("guest-sdk/go"), "{replaced}");
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_build_that_fails_says_where_and_what_to_do() {
    let folder = new_contract();
    let contract = folder.path().join("my-assets");
    let build = || with_compilers(&contract, &["build"]).failed(1);
    let main = contract.join("main.go");
    replace(&main, "AssetTransfer{}", "AssetTransfer{");
    let said = build();
    assert!(said.contains("does not compile") && said.contains("./main.go:10:"), "{said}");
    replace(&main, "shim.Start(AssetTransfer{)", "error(nil)");
    replace(&main, "\n\t\"github.com/hyperledger/fabric-chaincode-go/v2/shim\"\n", "");
    let said = build();
    assert!(said.contains("main has to call shim.Start"), "{said}");
    for file in ["main.go", "contract.go", "contract_test.go", "sandbox_test.go"] {
        replace(&contract.join(file), "package main", "package other");
    }
    let said = build();
    assert!(said.contains("a chaincode is a package main"), "{said}");
    // `go build ./...` does not see this program, either.
    fs::write(contract.join("tagged.go"), "//go:build ccaas\n\npackage main\n").unwrap();
    let said = build();
    assert!(said.contains("excludes tagged.go") && said.contains("-- -tags TAG"), "{said}");
    let old = "require github.com/hyperledger/fabric-chaincode-go v0.0.1";
    fs::write(contract.join("go.mod"), format!("module x\n\ngo 1.24\n\n{old}\n")).unwrap();
    let said = build();
    assert!(said.contains("without /v2"), "{said}");
    // Before Go 1.17, go.mod does not list the shim that this module uses.
    let old = "require github.com/hyperledger/fabric-contract-api-go v1.1.0";
    fs::write(contract.join("go.mod"), format!("module x\n\ngo 1.14\n\n{old}\n")).unwrap();
    let said = build();
    let import = "import github.com/hyperledger/fabric-contract-api-go/v2/contractapi instead of";
    assert!(said.contains("fabric-contract-api-go without /v2"), "{said}");
    assert!(said.contains(import), "{said}");
    fs::write(contract.join("go.mod"), "nonsense\n").unwrap();
    let said = build();
    assert!(said.contains("go cannot read the project"), "{said}");
}

/// The contract has the name of a package of Go's library, which its module must not have.
#[test]
fn the_error_of_start_may_be_left_alone() {
    let folder = new_contract_of("fmt");
    let contract = folder.path().join("fmt");
    let shim = "github.com/hyperledger/fabric-chaincode-go/v2/shim";
    for start in
        ["shim.Start(AssetTransfer{})", "_ = (&shim.ChaincodeServer{CC: AssetTransfer{}}).Start()"]
    {
        let main = format!("package main\n\nimport \"{shim}\"\n\nfunc main() {{ {start} }}\n");
        fs::write(contract.join("main.go"), main).unwrap();
        with_compilers(&contract, &["build"]).ok();
    }
    let never =
        format!("package main\n\nimport \"{shim}\"\n\nvar _ = shim.OK\n\nfunc main() {{}}\n");
    fs::write(contract.join("main.go"), never).unwrap();
    let said = with_compilers(&contract, &["build"]).failed(1);
    assert!(said.contains("main has to call shim.Start"), "{said}");
}

/// Programs that end cleanly on a signal.
#[test]
fn main_may_wait_while_a_goroutine_starts_the_chaincode() {
    let folder = new_contract_of("waits");
    let contract = folder.path().join("waits");
    let main = "package main

import (
\t\"os\"
\t\"os/signal\"

\t\"github.com/hyperledger/fabric-chaincode-go/v2/shim\"
)

func main() {
\tended, told := make(chan error), make(chan os.Signal, 1)
\tsignal.Notify(told, os.Interrupt)
\tgo func() { ended <- shim.Start(AssetTransfer{}) }()
\tselect {
\tcase <-told:
\tcase <-ended:
\t}
\tos.Exit(1)
}
";
    fs::write(contract.join("main.go"), main).unwrap();
    let tested = with_compilers(&contract, &["test", "--", "-v"]).ok();
    assert!(tested.out.contains("PASS: TestADeletedAssetIsGone"), "{tested:?}");
}

#[test]
fn the_arguments_for_the_compiler_count_when_the_program_is_looked_for() {
    let folder = new_contract();
    let contract = folder.path().join("my-assets");
    replace(&contract.join("main.go"), "package main", "//go:build audit\n\npackage main");
    replace(&contract.join("contract.go"), "package main", "//go:build audit\n\npackage main");
    let said = with_compilers(&contract, &["build"]).failed(1);
    assert!(said.contains("a chaincode is a package main"), "{said}");
    with_compilers(&contract, &["build", "--", "-tags", "audit"]).ok();
    // The old component no longer belongs to the contract.
    let said = with_compilers(&contract, &["build", "--", "-tags", "audit", "-n"]).failed(1);
    assert!(said.contains("the compiler wrote no module"), "{said}");
    for args in [&["-o", "x.wasm"][..], &["-o=x.wasm"]] {
        let said = with_compilers(&contract, &[&["build", "--"], args].concat()).failed(1);
        assert!(said.contains("-o") && said.contains(".wasmcc/contract.wasm"), "{said}");
        assert!(!contract.join("x.wasm").exists());
    }
    let in_c = "package main\n\n// int f(void);\nimport \"C\"\n\nfunc main() { C.f() }\n";
    fs::write(contract.join("main.go"), in_c).unwrap();
    let said = with_compilers(&contract, &["build"]).failed(1);
    assert!(said.contains("the program in . needs cgo"), "{said}");
}
